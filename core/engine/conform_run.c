/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One run: what flow does with an attempt, without a network. Each frame is
 * watched by the dialect and shown to the plugin; what both say becomes a
 * line. Memory is made to run out behind the plugin's services, which are
 * replaced by ones that count.
 */
#include "engine/conform.h"

#include "engine/conform_memory.h"
#include "engine/conform_neutral.h"
#include "engine/fault.h"
#include "engine/plugin_host.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX (256u << 20)
#define FRAME_MAX (32u << 20)
#define WALL_MS 1700000000000u /* the same each time */

/* The host is the first member, so that a service finds the run. */
struct run {
    struct attempt_host host;
    const struct fixture *f;
    const struct conform_way *way;
    struct conform_run *out;
    struct conform_neutral neutral;
    struct json scratch, request;
    struct json_edits *edits;
    size_t fed;         /* bytes of the answer that frames were made of */
    bool finish, done, stopped, injecting;
};

/* ---- services that fail on demand -------------------------------------- */

static bool fails(ps_try *t)
{
    struct run *r = (struct run *)t;

    return ++r->out->services == r->way->fail_at;
}

static void *alloc(ps_try *t, size_t n)
{
    return fails(t) ? NULL : plugin_services.alloc(t, n);
}

static ps_rc body_set(ps_try *t, ps_str pointer, ps_str json)
{
    return fails(t) ? PS_ENOMEM : plugin_services.body_set(t, pointer, json);
}

static ps_rc body_remove(ps_try *t, ps_str pointer)
{
    return fails(t) ? PS_ENOMEM : plugin_services.body_remove(t, pointer);
}

static ps_rc body_rename(ps_try *t, ps_str from, ps_str to)
{
    return fails(t) ? PS_ENOMEM : plugin_services.body_rename(t, from, to);
}

static ps_rc header_set(ps_try *t, ps_str name, ps_str value)
{
    return fails(t) ? PS_ENOMEM : plugin_services.header_set(t, name, value);
}

static ps_str answer_raw(ps_try *t, ps_str pointer)
{
    return fails(t) ? (ps_str){ NULL, 0 }
                    : plugin_services.answer_raw(t, pointer);
}

static ps_str answer_text(ps_try *t, ps_str pointer)
{
    return fails(t) ? (ps_str){ NULL, 0 }
                    : plugin_services.answer_text(t, pointer);
}

/* Times and dice of a run are the same, so that its lines are; what the
 * plugin logs in a thousand runs nobody wants to read. */
static uint64_t unix_ms(void)
{
    return WALL_MS;
}

static void dice(void *to, size_t n)
{
    memset(to, 0x5A, n);
}

static void log_nothing(const void *handle, int level, ps_str msg)
{
    (void)handle, (void)level, (void)msg;
}

static ps_services counted(void)
{
    ps_services s = plugin_services;

    s.alloc = alloc;
    s.unix_ms = unix_ms;
    s.random = dice;
    s.log = log_nothing;
    s.body_set = body_set;
    s.body_remove = body_remove;
    s.body_rename = body_rename;
    s.header_set = header_set;
    s.answer_raw = answer_raw;
    s.answer_text = answer_text;
    return s;
}

/* ---- lines ------------------------------------------------------------- */

static void bug(struct run *r, const char *what)
{
    if (!r->out->bug[0])
        snprintf(r->out->bug, sizeof r->out->bug, "%s", what);
}

static void put_hash(struct run *r, struct str s)
{
    buf_printf(&r->out->lines, " %zu:%016llx", s.n,
               (unsigned long long)str_hash(s, 0));
}

static void put_count(struct run *r, const char *name, int64_t v)
{
    if (v >= 0)
        buf_printf(&r->out->lines, " %s=%lld", name, (long long)v);
}

static void put_usage(struct run *r, const struct usage *u)
{
    put_count(r, "input", u->input);
    put_count(r, "cache_read", u->cache_read);
    put_count(r, "cache_write", u->cache_write);
    put_count(r, "cache_write_1h", u->cache_write_1h);
    put_count(r, "output", u->output);
    put_count(r, "reasoning", u->reasoning);
}

