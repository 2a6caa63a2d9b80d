/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Neutral requests and events as text, to compare and to print. One form for
 * what means the same: texts are unescaped, messages of one role in a row are
 * one turn, pieces of one text are one line, empty arguments are {}.
 */
#ifndef PENSTOCK_UNIT_NEUTRAL_DUMP_H
#define PENSTOCK_UNIT_NEUTRAL_DUMP_H

#include "dump.h"

#include "wire/codec.h"

/* Only what every dialect can say: texts, calls, results. */
#define DUMP_MEANING 1
/* Without what must be left out: thinking that nobody signed. */
#define DUMP_SIGNED 2
/* Media in results stand behind them, as chat must have them. */
#define DUMP_HOIST 4

/* What stands for a signature where nobody signed: codec_anthropic_seal.c */
static inline bool dump_is_seal(const struct neutral_event *ev)
{
    return ev->type == NEUTRAL_SIGNATURE &&
           (ev->raw.p || str_starts((struct str){ ev->text.p, ev->text.n },
                                    STR("penstock.")));
}

static inline void dump_cache(struct dump *d, const struct neutral_cache *c)
{
    if (!c->set || d->flags & DUMP_MEANING)
        return;
    buf_puts(&d->b, " cached");
    dump_str(d, "ttl", c->ttl);
}

static inline void dump_media(struct dump *d, const struct neutral_media *m)
{
    if (m->source == MEDIA_TEXT && d->flags & DUMP_HOIST) {
        dump_jstr(d, "text", m->data); /* chat has it as a text */
        return;
    }
    buf_printf(&d->b, "media kind=%d source=%d", m->kind, m->source);
    dump_str(d, "mime", m->mime);
    dump_jstr(d, "data", m->data);
    dump_jstr(d, "name", m->name);
    dump_str(d, "detail", m->detail);
    dump_str(d, "citations", m->raw_citations);
    dump_str(d, "context", m->context);
}

static inline void dump_blocks(struct dump *d, const struct neutral_block *b,
                               bool inside);

static inline void dump_call(struct dump *d, const struct neutral_call *c)
{
    buf_puts(&d->b, c->custom ? "custom call" : "call");
    dump_str(d, "id", c->id);
    dump_str(d, "name", c->name);
    dump_str(d, "args", c->args.n || c->custom ? c->args : STR("{}"));
    if (!(d->flags & DUMP_MEANING))
        dump_jstr(d, "signature", c->signature);
}

static inline void dump_hoisted(struct dump *d,
                                const struct neutral_block *b)
{
    for (; b && d->flags & DUMP_HOIST; b = b->next) {
        if (b->kind == BLOCK_MEDIA && !(d->flags & DUMP_MEANING)) {
            buf_puts(&d->b, "\n  ");
            dump_media(d, &b->media);
        }
    }
}

static inline void dump_block(struct dump *d, const struct neutral_block *b)
{
    buf_puts(&d->b, "  ");
    switch (b->kind) {
    case BLOCK_TEXT:
        dump_jstr(d, "text", b->text);
        break;
    case BLOCK_REFUSAL:
        dump_jstr(d, "refusal", b->text);
        break;
    case BLOCK_MEDIA:
        dump_media(d, &b->media);
        break;
    case BLOCK_TOOL_CALL:
        dump_call(d, &b->call);
        break;
    case BLOCK_TOOL_RESULT:
        buf_printf(&d->b, "result%s", b->result.is_error ? " error" : "");
        dump_str(d, "id", b->result.id);
        dump_cache(d, &b->cache);
        buf_puts(&d->b, " [\n");
        if (b->result.blocks && b->result.blocks->kind == BLOCK_MEDIA &&
            !b->result.blocks->next && d->flags & DUMP_HOIST)
            buf_puts(&d->b, "   text=\"(see the next user message)\"\n");
        dump_blocks(d, b->result.blocks, true);
        buf_puts(&d->b, "  ]");
        dump_hoisted(d, b->result.blocks);
        break;
    case BLOCK_THINKING:
        buf_puts(&d->b, "thinking");
        dump_jstr(d, "text", b->thinking.text);
        dump_jstr(d, "signature", b->thinking.signature);
        dump_jstr(d, "redacted", b->thinking.redacted);
        break;
    case BLOCK_UNKNOWN:
        buf_printf(&d->b, "unknown %d", b->unknown.dialect);
        dump_str(d, "raw", b->unknown.raw);
        break;
    }
    if (b->kind != BLOCK_TOOL_RESULT)
        dump_cache(d, &b->cache);
    buf_puts(&d->b, "\n");
}

