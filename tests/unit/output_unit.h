/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * An answer through real policies without a request: events in, bytes out,
 * and the texts that a client would join of them.
 */
#ifndef PENSTOCK_OUTPUT_UNIT_H
#define PENSTOCK_OUTPUT_UNIT_H

#include "policy_unit.h"

#include "flow/output.h"

struct story {
    struct fake f;
    struct output *o;
    const struct wire_text_ops *wire; /* OpenAI's, at first */
    struct sse sse;
    struct json scratch;
    struct buf got;  /* bytes for the client */
    struct buf text; /* joined of them */
    int rc;
};

static inline void story_ask(void *ud, struct policy_window *w,
                             struct policy_result *out)
{
    struct story *s = ud;

    s->f.run.window = w;
    s->f.run.wake = NULL;
    CU_ASSERT_EQUAL(policy_run(s->f.set, PHASE_OUTPUT, &s->f.run, out),
                    POLICY_DONE);
}

static inline void story_fail(void *ud, struct policy_window *w,
                              const char *why, struct policy_result *out)
{
    struct story *s = ud;

    s->f.run.window = w;
    policy_output_fail(s->f.set, &s->f.run, why, out);
}

static const struct output_ops story_ops = { story_ask, story_fail };

/** One policy; more by fake_policy(&s->f, …) before story_open. */
static inline struct conf_policy *story_init(struct story *s,
                                             const char *source)
{
    memset(s, 0, sizeof *s);
    fake_init(&s->f);
    s->wire = wire_text_ops(DIALECT_OPENAI_CHAT);
    s->got = (struct buf)BUF_INIT(64 << 20);
    s->text = (struct buf)BUF_INIT(64 << 20);
    return fake_policy(&s->f, "p", source);
}

static inline void story_begin(struct story *s)
{
    struct policy_output wants;

    output_free(s->o);
    s->o = NULL;
    s->rc = 0;
    buf_reset(&s->got);
    s->f.notes[0] = '\0';
    sse_clear(&s->sse);
    sse_init(&s->sse, 16 << 20);
    if (policy_output_wants(s->f.set, STR("chat"), &wants))
        s->o = output_new(&wants, DIALECT_OPENAI_CHAT, s->wire, s->f.arena,
                          &story_ops, s);
    if (s->o)
        output_may_end(s->o);
}

static inline bool story_open(struct story *s)
{
    if (!fake_open(&s->f, NULL))
        return false;
    story_begin(s);
    return s->o != NULL;
}

static inline void story_clear(struct story *s)
{
    output_free(s->o);
    sse_clear(&s->sse);
    json_clear(&s->scratch);
    buf_clear(&s->got);
    buf_clear(&s->text);
    fake_clear(&s->f);
}

static inline void story_take(struct story *s)
{
    buf_put(&s->got, output_bytes(s->o));
    output_sent(s->o);
}

static inline int story_event(void *ud, const struct sse_event *ev)
{
    struct story *s = ud;
    bool done = ev->data.p && str_is(ev->data, "[DONE]");
    bool last = done || str_is(ev->event, "message_stop") ||
                str_is(ev->event, "response.completed");

    if (!ev->data.p)
        return output_comment(s->o, ev->raw);
    if (!done)
        CU_ASSERT_EQUAL_FATAL(json_scan(&s->scratch, ev->data, NULL, NULL), 0);
    s->rc = output_event(s->o, ev, done ? NULL : &s->scratch, last);
    if (s->rc == -ERR_CANCELLED &&
        output_verdict(s->o)->verdict == POLICY_STOP) {
        struct usage u = USAGE_NONE;

        u.input = 3;
        u.output = 2;
        CU_ASSERT_EQUAL(output_stop(s->o, &u, true), 0);
    }
    return s->rc;
}

/** Bytes of the stream, as they came. */
static inline void story_feed(struct story *s, struct str bytes)
{
    if (!s->rc)
        sse_feed(&s->sse, bytes, story_event, s, NULL);
    story_take(s);
}

/** The stream has no last word of its own: it is over. */
static inline void story_end(struct story *s)
{
    s->rc = s->rc ? s->rc : output_end(s->o);
    story_take(s);
}

/** A whole answer as a client gets it. */
static inline const char *story_whole(struct story *s, const char *body)
{
    bool edited;

    CU_ASSERT_EQUAL_FATAL(json_scan(&s->scratch, str_of(body), NULL, NULL), 0);
    s->rc = output_body(s->o, &s->scratch, &edited);
    buf_put(&s->got, edited ? output_bytes(s->o) : str_of(body));
    buf_putc(&s->got, '\0');
    s->got.n--;
    return s->got.p + s->got.off;
}

#define DELTA(choice, delta)                                                  \
    "data: {\"id\":\"c\",\"choices\":[{\"index\":" #choice ",\"delta\":{"     \
    delta "},\"finish_reason\":null}]}\n\n"
#define ROLE DELTA(0, "\"role\":\"assistant\",\"content\":\"\"")
#define FINISH                                                                \
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},"             \
    "\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

/** One event with that text (no escapes needed) in choice 0's `member`. */
static inline void story_say(struct story *s, const char *member,
                             const char *text, size_t n)
{
    struct buf b = BUF_INIT(16 << 20);

    buf_printf(&b, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":"
                   "{\"%s\":\"%.*s\"},\"finish_reason\":null}]}\n\n",
               member, (int)n, text);
    story_feed(s, buf_str(&b));
    buf_clear(&b);
}

struct joined {
    struct story *s;
    int kind;
    uint32_t choice, block;
    struct json j;
    struct wire_texts found;
    uint16_t high;
};

static inline int join_event(void *ud, const struct sse_event *ev)
{
    struct joined *w = ud;

    if (!ev->data.p || str_is(ev->data, "[DONE]"))
        return 0;
    CU_ASSERT_EQUAL_FATAL(json_scan(&w->j, ev->data, NULL, NULL), 0);
    wire_text_ops(DIALECT_OPENAI_CHAT)->find(DIALECT_OPENAI_CHAT, STR_NULL,
                                             &w->j, w->s->f.arena, &w->found);
    for (uint32_t i = 0; i < w->found.n; i++) {
        const struct wire_item *it = &w->found.items[i];

        if (it->type == WIRE_ITEM_TEXT && it->kind == w->kind &&
            it->choice == w->choice && it->block == w->block)
            wire_put_chars(&w->s->text, json_raw(&w->j, it->node), &w->high);
    }
    return 0;
}

/** What a client joins of a block's text, from the bytes so far. */
static inline const char *story_text(struct story *s, int kind,
                                     uint32_t choice, uint32_t block)
{
    struct joined w = { .s = s, .kind = kind, .choice = choice,
                        .block = block };
    struct sse sse;

    buf_reset(&s->text);
    sse_init(&sse, 64 << 20);
    sse_feed(&sse, buf_str(&s->got), join_event, &w, NULL);
    sse_clear(&sse);
    json_clear(&w.j);
    wire_texts_clear(&w.found);
    buf_putc(&s->text, '\0');
    return s->text.p;
}

static inline const char *story_bytes(struct story *s)
{
    buf_putc(&s->got, '\0');
    s->got.n--;
    return s->got.p + s->got.off;
}

#endif
