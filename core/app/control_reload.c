/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Verbs about generations, from the control socket and, through the keeper,
 * from the admin API: the same questions and the same answers. Who asked for a
 * change is logged, and stands in the audit where there is one.
 */
#include "app/control_impl.h"

#include "app/master.h"
#include "app/message.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

static bool is_switch(const char *key)
{
    return strcmp(key, "plan") == 0 || strcmp(key, "force") == 0 ||
           strcmp(key, "no_wait") == 0;
}

/** A misspelt "plan" must not be a reload, nor a "to" in quotes a rollback to
 * another generation. 0, or -ERR_CONFIG; err->at is the member. */
static int check_wish(json_t *request, struct err *err)
{
    const char *key;
    json_t *v;

    json_object_foreach(request, key, v) {
        char at[48];

        snprintf(at, sizeof at, "/%.40s", key);
        if (is_switch(key) && !json_is_boolean(v))
            return err_at(err, ERR_CONFIG, at, "%s: must be true or false",
                          key);
        if (strcmp(key, "to") == 0 &&
            (!json_is_integer(v) || json_integer_value(v) < 0))
            return err_at(err, ERR_CONFIG, at, "to: must be the number of a "
                          "generation");
        if (!is_switch(key) && strcmp(key, "to") && strcmp(key, "verb") &&
            strcmp(key, "who"))
            return err_at(err, ERR_CONFIG, at, "there is no member \"%.40s\"; "
                          "there are plan, force, no_wait and to", key);
    }
    if (json_is_true(json_object_get(request, "no_wait")) &&
        json_is_true(json_object_get(request, "force")))
        return err_at(err, ERR_CONFIG, "/no_wait", "no_wait and force exclude "
                      "each other");
    return 0;
}

/** What was asked for, as a wish. 0, -ERR_CONFIG or -ERR_NOTFOUND. */
static int read_wish(const struct master *m, json_t *request,
                     struct reload_wish *w, struct err *err)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    json_int_t to = json_integer_value(json_object_get(request, "to"));
    int rc = check_wish(request, err);

    if (rc)
        return rc;
    *w = (struct reload_wish){
        .plan = json_is_true(json_object_get(request, "plan")),
        .force = json_is_true(json_object_get(request, "force")),
        .no_wait = json_is_true(json_object_get(request, "no_wait")),
    };
    if (strcmp(verb, "rollback") != 0)
        return 0;
    w->plan = false;
    w->back_to = to > 0 ? (uint64_t)to : kept_before(m);
    if (w->back_to)
        return 0;
    return err_set(err, ERR_NOTFOUND, "no earlier generation is kept that was "
                   "not gone back from; `penstock status` lists what is, "
                   "`penstock rollback N` serves one of them");
}

static int want(struct master *m, const struct reload_wish *w, const char *who,
                struct err *err)
{
    if (!reload_want(m, w))
        return err_set(err, ERR_BUSY, "%s",
                       upgrade_is_on(&m->upgrade)
                           ? "it is being upgraded; try again"
                       : m->phase == MASTER_RUNNING
                           ? "too many reloads wait; try again"
                           : "it is not running: it starts or ends just now");
    if (!w->plan)
        log_event(EV_reload_asked, LOG_Z("by", who),
                  LOG_Z("verb", w->back_to ? "rollback" : "reload"),
                  LOG_I("to", (int64_t)w->back_to));
    return 0;
}

/* ---- the control socket ------------------------------------------------ */

int control_reload(struct master *m, struct conn *c, json_t *request)
{
    struct reload_wish w;
    struct err err = { 0 };
    char who[32];
    int rc = read_wish(m, request, &w, &err);

    if (rc)
        return control_put_error(&c->out, err.msg);
    snprintf(who, sizeof who, "uid %u", (unsigned)c->uid);
    control_wait(m, c);
    w.ticket = c->ticket;
    rc = want(m, &w, who, &err);
    if (rc) {
        c->ticket = 0;
        return control_put_error(&c->out, err.msg);
    }
    if (!w.plan)
        control_audit(m, c, request);
    return 0;
}

int control_rollback(struct master *m, struct conn *c, json_t *request)
{
    return control_reload(m, c, request);
}

static void put_generations(const struct master *m, struct buf *out)
{
    buf_printf(out, "{\"generation\":%llu",
               (unsigned long long)m->generation);
    if (m->reload.pinned)
        buf_printf(out, ",\"rolled_back_to\":%llu",
                   (unsigned long long)m->reload.pinned);
    buf_puts(out, ",\"generations\":");
    kept_put_all(m, out);
    buf_putc(out, '}');
}

int control_generations(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    put_generations(m, &c->out);
    return 0;
}

/* ---- the admin API ----------------------------------------------------- */

static void tell(struct post *p, uint64_t call, struct str text)
{
    struct buf all = BUF_INIT(MESSAGE_TEXT_MAX);

    if (buf_printf(&all, "%llu\n", (unsigned long long)call) == 0 &&
        buf_put(&all, text) == 0)
        message_send(p->sock, MSG_WISHED, 0, buf_str(&all), -1);
    buf_clear(&all);
}

void control_wished(struct master *m, const struct reload_wish *w,
                    struct str text)
{
    struct post *keeper = &m->posts[m->n_workers];

    if (keeper->sock >= 0 && keeper->pid == w->keeper)
        tell(keeper, w->call, text); /* else who asked is gone */
}

/** The question itself is wrong: for the admin API that is a 400. */
static void put_bad_request(struct buf *out, const struct err *err)
{
    buf_puts(out, "{\"error\":{\"code\":\"bad_request\",\"message\":");
    buf_json_str(out, str_of(err->msg));
    buf_puts(out, ",\"at\":");
    buf_json_str(out, str_of(err->at));
    buf_puts(out, "}}");
}

static void wish(struct master *m, struct post *p, uint64_t call,
                 json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    const char *who = json_string_value(json_object_get(request, "who"));
    struct buf out = BUF_INIT(1 << 16);
    struct reload_wish w;
    struct err err = { 0 };
    int rc = 0;

    if (!verb || !who) {
        err_set(&err, ERR_BUG, "a question without a verb");
    } else if (strcmp(verb, "generations") == 0) {
        put_generations(m, &out);
    } else {
        rc = read_wish(m, request, &w, &err);
        w.call = call;
        w.keeper = p->pid;
        if (!rc)
            want(m, &w, who, &err);
    }
    if (rc == -ERR_CONFIG)
        put_bad_request(&out, &err);
    else if (err.code)
        control_put_error(&out, err.msg);
    if (buf_len(&out))
        tell(p, call, buf_str(&out));
    buf_clear(&out);
}

void control_wish(struct master *m, struct post *p, struct message *msg)
{
    struct str rest = { msg->text, msg->size };
    struct str number = str_split(&rest, '\n');
    json_t *request;
    uint64_t call;

    if (p->kind != PROC_KEEPER || !rest.p || !str_u64(number, &call))
        return;
    request = json_loadb(rest.p, rest.n, 0, NULL);
    wish(m, p, call, request);
    json_decref(request);
}
