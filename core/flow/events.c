/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The native stream: events go to the client byte for byte, less the usage
 * event that only we asked for; each is watched for content, usage, finish
 * and error.
 *
 * Before the first content nothing leaves: what was read is kept in
 * answer.held, so that a failure can still become another target's answer.
 */
#include "flow/events.h"
#include "flow/choose.h"
#include "flow/gemini.h"
#include "flow/limits_hold.h"
#include "flow/output_request.h"
#include "flow/policies.h"

#include "engine/fault.h"

/* One feed's work: a run of the bytes fed that may leave as one piece. */
struct feed {
    struct request *r;
    struct str bytes;
    struct str run;
};

static void end_reply(struct request *r)
{
    if (r->array)
        gemini_end_array(r);
    http_reply_end(r->http);
}

static void let_go(struct request *r, struct str bytes)
{
    if (r->answer.content_sent)
        stream_send(r, bytes);
    else if (buf_put(&r->answer.held, bytes))
        stream_fault(r, PS_FAULT_PROTOCOL,
                     "too many events before the first content");
}

static void flush(struct feed *f)
{
    struct request *r = f->r;
    struct output *o = r->attempt->output;

    if (f->run.n)
        let_go(r, f->run);
    f->run = STR_NULL;
    if (o) {
        let_go(r, output_bytes(o));
        output_sent(o);
    }
}

static void forward(struct feed *f, struct str raw)
{
    if (f->run.n && f->run.p + f->run.n == raw.p) {
        f->run.n += raw.n;
        return;
    }
    flush(f);
    f->run = raw;
    if (raw.p < f->bytes.p || raw.p >= f->bytes.p + f->bytes.n)
        flush(f); /* the framer's own copy is gone after this event */
}

/* A long stream keeps neither the request's bytes nor its index. */
static void shrink(struct request *r)
{
    struct attempt *t = r->attempt;

    if (t->call && !http_call_body_sent(t->call))
        return;
    buf_clear(&t->body);
    translate_shrink(t);
    if (!r->kept_body) /* which goes with it, and comes back before */
        translate_forget(r);
    t->edits = NULL;
    t->host.edits = NULL;
    if (t->output && !output_passes(t->output))
        return; /* policies still ask for fields of the request */
    r->path = str_of(r->endpoint->path);
    r->method = r->endpoint->method ? str_of(r->endpoint->method)
                                    : arena_dup(r->arena, r->method);
    r->credential = r->passed_credential = STR_NULL;
    body_drop(r);
    http_req_shrink(r->http);
}

static void commit_content(struct feed *f)
{
    struct request *r = f->r;

    choose_first_content(r);
    stream_commit_head(r);
    r->answer.content_sent = true;
    stream_send(r, buf_str(&r->answer.held));
    buf_clear(&r->answer.held);
    flush(f);
    shrink(r);
    timers_arm(r);
}

/* After an error event the stream is over, whatever follows it. */
static int on_error(struct feed *f, const struct sse_event *ev,
                    const struct wire_watch *w)
{
    struct request *r = f->r;

    r->answer.events++;
    stream_error_object(r, ev->data, w);
    if (r->answer.content_sent &&
        fault_info(r->attempt->fault.cls)->blame != BLAME_PARK &&
        str_eq(attempt_hide(r, ev->data), ev->data)) {
        request_output_cut(r);
        forward(f, ev->raw);
        flush(f);
        r->answer.error_sent = true;
    }
    return -ERR_CANCELLED;
}

static int watch_event(struct request *r, enum dialect d,
                       const struct sse_event *ev, struct wire_watch *w)
{
    return dialect_ops(d)->watch_event(d, ev->event, ev->data,
                                       &r->flow->scratch, r->arena, w, NULL);
}

/* What came, as the client's dialect says it: none or some events. */
static int translate(struct feed *f, const struct sse_event *ev,
                     struct wire_watch *w)
{
    struct request *r = f->r;
    struct err err = { 0 };

    if (translate_event(r, ev->event, ev->data, w, &err)) {
        stream_fault(r, PS_FAULT_PROTOCOL,
                     err.code ? err.msg : "an event could not be translated");
        return -ERR_CANCELLED;
    }
    if (!w->error)
        return 0;
    r->answer.events++;
    stream_error_object(r, ev->data, w);
    return -ERR_CANCELLED;
}

static int watch(struct feed *f, const struct sse_event *ev,
                 struct wire_watch *w)
{
    struct request *r = f->r;
    struct attempt *t = r->attempt;

