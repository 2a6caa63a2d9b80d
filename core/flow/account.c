/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The access line: one per request, printed from the step timeline, as a
 * table of fields. The same text goes into the explain ring.
 */
#include "flow/request.h"

#include "base/log.h"
#include "engine/fault.h"
#include "flow/format.h"

struct line {
    struct buf *b;
    const struct request *r;
    uint64_t now_ns;
};

static void f_time(struct line *l)
{
    char text[FORMAT_TIME_BYTES];

    format_time(text, sizeof text, clock_wall_ms());
    buf_putc(l->b, '"');
    buf_put(l->b, (struct str){ text, sizeof text - 1 });
    buf_putc(l->b, '"');
}

static void f_event(struct line *l)
{
    buf_puts(l->b, "\"request\"");
}

static void f_id(struct line *l)
{
    buf_json_str(l->b, str_of(l->r->id));
}

static void f_trace(struct line *l)
{
    buf_json_str(l->b, (struct str){ l->r->trace + 3, 32 });
}

static void f_client(struct line *l)
{
    buf_json_str(l->b, l->r->client_ip);
}

static void f_principal(struct line *l)
{
    if (l->r->principal)
        buf_json_str(l->b, l->r->principal->id);
}

static void f_method(struct line *l)
{
    buf_json_str(l->b, l->r->method);
}

static void f_path(struct line *l)
{
    struct str p = l->r->path;

    p.n = p.n > 256 ? 256 : p.n;
    buf_json_str(l->b, p);
}

static void f_endpoint(struct line *l)
{
    if (l->r->endpoint)
        buf_json_str(l->b, str_of(l->r->endpoint->name));
}

static void f_model(struct line *l)
{
    if (l->r->facts.model.p)
        buf_json_str(l->b, l->r->facts.model);
}

/* Where a policy put another one in its place. */
static void f_asked(struct line *l)
{
    if (!str_eq(l->r->asked, l->r->facts.model))
        buf_json_str(l->b, l->r->asked);
}

static void f_stream(struct line *l)
{
    if (l->r->facts.model.p)
        buf_puts(l->b, l->r->facts.stream ? "true" : "false");
}

static void f_status(struct line *l)
{
    format_u64(l->b, (uint64_t)l->r->answer.status);
}

static void f_ended(struct line *l)
{
    buf_json_str(l->b, str_of(l->r->ended));
}

static void f_answered(struct line *l)
{
    if (l->r->polite && l->r->answer.content_sent)
        buf_json_str(l->b, l->r->polite->policy);
}

static void f_degraded(struct line *l)
{
    if (l->r->degraded)
        buf_json_str(l->b, *l->r->degraded);
}

static void f_side(struct line *l)
{
    if (l->r->err.code || l->r->cancelled)
        buf_json_str(l->b, str_of(l->r->side));
}

static void f_error(struct line *l)
{
    const struct request *r = l->r;

    if (!r->err.code)
        return;
    buf_puts(l->b, "{\"code\":");
    buf_json_str(l->b, reply_wire_error(r).code);
    buf_puts(l->b, ",\"text\":");
    buf_json_str(l->b, str_of(r->err.msg));
    if (r->err_policy.n) {
        buf_puts(l->b, ",\"policy\":");
        buf_json_str(l->b, r->err_policy);
    }
    buf_putc(l->b, '}');
}

static void f_waiting(struct line *l)
{
    if (l->r->cancelled && l->r->waiting_on)
        buf_json_str(l->b, str_of(l->r->waiting_on));
}

static void put_count(struct buf *b, bool *any, const char *name, int64_t v)
{
    if (v < 0)
        return;
    buf_puts(b, *any ? ",\"" : "\"");
    buf_puts(b, name);
    buf_puts(b, "\":");
    format_u64(b, (uint64_t)v);
    *any = true;
}

