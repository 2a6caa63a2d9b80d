/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request is a call: token and route on the head, the body where the route
 * takes one, a question to the store's thread, an answer. The thread knows
 * calls by id: who left meanwhile is not found.
 */
#include "keeper/admin_http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"
#include "engine/alert.h"
#include "keeper/admin_auth.h"
#include "keeper/admin_route.h"
#include "keeper/health_report.h"
#include "keeper/key_record.h"
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 64, BODY_MAX = 32768 };

struct call {
    struct http_req *q;
    const struct admin_route *route;
    const struct conf_admin_token *token;
    uint64_t id;
    char name[RECORD_NAME_MAX + 1];
};

struct admin_http {
    struct admin_env env;
    struct http_server *server;
    struct admin_auth *auth;
    struct slots *calls;
};

/* What the thread gives back: where to look for the call. */
struct reference {
    struct slots *calls; /* NULL: the listener is gone */
    uint64_t id;
    struct admin_http *http;
    char *wish;          /* for the master, once it stands in the audit */
};

/* ---- answers ----------------------------------------------------------- */

static void reply(struct http_req *q, int status, struct str body)
{
    static const struct http_header fields[] = {
        { { "content-type", 12 }, { "application/json", 16 } },
        { { "cache-control", 13 }, { "no-store", 8 } },
    };

    http_reply(q, status, fields, 2, body);
}

static void reply_json(struct http_req *q, int status, const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

    reply(q, status, text ? str_of(text) : STR("{}"));
    if (text)
        explicit_bzero(text, strlen(text)); /* it may hold a new key */
    free(text);
}

static void refuse(struct http_req *q, int status, const char *at,
                   const char *message)
{
    json_t *e = json_pack("{s:{s:s}}", "error", "message", message);

    if (e && at && *at)
        json_object_set_new(json_object_get(e, "error"), "at",
                            json_string(at));
    reply_json(q, status, e);
    json_decref(e);
}

static int status_of(int code)
{
    static const struct {
        int code, status;
    } rows[] = { { ERR_NOT_ALLOWED, 403 }, { ERR_NOTFOUND, 404 },
                 { ERR_CONFIG, 400 },      { ERR_EXISTS, 409 },
                 { ERR_BUSY, 409 },        { ERR_AUTH_UNAVAILABLE, 503 } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code == code)
            return rows[i].status;
    }
    return 500;
}

/** The desk allowed it, and wrote it down: the master is to do it. False: it
 * cannot be asked, and the call is answered. */
static bool ask_master(const struct reference *ref, struct call *c)
{
    const struct admin_env *env = &ref->http->env;

    if (!env->wish || env->wish(env->ud, ref->id, str_of(ref->wish)) != 0)
        refuse(c->q, 503, NULL, "the master does not listen; try again");
    return true;
}

static int wished_status(struct str answer)
{
    const char *code = NULL;
    json_t *v;
    int status = 409;

    if (!str_starts(answer, STR("{\"error\"")))
        return 200;
    v = json_loadb(answer.p, answer.n, 0, NULL);
    if (json_unpack(v, "{s:{s:s}}", "error", "code", &code) == 0 &&
        strcmp(code, "bad_request") == 0)
        status = 400;
    json_decref(v);
    return status;
}

void admin_http_wished(struct admin_http *a, uint64_t call, struct str answer)
{
    struct call *c = slots_get(a->calls, call);

    if (c)
        reply(c->q, wished_status(answer), answer);
}

static void on_done(void *ud, const struct desk_answer *a)
{
    struct reference *ref = ud;
    struct call *c = slots_get(ref->calls, ref->id);
    bool asked = c && a->reply && ref->wish && ask_master(ref, c);

    free(ref->wish);
    free(ref);
    if (!c || asked)
        return;
    if (a->reply)
        reply_json(c->q, 200, a->reply);
    else
        refuse(c->q, status_of(a->err.code), a->err.at, a->err.msg);
}