/* What an operation returned, unless it is a plain yes or no opinion. */
static void put_rc(struct run *r, const char *op, ps_rc rc)
{
    if (rc == PS_OK || rc == PS_DECLINED)
        return;
    buf_printf(&r->out->lines, "%s failed: %s\n", op, r->host.err.msg);
    if (rc == PS_EBUG)
        bug(r, r->host.err.msg);
    r->stopped = true;
    r->out->end = "error";
}

static void put_verdict(struct run *r)
{
    ps_fault f;
    bool failed = r->host.err.code != 0;

    fault_init(&f);
    attempt_classify(&r->host, NULL, WALL_MS, &f);
    if (!failed && r->host.err.code)
        buf_printf(&r->out->lines, "classify failed: %s\n",
                   r->host.err.msg); /* the status alone decides, then */
    buf_printf(&r->out->lines, "fault %s scope %s retry_after_ms %llu",
               fault_class_name(f.cls), fault_scope_name(f.scope),
               (unsigned long long)f.retry_after_ms);
    put_hash(r, str_from_ps(f.message));
    buf_putc(&r->out->lines, '\n');
    f.code = f.message = (ps_str){ NULL, 0 };
    r->out->fault = f;
    r->out->end = "error";
    r->stopped = true;
}

/* ---- the request ------------------------------------------------------- */

static void put_head(struct run *r)
{
    for (size_t i = 0; i < r->host.n_headers; i++)
        buf_printf(&r->out->lines, "header " STR_FMT ": " STR_FMT "\n",
                   STR_ARG(r->host.headers[i].name),
                   STR_ARG(r->host.headers[i].value));
}

static void put_request(struct run *r)
{
    struct buf body = BUF_INIT(FRAME_MAX);
    struct json j = { 0 };

    if (r->edits && json_edits_apply(r->edits, &body) == 0) {
        if (json_scan(&j, buf_str(&body), NULL, NULL))
            bug(r, "what adjust made of the request is no JSON");
        buf_puts(&r->out->lines, "body ");
        buf_put(&r->out->lines, buf_str(&body));
        buf_putc(&r->out->lines, '\n');
    }
    json_clear(&j);
    buf_clear(&body);
}

static void send_request(struct run *r)
{
    struct str body = buf_str(&r->f->request);
    ps_rc rc;
    int auth;

    if (body.n && json_scan(&r->request, body, NULL, NULL) == 0) {
        r->edits = json_edits_new(&r->request, r->host.arena);
        r->host.edits = r->edits;
    }
    rc = plugin_adjust(&r->host);
    put_rc(r, "adjust", rc);
    auth = r->stopped ? 0
                      : attempt_host_auth(&r->host, STR(CONFORM_SECRET),
                                          STR_NULL, STR_NULL);
    if (auth)
        put_rc(r, "auth", PS_ENOMEM);
    if (!r->stopped &&
        attempt_host_sign(&r->host, STR("https://up.example/path?a=b"), body,
                          STR(CONFORM_SECRET)))
        put_rc(r, "sign", PS_ENOMEM);
    put_head(r);
    put_request(r);
    r->out->sent = buf_len(&r->out->lines);
}

/* ---- the answer -------------------------------------------------------- */

static void mark(struct run *r, size_t bytes)
{
    struct conform_run *o = r->out;

    if (!r->way->mark || r->injecting)
        return;
    if (o->n_ends == o->ends_cap) {
        size_t cap = o->ends_cap ? o->ends_cap * 2 : 64;
        void *more = realloc(o->ends, cap * sizeof *o->ends);

        if (!more)
            return;
        o->ends = more;
        o->ends_cap = cap;
    }
    o->ends[o->n_ends].bytes = bytes;
    o->ends[o->n_ends++].lines = buf_len(&o->lines);
}

