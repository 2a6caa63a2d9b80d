/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, read: reasoning that a server left in the text, in
 * <think> tags. Only an answer that begins with the tag is taken for such a
 * one: later tags are what the model wrote. Some templates put the opening
 * tag into the prompt; then only the closing one comes (TAGS_THINK). A tag
 * may be cut anywhere, and its brackets may be escaped.
 */
#include "wire/codec_chat_in.h"

_Static_assert(TAGS_HELD_MAX > 6 * sizeof "</think>",
               "the beginning of a tag can always be held");

enum match { MATCH_NO, MATCH_PART, MATCH_ALL };

/* The character at i of an escaped text, 0 where it is none of ASCII; its
 * length there. A cut escape is one of the text's end. */
static char unit_at(struct jstr s, size_t i, size_t *n)
{
    static const char from[] = "ntr\"\\/", to[] = "\n\t\r\"\\/";
    const char *at;

    *n = 1;
    if (s.p[i] != '\\')
        return s.p[i];
    *n = s.n - i > 1 ? 2 : 1;
    if (*n == 2 && s.p[i + 1] == 'u') {
        *n = s.n - i < 6 ? s.n - i : 6;
        if (*n == 6 && str_ieq((struct str){ s.p + i + 2, 4 }, STR("003c")))
            return '<';
        if (*n == 6 && str_ieq((struct str){ s.p + i + 2, 4 }, STR("003e")))
            return '>';
        return 0;
    }
    at = *n == 2 ? strchr(from, s.p[i + 1]) : NULL;
    return at && *at ? to[at - from] : 0;
}

static size_t skip_space(struct jstr s)
{
    size_t i = 0, n;

    while (i < s.n && strchr(" \n\t\r", unit_at(s, i, &n)) &&
           unit_at(s, i, &n))
        i += n;
    return i;
}

/* The tag at i: *end is behind it where it is whole. */
static enum match match_tag(struct jstr s, size_t i, const char *tag,
                            size_t *end)
{
    size_t n;

    for (; *tag; tag++, i += n) {
        if (i >= s.n)
            return MATCH_PART;
        if (unit_at(s, i, &n) != *tag)
            return MATCH_NO;
    }
    *end = i;
    return MATCH_ALL;
}

static struct jstr rest_of(struct jstr s, size_t from)
{
    return (struct jstr){ s.p + from, s.n - from };
}

static bool hold(struct chat_choice *c, struct jstr s)
{
    if (s.n > sizeof c->held)
        return false;
    memcpy(c->held, s.p, s.n);
    c->n_held = s.n;
    return true;
}

/* ---- states: each takes some of *s and says where the rest stands -------- */

static int before(struct chat_in *in, struct chat_choice *c, struct jstr *s)
{
    size_t at = skip_space(*s), end = 0;
    enum match m = match_tag(*s, at, "<think>", &end);

    if (m == MATCH_PART && hold(c, *s)) {
        s->n = 0;
        return 0;
    }
    if (m == MATCH_ALL)
        *s = rest_of(*s, end);
    c->tags_at = m == MATCH_ALL || in->base.opts.tags == TAGS_THINK
                     ? TAGS_INSIDE : TAGS_NONE;
    return 0;
}

static int inside(struct chat_in *in, struct chat_choice *c, struct jstr *s)
{
    enum match m = MATCH_NO;
    size_t i = 0, end = s->n, n;
    struct jstr thought;

    for (; i < s->n; i += n) {
        if (unit_at(*s, i, &n) != '<')
            continue;
        m = match_tag(*s, i, "</think>", &end);
        if (m != MATCH_NO)
            break;
    }
    thought = (struct jstr){ s->p, i };
    *s = rest_of(*s, m == MATCH_ALL ? end : i);
    if (m == MATCH_ALL)
        c->tags_at = TAGS_BEHIND;
    else if (m == MATCH_PART && hold(c, *s))
        s->n = 0;
    return chat_push(in, c, PART_THINKING, -1, thought);
}

static int behind(struct chat_choice *c, struct jstr *s)
{
    *s = rest_of(*s, skip_space(*s));
    if (s->n)
        c->tags_at = TAGS_NONE;
    return 0;
}

/* What was held, and this text, in one piece. */
static int joined(struct chat_in *in, struct chat_choice *c, struct jstr *s)
{
    char *both;

    if (!c->n_held)
        return 0;
    both = arena_alloc(in->base.tmp, c->n_held + s->n);
    if (!both)
        return err_set(in->base.err, ERR_NOMEM, "out of memory");
    memcpy(both, c->held, c->n_held);
    memcpy(both + c->n_held, s->p, s->n);
    *s = (struct jstr){ both, c->n_held + s->n };
    c->n_held = 0;
    return 0;
}

int chat_push_content(struct chat_in *in, struct chat_choice *c,
                      struct jstr text)
{
    int rc = 0;

    if (in->base.opts.tags == TAGS_TEXT)
        c->tags_at = TAGS_NONE;
    if (!text.n || c->tags_at == TAGS_NONE)
        return chat_push(in, c, PART_TEXT, -1, text);
    rc = joined(in, c, &text);
    while (!rc && text.n && c->tags_at != TAGS_NONE) {
        if (c->tags_at == TAGS_BEFORE)
            rc = before(in, c, &text);
        else if (c->tags_at == TAGS_INSIDE)
            rc = inside(in, c, &text);
        else
            rc = behind(c, &text);
    }
    return rc ? rc : chat_push(in, c, PART_TEXT, -1, text);
}

int chat_flush_content(struct chat_in *in, struct chat_choice *c)
{
    struct jstr held = { c->held, c->n_held };
    enum part_kind kind = c->tags_at == TAGS_INSIDE ? PART_THINKING
                                                    : PART_TEXT;

    c->n_held = 0;
    return chat_push(in, c, kind, -1, held);
}

enum codec_tags codec_tags_named(struct str name)
{
    return str_is(name, "think_tags") ? TAGS_THINK
           : str_is(name, "text")     ? TAGS_TEXT
                                      : TAGS_AUTO;
}
