/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * From upstream to the client: the answer's head, whole answers, error
 * bodies. Streams of events are in events.c.
 *
 * A whole answer is kept back up to HOLD_MAX, so that an error inside a 200
 * or a cut can still fail over; a larger one is passed on as it comes, and
 * its usage is read from its tail.
 */
#include "flow/events.h"
#include "flow/choose.h"
#include "flow/gather.h"
#include "flow/gemini.h"
#include "flow/limits_hold.h"
#include "flow/output_request.h"
#include "flow/pacing.h"
#include "flow/policies.h"

#include "engine/fault.h"

#include <stdlib.h>

void stream_fault(struct request *r, int cls, const char *why)
{
    struct attempt *t = r->attempt;

    if (!t || t->broken)
        return;
    t->broken = true;
    fault_set(&t->fault, cls);
    t->why = arena_dup(r->arena, str_of(why));
}

/* Answer fields that the client gets, whatever the dialect. */
static const char *const passed[] = { "retry-after", "retry-after-ms",
                                      "x-should-retry", NULL };

bool stream_is_passed(const struct request *r, struct str name)
{
    return attempt_field_in(passed, name) ||
           attempt_field_in(request_dialect(r)->passed, name);
}

/* A value that quotes the gateway's credential is nobody's to read. */
static bool quotes_credential(const struct request *r, struct str value)
{
    return attempt_hide(r, value).p != value.p;
}

/* Copy what is needed later; an error keeps all, for `classify`. */
static void keep_fields(struct request *r, const struct http_answer *a)
{
    struct attempt *t = r->attempt;
    bool all = policy_set_has(r->gen->policies, PHASE_RESPONSE);
    const char *const *own = dialect_ops(stream_heard(r))->passed;
    struct http_header *to;

    if (a->n_headers > 100 || a->n_headers == 0)
        return;
    to = arena_alloc(r->arena, a->n_headers * sizeof *to);
    if (!to)
        return;
    t->fields = to;
    for (size_t i = 0; i < a->n_headers; i++) {
        if (a->status < 400 && !all &&
            !attempt_field_in(passed, a->headers[i].name) &&
            !attempt_field_in(own, a->headers[i].name))
            continue;
        if (quotes_credential(r, a->headers[i].value))
            continue;
        to->name = arena_dup(r->arena, a->headers[i].name);
        to->value = arena_dup(r->arena, a->headers[i].value);
        if (to->name.p && to->value.p) {
            to++;
            t->n_fields++;
        }
    }
}

enum dialect stream_heard(const struct request *r)
{
    const struct translation *x = r->attempt ? r->attempt->translation : NULL;

    return x ? x->target->dialect : r->endpoint->dialect;
}

static struct str get(const struct http_answer *a, const char *name)
{
    return http_header_get(a->headers, a->n_headers, str_of(name));
}

/* The provider's own id of the request, by whichever name. */
static struct str upstream_id(const struct http_answer *a)
{
    static const char *const names[] = { "x-request-id", "request-id",
                                         "x-amzn-requestid" };
    struct str id = STR_NULL;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !id.p; i++)
        id = get(a, names[i]);
    return id;
}

void stream_head(struct request *r, const struct http_answer *a)
{
    struct attempt *t = r->attempt;
    struct str id = upstream_id(a);
    uint64_t length;

    t->host.pub.status = a->status;
    t->host.answer_headers = a->headers;
    t->host.n_answer_headers = a->n_headers;
    if (plugin_head(&t->host) < 0)
        stream_fault(r, PS_FAULT_PROTOCOL, t->host.err.msg);
    pacing_heard(r, a);
    keep_fields(r, a);
    t->host.answer_headers = t->fields;
    t->host.n_answer_headers = t->n_fields;
    r->upstream_id = arena_dup(r->arena, attempt_hide(r, id));
    t->content_type = arena_dup(r->arena, get(a, "content-type"));
    if (str_u64(get(a, "content-length"), &length) && length <= INT64_MAX)
        t->length = (int64_t)length;
    r->records[r->n_attempts - 1].status = a->status;
    buf_reset(&r->answer.held);
    r->answer.held.max = HOLD_MAX;
    answer_mode(r, a);
    if (!r->pass && (policy_set_has(r->gen->policies, PHASE_OUTPUT) ||
                     limits_watches(r)))
        request_output_begin(r);
    if (t->translation || t->gathers)
        r->answer.held.max = TRANSLATED_BODY_MAX;
    timers_arm(r);
}

/* Fields of an answer that came from the provider. */
static size_t answer_fields(struct request *r, struct http_header *h,
                            size_t max)
{
    struct attempt *t = r->attempt;
    size_t n = reply_headers(r, h, max);

    for (size_t i = 0; t && i < t->n_fields && n < max; i++) {
        h[n] = t->fields[i];
        if (t->translation ? translate_field(r, t, &h[n])
                           : stream_is_passed(r, h[n].name))
            n++;
    }
    return n;
}

