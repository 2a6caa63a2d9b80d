/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The store's thread ends: who asked before is answered, and what was asked
 * for is done. */
#include "keeper/store_thread.h"

#include "keeper/store_impl.h"

#include "unit.h"

#include <unistd.h>

enum { ASKED = 20 };

static char folder[64];
static struct config config;
static unsigned answered, done_well;

static void on_published(void *ud, int fd, bool is_base)
{
    (void)ud;
    (void)fd;
    (void)is_base;
}

static void on_done(void *ud, const struct desk_answer *a)
{
    unsigned *n = ud;

    ++*n;
    done_well += a->reply != NULL;
}

static void ask(struct store_thread *t, unsigned i)
{
    struct desk_ask q = { .role = ROLE_ADMIN, .fd = -1 };

    q.ask = json_pack("{s:s, s:s+}", "verb", "team.create", "name", "t",
                      (const char[]){ (char)('a' + i), '\0' });
    snprintf(q.who, sizeof q.who, "test");
    UNIT_INT(store_thread_ask(t, &q, on_done, &answered), 0);
    json_decref(q.ask);
}

static void clean(void)
{
    static const char *const files[] = { STORE_FILE, STORE_FILE "-wal",
                                         STORE_FILE "-shm", "made" };
    char path[128];

    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    UNIT_INT(rmdir(folder), 0);
}

static void all_are_answered(void)
{
    struct loop *loop = loop_new();
    struct store_thread_env env = { .loop = loop, .folder = folder,
                                    .config = &config,
                                    .publish = on_published };
    struct store_thread *t;
    struct err err = { 0 };

    snprintf(folder, sizeof folder, "/tmp/penstock-thread-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    t = store_thread_new(&env, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (unsigned i = 0; i < ASKED; i++)
        ask(t, i);
    UNIT_INT(answered, 0); /* the loop did not turn */
    store_thread_free(t);
    UNIT_INT(answered, ASKED);
    UNIT_INT(done_well, ASKED);
    loop_free(loop);
    clean();
}

UNIT_MAIN("store_thread", { "all are answered", all_are_answered })