static void f_tokens(struct line *l)
{
    const struct usage *u = &l->r->usage;
    bool any = false;

    if (u->input < 0 && u->output < 0)
        return;
    buf_putc(l->b, '{');
    put_count(l->b, &any, "input", u->input);
    put_count(l->b, &any, "cache_read", u->cache_read);
    put_count(l->b, &any, "cache_write", u->cache_write);
    put_count(l->b, &any, "output", u->output);
    put_count(l->b, &any, "reasoning", u->reasoning);
    buf_putc(l->b, '}');
}

static void f_searches(struct line *l)
{
    if (l->r->usage.searches)
        format_u64(l->b, l->r->usage.searches);
}

static void f_cost(struct line *l)
{
    int64_t nusd = ledger_cost(l->r);

    if (nusd >= 0)
        ledger_put_usd(l->b, nusd);
}

static void f_bytes_in(struct line *l)
{
    format_u64(l->b, http_req_bytes_in(l->r->http));
}

static void f_bytes_out(struct line *l)
{
    format_u64(l->b, http_req_bytes_out(l->r->http));
}

static void f_ms(struct line *l)
{
    format_ms(l->b, l->now_ns - l->r->begun_ns);
}

static void f_own_ms(struct line *l)
{
    format_ms(l->b, l->r->busy_ns);
}

static void f_queue(struct line *l)
{
    if (l->r->queue_ms)
        format_u64(l->b, l->r->queue_ms);
}

static void put_attempt(struct line *l, const struct attempt_record *t)
{
    buf_puts(l->b, "{\"target\":");
    buf_json_str(l->b, t->target);
    if (t->credential.n) {
        buf_puts(l->b, ",\"credential\":");
        buf_json_str(l->b, t->credential);
    }
    buf_puts(l->b, ",\"status\":");
    format_u64(l->b, (uint64_t)t->status);
    if (t->cls) {
        buf_puts(l->b, ",\"class\":");
        buf_json_str(l->b, str_of(fault_class_name(t->cls)));
        buf_puts(l->b, ",\"why\":");
        buf_json_str(l->b, t->why);
    }
    if (t->first_ns) {
        buf_puts(l->b, ",\"first_ms\":");
        format_ms(l->b, t->first_ns - t->begin_ns);
    }
    buf_puts(l->b, ",\"ms\":");
    format_ms(l->b, (t->end_ns ? t->end_ns : l->now_ns) - t->begin_ns);
    buf_putc(l->b, '}');
}

static void f_attempts(struct line *l)
{
    if (!l->r->n_attempts)
        return;
    buf_putc(l->b, '[');
    for (uint32_t i = 0; i < l->r->n_attempts; i++) {
        if (i)
            buf_putc(l->b, ',');
        put_attempt(l, &l->r->records[i]);
    }
    buf_putc(l->b, ']');
}

/* Time spent in each step, in the order they were entered. */
static void f_steps(struct line *l)
{
    const struct request *r = l->r;
    bool any = false;

    buf_putc(l->b, '[');
    for (uint32_t i = 0; i < r->n_marks; i++) {
        uint64_t end =
            i + 1 < r->n_marks ? r->marks[i + 1].at_ns : l->now_ns;

        if (end - r->marks[i].at_ns < 20000 && i + 1 < r->n_marks)
            continue; /* under 0.02 ms */
        buf_puts(l->b, any ? ",[\"" : "[\"");
        buf_puts(l->b, step_name(r->marks[i].step));
        buf_puts(l->b, "\",");
        format_ms(l->b, end - r->marks[i].at_ns);
        buf_putc(l->b, ']');
        any = true;
    }
    buf_putc(l->b, ']');
}

static void f_notes(struct line *l)
{
    if (!l->r->n_notes)
        return;
    buf_putc(l->b, '[');
    for (uint32_t i = 0; i < l->r->n_notes; i++) {
        if (i)
            buf_putc(l->b, ',');
        buf_json_str(l->b, l->r->notes[i]);
    }
    buf_putc(l->b, ']');
}

/* Of the request and of the answer, by a translation. */
static void f_dropped(struct line *l)
{
    if (l->r->dropped.n)
        buf_json_str(l->b, l->r->dropped);
}

static void f_generation(struct line *l)
{
    format_u64(l->b, l->r->gen->number);
}