/* ---- status ------------------------------------------------------------ */

static json_t *process_json(const struct process_cell *p)
{
    static const char *const kinds[] = { [PROC_WORKER] = "worker",
                                         [PROC_KEEPER] = "keeper",
                                         [PROC_MOCK] = "mock" };
    uint32_t kind = atomic_load(&p->kind);
    bool known = kind < sizeof kinds / sizeof *kinds && kinds[kind];

    return json_pack("{s:s, s:i, s:i, s:i, s:i}", "kind",
                     known ? kinds[kind] : "other", "pid",
                     (int)atomic_load(&p->pid), "slot",
                     (int)atomic_load(&p->slot), "in_flight",
                     (int)atomic_load(&p->inflight), "connections",
                     (int)atomic_load(&p->connections));
}

static void reply_status(struct admin_http *a, struct http_req *q)
{
    const struct process_cell *p;
    json_t *list = json_array(), *v;
    const char *why;
    bool open = store_thread_is_open(a->env.store, &why);
    uint32_t at = 0;

    while (a->env.cells && (p = cells_next(a->env.cells, &at)))
        json_array_append_new(list, process_json(p));
    v = json_pack("{s:s, s:I, s:o, s:{s:b, s:s}, s:i}", "version", PS_VERSION,
                  "generation", (json_int_t)a->env.generation, "processes",
                  list, "store", "open", open, "why", why, "file_keys",
                  (int)a->env.config->n_keys);
    reply_json(q, 200, v);
    json_decref(v);
}

/* 503 where nothing can be served, as those who watch expect it. */
static void reply_health(struct admin_http *a, struct http_req *q)
{
    bool down = false;
    json_t *v = health_report(a->env.config, cells_health(a->env.cells),
                              clock_mono_ms(), &down);

    json_object_set_new(v, "alerts", alert_report(cells_alerts(a->env.cells)));
    reply_json(q, down ? 503 : 200, v);
    json_decref(v);
}

/* ---- requests ---------------------------------------------------------- */

/** The question with who asks; free() it. NULL: no memory. */
static char *wish_of(const struct desk_ask *q)
{
    json_t *v = json_copy(q->ask);
    char *text;

    json_object_set_new(v, "who", json_string(q->who));
    text = v ? json_dumps(v, JSON_COMPACT) : NULL;
    json_decref(v);
    return text;
}

static void ask(struct admin_http *a, struct call *c, const json_t *body)
{
    struct desk_ask q = { .role = c->token->role, .fd = -1 };
    struct reference *ref = malloc(sizeof *ref);
    int rc = -ERR_BUSY;

    q.ask = admin_route_ask(c->route, c->name, http_req_query(c->q), body);
    snprintf(q.who, sizeof q.who, "token " STR_FMT, STR_ARG(c->token->name));
    if (ref && q.ask) {
        *ref = (struct reference){ a->calls, c->id, a, NULL };
        if (c->route->of_master)
            ref->wish = wish_of(&q);
        rc = store_thread_ask(a->env.store, &q, on_done, ref);
    }
    json_decref(q.ask);
    if (!rc)
        return;
    if (ref)
        free(ref->wish);
    free(ref);
    refuse(c->q, 503, NULL, "too many requests wait; try again");
}

static void too_many(struct http_req *q, uint64_t wait_ms)
{
    char seconds[24];
    const struct http_header wait = {
        STR("retry-after"),
        { seconds, (size_t)snprintf(seconds, sizeof seconds, "%llu",
                                    (unsigned long long)(wait_ms + 999) /
                                        1000) }
    };

    http_reply(q, 429, &wait, 1, STR("{\"error\":{\"message\":\"Too many "
                                     "wrong tokens from this address.\"}}"));
}

