/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The keeper as a child of the master. */
#include "app/keeper_process.h"

#include "app/helper.h"
#include "app/message.h"
#include "keeper/keeper.h"

static void on_addresses(void *ud, int fd)
{
    const struct child *c = ud;

    message_send(c->sock, MSG_ADDRESSES, 0, STR_NULL, fd);
}

static void on_keys(void *ud, int fd)
{
    const struct child *c = ud;

    message_send(c->sock, MSG_KEYS, 0, STR_NULL, fd);
}

static void on_message(void *ud, const struct message *m)
{
    if (m->type == MSG_KEYS_ASK)
        keeper_ask_keys(ud, (struct str){ m->text, m->size });
}

int keeper_run(const struct child *c)
{
    struct helper h = { .outlives_master = false };
    struct keeper_env env = {
        .cells = c->m->cells,
        .config = c->m->config,
        .metrics_fd = c->m->metrics_fd,
        .publish = on_addresses,
        .publish_keys = on_keys,
        .jwks = c->m->jwks,
        .ud = (void *)(uintptr_t)c,
    };
    struct keeper *k = NULL;
    struct err err = { 0 };
    int rc = helper_open(&h, c, &err);

    if (!rc) {
        env.loop = h.loop;
        k = keeper_new(&env, &err);
        rc = k ? 0 : -err.code;
    }
    if (rc) {
        helper_fail(c, &err);
    } else {
        h.hear = on_message;
        h.ud = k;
        helper_run(&h);
    }
    keeper_free(k);
    helper_close(&h);
    return rc ? 1 : 0;
}
