/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The store: made, migrated from every earlier version, lost, damaged, backed
 * up and restored. */
#include "keeper/store_impl.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct err err;

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/penstock-store-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    err = (struct err){ 0 };
}

static const char *at(const char *name)
{
    static char path[2][128];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void end(void)
{
    static const char *const files[] = {
        STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm", "made", "copy",
        STORE_FILE ".before", STORE_FILE ".before-wal",
        STORE_FILE ".before-shm", STORE_FILE ".new", STORE_FILE ".copy" };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(at(files[i]));
    UNIT_INT(rmdir(folder), 0);
}

static int version_of(struct store *s)
{
    sqlite3_stmt *st = db_stmt(s, "PRAGMA user_version", &err);
    int n = -1;

    if (db_step(s, st, &err) == 1)
        n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

static int count(struct store *s, const char *sql)
{
    sqlite3_stmt *st = db_stmt(s, sql, &err);
    int n = -1;

    if (st && db_step(s, st, &err) == 1)
        n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

static void opens_and_opens_again(void)
{
    struct store *s;
    struct stat st;

    begin();
    s = store_open(folder, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_INT(version_of(s), (int)store_n_steps);
    UNIT_INT(stat(at(STORE_FILE), &st), 0);
    UNIT_INT(st.st_mode & 0777, 0600);
    UNIT_INT(stat(at(STORE_FILE "-wal"), &st), 0);
    UNIT_INT(st.st_mode & 0777, 0600);
    UNIT_INT(db_exec(s, "INSERT INTO team VALUES ('a', NULL, '{}', 1, 1)",
                     &err), 0);
    store_close(s);
    s = store_open(folder, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_INT(count(s, "SELECT count(*) FROM team"), 1);
    store_close(s);
    end();
}

/* Made-up versions: each adds, and data of each earlier one survives. */
static void migrates_from_every_version(void)
{
    static const char *const steps[] = {
        "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)",
        "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'two'",
        "CREATE TABLE u (c); INSERT INTO u SELECT b FROM t",
    };

    for (size_t from = 0; from <= 3; from++) {
        struct store s = { .db = NULL };

        err = (struct err){ 0 };
        UNIT_INT(sqlite3_open(":memory:", &s.db), SQLITE_OK);
        UNIT_INT(store_migrate(&s, steps, from, &err), 0);
        UNIT_INT(version_of(&s), (int)from);
        UNIT_INT(store_migrate(&s, steps, 3, &err), 0);
        UNIT_INT(version_of(&s), 3);
        UNIT_INT(count(&s, "SELECT count(*) FROM t JOIN u ON t.b = u.c"), 1);
        if (from < 3) { /* and a later one is left alone */
            UNIT_INT(store_migrate(&s, steps, from, &err), -ERR_CONFIG);
            UNIT_INT(version_of(&s), 3);
        }
        sqlite3_close(s.db);
    }
}

/* What there was before is kept, for the version that made it. */
static void a_copy_is_kept_before(void)
{
    static const char *const steps[] = {
        "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)",
        "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = 'new'",
        "CREATE TABLE u (c)",
    };
    struct store s = { .db = NULL }, was = { .db = NULL };
    char copy[sizeof s.path + 8];

    begin();
    snprintf(s.path, sizeof s.path, "%s", at(STORE_FILE));
    snprintf(copy, sizeof copy, "%s.v1", s.path);
    UNIT_INT(sqlite3_open(s.path, &s.db), SQLITE_OK);
    UNIT_INT(store_migrate(&s, steps, 1, &err), 0);
    UNIT_INT(access(copy, F_OK), -1); /* there was nothing to keep */
    for (int i = 0; i < 2; i++) {     /* a second time it takes its place */
        UNIT_INT(store_migrate(&s, steps, 3, &err), 0);
        UNIT_INT(version_of(&s), 3);
        UNIT_INT(sqlite3_open(copy, &was.db), SQLITE_OK);
        UNIT_INT(version_of(&was), 1);
        UNIT_INT(count(&was, "SELECT count(*) FROM pragma_table_info('t')"),
                 1);
        sqlite3_close(was.db);
        sqlite3_close(s.db);
        unlink(s.path);
        UNIT_INT(sqlite3_open(s.path, &s.db), SQLITE_OK);
        UNIT_INT(store_migrate(&s, steps, 1, &err), 0);
    }
    sqlite3_close(s.db);
    unlink(copy);
    end();
}

/* Each real version: all that came before this one. */
static void real_steps_apply_from_each(void)
{
    for (size_t from = 0; from <= store_n_steps; from++) {
        struct store s = { .db = NULL };

        err = (struct err){ 0 };
        UNIT_INT(sqlite3_open(":memory:", &s.db), SQLITE_OK);
        UNIT_INT(store_migrate(&s, store_steps, from, &err), 0);
        UNIT_INT(store_migrate(&s, store_steps, store_n_steps, &err), 0);
        UNIT_INT(count(&s, "SELECT count(*) FROM key"), 0);
        sqlite3_close(s.db);
    }
}

static void a_failing_step_changes_nothing(void)
{
    static const char *const steps[] = { "CREATE TABLE t (a)",
                                         "CREATE TABLE u (a); nonsense" };
    struct store s = { .db = NULL };

    err = (struct err){ 0 };
    UNIT_INT(sqlite3_open(":memory:", &s.db), SQLITE_OK);
    CU_ASSERT(store_migrate(&s, steps, 2, &err) < 0);
    UNIT_INT(version_of(&s), 1);
    UNIT_INT(count(&s, "SELECT count(*) FROM sqlite_schema"), 1);
    sqlite3_close(s.db);
}

static void fill(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT(fd >= 0 && write(fd, text, strlen(text)) ==
                             (ssize_t)strlen(text));
    close(fd);
}

static void refuse(int code)
{
    err = (struct err){ 0 };
    CU_ASSERT_PTR_NULL(store_open(folder, &err));
    UNIT_INT(err.code, code);
}

static void a_lost_or_damaged_one_is_an_error(void)
{
    char junk[8193];

    begin();
    store_close(store_open(folder, &err));
    unlink(at(STORE_FILE));
    refuse(ERR_NOTFOUND);
    fill(at(STORE_FILE), "");
    refuse(ERR_SYNTAX);
    memset(junk, 'x', sizeof junk - 1);
    junk[sizeof junk - 1] = '\0';
    fill(at(STORE_FILE), junk);
    refuse(ERR_SYNTAX);
    unlink(at("made")); /* said on purpose: begin anew */
    unlink(at(STORE_FILE));
    err = (struct err){ 0 };
    store_close(store_open(folder, &err));
    UNIT_INT(err.code, 0);
    end();
}

static void notices_when_it_is_replaced(void)
{
    struct store *s;

    begin();
    s = store_open(folder, &err);
    CU_ASSERT(!store_is_broken(s));
    unlink(at(STORE_FILE));
    CU_ASSERT(store_is_broken(s));
    store_close(s);
    end();
}

static void the_audit_is_only_added_to(void)
{
    struct store *s;

    begin();
    s = store_open(folder, &err);
    UNIT_INT(db_exec(s, "INSERT INTO audit (at_ms, who, action, object) "
                        "VALUES (1, 'a', 'b', 'c')", &err), 0);
    CU_ASSERT(db_exec(s, "UPDATE audit SET who = 'x'", &err) < 0);
    err = (struct err){ 0 };
    CU_ASSERT(db_exec(s, "DELETE FROM audit", &err) < 0);
    CU_ASSERT(strstr(err.msg, "only added to") != NULL);
    err = (struct err){ 0 };
    UNIT_INT(count(s, "SELECT count(*) FROM audit WHERE who = 'a'"), 1);
    store_close(s);
    end();
}

static void backs_up_and_restores(void)
{
    struct store *s;
    int fd;

    begin();
    s = store_open(folder, &err);
    UNIT_INT(db_exec(s, "INSERT INTO team VALUES ('a', NULL, '{}', 1, 1)",
                     &err), 0);
    fd = open(at("copy"), O_RDWR | O_CREAT | O_EXCL, 0600);
    UNIT_INT(store_backup(s, fd, &err), 0);
    close(fd);
    UNIT_INT(db_exec(s, "INSERT INTO team VALUES ('b', NULL, '{}', 1, 1)",
                     &err), 0);
    store_close(s);
    UNIT_INT(store_restore(folder, at("copy"), &err), 0);
    s = store_open(folder, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_INT(count(s, "SELECT count(*) FROM team"), 1);
    store_close(s);
    CU_ASSERT(access(at(STORE_FILE ".before"), F_OK) == 0);
    end();
}

static void restores_no_nonsense(void)
{
    begin();
    store_close(store_open(folder, &err));
    fill(at("copy"), "this is no database, whatever it may be called");
    CU_ASSERT(store_restore(folder, at("copy"), &err) < 0);
    err = (struct err){ 0 };
    CU_ASSERT(store_restore(folder, at("nothing"), &err) < 0);
    err = (struct err){ 0 };
    store_close(store_open(folder, &err)); /* what was there is there */
    UNIT_INT(err.code, 0);
    end();
}

UNIT_MAIN("store", { "opens and opens again", opens_and_opens_again },
          { "migrates from every version", migrates_from_every_version },
          { "a copy is kept before", a_copy_is_kept_before },
          { "real steps apply from each", real_steps_apply_from_each },
          { "a failing step changes nothing",
            a_failing_step_changes_nothing },
          { "a lost or damaged one is an error",
            a_lost_or_damaged_one_is_an_error },
          { "notices when it is replaced", notices_when_it_is_replaced },
          { "the audit is only added to", the_audit_is_only_added_to },
          { "backs up and restores", backs_up_and_restores },
          { "restores no nonsense", restores_no_nonsense })
