/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/ledger_seed.h"

#include "base/clock.h"
#include "keeper/ledger_db.h"
#include "keeper/store_impl.h"

#include <stdio.h>
#include <unistd.h>

enum { BUSY_MS = 500, LOOK_EVERY = 1024, DAY_MS = 86400000 };

/* Tokens as a limit is settled with them, requests as it counts them: a try
 * that another followed, or that a provider failed, is none. */
static const char select_rows[] =
    "SELECT time_ms, ended IS NOT 'retried' AND"
    " (class IS NULL OR status BETWEEN 200 AND 299),"
    " ifnull(input, 0) + ifnull(cache_read, 0) + ifnull(cache_write, 0)"
    " + ifnull(output, 0), ifnull(key, principal), team, user, model,"
    " provider, endpoint"
    " FROM try WHERE time_ms > ?1 ORDER BY time_ms DESC LIMIT ?2";

/* The scopes of limits that are columns, from the fourth on. */
static const char *const scopes[] = { "key", "team", "user", "model",
                                      "provider", "endpoint" };

static void add(struct limit_seeds *seeds, sqlite3_stmt *st, uint64_t age_ms)
{
    uint32_t requests = (uint32_t)sqlite3_column_int(st, 1);
    int64_t tokens = sqlite3_column_int64(st, 2);

    for (int i = 0; i < 6; i++)
        limit_seeds_add(seeds, str_of(scopes[i]), db_col(st, 3 + i), age_ms,
                        requests, tokens > 0 ? (uint64_t)tokens : 0);
}

static int read_rows(struct store *s, struct limit_seeds *seeds,
                     struct ledger_seeded *out, struct err *err)
{
    uint64_t until = clock_mono_ms() + LEDGER_SEED_MS;
    int64_t now = (int64_t)clock_wall_ms();
    sqlite3_stmt *st = db_stmt(s, select_rows, err);
    int rc = st ? 0 : -err->code;

    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, now - DAY_MS);
    sqlite3_bind_int(st, 2, LEDGER_SEED_ROWS);
    while ((rc = db_step(s, st, err)) == 1) {
        int64_t age = now - sqlite3_column_int64(st, 0);

        out->reach_ms = age > 0 ? (uint64_t)age : 0;
        add(seeds, st, out->reach_ms);
        if (++out->rows % LOOK_EVERY == 0 && clock_mono_ms() >= until) {
            out->cut = true;
            rc = 0;
            break;
        }
    }
    if (out->rows == LEDGER_SEED_ROWS)
        out->cut = true;
    sqlite3_finalize(st);
    return rc;
}

int ledger_seed(const char *folder, struct limit_seeds *seeds,
                struct ledger_seeded *out, struct err *err)
{
    struct store s = { .db = NULL };
    int rc = 0, n;

    *out = (struct ledger_seeded){ .rows = 0 };
    n = snprintf(s.path, sizeof s.path, "%s/" LEDGER_FILE, folder);
    if (n < 0 || (size_t)n >= sizeof s.path)
        return err_set(err, ERR_LIMIT, "the state folder's path is too long");
    if (access(s.path, F_OK) != 0)
        return err_set(err, ERR_NOTFOUND, "there is no ledger in %s", folder);
    limit_seeds_begin(seeds, clock_mono_ms());
    if (sqlite3_open_v2(s.path, &s.db,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        rc = db_fail(&s, err);
    if (s.db)
        sqlite3_busy_timeout(s.db, BUSY_MS);
    if (!rc)
        rc = read_rows(&s, seeds, out, err);
    sqlite3_close(s.db);
    return rc;
}
