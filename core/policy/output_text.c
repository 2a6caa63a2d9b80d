/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "policy/output_text.h"

#include <stdlib.h>

void output_text_init(struct output_text *t, size_t max)
{
    *t = (struct output_text){ .orig = STR("") };
    for (int i = 0; i < 3; i++)
        buf_init(&t->v[i].text, max);
    buf_init(&t->trace.text, max);
}

void output_text_clear(struct output_text *t)
{
    for (int i = 0; i < 3; i++) {
        buf_clear(&t->v[i].text);
        free(t->v[i].spans.list);
    }
    free(t->edits.list);
    buf_clear(&t->trace.text);
    free(t->trace.spans.list);
    free(t->trace.spare.list);
    *t = (struct output_text){ 0 };
}

void output_text_set(struct output_text *t, struct str orig)
{
    t->orig = orig;
    t->left = 0;
    t->reach = 0;
    t->trace.set = false;
    t->now = t->marked = 0;
    t->v[0].edited = false;
    t->v[0].spans.n = 0;
}

static const struct output_version *now(const struct output_text *t)
{
    return &t->v[t->now];
}

struct str output_text_now(const struct output_text *t)
{
    return now(t)->edited ? buf_str(&now(t)->text) : t->orig;
}

void output_text_mark(struct output_text *t)
{
    t->marked = t->now;
}

void output_text_revert(struct output_text *t)
{
    t->now = t->marked;
    t->trace.set = false;
}

bool output_text_changed(const struct output_text *t)
{
    return t->now != t->marked;
}

static int span_add(struct output_spans *s, struct output_span span)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct output_span *more = realloc(s->list, cap * sizeof *more);

        if (!more)
            return -ERR_NOMEM;
        s->list = more;
        s->cap = cap;
    }
    s->list[s->n++] = span;
    return 0;
}

/* ---- edits -------------------------------------------------------------- */

static struct output_version *next(struct output_text *t)
{
    int i = 0;

    while (i == t->now || i == t->marked)
        i++;
    return &t->v[i];
}

void output_text_begin(struct output_text *t)
{
    t->count++;
    t->edits.n = 0;
    t->read = 0;
    buf_reset(&next(t)->text);
}

static int copy_to(struct output_text *t, size_t at)
{
    struct str s = output_text_now(t);
    int rc = buf_put(&next(t)->text, (struct str){ s.p + t->read,
                                                   at - t->read });

    if (!rc)
        t->read = at;
    return rc;
}

int output_text_swap(struct output_text *t, size_t at, size_t n,
                     struct str with)
{
    struct output_span span = { .at = at, .n = n, .m = with.n };
    struct str was = { output_text_now(t).p + at, n };
    int rc;

    if (str_eq(was, with))
        return 0;
    rc = copy_to(t, at);
    span.to = buf_len(&next(t)->text);
    rc = rc ? rc : buf_put(&next(t)->text, with);
    rc = rc ? rc : span_add(&t->edits, span);
    if (!rc)
        t->read = at + n;
    return rc;
}

/* Do two stretches of one text overlap? An empty one does where it is inside
 * of the other. */
static bool overlap(size_t a, size_t a_end, size_t b, size_t b_end)
{
    return (a < b_end && b < a_end) ||
           (a == a_end && b < a && a < b_end) ||
           (b == b_end && a < b && b < a_end);
}

/* Old spans (orig to now) and edits (now to next), walked as one. */
struct merge {
    const struct output_spans *old, *edits;
    size_t i, k;
    ptrdiff_t back;  /* from offsets of `now` to the original's */
    ptrdiff_t ahead; /* and to the next one's */
};

static bool take_old(struct merge *m, size_t *from, size_t *end, bool first)
{
    const struct output_span *s;

    if (m->i == m->old->n)
        return false;
    s = &m->old->list[m->i];
    if (!first && !overlap(s->to, s->to + s->m, *from, *end))
        return false;
    if (first)
        *from = *end = s->to;
    if (s->to + s->m > *end)
        *end = s->to + s->m;
    m->back += (ptrdiff_t)s->n - (ptrdiff_t)s->m;
    m->i++;
    return true;
}

