/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The mock's life: its server, which dialect a request speaks, what happens
 * from its head to its end.
 */
#include "mock/mock_impl.h"

#include "base/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAULTS_FILE_MAX = 1 << 20 };

static const struct mock_dialect *const dialects[] = {
    &mock_openai,
    &mock_anthropic,
    &mock_gemini,
    &mock_responses,
};

static const struct http_limits limits = {
    .head_bytes = 64 << 10,
    .max_fields = 200,
    .max_connections = 50000,
    .head_timeout_ms = 30000,
    .body_timeout_ms = 60000,
    .idle_timeout_ms = 600000,
    .write_stall_ms = 600000,
    .high_water = MOCK_HIGH_WATER,
    .low_water = MOCK_LOW_WATER,
};

/* ---- a request --------------------------------------------------------- */

static void name_id(struct mock_req *r, struct str body)
{
    snprintf(r->id, sizeof r->id, "chatcmpl-%016llx",
             (unsigned long long)str_hash(body, 0));
}

static void read_and_send(struct mock_req *r)
{
    struct str body = http_req_body(r->q);
    struct mock *m = r->m;
    struct err err = { 0 };

    r->ask.max_tokens = -1;
    r->ask.choices = 1;
    name_id(r, body);
    if (r->op != MOCK_MODELS && json_scan(&m->doc, body, NULL, &err)) {
        mock_refuse(r, 400, NULL,
                    arena_fmt(r->a, "not JSON: %s %s", err.at, err.msg).p);
        return;
    }
    if (r->d->read(r, &err) == 0) {
        r->fault =
            mock_faults_match(r->rules, http_req_path(r->q), &r->ask);
        m->stats.faults += r->fault != NULL;
        mock_send(r);
        return;
    }
    /* a fault may be for a model that is not there */
    r->fault = mock_faults_match(r->rules, http_req_path(r->q), &r->ask);
    if (r->fault && r->fault->status)
        mock_send(r);
    else
        mock_refuse(r, err_info(err.code)->status_openai,
                    err.code == ERR_MODEL_NOT_FOUND ? "model_not_found" : NULL,
                    err.msg);
}

/* Which dialect knows the path; leniently, or a part of it from a '/' on. */
static void find_op(struct mock_req *r, struct str path)
{
    do {
        for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
            r->op = dialects[i]->match(http_req_method(r->q), path);
            r->d = dialects[i];
            if (r->op != MOCK_NOTHING)
                return;
        }
        if (path.n) {
            path.p++;
            path.n--;
        }
        while (path.n && path.p[0] != '/') {
            path.p++;
            path.n--;
        }
    } while (r->m->o.lenient && path.n);
}

static void handle(struct mock_req *r)
{
    struct mock *m = r->m;

    if (mock_admin(r))
        return;
    find_op(r, http_req_path(r->q));
    m->serial++;
    m->stats.requests++;
    m->stats.by_op[r->op]++;
    mock_note_last(m, r->q);
    if (r->op == MOCK_NOTHING) {
        r->d = &mock_openai;
        mock_refuse(r, 404, NULL, NULL);
        return;
    }
    r->rules = m->faults;
    if (r->rules)
        r->rules->refs++;
    read_and_send(r);
}

static void on_head(void *ud, struct http_req *q)
{
    struct mock *m = ud;
    struct mock_req *r = calloc(1, sizeof *r);

    if (r)
        r->a = arena_new(MOCK_ARENA_MAX);
    if (!r || !r->a) {
        free(r);
        http_reply_abort(q);
        return;
    }
    r->m = m;
    r->q = q;
    loop_timer_init(&r->timer, m->loop, NULL, r);
    r->next = m->live;
    r->prev = &m->live;
    if (m->live)
        m->live->prev = &r->next;
    m->live = r;
    m->n_live++;
    http_req_set_user(q, r);
    if (http_req_has_body(q))
        http_req_read_body(q, MOCK_BODY_MAX);
    else
        handle(r);
}

static void on_body(void *ud, struct http_req *q, int rc)
{
    struct mock_req *r = http_req_user(q);

    (void)ud;
    if (!r)
        return;
    if (rc)
        mock_refuse(r, err_info(-rc)->status_openai, NULL, NULL);
    else
        handle(r);
}

static void on_drained(void *ud, struct http_req *q)
{
    struct mock_req *r = http_req_user(q);

    (void)ud;
    if (r)
        mock_send_on(r);
}

