/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Answers made by the gateway itself, and the fields that every answer has. */
#include "flow/cors.h"
#include "flow/events.h"
#include "flow/gemini.h"
#include "flow/limits_hold.h"
#include "flow/retry.h"

#include <stdio.h>

static struct str fmt(struct request *r, const char *f, uint64_t v)
{
    return arena_fmt(r->arena, f, (unsigned long long)v);
}

static void put(struct http_header *h, size_t *n, size_t max, const char *name,
                struct str value)
{
    if (*n < max && value.p)
        h[(*n)++] = (struct http_header){ str_of(name), value };
}

const struct dialect_ops *request_dialect(const struct request *r)
{
    return dialect_ops(r->endpoint ? r->endpoint->dialect
                                   : family_dialect(r->family));
}

static struct str error_code(const struct request *r)
{
    return r->err_code.n ? r->err_code : str_of(err_info(r->err.code)->name);
}

struct wire_error reply_wire_error(const struct request *r)
{
    return (struct wire_error){ .info = err_info(r->err.code),
                                .code = error_code(r),
                                .message = str_of(r->err.msg),
                                .param = str_of(r->err.at),
                                .request_id = str_of(r->id),
                                .retry_after_ms = r->retry_after_ms,
                                .status = r->err_status };
}

/* "groq:429 gpu:200" */
static struct str attempts_text(struct request *r)
{
    struct str s = STR("");

    for (uint32_t i = 0; i < r->n_attempts; i++) {
        const struct attempt_record *t = &r->records[i];
        struct str head = t->target;

        head = str_split(&head, '/');
        s = arena_fmt(r->arena, STR_FMT "%s" STR_FMT ":%d", STR_ARG(s),
                      i ? " " : "", STR_ARG(head), t->status);
    }
    return s;
}

/* Known before the head where the whole answer was; never of a stream. */
static struct str cost_text(struct request *r)
{
    int64_t nusd = r->facts.stream ? -1 : ledger_cost_now(r);

    return nusd < 0 ? STR_NULL
                    : arena_fmt(r->arena, "%lld.%09lld",
                                (long long)(nusd / 1000000000),
                                (long long)(nusd % 1000000000));
}

/* A pause counts whole when it begins; of one that still is, what passed. */
static uint32_t paused_ms(const struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (r->step != STEP_BACKOFF || now >= r->wake_at_ms)
        return r->paused_ms;
    return r->paused_ms - (uint32_t)(r->wake_at_ms - now);
}

static struct str timing_text(struct request *r)
{
    uint64_t now = clock_mono_ns(), up = 0;
    uint32_t paused = paused_ms(r);
    double own;

    for (uint32_t i = 0; i < r->n_attempts; i++) {
        const struct attempt_record *t = &r->records[i];

        up += (t->end_ns ? t->end_ns : now) - t->begin_ns;
    }
    /* the loop's clock, of queue and pauses, is coarser than this one */
    own = (double)(now - r->begun_ns) / 1e6 - (double)up / 1e6 - r->queue_ms -
          paused;
    return arena_fmt(r->arena, "gw;dur=%.3f, queue;dur=%u.000, "
                     "retry;dur=%u.000, upstream;dur=%.3f",
                     own > 0 ? own : 0.0, r->queue_ms, paused,
                     (double)up / 1e6);
}

static void put_detail(struct request *r, struct http_header *h, size_t *n,
                       size_t max)
{
    if (r->n_attempts) {
        put(h, n, max, "x-penstock-target",
            r->records[r->n_attempts - 1].target);
        put(h, n, max, "x-penstock-attempts", attempts_text(r));
    }
    if (r->plan.model.n)
        put(h, n, max, "x-penstock-model", r->plan.model);
    put(h, n, max, "x-penstock-degraded",
        r->degraded ? *r->degraded : STR_NULL);
    put(h, n, max, "x-penstock-cost-usd", cost_text(r));
    put(h, n, max, "x-penstock-generation", fmt(r, "%llu", r->gen->number));
    put(h, n, max, "server-timing", timing_text(r));
}

