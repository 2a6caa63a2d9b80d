/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Neutral events as text, one line for what belongs together, and the runs
 * that give them: a body, or a stream cut in pieces of any size.
 */
#ifndef PENSTOCK_UNIT_NEUTRAL_RECORD_H
#define PENSTOCK_UNIT_NEUTRAL_RECORD_H

#include "neutral_dump.h"

#include "wire/codec_stream.h"
#include "wire/sse.h"

#define RECORD_CHOICES 8
/* Only what every dialect can say of an answer. */
#define RECORD_MEANING 1

struct record_choice {
    struct buf lines, text;
    struct buf texts; /* RECORD_MEANING: all of it, for chat has one */
    int type; /* of what is in `text`, or -1 */
    bool open, call, args, custom, refused; /* a block, and what it is */
};

struct record {
    struct record_choice choice[RECORD_CHOICES];
    struct buf ends; /* START, USAGE, END, ERROR */
    struct usage usage;
    int flags, n, ends_seen, faults;
    bool failed;
    struct arena *a;
};

static inline void record_open(struct record *r, int flags)
{
    *r = (struct record){ .flags = flags, .usage = USAGE_NONE };
    r->a = arena_new(256 << 20);
    buf_init(&r->ends, 1 << 20);
    for (int i = 0; i < RECORD_CHOICES; i++) {
        buf_init(&r->choice[i].lines, 64 << 20);
        buf_init(&r->choice[i].text, 64 << 20);
        buf_init(&r->choice[i].texts, 64 << 20);
        r->choice[i].type = -1;
    }
}

static inline void record_close(struct record *r)
{
    buf_clear(&r->ends);
    for (int i = 0; i < RECORD_CHOICES; i++) {
        buf_clear(&r->choice[i].lines);
        buf_clear(&r->choice[i].text);
        buf_clear(&r->choice[i].texts);
    }
    arena_free(r->a);
}

static inline void record_flush(struct record *r, struct record_choice *c)
{
    static const char *const names[] = {
        [NEUTRAL_TEXT] = "text",         [NEUTRAL_REFUSAL] = "refusal",
        [NEUTRAL_THINKING] = "thinking", [NEUTRAL_SIGNATURE] = "signature",
        [NEUTRAL_TOOL_ARGS] = "args",
    };
    struct str s = buf_str(&c->text);

    if (c->type < 0)
        return;
    buf_printf(&c->lines, "%s ", names[c->type]);
    buf_json_str(&c->lines, jstr_text((struct jstr){ s.p, s.n }, r->a));
    buf_puts(&c->lines, "\n");
    buf_reset(&c->text);
    c->type = -1;
}

static inline void record_piece(struct record *r, struct record_choice *c,
                                const struct neutral_event *ev)
{
    bool meaning = r->flags & RECORD_MEANING;

    c->refused |= ev->type == NEUTRAL_REFUSAL && ev->text.n;
    if (meaning && (ev->type == NEUTRAL_THINKING ||
                    ev->type == NEUTRAL_SIGNATURE))
        return;
    if (meaning && ev->type != NEUTRAL_TOOL_ARGS) {
        buf_put(&c->texts, (struct str){ ev->text.p, ev->text.n });
        return;
    }
    if (c->type != (int)ev->type)
        record_flush(r, c);
    c->type = (int)ev->type;
    if (c->custom)
        jstr_put_escaped(&c->text, (struct str){ ev->text.p, ev->text.n });
    else
        buf_put(&c->text, (struct str){ ev->text.p, ev->text.n });
    if (jstr_half_pair(ev->text) || jstr_low_first(ev->text))
        r->faults++; /* half a pair went out */
}

static inline void record_line(struct record *r, struct record_choice *c,
                               const char *what, struct str s)
{
    record_flush(r, c);
    buf_printf(&c->lines, "%s ", what);
    buf_json_str(&c->lines, s);
    buf_puts(&c->lines, "\n");
}

/* Why it ended, as far as both dialects can tell. */
static inline int record_finish(struct record_choice *c, enum neutral_finish f)
{
    if (f == FINISH_STOP_SEQUENCE || f == FINISH_PAUSE || f == FINISH_STOP)
        return c->refused ? FINISH_FILTER : FINISH_STOP; /* chat's refusal */
    return f == FINISH_CONTEXT ? FINISH_LENGTH : (int)f;
}