/* The columns of the line, with the names as JSON has them; one that writes
 * nothing is left out. */
static const struct {
    struct str head;
    void (*fn)(struct line *l);
} columns[] = {
    { STR(",\"time\":"), f_time }, { STR(",\"event\":"), f_event },
    { STR(",\"id\":"), f_id }, { STR(",\"trace\":"), f_trace },
    { STR(",\"client\":"), f_client }, { STR(",\"principal\":"), f_principal },
    { STR(",\"method\":"), f_method }, { STR(",\"path\":"), f_path },
    { STR(",\"endpoint\":"), f_endpoint }, { STR(",\"model\":"), f_model },
    { STR(",\"asked\":"), f_asked }, { STR(",\"stream\":"), f_stream },
    { STR(",\"status\":"), f_status }, { STR(",\"ended\":"), f_ended },
    { STR(",\"answered_by\":"), f_answered },
    { STR(",\"degraded\":"), f_degraded }, { STR(",\"side\":"), f_side },
    { STR(",\"error\":"), f_error }, { STR(",\"waiting_on\":"), f_waiting },
    { STR(",\"dropped\":"), f_dropped },
    { STR(",\"attempts\":"), f_attempts }, { STR(",\"tokens\":"), f_tokens },
    { STR(",\"searches\":"), f_searches },
    { STR(",\"cost\":"), f_cost }, { STR(",\"bytes_in\":"), f_bytes_in },
    { STR(",\"bytes_out\":"), f_bytes_out }, { STR(",\"ms\":"), f_ms },
    { STR(",\"own_ms\":"), f_own_ms }, { STR(",\"queue_ms\":"), f_queue },
    { STR(",\"steps\":"), f_steps }, { STR(",\"notes\":"), f_notes },
    { STR(",\"generation\":"), f_generation },
};

enum { COMMA_QUOTE = 2, QUOTE_COLON = 2 }; /* around a name */

/* The columns, and the end of the object where the explain text goes on:
 * policies are told there and not in the log. */
static size_t write_json(const struct request *r, struct buf *b)
{
    struct line l = { b, r, clock_mono_ns() };
    size_t end;

    buf_putc(b, '{');
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct str head = columns[i].head;
        size_t before = b->n, after;

        if (b->n == 1) { /* the first one has no comma */
            head.p++;
            head.n--;
        }
        buf_put(b, head);
        after = b->n;
        columns[i].fn(&l);
        if (b->n == after)
            b->n = before;
    }
    end = b->n;
    if (r->ran.n) {
        buf_puts(b, ",\"policies\":");
        ran_write(&r->ran, b);
    }
    if (r->claim.n) {
        buf_puts(b, ",\"limits\":");
        limit_claim_write(&r->claim, b);
    }
    buf_putc(b, '}');
    return end;
}

/* The same for people: name=value, the values as in JSON. */
static void write_text(const struct request *r, struct buf *b)
{
    struct line l = { b, r, clock_mono_ns() };

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct str head = columns[i].head;
        size_t before = b->n, after;

        if (b->n)
            buf_putc(b, ' ');
        head.p += COMMA_QUOTE;
        head.n -= COMMA_QUOTE + QUOTE_COLON;
        buf_put(b, head);
        buf_putc(b, '=');
        after = b->n;
        columns[i].fn(&l);
        if (b->n == after)
            b->n = before;
    }
}

void account_request(struct request *r)
{
    struct buf *b = &r->flow->line;
    size_t end;

    if (r->endpoint && r->endpoint->is_public && !r->err.code)
        return; /* probes come every second */
    ledger_try_over(r, r->ended);
    buf_reset(b);
    end = write_json(r, b);
    explain_put(str_of(r->id), buf_str(b));
    b->n = end;
    buf_putc(b, '}');
    story_begin(r, buf_str(b));
    if (!r->gen->config->log.json) {
        buf_reset(b);
        write_text(r, b);
    }
    if (log_gather(buf_str(b)))
        loop_defer(r->flow->env.loop, &r->flow->flush);
    account_count(r, clock_mono_ns());
}