static void send_head(struct request *r, int status, struct str ctype,
                      int64_t length)
{
    struct attempt *t = r->attempt;
    struct http_header h[68];
    int err = t && !t->broken ? ERR_NONE : r->err.code;
    size_t n;

    r->err.code = ERR_NONE; /* an earlier attempt's */
    r->retry_after_ms = 0;
    n = answer_fields(r, h, 48);
    n = limits_headers(r, h, n, 56);
    n = response_fields(r, h, n, 64);
    r->err.code = err;
    h[n++] = (struct http_header){ STR("content-type"), ctype };
    if (answer_type_is(ctype, EVENTS_TYPE)) {
        h[n++] = (struct http_header){ STR("cache-control"),
                                       STR("no-cache") };
        h[n++] = (struct http_header){ STR("x-accel-buffering"), STR("no") };
    }
    r->answer.status = status;
    r->answer.head_sent = true;
    http_reply_head(r->http, status, h, n, length);
}

void stream_commit_head(struct request *r)
{
    struct attempt *t = r->attempt;
    struct str ctype = STR("text/event-stream; charset=utf-8");

    if (r->answer.head_sent)
        return;
    if (r->array)
        ctype = STR("application/json; charset=UTF-8");
    else if (t && t->mode == MODE_STREAM && t->content_type.n &&
             r->answer.framer.kind == FRAMING_SSE && !t->translation)
        ctype = t->content_type;
    send_head(r, 200, ctype, HTTP_LENGTH_STREAM);
}

/* Send, and hold upstream back while the client is slow. */
void stream_send(struct request *r, struct str bytes)
{
    struct attempt *t = r->attempt;

    if (bytes.n == 0)
        return;
    if (r->array)
        gemini_send_array(r, bytes);
    else
        http_reply_data(r->http, bytes);
    if (!r->answer.paused && t && t->call &&
        http_reply_queued(r->http) > r->gen->config->server.high_water) {
        r->answer.paused = true;
        http_call_pause(t->call);
    }
}

static void keep_tail(struct request *r, struct str bytes)
{
    struct answer *a = &r->answer;
    size_t keep;

    if (!a->tail)
        a->tail = malloc(TAIL_BYTES);
    if (!a->tail)
        return;
    if (bytes.n >= TAIL_BYTES) {
        memcpy(a->tail, bytes.p + bytes.n - TAIL_BYTES, TAIL_BYTES);
        a->tail_n = TAIL_BYTES;
        return;
    }
    keep = TAIL_BYTES - bytes.n;
    if (a->tail_n > keep) {
        memmove(a->tail, a->tail + a->tail_n - keep, keep);
        a->tail_n = keep;
    }
    memcpy(a->tail + a->tail_n, bytes.p, bytes.n);
    a->tail_n += bytes.n;
}

/* A stream was begun with a keep-alive, and now comes no stream. */
static bool is_late(struct request *r)
{
    if (r->answer.head_sent)
        stream_fault(r, PS_FAULT_PROTOCOL,
                     "a whole answer where a stream was asked for");
    return r->answer.head_sent;
}

/* Content commit of an answer too large to be kept back whole. */
static bool pass_on(struct request *r)
{
    struct attempt *t = r->attempt;

    if (t->translation || t->gathers) {
        stream_fault(r, PS_FAULT_PROTOCOL,
                     "the answer is too large to be translated");
        return false;
    }
    if (is_late(r))
        return false;
    r->answer.passed = true;
    r->answer.content_sent = true;
    choose_first_content(r);
    send_head(r, t->host.pub.status, t->content_type,
              t->length >= 0 ? t->length : HTTP_LENGTH_STREAM);
    keep_tail(r, buf_str(&r->answer.held));
    stream_send(r, buf_str(&r->answer.held));
    buf_clear(&r->answer.held);
    timers_arm(r);
    return true;
}

static void body_data(struct request *r, struct str bytes)
{
    if (!r->answer.passed) {
        if (!r->attempt->raw && buf_put(&r->answer.held, bytes) == 0)
            return;
        if (r->attempt->output && request_output_too_large(r))
            return;
        if (!pass_on(r))
            return;
    }
    keep_tail(r, bytes);
    stream_send(r, bytes);
}

static void error_data(struct request *r, struct str bytes)
{
    size_t room = ERROR_BODY_MAX - buf_len(&r->answer.held);

    bytes.n = bytes.n < room ? bytes.n : room;
    buf_put(&r->answer.held, bytes);
}

void stream_data(struct request *r, struct str bytes)
{
    struct attempt *t = r->attempt;

    if (!t || t->broken || t->decided)
        return;
    switch (t->mode) {
    case MODE_ERROR:
        error_data(r, bytes);
        break;
    case MODE_BODY:
        body_data(r, bytes);
        break;
    case MODE_STREAM:
        events_data(r, bytes);
        break;
    case MODE_HEAD:
        break;
    }
}