size_t reply_headers(struct request *r, struct http_header *h, size_t max)
{
    size_t n = cors_headers(r, h, max);

    put(h, &n, max, request_dialect(r)->request_id, str_of(r->id));
    if (r->upstream_id.n)
        put(h, &n, max, "x-penstock-upstream-request-id", r->upstream_id);
    put(h, &n, max, "x-penstock-dropped", r->dropped);
    if (r->err.code || r->err_code.n)
        put(h, &n, max, "x-penstock-error",
            arena_fmt(r->arena, STR_FMT "; side=%s", STR_ARG(error_code(r)),
                      r->side));
    if (r->retry_after_ms) {
        put(h, &n, max, "retry-after",
            fmt(r, "%llu", (r->retry_after_ms + 999) / 1000));
        if (r->retry_after_ms < 10000)
            put(h, &n, max, "retry-after-ms",
                fmt(r, "%llu", r->retry_after_ms));
    }
    if (r->want_detail)
        put_detail(r, h, &n, max);
    return n;
}

void reply_json(struct request *r, int status, struct str body)
{
    struct http_header h[28];
    size_t n = limits_headers(r, h, reply_headers(r, h, 19), 27);

    h[n++] = (struct http_header){ STR("content-type"),
                                   STR("application/json") };
    r->answer.status = status;
    r->answer.head_sent = true;
    http_reply(r->http, status, h, n, body);
}

/* Room for JSON's escapes, and for what is around the text. */
#define ANSWER_MAX(text) ((text).n * 6 + 16384)

int reply_answer(struct request *r)
{
    const struct policy_result *p = r->polite;
    struct wire_answer a = {
        .text = p->message,
        .finish = p->finish,
        .model = r->asked,
        .id = { r->id + 4, strlen(r->id + 4) },
        .created = (int64_t)(clock_wall_ms() / 1000),
        .stream = r->facts.stream,
        .include_usage = r->facts.include_usage,
    };
    struct buf out = BUF_INIT(ANSWER_MAX(p->message));
    int rc = request_dialect(r)->answer(r->endpoint->dialect, &a, &out);

    if (!rc && a.stream) {
        stream_commit_head(r);
        stream_send(r, buf_str(&out));
        gemini_end_array(r);
        http_reply_end(r->http);
    } else if (!rc) {
        reply_json(r, 200, buf_str(&out));
    }
    r->answer.content_sent = !rc;
    buf_clear(&out);
    return rc;
}

/* May the client's SDK try again? See the retry rule in the guide. */
static const char *should_retry(const struct request *r)
{
    switch (r->err.code) {
    case ERR_UPSTREAM_TIMEOUT:
    case ERR_BUDGET_EXCEEDED:
    case ERR_POLICY_FAILED:
    case ERR_PROVIDER_AUTH:
    case ERR_PROVIDER_BILLING:
    case ERR_PROVIDER_MODEL_GONE:
        return "false";
    case ERR_UPSTREAM_ERROR:
    case ERR_NO_TARGET:
        if (!r->retry_after_ms)
            return "false";
        break;
    default:
        break;
    }
    if (r->retry_after_ms > RETRY_KNOWN_MS ||
        (!r->retry_after_ms && r->err.code == ERR_RATE_LIMITED &&
         r->n_attempts))
        return "false";
    return NULL;
}

/* What the provider said of its limits, in the client's words. */
static size_t put_limits(const struct request *r, struct http_header *h,
                         size_t n, size_t max)
{
    const struct kept_error *k = &r->kept;

    for (size_t i = 0; i < k->n_fields && n < max; i++) {
        if (!retry_replaces(r, k->fields[i].name) &&
            !http_header_get(h, n, k->fields[i].name).p)
            h[n++] = k->fields[i];
    }
    return n;
}

void reply_error(struct request *r)
{
    const struct dialect_ops *d = request_dialect(r);
    struct wire_error e = reply_wire_error(r);
    int status = r->err_status ? r->err_status : d->status(e.info);
    struct buf body = BUF_INIT(16384);
    struct http_header h[48];
    size_t n = put_limits(r, h, reply_headers(r, h, 20), 36);
    const char *again = should_retry(r);

    n = limits_headers(r, h, n, 44);
    d->error(&body, &e);
    h[n++] = (struct http_header){ STR("content-type"),
                                   STR("application/json") };
    if (again && !http_header_get(h, n, STR("x-should-retry")).p)
        h[n++] = (struct http_header){ STR("x-should-retry"), str_of(again) };
    if (status == 405 && r->endpoint)
        h[n++] = (struct http_header){ STR("allow"),
                                       str_of(r->endpoint->method) };
    r->answer.status = status;
    r->answer.head_sent = true;
    http_reply(r->http, status, h, n, gemini_error_body(r, buf_str(&body)));
    buf_clear(&body);
}