/** Who asks; NULL: they are answered. */
static const struct conf_admin_token *check(struct admin_http *a,
                                            struct http_req *q)
{
    uint64_t wait_ms;
    const struct conf_admin_token *token = admin_auth_check(
        a->auth, http_req_header(q, STR("authorization")), http_req_peer(q),
        loop_now_ms(a->env.loop), &wait_ms);

    if (token)
        return token;
    log_event(EV_admin_denied, LOG_Z("why", wait_ms ? "too many tries"
                                                    : "no such token"));
    if (wait_ms)
        too_many(q, wait_ms);
    else
        refuse(q, 401, NULL, "A token is needed: Authorization: Bearer "
                             "TOKEN.");
    return NULL;
}

static void on_head(void *ud, struct http_req *q)
{
    struct admin_http *a = ud;
    const struct conf_admin_token *token = check(a, q);
    struct call *c;
    bool known;

    if (!token)
        return;
    c = calloc(1, sizeof *c);
    if (c)
        c->id = slots_add(a->calls, c);
    if (!c || !c->id) {
        free(c);
        refuse(q, 503, NULL, "too many requests wait; try again");
        return;
    }
    c->q = q;
    c->token = token;
    http_req_set_user(q, c);
    c->route = admin_route_find(http_req_method(q), http_req_path(q), c->name,
                                sizeof c->name, &known);
    if (!c->route)
        refuse(q, known ? 405 : 404, NULL,
               known ? "This path does not take that method."
                     : "There is nothing at this path.");
    else if (!c->route->verb && str_is(http_req_path(q), "/health"))
        reply_health(a, q);
    else if (!c->route->verb)
        reply_status(a, q);
    else if (c->route->takes_body && http_req_has_body(q))
        http_req_read_body(q, BODY_MAX);
    else
        ask(a, c, NULL);
}

static void on_body(void *ud, struct http_req *q, int rc)
{
    struct call *c = http_req_user(q);
    struct str text = http_req_body(q);
    json_error_t je;
    json_t *body;

    if (!c)
        return;
    if (rc) {
        refuse(q, rc == -ERR_TOO_LARGE ? 413 : 400, NULL,
               "The body cannot be taken.");
        return;
    }
    body = text.n ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &je)
                  : json_object();
    if (json_is_object(body))
        ask(ud, c, body);
    else
        refuse(q, 400, NULL, "The body must be a JSON object.");
    json_decref(body);
}

static void on_drained(void *ud, struct http_req *q)
{
    (void)ud;
    (void)q;
}

static void on_end(void *ud, struct http_req *q, int rc)
{
    struct admin_http *a = ud;
    struct call *c = http_req_user(q);

    (void)rc;
    if (!c)
        return;
    slots_del(a->calls, c->id);
    free(c);
}

struct admin_http *admin_http_new(const struct admin_env *env, int fd,
                                  struct err *err)
{
    static const struct http_handler handler = { .on_head = on_head,
                                                 .on_body = on_body,
                                                 .on_drained = on_drained,
                                                 .on_end = on_end };
    static const struct http_limits limits = {
        .head_bytes = 8192,
        .max_fields = 64,
        .max_connections = 64,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .write_stall_ms = 30000,
        .high_water = 1u << 20,
        .low_water = 1u << 18,
    };
    struct admin_http *a = calloc(1, sizeof *a);

    if (a) {
        a->env = *env;
        a->calls = slots_new(CALLS_MAX);
        a->auth = admin_auth_new(env->config);
    }
    if (a && a->calls && a->auth)
        a->server = http_server_new(env->loop, &limits, &handler, a);
    if (a && a->server && http_server_listen(a->server, fd, NULL, NULL))
        return a;
    admin_http_free(a);
    err_set(err, ERR_NOMEM, "no memory");
    return NULL;
}

void admin_http_free(struct admin_http *a)
{
    if (!a)
        return;
    if (a->server)
        http_server_free(a->server);
    admin_auth_free(a->auth);
    slots_free(a->calls);
    free(a);
}
