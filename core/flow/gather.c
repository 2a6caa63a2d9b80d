/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The dialect's codec, into itself: its decoder of streams, its encoder of
 * whole answers. Nothing of a chat that the neutral form has is lost; members
 * that only the vendor knows are.
 */
#include "flow/gather.h"
#include "flow/events.h"

#include "wire/watch.h"

struct gathering {
    struct codec_in *in;
    struct codec_out *out;
    const struct codec *codec;
    struct json *scratch;
    struct buf whole;
    bool ended, error;
};

/* What is spoken, by the codec that can say it, too. */
static const struct codec *codec_of(const struct request *r)
{
    enum dialect d = stream_heard(r);
    const struct codec *c =
        codec_for(d == DIALECT_MISTRAL ? DIALECT_OPENAI_CHAT : d);

    return c && c->decode_event && c->encode ? c : NULL;
}

bool gather_can(const struct request *r)
{
    return codec_of(r) != NULL;
}

static int hear(void *ud, const struct neutral_event *ev)
{
    struct gathering *g = ud;

    g->error |= ev->type == NEUTRAL_ERROR;
    g->ended |= ev->type == NEUTRAL_END;
    return g->codec->encode(g->out, ev, &g->whole);
}

/* The last event of Responses has the answer as the provider keeps it. */
static int take_response(struct gathering *g, struct str data)
{
    static const char *const last[] = { "response.completed",
                                        "response.incomplete",
                                        "response.failed" };
    uint32_t node;
    int rc = json_scan(g->scratch, data, NULL, NULL);

    if (rc)
        return rc;
    node = json_member(g->scratch, 0, STR("response"));
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        if (node != JSON_NONE && watch_is(g->scratch, 0, "type", last[i])) {
            g->ended = true;
            return buf_put(&g->whole, json_raw(g->scratch, node));
        }
    }
    return 0;
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct gathering *g = ud;

    if (ev->comment_only || !ev->data.p || ev->cut || g->ended || g->error)
        return 0;
    if (g->codec->dialect == DIALECT_RESPONSES) {
        int rc = take_response(g, ev->data);

        if (rc || g->ended)
            return rc;
    }
    return g->codec->decode_event(g->in, ev->event, ev->data, hear, g, NULL);
}

static int open(struct gathering *g, struct request *r, bool stream)
{
    struct codec_in_opts in = { .tags = TAGS_TEXT,
                                .unique = str_of(r->id),
                                .max_held = TRANSLATED_BODY_MAX };
    struct codec_out_opts out = {
        .stream = stream,
        .include_usage = r->facts.include_usage,
        .legacy_functions =
            !r->attempt->translation &&
            json_member(&r->json, 0, STR("functions")) != JSON_NONE,
        .unique = str_of(r->id),
        .created = (int64_t)(clock_wall_ms() / 1000),
        .max_held = TRANSLATED_BODY_MAX,
    };

    buf_init(&g->whole, TRANSLATED_BODY_MAX);
    g->in = codec_in_new(g->codec, r->arena, &in);
    g->out = codec_out_new(g->codec, r->arena, &out);
    return g->in && g->out ? 0 : -ERR_NOMEM;
}

static int read_all(struct gathering *g, struct str events)
{
    struct sse sse;
    int rc;

    sse_init(&sse, EVENT_MAX);
    rc = sse_feed(&sse, events, on_event, g, NULL);
    if (rc == 0)
        rc = sse_eof(&sse, on_event, g, NULL);
    sse_clear(&sse);
    return rc;
}

bool gather(struct request *r, struct str *body)
{
    struct gathering g = { .codec = codec_of(r),
                           .scratch = &r->flow->scratch };
    const char *why = "the stream could not be made one answer";
    int rc = open(&g, r, false);

    if (rc == 0)
        rc = read_all(&g, buf_str(&r->answer.held));
    if (rc == 0 && !g.ended && !g.error) {
        rc = g.codec->decode_event(g.in, STR_NULL, STR_NULL, hear, &g, NULL);
        if (rc || !g.ended) {
            why = "the stream ended before it was complete";
            rc = -ERR_UPSTREAM_ERROR;
        }
    }
    if (rc) {
        buf_clear(&g.whole);
        stream_fault(r, PS_FAULT_TRANSIENT, why);
        return false;
    }
    buf_clear(&r->answer.held);
    r->answer.held = g.whole;
    *body = buf_str(&r->answer.held);
    return true;
}

bool gather_spread(struct request *r, struct str body, struct buf *out)
{
    struct gathering g = { .codec = codec_of(r) };
    int rc;

    if (!g.codec)
        return false;
    rc = open(&g, r, true);
    if (rc == 0)
        rc = g.codec->decode_body(g.in, body, hear, &g, NULL);
    if (rc || !g.ended) {
        buf_clear(&g.whole);
        return false;
    }
    *out = g.whole;
    return true;
}