static inline void record_block(struct record *r, struct record_choice *c,
                                const struct neutral_event *ev)
{
    bool meaning = r->flags & RECORD_MEANING;

    switch (ev->type) {
    case NEUTRAL_TOOL_BEGIN:
        r->faults += c->open;
        c->open = true;
        c->args = false;
        c->call = true;
        c->custom = ev->custom && meaning;
        record_line(r, c, ev->custom && !meaning ? "custom" : "call",
                    codec_id_from_anthropic(ev->id, r->a));
        record_line(r, c, "name", ev->tool);
        c->args = c->custom;
        c->type = c->custom ? (int)NEUTRAL_TOOL_ARGS : -1;
        if (c->custom) /* as it is where there are only functions */
            buf_puts(&c->text, "{\\\"input\\\":\\\"");
        break;
    case NEUTRAL_BLOCK_END:
        r->faults += !c->open;
        c->open = false;
        if (c->custom)
            buf_puts(&c->text, "\\\"}");
        c->custom = false;
        record_flush(r, c);
        if (c->call && !c->args)
            buf_puts(&c->lines, "args \"{}\"\n");
        c->call = false;
        if (!meaning)
            buf_puts(&c->lines, "end\n");
        break;
    case NEUTRAL_REDACTED:
        if (!meaning)
            record_line(r, c, "redacted", jstr_text(ev->text, r->a));
        break;
    case NEUTRAL_OPAQUE:
        if (!meaning)
            record_line(r, c, "opaque", ev->raw);
        break;
    case NEUTRAL_FINISH:
        r->faults += c->open;
        record_flush(r, c);
        buf_printf(&c->lines, "finish %d\n",
                   meaning ? record_finish(c, ev->finish) : (int)ev->finish);
        if (!meaning && ev->finish == FINISH_STOP_SEQUENCE)
            record_line(r, c, "stop", jstr_text(ev->text, r->a));
        break;
    default: /* citations, logprobs: compared by their own tests */
        break;
    }
}

static inline int record_event(void *ud, const struct neutral_event *ev)
{
    struct record *r = ud;
    struct record_choice *c = &r->choice[ev->choice % RECORD_CHOICES];

    r->faults += r->ends_seen;
    r->n++;
    switch (ev->type) {
    case NEUTRAL_START:
        r->faults += r->n > 1;
        usage_merge(&r->usage, &ev->usage);
        break;
    case NEUTRAL_USAGE:
        r->usage = ev->usage;
        break;
    case NEUTRAL_END:
        buf_puts(&r->ends, "end\n");
        r->ends_seen = 1;
        break;
    case NEUTRAL_ERROR:
        buf_printf(&r->ends, "error %d " STR_FMT "\n", ev->error->status,
                   STR_ARG(ev->error->message));
        r->ends_seen = 1;
        r->failed = true;
        break;
    case NEUTRAL_PING:
        break;
    case NEUTRAL_TEXT:
    case NEUTRAL_REFUSAL:
    case NEUTRAL_THINKING:
    case NEUTRAL_SIGNATURE:
        c->open = true;
        if (!dump_is_seal(ev))
            record_piece(r, c, ev);
        break;
    case NEUTRAL_TOOL_ARGS:
        r->faults += !c->open;
        c->args = true;
        record_piece(r, c, ev);
        break;
    default:
        record_block(r, c, ev);
    }
    return 0;
}

static inline int64_t record_known(int64_t v)
{
    return v > 0 ? v : 0;
}

/* All of it as one text; usage with 0 for what was not said. */
static inline void record_text(struct record *r, struct buf *out)
{
    const struct usage *u = &r->usage;

    for (int i = 0; i < RECORD_CHOICES; i++) {
        struct str s = buf_str(&r->choice[i].texts);

        if (r->flags & RECORD_MEANING && (i || r->failed))
            break; /* not every dialect has more than one */
        record_flush(r, &r->choice[i]);
        if (s.n)
            record_line(r, &r->choice[i], "texts",
                        jstr_text((struct jstr){ s.p, s.n }, r->a));
        if (buf_len(&r->choice[i].lines))
            buf_printf(out, "choice %d\n" STR_FMT, i,
                       STR_ARG(buf_str(&r->choice[i].lines)));
    }
    buf_put(out, buf_str(&r->ends));
    buf_printf(out, "usage %lld %lld %lld %lld %lld\n",
               (long long)record_known(u->input),
               (long long)record_known(u->cache_read),
               (long long)record_known(u->cache_write),
               (long long)record_known(u->output),
               (long long)record_known(u->reasoning));
}

#endif