    if (t->translation) {
        int rc = translate(f, ev, w);

        if (rc)
            return rc;
    } else if (watch_event(r, r->endpoint->dialect, ev, w)) {
        stream_fault(r, PS_FAULT_PROTOCOL, "an event is not valid JSON");
        return -ERR_CANCELLED;
    }
    if (w->error || str_is(ev->event, "error"))
        return on_error(f, ev, w);
    if (!w->done && plugin_watch(&t->host, ev->event, ev->data) < 0) {
        stream_fault(r, PS_FAULT_PROTOCOL, t->host.err.msg);
        return -ERR_CANCELLED;
    }
    usage_merge(&r->usage, &w->usage);
    r->answer.finish_seen |= w->finish;
    r->answer.done_seen |= w->done;
    if (w->done)
        ledger_ending(r);
    return 0;
}

/* Bytes behind the last whole event: dropped, unless they are an error, or
 * end a stream that had its finish. */
static bool is_partial(struct request *r, const struct sse_event *ev)
{
    struct wire_watch w;

    if (watch_event(r, stream_heard(r), ev, &w))
        return true;
    return !w.error && !w.done && !r->answer.finish_seen;
}

static int comment(struct feed *f, struct str raw)
{
    struct output *o = f->r->attempt->output;

    if (f->r->attempt->translation && !*request_dialect(f->r)->keepalive)
        return 0;
    if (o)
        return output_comment(o, raw);
    forward(f, raw);
    return 0;
}

/* A policy has ended the answer: all is sent, or the request fails. */
static int decided(struct feed *f, int rc)
{
    struct request *r = f->r;

    if (request_output_verdict(r, rc) == 0) {
        if (!r->answer.content_sent)
            commit_content(f);
        ledger_ending(r);
        flush(f);
        end_reply(r);
    }
    return -ERR_CANCELLED;
}

static int through_policies(struct feed *f, const struct sse_event *ev,
                            const struct wire_watch *w)
{
    struct request *r = f->r;
    struct output *o = r->attempt->output;
    int rc = output_event(o, ev, &r->flow->scratch, w->done);

    if (rc)
        return decided(f, rc);
    if (!r->answer.content_sent &&
        (output_passes(o) ? w->content : output_has_content(o)))
        commit_content(f);
    return r->attempt->broken ? -ERR_CANCELLED : 0;
}

/* The caller's tokens are used up: the answer ends here, as at its limit. */
static int cut_short(struct feed *f)
{
    struct request *r = f->r;
    struct attempt *t = r->attempt;
    int rc;

    limits_usage(r);
    rc = output_finish(t->output, WIRE_FINISH_LENGTH, &r->usage,
                       r->facts.include_usage);
    if (rc)
        return decided(f, rc);
    request_note(r, STR("limits"), STR("stopped: the tokens are used up"));
    t->decided = t->ended = true;
    if (!r->answer.content_sent)
        commit_content(f);
    flush(f);
    end_reply(r);
    return -ERR_CANCELLED;
}

/* An event has passed: may more come? */
static int goes_on(struct feed *f)
{
    return f->r->attempt->output && !limits_go_on(f->r) ? cut_short(f) : 0;
}

/* An event that the translation made, on its way through the policies. */
static int on_said(void *ud, const struct sse_event *ev)
{
    struct feed *f = ud;
    struct request *r = f->r;
    struct wire_watch w;
    int rc;

    if (ev->comment_only || !ev->data.p)
        return comment(f, ev->raw);
    if (watch_event(r, r->endpoint->dialect, ev, &w)) {
        stream_fault(r, PS_FAULT_PROTOCOL, "an event cannot be looked at");
        return -ERR_CANCELLED;
    }
    limits_count(r, r->endpoint->dialect, ev->event);
    rc = through_policies(f, ev, &w);
    return rc ? rc : goes_on(f);
}

/* Events that are made, by the translation or of a whole answer. */
static int say(struct feed *f, struct str said)
{
    struct sse sse;
    int rc;

    if (!f->r->attempt->output) {
        forward(f, said);
        return 0;
    }
    sse_init(&sse, EVENT_MAX);
    rc = sse_feed(&sse, said, on_said, f, NULL);
    sse_clear(&sse);
    return rc;
}

static int say_translated(struct feed *f)
{
    return say(f, buf_str(&f->r->attempt->translation->said));
}