static void on_end(void *ud, struct http_req *q, int rc)
{
    struct mock *m = ud;
    struct mock_req *r = http_req_user(q);

    if (!r)
        return;
    m->stats.closed_by_peer += rc == -ERR_CLOSED;
    loop_timer_stop(&r->timer);
    *r->prev = r->next;
    if (r->next)
        r->next->prev = r->prev;
    m->n_live--;
    buf_clear(&r->out);
    mock_faults_unref(r->rules);
    arena_free(r->a);
    free(r);
}

static const struct http_handler handler = { .on_head = on_head,
                                             .on_body = on_body,
                                             .on_drained = on_drained,
                                             .on_end = on_end };

/* ---- the mock ---------------------------------------------------------- */

int mock_set_faults(struct mock *m, struct str json, struct err *err)
{
    struct mock_faults *f = mock_faults_parse(json, err);

    if (!f)
        return -ERR_CONFIG;
    mock_faults_unref(m->faults);
    m->faults = f;
    return 0;
}

/* "byte 10" becomes "faults.json: byte 10" */
static void name_file(const char *path, struct err *err)
{
    struct err was = *err;

    snprintf(err->at, sizeof err->at, "%.80s%s%.40s", path,
             was.at[0] ? ": " : "", was.at);
}

static int load_faults(struct mock *m, const char *path, struct err *err)
{
    struct buf b = BUF_INIT(FAULTS_FILE_MAX);
    int rc = file_read(path, &b, err);

    if (rc == 0) {
        rc = mock_set_faults(m, buf_str(&b), err);
        if (rc == -ERR_CONFIG)
            name_file(path, err);
    }
    buf_clear(&b);
    return rc;
}

struct mock *mock_new(struct loop *l, const struct mock_options *o,
                      struct err *err)
{
    struct mock *m = calloc(1, sizeof *m);

    if (!m || !(m->http = http_server_new(l, &limits, &handler, m))) {
        free(m);
        err_set(err, ERR_NOMEM, "mock");
        return NULL;
    }
    m->loop = l;
    m->o = *o;
    buf_init(&m->last_head, MOCK_LAST_MAX);
    buf_init(&m->last_body, MOCK_LAST_MAX);
    if (o->faults_file && load_faults(m, o->faults_file, err)) {
        mock_free(m);
        return NULL;
    }
    return m;
}

void mock_free(struct mock *m)
{
    if (!m)
        return;
    http_server_free(m->http);
    mock_faults_unref(m->faults);
    json_clear(&m->doc);
    buf_clear(&m->last_head);
    buf_clear(&m->last_body);
    free(m);
}

int mock_listen(struct mock *m, int fd)
{
    return http_server_listen(m->http, fd, NULL, NULL) ? 0 : -ERR_NOMEM;
}

/* ---- a process of its own ---------------------------------------------- */

static void on_signal(void *ud, int signo)
{
    (void)signo;
    loop_stop(ud);
}

static void on_stop_fd(void *ud, int what)
{
    (void)what;
    loop_stop(ud);
}

/* Signals and the stop descriptor live as long as the loop. */
struct process {
    struct loop *loop;
    struct loop_signal term, intr;
    struct loop_io stop;
};

static int watch(struct process *p, int stop_fd)
{
    if (loop_signal_add(p->loop, &p->term, SIGTERM, on_signal, p->loop) ||
        loop_signal_add(p->loop, &p->intr, SIGINT, on_signal, p->loop))
        return -ERR_NOMEM;
    loop_io_init(&p->stop, p->loop, stop_fd, on_stop_fd, p->loop);
    if (stop_fd >= 0)
        loop_io_want(&p->stop, LOOP_READ);
    return 0;
}

int mock_serve(int listen_fd, const struct mock_options *o, struct err *err)
{
    struct process p = { .loop = loop_new() };
    struct mock *m = NULL;
    int rc = -ERR_NOMEM;

    if (p.loop && watch(&p, o->stop_fd) == 0) {
        m = mock_new(p.loop, o, err);
        rc = m ? mock_listen(m, listen_fd) : -ERR_CONFIG;
        if (rc == 0 && o->ready)
            o->ready(o->ready_ud);
        if (rc == 0)
            loop_run(p.loop);
        mock_free(m);
        loop_io_stop(&p.stop);
    }
    loop_free(p.loop);
    return rc ? err_set(err, -rc, "the mock does not start") : 0;
}
