/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The keeper as a child of the master: what it publishes goes there, and what
 * the control socket asks of the store comes from there. */
#include "app/keeper_process.h"

#include "app/helper.h"
#include "app/message.h"
#include "engine/plugin.h"
#include "keeper/keeper.h"
#include "keeper/store_thread.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEND_MS 1000
#define SHORT_ANSWER 4096 /* longer ones go as a file */

struct keeper_main {
    const struct child *child;
    struct keeper *keeper;
    struct plugin_set *plugins; /* NULL: none was needed */
};

/* The master reads all the time; where it is behind by a whole buffer, it is
 * waited for rather than left without a table or an answer. */
static int tell(const struct child *c, enum message_type type,
                uint32_t number, struct str text, int fd)
{
    struct pollfd p = { .fd = c->sock, .events = POLLOUT };
    int rc = message_send(c->sock, type, number, text, fd);

    if (rc == -ERR_BUSY && poll(&p, 1, SEND_MS) == 1)
        rc = message_send(c->sock, type, number, text, fd);
    return rc;
}

static void on_addresses(void *ud, int fd)
{
    const struct keeper_main *k = ud;

    tell(k->child, MSG_ADDRESSES, 0, STR_NULL, fd);
}

static void on_keys(void *ud, int fd, bool is_base)
{
    const struct keeper_main *k = ud;

    tell(k->child, MSG_KEYS, is_base, STR_NULL, fd);
}

static void on_jwks(void *ud, int fd)
{
    const struct keeper_main *k = ud;

    tell(k->child, MSG_JWKS, 0, STR_NULL, fd);
}

static void on_fetched(void *ud, int fd)
{
    const struct keeper_main *k = ud;

    tell(k->child, MSG_FETCHED, 0, STR_NULL, fd);
}

/* Plugins are loaded here for the tokens that they describe, and else not. */
static const struct plugin *on_plugin(void *ud, const struct conf_provider *p,
                                      struct err *err)
{
    struct keeper_main *k = ud;
    const struct loaded *l = &k->child->m->loaded;
    const struct plugin *found;
    int rc = 0;

    if (!k->plugins)
        k->plugins = plugin_set_new();
    if (!k->plugins) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    found = plugin_set_find(k->plugins, p->plugin);
    for (size_t i = 0; !found && i < l->n_plugins && !rc; i++) {
        if (str_eq(str_of(l->plugins[i].name), p->plugin))
            rc = plugin_set_load(k->plugins, p->plugin, l->plugins[i].path,
                                 err);
    }
    return found ? found : plugin_set_find(k->plugins, p->plugin);
}

/* ---- questions --------------------------------------------------------- */

struct ticket {
    const struct child *child;
    uint32_t number;
};

static void answer(const struct child *c, uint32_t number, struct str text)
{
    int fd;

    if (text.n <= SHORT_ANSWER) {
        tell(c, MSG_ANSWER, number, text, -1);
        return;
    }
    fd = memfd_create("answer", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n)
        tell(c, MSG_ANSWER, number, STR_NULL, fd);
    else
        tell(c, MSG_ANSWER, number,
             STR("{\"error\":{\"message\":\"no memory\"}}"), -1);
    if (fd >= 0)
        close(fd);
}

static void refuse(const struct child *c, uint32_t number,
                   const struct err *err)
{
    json_t *e = json_pack("{s:{s:s}}", "error", "message", err->msg);
    char *text;

    if (e && *err->at)
        json_object_set_new(json_object_get(e, "error"), "at",
                            json_string(err->at));
    text = e ? json_dumps(e, JSON_COMPACT) : NULL;
    answer(c, number, text ? str_of(text)
                           : STR("{\"error\":{\"message\":\"failed\"}}"));
    free(text);
    json_decref(e);
}

static void on_done(void *ud, const struct desk_answer *a)
{
    struct ticket *t = ud;
    char *text = a->reply ? json_dumps(a->reply, JSON_COMPACT) : NULL;

    if (text) {
        answer(t->child, t->number, str_of(text));
        explicit_bzero(text, strlen(text)); /* it may hold a new key */
    } else {
        refuse(t->child, t->number, &a->err);
    }
    free(text);
    free(t);
}

