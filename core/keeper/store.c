/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Opening. SQLite takes an empty or missing file for a new database; so that
 * a lost one is not taken for that, a file `made` beside it says that there
 * was one.
 */
#include "keeper/store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000
#define APPLICATION "1347309387" /* "PNSK": this file is ours */

/* NORMAL: a power cut may take the last changes, never the file. */
static const char settings[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cache_size = -8192;";

static int open_file(struct store *s, int flags, struct err *err)
{
    struct stat st;

    if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        return db_fail(s, err);
    sqlite3_extended_result_codes(s->db, 0);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (stat(s->path, &st) != 0)
        return err_errno(err, "%s", s->path);
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

/** Is it ours at all? A new one is not marked yet. */
static int application(struct store *s, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "PRAGMA application_id", err);
    int rc = st ? db_step(s, st, err) : -err->code;
    char got[24] = "";

    if (rc == 1)
        snprintf(got, sizeof got, "%d", sqlite3_column_int(st, 0));
    sqlite3_finalize(st);
    if (rc < 0)
        return rc;
    if (strcmp(got, APPLICATION) == 0)
        return 0;
    return err_set(err, ERR_SYNTAX, "%s is empty, or no store of ours",
                   s->path);
}

/* Nobody else's; what SQLite lays beside a file has the file's mode. */
static int make_file(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(err, "%s", path);
    close(fd);
    return 0;
}

static int open_all(struct store *s, bool made, const char *mark,
                    struct err *err)
{
    int rc = 0;

    if (made && access(s->path, F_OK) != 0)
        return err_set(err, ERR_NOTFOUND, "%s is gone: restore a backup, or "
                       "remove %s to begin with an empty store", s->path,
                       mark);
    if (!made)
        rc = make_file(s->path, err);
    if (!rc)
        rc = open_file(s, SQLITE_OPEN_READWRITE, err);
    if (!rc && made)
        rc = application(s, err);
    if (!rc)
        rc = db_exec(s, settings, err);
    if (!rc)
        rc = store_migrate(s, store_steps, store_n_steps, err);
    if (!rc && !made)
        rc = db_exec(s, "PRAGMA application_id = " APPLICATION, err);
    return !rc && !made ? make_file(mark, err) : rc;
}

struct store *store_open(const char *folder, struct err *err)
{
    struct store *s = calloc(1, sizeof *s);
    char mark[STORE_PATH_MAX];
    int n, k;

    if (!s) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    n = snprintf(s->path, sizeof s->path, "%s/" STORE_FILE, folder);
    k = snprintf(mark, sizeof mark, "%s/made", folder);
    if (n < 0 || k < 0 || (size_t)n >= sizeof s->path)
        err_set(err, ERR_LIMIT, "the state folder's path is too long");
    else
        open_all(s, access(mark, F_OK) == 0, mark, err);
    if (!err->code)
        return s;
    store_close(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    free(s);
}

bool store_is_broken(struct store *s)
{
    struct stat st;

    if (stat(s->path, &st) != 0 || st.st_dev != s->device ||
        st.st_ino != s->inode)
        s->broken = true;
    return s->broken;
}