static inline bool dump_skips(const struct dump *d,
                              const struct neutral_block *b, bool inside)
{
    if (b->kind == BLOCK_TEXT && jstr_blank(b->text))
        return true;
    if (d->flags & DUMP_SIGNED && b->kind == BLOCK_THINKING &&
        !b->thinking.signature.n && !b->thinking.redacted.p)
        return true;
    if (d->flags & DUMP_HOIST && inside && b->kind == BLOCK_MEDIA)
        return true;
    if (b->kind == BLOCK_MEDIA && b->media.source == MEDIA_TEXT)
        return false;
    return d->flags & DUMP_MEANING && b->kind != BLOCK_TEXT &&
           b->kind != BLOCK_TOOL_CALL && b->kind != BLOCK_TOOL_RESULT;
}

static inline void dump_blocks(struct dump *d, const struct neutral_block *b,
                               bool inside)
{
    for (; b; b = b->next) {
        if (!dump_skips(d, b, inside))
            dump_block(d, b);
    }
}

static inline void dump_messages(struct dump *d,
                                 const struct neutral_request *r)
{
    bool meaning = d->flags & DUMP_MEANING;
    int last = -1;

    for (const struct neutral_message *m = r->first; m; m = m->next) {
        size_t before = buf_len(&d->b), head;
        int role = meaning && m->role == ROLE_DEVELOPER ? (int)ROLE_SYSTEM
                                                        : (int)m->role;

        if (meaning && role == ROLE_SYSTEM && !r->first->next)
            role = ROLE_USER; /* someone must have spoken */
        if (role != last)
            buf_printf(&d->b, "role %d\n", role);
        head = buf_len(&d->b);
        if (m->name.p && !meaning) {
            dump_jstr(d, "name", m->name);
            buf_puts(&d->b, "\n");
        }
        dump_blocks(d, m->first, false);
        if (buf_len(&d->b) == head)
            d->b.n = before; /* a turn of nothing is none */
        else
            last = role;
    }
}

static inline void dump_tools(struct dump *d, const struct neutral_request *r)
{
    for (const struct neutral_tool *t = r->tools; t; t = t->next) {
        buf_printf(&d->b, "tool strict=%d custom=%d", t->strict, t->custom);
        dump_str(d, "name", t->name);
        dump_jstr(d, "description", t->description);
        dump_str(d, "schema", t->raw_schema);
        dump_str(d, "unknown", t->raw_unknown);
        dump_cache(d, &t->cache);
        buf_puts(&d->b, "\n");
    }
    buf_printf(&d->b, "choice %d parallel %d", r->choice.kind, r->parallel);
    dump_str(d, "name", r->choice.name);
    for (struct neutral_name *n = r->choice.allowed; n; n = n->next)
        dump_str(d, "allowed", n->name);
    buf_puts(&d->b, "\n");
}

static inline void dump_rest(struct dump *d, const struct neutral_request *r)
{
    buf_printf(&d->b, "stream %d max %lld", r->stream,
               (long long)r->max_tokens);
    dump_str(d, "user", r->user);
    dump_str(d, "tier", r->service_tier);
    dump_cache(d, &r->cache);
    for (struct neutral_name *n = r->stops; n; n = n->next)
        dump_str(d, "stop", n->name);
    for (int p = 0; p < PARAM_COUNT; p++)
        dump_str(d, neutral_param_name(p, DIALECT_OPENAI_CHAT), r->param[p]);
    buf_printf(&d->b, "\nformat %d strict %d", r->format.kind,
               r->format.strict);
    dump_str(d, "name", r->format.name);
    dump_jstr(d, "description", r->format.description);
    dump_str(d, "schema", r->format.raw_schema);
    buf_printf(&d->b, "\nreasoning %d budget %lld", r->reasoning.kind,
               (long long)r->reasoning.budget);
    dump_str(d, "effort", r->reasoning.effort);
    dump_str(d, "display", r->reasoning.display);
    buf_puts(&d->b, "\n");
    for (const struct neutral_extra *e = r->extras; e; e = e->next) {
        dump_str(d, "extra", e->name);
        dump_str(d, "raw", e->raw);
        buf_puts(&d->b, "\n");
    }
}

static inline void dump_request(struct dump *d,
                                const struct neutral_request *r)
{
    if (!(d->flags & DUMP_MEANING)) {
        dump_rest(d, r);
        dump_tools(d, r);
    }
    dump_messages(d, r);
}

#endif