static void put_event(struct run *r, const struct frame *f,
                      const struct wire_watch *w)
{
    buf_printf(&r->out->lines, "event " STR_FMT, STR_ARG(f->event));
    put_hash(r, f->data);
    buf_printf(&r->out->lines, "%s%s%s%s", w->content ? " content" : "",
               w->finish ? " finish" : "", w->done ? " done" : "",
               w->usage_only ? " usage_only" : "");
    put_usage(r, &w->usage);
    buf_putc(&r->out->lines, '\n');
}

static int watch_frame(struct run *r, const struct frame *f)
{
    struct wire_watch w;
    int rc = dialect_ops(r->f->dialect)->watch_event(
        r->f->dialect, f->event, f->data, &r->scratch, r->host.arena, &w,
        NULL);

    if (rc && f->cut)
        return 0; /* the rest of an event that never came whole */
    if (rc) {
        buf_puts(&r->out->lines, "event that cannot be read\n");
        r->stopped = true;
        r->out->end = "error";
        return -ERR_CANCELLED;
    }
    if (f->cut && !w.error && !w.done && !r->finish)
        return 0;
    put_event(r, f, &w);
    conform_neutral_event(&r->neutral, f->event, f->data);
    if (w.error || f->error || str_is(f->event, "error")) {
        attempt_host_answer(&r->host, f->data);
        r->host.answer_name = f->event;
        put_verdict(r);
        return -ERR_CANCELLED;
    }
    if (!w.done)
        put_rc(r, "watch", plugin_watch(&r->host, f->event, f->data));
    usage_merge(&r->out->usage, &w.usage);
    r->finish |= w.finish;
    r->done |= w.done;
    return r->stopped ? -ERR_CANCELLED : 0;
}

static int on_frame(void *ud, const struct frame *f)
{
    struct run *r = ud;
    int rc = 0;

    r->fed += f->message ? f->message->raw.n : f->raw.n;
    r->out->frames++;
    if (f->data.p)
        rc = watch_frame(r, f);
    else
        buf_puts(&r->out->lines, "-\n");
    mark(r, r->fed);
    if (!rc && r->out->frames == r->way->inject_at && !r->injecting)
        rc = -ERR_CANCELLED; /* the rest of the answer does not come */
    return rc;
}

static void inject(struct run *r, struct framer *framer)
{
    struct wire_error e = { .info = err_info(ERR_OVERLOADED),
                            .code = STR("overloaded"),
                            .message = STR("Overloaded") };
    struct buf b = BUF_INIT(4096);

    r->injecting = true;
    framer_init(framer, FRAMING_SSE, FRAME_MAX);
    if (dialect_ops(r->f->dialect)->error_event(&b, &e) == 0)
        framer_feed(framer, buf_str(&b), on_frame, r, NULL);
    if (!r->stopped)
        bug(r, "an error event was not seen as one");
    buf_clear(&b);
}

static void read_stream(struct run *r, struct str bytes)
{
    struct framer framer;
    size_t n = r->way->first ? r->way->first : bytes.n;
    int rc = 0;

    framer_init(&framer, r->f->framing, FRAME_MAX);
    if (r->way->inject_at == 0)
        bytes.n = 0;
    for (size_t at = 0; at < bytes.n && !rc; at += n, n = r->way->chunk) {
        if (n == 0 || n > bytes.n - at)
            n = bytes.n - at;
        rc = framer_feed(&framer, (struct str){ bytes.p + at, n }, on_frame,
                         r, NULL);
    }
    if (!rc && r->way->inject_at < 0)
        rc = framer_eof(&framer, on_frame, r, NULL);
    framer_clear(&framer);
    if (!rc && !r->stopped && r->way->inject_at < 0)
        conform_neutral_event(&r->neutral, STR(""), STR_NULL);
    if (r->way->inject_at >= 0 && !r->stopped)
        inject(r, &framer);
    framer_clear(&framer);
    if (rc && !r->stopped && rc != -ERR_CANCELLED) {
        buf_puts(&r->out->lines, "a frame that is broken\n");
        r->stopped = true;
        r->out->end = "error";
    }
}

