/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A copy out of a living store, and a copy back into a folder at rest. */
#include "keeper/store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES_AT_ONCE 1024
#define COPY_BYTES 65536
#define COPY_BUSY_MS 5000

/** Page by page from one database to another, whole or not at all. */
static int copy_pages(struct store *from, struct store *to, struct err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
    int rc = SQLITE_OK;

    if (!b)
        return db_fail(to, err);
    while (rc == SQLITE_OK)
        rc = sqlite3_backup_step(b, PAGES_AT_ONCE);
    if (sqlite3_backup_finish(b) != SQLITE_OK || rc != SQLITE_DONE)
        return db_fail(to, err);
    /* one file, without a log beside it, that can be carried away */
    return db_exec(to, "PRAGMA journal_mode = DELETE", err);
}

static int copy_bytes(int from, int to, struct err *err)
{
    static char room[COPY_BYTES]; /* the store's thread alone comes here */
    ssize_t n;

    while ((n = read(from, room, sizeof room)) > 0) {
        for (ssize_t at = 0, k; at < n; at += k) {
            k = write(to, room + at, (size_t)(n - at));
            if (k < 0)
                return err_errno(err, "the backup cannot be written");
        }
    }
    if (n == 0 && (fsync(to) == 0 || errno == EINVAL))
        return 0;
    return err_errno(err, "the backup cannot be written");
}

static int open_plain(struct store *s, int flags, struct err *err)
{
    if (flags & SQLITE_OPEN_CREATE) {
        int fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
            return err_errno(err, "%s", s->path);
        close(fd);
    }
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return db_fail(s, err);
    return 0;
}

int store_backup(struct store *s, int fd, struct err *err)
{
    struct store copy = { .db = NULL };
    int rc, made = -1;

    snprintf(copy.path, sizeof copy.path, "%.*s.copy",
             (int)sizeof copy.path - 8, s->path);
    unlink(copy.path);
    rc = open_plain(&copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (!rc)
        rc = copy_pages(s, &copy, err);
    sqlite3_close(copy.db);
    if (!rc) {
        made = open(copy.path, O_RDONLY | O_CLOEXEC);
        rc = made < 0 ? err_errno(err, "%s", copy.path)
                      : copy_bytes(made, fd, err);
    }
    if (made >= 0)
        close(made);
    unlink(copy.path);
    return rc;
}

/* ---- back -------------------------------------------------------------- */

/** One value of a question, as text. */
static int ask(struct store *s, const char *sql, char *out, size_t size,
               struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, sql, err);
    int rc = st ? db_step(s, st, err) : -err->code;

    out[0] = '\0';
    if (rc == 1)
        snprintf(out, size, STR_FMT, STR_ARG(db_col(st, 0)));
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

static int check(struct store *s, const struct store_kind *kind,
                 struct err *err)
{
    char found[256], sql[96];
    int rc = ask(s, "PRAGMA integrity_check(1)", found, sizeof found, err);

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", kind->table);
    if (!rc && strcmp(found, "ok") != 0)
        rc = err_set(err, ERR_SYNTAX, "%s is damaged: %s", s->path, found);
    if (!rc)
        rc = ask(s, sql, found, sizeof found, err);
    if (!rc)
        rc = ask(s, "PRAGMA user_version", found, sizeof found, err);
    if (!rc && strtoul(found, NULL, 10) > kind->n_steps)
        rc = err_set(err, ERR_CONFIG, "%s is of version %s, and this Penstock "
                     "knows %zu", s->path, found, kind->n_steps);
    return rc;
}

/** The new one belongs to whom the folder belongs to. */
static int own(const char *folder, const char *path, struct err *err)
{
    struct stat st;

    if (stat(folder, &st) != 0)
        return err_errno(err, "%s", folder);
    if (chmod(path, 0600) != 0 ||
        (geteuid() == 0 && chown(path, st.st_uid, st.st_gid) != 0))
        return err_errno(err, "%s", path);
    return 0;
}

static int swap_in(const char *folder, const char *name, const char *fresh,
                   struct err *err)
{
    /* the log goes with the file that it belongs to */
    static const char *const parts[] = { "", "-wal", "-shm" };
    char at[STORE_PATH_MAX], old[STORE_PATH_MAX + 8];
    char before[STORE_PATH_MAX + 16];

    snprintf(at, sizeof at, "%.*s/%s", STORE_PATH_MAX - 32, folder, name);
    for (size_t i = 0; i < 3; i++) {
        snprintf(old, sizeof old, "%s%s", at, parts[i]);
        snprintf(before, sizeof before, "%s.before%s", at, parts[i]);
        unlink(before);
        if (rename(old, before) != 0 && errno != ENOENT)
            return err_errno(err, "%s", before);
    }
    return rename(fresh, at) == 0 ? 0 : err_errno(err, "%s", at);
}

static int mark(const char *folder, struct err *err)
{
    char path[STORE_PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/made", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    close(fd);
    return own(folder, path, err);
}

int store_restore_kind(const struct store_kind *kind, const char *folder,
                       const char *file, struct err *err)
{
    struct store from = { .db = NULL }, to = { .db = NULL };
    int n = snprintf(from.path, sizeof from.path, "%s", file), rc;

    snprintf(to.path, sizeof to.path, "%.*s/%s.new", STORE_PATH_MAX - 32,
             folder, kind->file);
    if (n < 0 || (size_t)n >= sizeof from.path)
        return err_set(err, ERR_LIMIT, "the path is too long");
    unlink(to.path);
    rc = open_plain(&from, SQLITE_OPEN_READONLY, err);
    if (!rc)
        rc = check(&from, kind, err);
    if (!rc)
        rc = open_plain(&to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (!rc)
        rc = copy_pages(&from, &to, err);
    sqlite3_close(from.db);
    sqlite3_close(to.db);
    if (!rc)
        rc = own(folder, to.path, err);
    return rc ? rc : swap_in(folder, kind->file, to.path, err);
}

int store_restore(const char *folder, const char *file, struct err *err)
{
    const struct store_kind kind = { STORE_FILE, "key", store_n_steps };
    int rc = store_restore_kind(&kind, folder, file, err);

    return rc ? rc : mark(folder, err);
}

/* ---- the ledger, which anybody who may read it may copy ----------------- */

int store_copy(const char *from_path, const char *to_path, struct err *err)
{
    struct store from = { .db = NULL }, to = { .db = NULL };
    int rc;

    if (strlen(from_path) >= sizeof from.path ||
        strlen(to_path) >= sizeof to.path)
        return err_set(err, ERR_LIMIT, "the path is too long");
    snprintf(from.path, sizeof from.path, "%s", from_path);
    snprintf(to.path, sizeof to.path, "%s", to_path);
    rc = open_plain(&from, SQLITE_OPEN_READONLY, err);
    if (!rc)
        rc = open_plain(&to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (!rc)
        sqlite3_busy_timeout(from.db, COPY_BUSY_MS);
    if (!rc && (rc = copy_pages(&from, &to, err)) != 0)
        unlink(to.path);
    sqlite3_close(from.db);
    sqlite3_close(to.db);
    return rc;
}