/* What an error of ours behind this event would have for a number. */
static void count_event(struct request *r, const struct wire_watch *w)
{
    const struct translation *x = r->attempt->translation;

    if (x)
        r->answer.number = codec_out_number(x->out);
    else if (w->number)
        r->answer.number = w->number;
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct feed *f = ud;
    struct request *r = f->r;
    struct wire_watch w;
    int rc;

    if (ev->comment_only || !ev->data.p)
        return comment(f, ev->raw);
    if (ev->cut && is_partial(r, ev))
        return 0;
    rc = watch(f, ev, &w);
    if (rc)
        return rc;
    if (r->answer.events++ == 0)
        timers_arm(r); /* from first_event to idle */
    if (w.usage_only && r->attempt->withhold_usage)
        return 0;
    count_event(r, &w);
    if (!r->attempt->translation)
        limits_count(r, r->endpoint->dialect, ev->event);
    if (r->attempt->output && !r->attempt->translation) {
        rc = through_policies(f, ev, &w);
        return rc ? rc : goes_on(f);
    }
    if (r->attempt->translation)
        rc = say_translated(f);
    if (rc)
        return rc;
    if (w.content && !r->attempt->output && !r->answer.content_sent)
        commit_content(f); /* before: it may be larger than what is held */
    if (!r->attempt->translation)
        forward(f, ev->raw);
    return r->attempt->broken ? -ERR_CANCELLED : 0;
}

/* A frame that is none of SSE's, as one of its events. */
static int on_frame(void *ud, const struct frame *f)
{
    struct sse_event ev = { .raw = f->raw, .event = f->event, .data = f->data,
                            .retry_ms = -1, .comment_only = !f->data.p,
                            .cut = f->cut };

    return on_event(ud, &ev);
}

/* SSE, which nearly every answer is, without the detour. */
static int feed_frames(struct feed *f, struct str bytes, struct err *err)
{
    struct framer *in = &f->r->answer.framer;

    return in->kind == FRAMING_SSE
               ? sse_feed(&in->sse, bytes, on_event, f, err)
               : framer_feed(in, bytes, on_frame, f, err);
}

static int end_frames(struct feed *f, struct err *err)
{
    struct framer *in = &f->r->answer.framer;

    return in->kind == FRAMING_SSE ? sse_eof(&in->sse, on_event, f, err)
                                   : framer_eof(in, on_frame, f, err);
}

/* The answer is complete: what is held leaves. */
static void end_whole(struct feed *f)
{
    struct request *r = f->r;
    int rc = r->attempt->output ? output_end(r->attempt->output) : 0;

    if (rc) {
        decided(f, rc);
        return;
    }
    if (!r->answer.content_sent)
        commit_content(f);
    ledger_ending(r);
    flush(f);
    end_reply(r);
}

/* Upstream ended without a last word of its own. Whether that was the end its
 * decoder knows: it may hold the finish back until usage has come. */
static int end_translated(struct feed *f)
{
    struct request *r = f->r;
    struct wire_watch w;

    if (translate_event(r, STR_NULL, STR_NULL, &w, NULL) || w.error)
        return 0; /* it was cut */
    usage_merge(&r->usage, &w.usage);
    r->answer.finish_seen |= w.finish;
    r->answer.done_seen |= w.done;
    return say_translated(f);
}

static bool is_whole(const struct request *r)
{
    const struct answer *a = &r->answer;

    return a->done_seen ||
           (a->finish_seen && !dialect_ops(stream_heard(r))->needs_done);
}

void events_data(struct request *r, struct str bytes)
{
    struct feed f = { .r = r, .bytes = bytes };
    struct err err = { 0 };
    int rc = feed_frames(&f, bytes, &err);

    if (rc && !r->attempt->broken && !r->attempt->decided)
        stream_fault(r, PS_FAULT_PROTOCOL, err.msg);
    if (rc == 0 || r->answer.content_sent)
        flush(&f); /* what came before a fault was good */
}

void events_eof(struct request *r)
{
    struct feed f = { .r = r };
    struct err err = { 0 };
    struct answer *a = &r->answer;
    int rc = end_frames(&f, &err);

    if (rc == 0 && r->attempt->translation && a->events && !a->done_seen &&
        !dialect_ops(stream_heard(r))->needs_done)
        rc = end_translated(&f);
    if (rc == 0)
        flush(&f);
    if (r->attempt->broken || r->attempt->decided)
        return;
    if (rc || !is_whole(r)) {
        stream_fault(r, a->events ? PS_FAULT_TRANSIENT : PS_FAULT_PROTOCOL,
                     a->events ? "the stream ended before it was complete"
                               : "the stream was empty");
        return;
    }
    end_whole(&f);
}

void events_said(struct request *r, struct str said)
{
    struct feed f = { .r = r };

    buf_clear(&r->answer.held); /* theirs; ours is what is said */
    if (say(&f, said) == 0)
        end_whole(&f);
}