static void on_ask(void *ud, struct message *m)
{
    struct keeper_main *k = ud;
    struct store_thread *store = keeper_store(k->keeper);
    json_t *got = json_loadb(m->text, m->size, 0, NULL);
    struct desk_ask q = { .ask = json_object_get(got, "ask"), .fd = m->fd };
    struct ticket *t = malloc(sizeof *t);
    struct err err = { 0 };
    const char *who = json_string_value(json_object_get(got, "who"));
    int rc = -ERR_BUSY;

    if (t && store && q.ask && who) {
        *t = (struct ticket){ k->child, m->number };
        snprintf(q.who, sizeof q.who, "%s", who);
        q.role = (enum role)json_integer_value(json_object_get(got, "role"));
        m->fd = -1; /* the thread's */
        rc = store_thread_ask(store, &q, on_done, t);
    }
    json_decref(got);
    if (rc == 0)
        return;
    free(t);
    err_set(&err, ERR_BUSY, "too many changes wait; try again");
    refuse(k->child, m->number, &err);
}

static int on_wish(void *ud, uint64_t call, struct str request)
{
    const struct keeper_main *k = ud;
    struct buf all = BUF_INIT(MESSAGE_TEXT_MAX);
    int rc = buf_printf(&all, "%llu\n", (unsigned long long)call);

    if (!rc)
        rc = buf_put(&all, request);
    if (!rc)
        rc = tell(k->child, MSG_WISH, 0, buf_str(&all), -1);
    buf_clear(&all);
    return rc;
}

static void on_wished(struct keeper_main *k, const struct message *m)
{
    struct str rest = { m->text, m->size };
    struct str number = str_split(&rest, '\n');
    uint64_t call;

    if (rest.p && str_u64(number, &call))
        keeper_wished(k->keeper, call, rest);
}

static void hand_over(struct keeper_main *k)
{
    keeper_hand_over(k->keeper);
    if (k->child->m->metrics_fd >= 0)
        close(k->child->m->metrics_fd);
    if (k->child->m->admin_fd >= 0)
        close(k->child->m->admin_fd);
    tell(k->child, MSG_HANDED, 0, STR_NULL, -1);
}

static void on_message(void *ud, struct message *m)
{
    struct keeper_main *k = ud;

    if (m->type == MSG_JWKS_ASK)
        keeper_ask_jwks(k->keeper, (struct str){ m->text, m->size });
    else if (m->type == MSG_FETCH_ASK)
        keeper_ask_fetch(k->keeper, (struct str){ m->text, m->size });
    else if (m->type == MSG_ASK)
        on_ask(k, m);
    else if (m->type == MSG_WISHED)
        on_wished(k, m);
    else if (m->type == MSG_HAND_OVER)
        hand_over(k);
}

int keeper_run(const struct child *c)
{
    struct keeper_main k = { .child = c };
    struct helper h = { .hear = on_message, .ud = &k };
    struct keeper_env env = {
        .cells = c->m->cells,
        .config = c->m->config,
        .metrics_fd = c->m->metrics_fd,
        .admin_fd = c->m->admin_fd,
        .store = c->m->store,
        .rings = c->m->rings,
        .ledger = c->m->ledger,
        .generation = c->m->generation,
        .publish = on_addresses,
        .keys = on_keys,
        .publish_jwks = on_jwks,
        .jwks = c->m->jwks,
        .publish_fetched = on_fetched,
        .fetched = c->m->fetched,
        .plugin = on_plugin,
        .wish = on_wish,
        .ud = &k,
    };
    struct err err = { 0 };
    int rc = helper_open(&h, c, &err);

    if (!rc) {
        env.loop = h.loop;
        k.keeper = keeper_new(&env, &err);
        rc = k.keeper ? 0 : -err.code;
    }
    if (rc)
        helper_fail(c, &err);
    else
        helper_run(&h);
    keeper_free(k.keeper);
    plugin_set_free(k.plugins);
    helper_close(&h);
    return rc ? 1 : 0;
}