static void read_whole(struct run *r, struct str body)
{
    struct wire_watch w;
    struct frame f = { .data = body };

    if (dialect_ops(r->f->dialect)->watch_body(r->f->dialect, body,
                                               &r->scratch, r->host.arena,
                                               &w, NULL)) {
        buf_puts(&r->out->lines, "an answer that cannot be read\n");
        r->out->end = "error";
        return;
    }
    put_event(r, &f, &w);
    conform_neutral_body(&r->neutral, body);
    if (w.error) {
        attempt_host_answer(&r->host, body);
        put_verdict(r);
        return;
    }
    put_rc(r, "body", plugin_body(&r->host, body));
    usage_merge(&r->out->usage, &w.usage);
    r->done = true;
}

static void read_answer(struct run *r)
{
    struct str bytes = buf_str(&r->f->body);

    r->host.pub.status = r->f->status;
    r->host.answer_headers = r->f->headers;
    r->host.n_answer_headers = r->f->n_headers;
    put_rc(r, "head", plugin_head(&r->host));
    if (r->stopped)
        return;
    if (bytes.n > r->way->upto)
        bytes.n = r->way->upto;
    if (r->f->status < 200 || r->f->status > 299) {
        attempt_host_answer(&r->host, bytes);
        put_verdict(r);
        conform_neutral_body(&r->neutral, bytes);
    } else if (r->f->streamed) {
        read_stream(r, bytes);
    } else {
        read_whole(r, bytes);
    }
}

/* The plugin's own report replaces what the dialect saw, as in flow. */
static void add_reported(struct run *r)
{
    const ps_usage *u = &r->host.usage;
    struct usage more = { .input = u->input, .cache_read = u->cache_read,
                          .cache_write = u->cache_write_5m,
                          .output = u->output, .reasoning = u->reasoning,
                          .cache_write_1h = u->cache_write_1h };

    if (u->cache_write_1h > 0)
        more.cache_write = u->cache_write_1h +
                           (u->cache_write_5m > 0 ? u->cache_write_5m : 0);
    usage_merge(&r->out->usage, &more);
}

static void finish(struct run *r)
{
    bool needs_done = dialect_ops(r->f->dialect)->needs_done;

    if (!r->out->end)
        r->out->end =
            r->done || (r->finish && !needs_done) ? "whole" : "cut";
    add_reported(r);
    buf_puts(&r->out->lines, "usage");
    put_usage(r, &r->out->usage);
    buf_printf(&r->out->lines, "\nend %s\n", r->out->end);
    plugin_done(&r->host);
}

void conform_run(const struct fixture *f, const struct conform_way *way,
                 struct conform_run *out)
{
    ps_services services = counted();
    struct run r = { .f = f, .way = way, .out = out };
    struct arena *a = arena_new(ARENA_MAX);

    *out = (struct conform_run){ .lines = BUF_INIT(CONFORM_LINES_MAX),
                                 .usage = USAGE_NONE };
    if (!a || attempt_host_init(&r.host, a, f->inst->plugin, f->inst)) {
        snprintf(out->bug, sizeof out->bug, "out of memory");
        out->end = "error";
        arena_free(a);
        return;
    }
    r.host.pub.svc = &services;
    r.host.pub.api = f->api;
    r.host.pub.flags =
        PS_F_NATIVE | (f->streamed ? (uint32_t)PS_F_STREAM : 0);
    r.host.pub.model = r.host.pub.upstream_model = ps_from_str(STR("model"));
    r.host.pub.request_id = ps_from_str(STR("req_conformance"));
    conform_memory_begin(way->own_fail_at);
    conform_neutral_open(&r.neutral, f->dialect, f->status, a, &out->lines);
    send_request(&r);
    if (!r.stopped)
        read_answer(&r);
    finish(&r);
    out->own = conform_memory.calls;
    out->left = conform_memory.live;
    conform_memory_begin(0);
    attempt_host_clear(&r.host);
    json_clear(&r.scratch);
    json_clear(&r.request);
    arena_free(a);
}

void conform_run_clear(struct conform_run *r)
{
    buf_clear(&r->lines);
    free(r->ends);
    r->ends = NULL;
}