static bool take_edit(struct merge *m, size_t *from, size_t *end, bool first)
{
    const struct output_span *s;

    if (m->k == m->edits->n)
        return false;
    s = &m->edits->list[m->k];
    if (!first && !overlap(s->at, s->at + s->n, *from, *end))
        return false;
    if (first)
        *from = *end = s->at;
    if (s->at + s->n > *end)
        *end = s->at + s->n;
    m->ahead += (ptrdiff_t)s->m - (ptrdiff_t)s->n;
    m->k++;
    return true;
}

/* Of two that begin at one place an empty one comes first. */
static bool old_first(const struct merge *m)
{
    const struct output_span *o, *e;

    if (m->i == m->old->n || m->k == m->edits->n)
        return m->i < m->old->n;
    o = &m->old->list[m->i];
    e = &m->edits->list[m->k];
    return o->to < e->at || (o->to == e->at && (o->m == 0 || e->n > 0));
}

/* The next group of stretches that overlap, as one span. */
static struct output_span merge_next(struct merge *m)
{
    ptrdiff_t back = m->back, ahead = m->ahead;
    size_t from = 0, end = 0;
    struct output_span s;

    if (old_first(m))
        take_old(m, &from, &end, true);
    else
        take_edit(m, &from, &end, true);
    while (take_old(m, &from, &end, false) || take_edit(m, &from, &end, false))
        ;
    s.at = (size_t)((ptrdiff_t)from + back);
    s.to = (size_t)((ptrdiff_t)from + ahead);
    s.n = (size_t)((ptrdiff_t)end + m->back) - s.at;
    s.m = (size_t)((ptrdiff_t)end + m->ahead) - s.to;
    return s;
}

int output_spans_join(const struct output_spans *old,
                      const struct output_spans *edits,
                      struct output_spans *into)
{
    struct merge m = { .old = old, .edits = edits };
    int rc = 0;

    into->n = 0;
    while (!rc && (m.i < old->n || m.k < edits->n))
        rc = span_add(into, merge_next(&m));
    return rc;
}

int output_text_end(struct output_text *t)
{
    struct output_version *v = next(t);
    int rc;

    t->trace.set = false;
    if (t->edits.n == 0)
        return 0;
    rc = copy_to(t, output_text_now(t).n);
    if (!rc)
        rc = output_spans_join(&now(t)->spans, &t->edits, &v->spans);
    if (rc)
        return rc;
    v->edited = true;
    t->now = (int)(v - t->v);
    return 0;
}

/* ---- cutting ----------------------------------------------------------- */

/* The span that `at` is inside of, or NULL. */
static const struct output_span *inside(const struct output_text *t, size_t at)
{
    const struct output_spans *s = &now(t)->spans;

    for (size_t i = 0; i < s->n && s->list[i].at < at; i++) {
        if (at < s->list[i].at + s->list[i].n)
            return &s->list[i];
    }
    return NULL;
}

/* The result's offset for an original one that is inside no span. What was
 * put in exactly there stands behind it, but at the text's end before it. */
static size_t result_of(const struct output_text *t, size_t at)
{
    const struct output_spans *s = &now(t)->spans;
    size_t i = 0;
    ptrdiff_t delta = 0;

    if (at == t->orig.n)
        return output_text_now(t).n;
    for (; i < s->n && s->list[i].at + s->list[i].n <= at; i++) {
        if (s->list[i].n == 0 && s->list[i].at == at)
            break;
        delta = (ptrdiff_t)(s->list[i].to + s->list[i].m) -
                (ptrdiff_t)(s->list[i].at + s->list[i].n);
    }
    return (size_t)((ptrdiff_t)at + delta);
}

static bool splits_char(struct str s, size_t at)
{
    return at > 0 && at < s.n && ((unsigned char)s.p[at] & 0xC0) == 0x80;
}

struct output_cut output_text_cut(const struct output_text *t, size_t want,
                                  bool forward)
{
    size_t at = want, before;

    do {
        const struct output_span *s = inside(t, at);

        before = at;
        if (s)
            at = forward ? s->at + s->n : s->at;
        else if (splits_char(t->orig, at))
            at += forward ? 1 : (size_t)-1;
    } while (at != before);
    return (struct output_cut){ at, result_of(t, at) };
}

size_t output_text_from(const struct output_text *t, size_t at)
{
    const struct output_span *s = inside(t, at);

    return s ? s->to : result_of(t, at);
}
