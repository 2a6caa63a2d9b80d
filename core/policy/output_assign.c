/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A whole text takes another's place: which stretches of it were swapped? Of
 * what gsub made that is known, if it was traced; of anything else it is found
 * by comparing.
 */
#include "policy/output_text.h"

/* ---- traced ------------------------------------------------------------- */

static int copy_spans(struct output_spans *to, const struct output_spans *from)
{
    static const struct output_spans none;

    return output_spans_join(&none, from, to);
}

void output_text_trace(struct output_text *t, struct str from, struct str to,
                       const struct output_spans *spans)
{
    struct output_trace *x = &t->trace;
    struct output_spans joined;
    int rc;

    if (str_eq(from, output_text_now(t)))
        rc = copy_spans(&x->spare, spans);
    else if (x->set && str_eq(from, buf_str(&x->text)))
        rc = output_spans_join(&x->spans, spans, &x->spare);
    else
        return;
    buf_reset(&x->text);
    rc = rc ? rc : buf_put(&x->text, to);
    joined = x->spare;
    x->spare = x->spans;
    x->spans = joined;
    x->set = rc == 0;
}

static int assign_traced(struct output_text *t)
{
    const struct output_trace *x = &t->trace;
    struct str s = buf_str(&x->text);
    int rc = 0;

    output_text_begin(t);
    for (size_t i = 0; i < x->spans.n && !rc; i++) {
        const struct output_span *at = &x->spans.list[i];

        rc = output_text_swap(t, at->at, at->n,
                              (struct str){ s.p + at->to, at->m });
    }
    return rc ? rc : output_text_end(t);
}

/* ---- compared ----------------------------------------------------------- */

static size_t common_head(struct str a, struct str b)
{
    size_t least = a.n < b.n ? a.n : b.n, n = 0;

    while (n < least && a.p[n] == b.p[n])
        n++;
    return n;
}

static size_t common_tail(struct str a, struct str b)
{
    size_t least = a.n < b.n ? a.n : b.n, n = 0;

    while (n < least && a.p[a.n - 1 - n] == b.p[b.n - 1 - n])
        n++;
    return n;
}

static struct str behind(struct str s, size_t n)
{
    return (struct str){ s.p + n, s.n - n };
}

/* The next run that both have and that `b` has once, not too far away: where
 * it stands in each. False where there is none. */
static bool meet(struct str a, struct str b, size_t *in_a, size_t *in_b)
{
    enum { RUN = 8, FAR = 128 };
    struct str near = { b.p, b.n < FAR ? b.n : FAR };

    for (size_t i = 0; i + RUN <= a.n && i < FAR; i++) {
        struct str run = { a.p + i, RUN };
        ptrdiff_t at = str_find(near, run);

        if (at < 0 || str_find(behind(near, (size_t)at + 1), run) >= 0)
            continue;
        *in_a = i;
        *in_b = (size_t)at;
        return true;
    }
    return false;
}

/* A stretch that is known to differ; it grows while others touch it. */
struct stretch {
    size_t at, n, to, m; /* as in a span */
    bool any;
};

/* (More than one match may lie in it, and the first of them end with its first
 * byte.) Where the last `chars` characters before `end` begin. */
static size_t chars_before(struct str s, size_t end, uint32_t chars)
{
    while (chars && end) {
        end--;
        if (((unsigned char)s.p[end] & 0xC0) != 0x80)
            chars--;
    }
    return end;
}

static int put(struct output_text *t, struct str s, const struct stretch *x)
{
    if (!x->any)
        return 0;
    return output_text_swap(t, x->at, x->n, (struct str){ s.p + x->to, x->m });
}

/* The next one: widened to the left, and one with the last where they meet.
 * What has left is not taken back. */
static int grow(struct output_text *t, struct str s, struct stretch *last,
                const struct stretch *x)
{
    size_t begin = chars_before(output_text_now(t), x->at, t->reach);
    size_t left = output_text_from(t, t->left);
    int rc = 0;

    if (begin < left)
        begin = left;
    if (begin > x->at) /* it is about what has left */
        begin = x->at;
    if (last->any && begin <= last->at + last->n) {
        last->n = x->at + x->n - last->at;
        last->m = x->to + x->m - last->to;
        return 0;
    }
    rc = put(t, s, last);
    last->any = true;
    last->at = begin;
    last->n = x->at + x->n - begin;
    last->to = x->to - (x->at - begin);
    last->m = x->to + x->m - last->to;
    return rc;
}

static int compare(struct output_text *t, struct str s, bool coarse)
{
    struct str was = output_text_now(t), a = was, b = s;
    size_t n = common_head(a, b);
    size_t tail = common_tail(behind(a, n), behind(b, n));
    struct stretch last = { .any = false };
    int rc = 0;

    output_text_begin(t);
    a = (struct str){ a.p + n, a.n - n - tail };
    b = (struct str){ b.p + n, b.n - n - tail };
    while (!rc && (a.n || b.n)) {
        struct stretch x = { .at = (size_t)(a.p - was.p),
                             .to = (size_t)(b.p - s.p) };

        if (coarse || !meet(a, b, &x.n, &x.m)) {
            x.n = a.n;
            x.m = b.n;
        }
        rc = grow(t, s, &last, &x);
        a = behind(a, x.n);
        b = behind(b, x.m);
        n = common_head(a, b);
        a = behind(a, n);
        b = behind(b, n);
    }
    rc = rc ? rc : put(t, s, &last);
    return rc ? rc : output_text_end(t);
}

int output_text_assign(struct output_text *t, struct str s, bool coarse)
{
    if (t->trace.set && str_eq(s, buf_str(&t->trace.text)))
        return assign_traced(t);
    return compare(t, s, coarse);
}