/* An error inside a 200: the provider's words decide the class. */
void stream_error_object(struct request *r, struct str json,
                         const struct wire_watch *w)
{
    struct attempt *t = r->attempt;
    const struct conf_quirks *q = &t->target->provider->conf->quirks;
    ps_fault f;

    fault_init(&f);
    attempt_host_answer(&t->host, json);
    t->host.answer_name = w->error_type;
    attempt_classify(&t->host, q, clock_wall_ms(), &f);
    stream_fault(r, PS_FAULT_UNKNOWN, "");
    t->fault = f;
    t->why = arena_dup(r->arena,
                       w->error_message.p ? attempt_hide(r, w->error_message)
                                          : STR("an error in a 200"));
}

/* Is the whole answer one? Its usage is taken; else the try has failed. */
static bool judge_body(struct request *r, struct str body)
{
    struct attempt *t = r->attempt;
    enum dialect d = stream_heard(r);
    struct wire_watch w;
    struct err err = { 0 };

    if (dialect_ops(d)->watch_body(d, body, &r->flow->scratch, r->arena, &w,
                                   &err)) {
        stream_fault(r, PS_FAULT_PROTOCOL,
                     body.n ? "the answer is not valid JSON"
                            : "the answer is empty");
        return false;
    }
    if (w.error) {
        stream_error_object(r, body, &w);
        return false;
    }
    if (plugin_body(&t->host, body) < 0) {
        stream_fault(r, PS_FAULT_PROTOCOL, t->host.err.msg);
        return false;
    }
    usage_merge(&r->usage, &w.usage);
    return true;
}

/* The whole answer as the client is to get it; p NULL: the try has failed. */
static struct str body_said(struct request *r, struct str body)
{
    struct translation *x = r->attempt->translation;
    struct wire_watch w;
    struct err err = { 0 };

    if (!x)
        return body;
    if (translate_body(r, body, &w, &err))
        stream_fault(r, PS_FAULT_PROTOCOL,
                     err.code ? err.msg
                              : "the answer could not be translated");
    else if (w.error) /* the model's, in an answer that is none by its form */
        stream_error_object(r, body, &w);
    else
        return buf_str(&x->said);
    return STR_NULL;
}

/* Through the policies that look at answers; false: they refused it. */
static bool look_at(struct request *r, struct str *body)
{
    struct attempt *t = r->attempt;
    struct err err = { 0 };

    if (!t->output)
        return true;
    if (t->translation && json_scan(&r->flow->scratch, *body, NULL, &err)) {
        stream_fault(r, PS_FAULT_PROTOCOL, err.msg);
        return false;
    }
    return request_output_body(r, body) == 0;
}

static void send_body(struct request *r, struct str body)
{
    struct attempt *t = r->attempt;
    struct str ctype = t->content_type;

    if (!ctype.n || t->translation || t->gathers)
        ctype = STR("application/json");
    choose_first_content(r);
    r->answer.content_sent = true;
    send_head(r, t->host.pub.status, ctype,
              (int64_t)body.n);
    ledger_ending(r);
    http_reply_data(r->http, body);
    http_reply_end(r->http);
}

/* To a client of the same dialect, which asked for a stream. */
static bool spread(struct request *r, struct str body)
{
    struct buf said;

    if (!r->facts.stream || r->pass || !gather_spread(r, body, &said))
        return false;
    r->answer.held.max = TRANSLATED_BODY_MAX; /* it grows by its frames */
    events_said(r, buf_str(&said));
    buf_clear(&said);
    return true;
}

static void body_eof(struct request *r)
{
    struct answer *a = &r->answer;
    struct str body = buf_str(&a->held);
    const struct translation *x = r->attempt->translation;

    if (a->passed) {
        if (!r->attempt->raw)
            request_dialect(r)->usage_in_tail(
                (struct str){ a->tail, a->tail_n }, r->arena, &r->usage);
        ledger_ending(r);
        http_reply_end(r->http);
        return;
    }
    if (r->attempt->gathers && !gather(r, &body))
        return;
    if (!judge_body(r, body))
        return;
    body = body_said(r, body);
    if (body.p && x && x->stream)
        events_said(r, body);
    else if (body.p && !x && spread(r, body))
        return;
    else if (body.p && !is_late(r) && look_at(r, &body))
        send_body(r, body);
}

void stream_eof(struct request *r)
{
    struct attempt *t = r->attempt;
    const struct conf_quirks *q = &t->target->provider->conf->quirks;

    if (t->decided)
        return;
    switch (t->mode) {
    case MODE_ERROR:
        attempt_host_answer(&t->host, buf_str(&r->answer.held));
        t->broken = true;
        attempt_classify(&t->host, q, clock_wall_ms(), &t->fault);
        t->why = arena_fmt(r->arena, "status %d", t->host.pub.status);
        break;
    case MODE_BODY:
        body_eof(r);
        break;
    case MODE_STREAM:
        events_eof(r);
        break;
    case MODE_HEAD:
        stream_fault(r, PS_FAULT_PROTOCOL, "no answer");
        break;
    }
}
