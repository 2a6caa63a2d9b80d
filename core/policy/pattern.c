/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A backtracking machine over the pattern's bytes. A pattern has no repeated
 * groups, so an item leaves one open choice at most: greedy (may take fewer),
 * lazy (may take more), optional (may take none). What captures did after a
 * choice is undone when the machine returns to it.
 *
 * A malformed item is a fault only when it is reached, as in Lua.
 */
#include "policy/pattern.h"

#include "policy/pattern_item.h"

enum { FUEL = 4096, BYTES_A_STEP = 8 };
enum { MAX_LOG = PATTERN_CHOICES + 2 * PATTERN_CAPTURES };

enum entry_kind { GREEDY, LAZY, OPTIONAL, UNDO_OPEN, UNDO_CLOSE };

struct entry {
    enum entry_kind kind;
    int capture;          /* UNDO_CLOSE */
    const char *s;        /* where the item stands in the subject */
    const char *low;      /* GREEDY: not below this */
    const char *item, *q; /* the item and its quantifier */
};

struct machine {
    struct pattern *p;
    const char *s, *end;    /* subject: here, end */
    const char *pat, *pend; /* pattern: here, end */
    unsigned fuel;
    unsigned n, choices;
    struct entry log[MAX_LOG];
};

enum outcome { FAIL, GO, FAULT };

static enum outcome fault(struct machine *m, const char *text)
{
    m->p->fault = text;
    return FAULT;
}

/* The next FUEL steps; false when there are none left. */
static bool refuel(struct machine *m)
{
    if (m->p->steps < FUEL) {
        m->p->fault = "pattern too costly for this text";
        return false;
    }
    if (m->p->expired && m->p->expired()) {
        m->p->fault = "CPU budget used up";
        return false;
    }
    m->p->steps -= FUEL;
    m->fuel = FUEL;
    return true;
}

static bool spend(struct machine *m, size_t steps)
{
    while (steps > m->fuel) {
        steps -= m->fuel;
        m->fuel = 0;
        if (!refuel(m))
            return false;
    }
    m->fuel -= (unsigned)steps;
    return true;
}

static bool step(struct machine *m)
{
    if (!m->fuel && !refuel(m))
        return false;
    m->fuel--;
    return true;
}

/* What one try of an item costs beyond a step: a set may be as long as a
 * text. */
static size_t extra(const char *item, const char *end)
{
    return (size_t)(end - item) / BYTES_A_STEP;
}

static bool takes(const struct machine *m, const char *s, const char *item,
                  const char *end)
{
    return s < m->end && item_takes((unsigned char)*s, item, end);
}

/* ---- choices -------------------------------------------------------- */

static enum outcome choose(struct machine *m, struct entry e)
{
    if (m->choices == PATTERN_CHOICES)
        return fault(m, "pattern too complex");
    m->choices++;
    m->log[m->n++] = e;
    return GO;
}

static void undoable(struct machine *m, enum entry_kind kind, int capture)
{
    if (m->choices)
        m->log[m->n++] = (struct entry){ .kind = kind, .capture = capture };
}

static void undo(struct machine *m, const struct entry *e)
{
    if (e->kind == UNDO_OPEN)
        m->p->level--;
    else
        m->p->captures[e->capture].n = CAPTURE_OPEN;
}

/* Take the last open choice the other way. */
static enum outcome retry(struct machine *m)
{
    struct entry *e;

    while (m->n && m->log[m->n - 1].kind >= UNDO_OPEN)
        undo(m, &m->log[--m->n]);
    if (m->n == 0)
        return FAIL;
    if (!step(m))
        return FAULT;
    e = &m->log[m->n - 1];
    m->pat = e->q + 1;
    if (e->kind == GREEDY && --e->s > e->low) {
        m->s = e->s;
        return GO;
    }
    if (e->kind == LAZY) {
        if (!spend(m, extra(e->item, e->q)))
            return FAULT;
        if (takes(m, e->s, e->item, e->q)) {
            m->s = ++e->s;
            return GO;
        }
        m->n--;
        m->choices--;
        return retry(m);
    }
    m->s = e->s;
    m->n--;
    m->choices--;
    return GO;
}

/* ---- items ---------------------------------------------------------- */

static enum outcome greedy(struct machine *m, const char *q, const char *low)
{
    const char *s = low;
    size_t cost = 1 + extra(m->pat, q);

    while (takes(m, s, m->pat, q)) {
        s++;
        if (!spend(m, cost))
            return FAULT;
    }
    m->s = s;
    if (s > low &&
        choose(m, (struct entry){ GREEDY, 0, s, low, m->pat, q }) != GO)
        return FAULT;
    m->pat = q + 1;
    return GO;
}

static enum outcome single(struct machine *m)
{
    const char *q = item_end(m->pat, m->pend, &m->p->fault);
    char how;
    bool one;

    if (!q || !spend(m, extra(m->pat, q)))
        return FAULT;
    how = q < m->pend ? *q : '\0';
    if (how == '*')
        return greedy(m, q, m->s);
    one = takes(m, m->s, m->pat, q);
    if (how == '+')
        return one ? greedy(m, q, m->s + 1) : FAIL;
    if (how == '-' || how == '?') {
        enum entry_kind kind = how == '-' ? LAZY : OPTIONAL;

        if (one &&
            choose(m, (struct entry){ kind, 0, m->s, NULL, m->pat, q }) != GO)
            return FAULT;
        m->s += one && kind == OPTIONAL;
        m->pat = q + 1;
        return GO;
    }
    if (!one)
        return FAIL;
    m->s++;
    m->pat = q;
    return GO;
}

static enum outcome open_capture(struct machine *m)
{
    struct pattern *p = m->p;
    bool position = m->pat + 1 < m->pend && m->pat[1] == ')';

    if (p->level >= PATTERN_CAPTURES)
        return fault(m, "too many captures");
    p->captures[p->level++] = (struct capture){
        m->s, position ? CAPTURE_POSITION : CAPTURE_OPEN };
    undoable(m, UNDO_OPEN, 0);
    m->pat += position ? 2 : 1;
    return GO;
}

static enum outcome close_capture(struct machine *m)
{
    struct pattern *p = m->p;
    int i = p->level - 1;

    while (i >= 0 && p->captures[i].n != CAPTURE_OPEN)
        i--;
    if (i < 0)
        return fault(m, "invalid pattern capture");
    p->captures[i].n = m->s - p->captures[i].at;
    undoable(m, UNDO_CLOSE, i);
    m->pat++;
    return GO;
}

static enum outcome back_reference(struct machine *m)
{
    struct pattern *p = m->p;
    int i = m->pat[1] - '1';
    const struct capture *c;

    if (i < 0 || i >= p->level || p->captures[i].n == CAPTURE_OPEN) {
        p->bad_capture = i + 1;
        return fault(m, "invalid capture index");
    }
    c = &p->captures[i];
    if (c->n < 0 || m->end - m->s < c->n)
        return FAIL;
    if (!spend(m, (size_t)c->n / BYTES_A_STEP))
        return FAULT;
    if (memcmp(c->at, m->s, (size_t)c->n) != 0)
        return FAIL;
    m->s += c->n;
    m->pat += 2;
    return GO;
}

static enum outcome balanced(struct machine *m)
{
    const char *s = m->s;
    size_t depth = 0;
    char open, close;

    if (m->pend - m->pat < 4)
        return fault(m, "malformed pattern (missing arguments to '%b')");
    open = m->pat[2];
    close = m->pat[3];
    if (s >= m->end || *s != open)
        return FAIL;
    for (depth = 1, s++; s < m->end; s++) {
        if (!step(m))
            return FAULT;
        if (*s == close) {
            if (--depth == 0)
                break;
        } else if (*s == open) {
            depth++;
        }
    }
    if (s >= m->end)
        return FAIL;
    m->s = s + 1;
    m->pat += 4;
    return GO;
}

static enum outcome frontier(struct machine *m)
{
    const char *set = m->pat + 2, *end;
    unsigned char before, here;

    if (set >= m->pend || *set != '[')
        return fault(m, "missing '[' after '%f' in pattern");
    end = item_end(set, m->pend, &m->p->fault);
    if (!end || !spend(m, extra(set, end)))
        return FAULT;
    before = m->s == m->p->subject.p ? 0 : (unsigned char)m->s[-1];
    here = m->s == m->end ? 0 : (unsigned char)*m->s;
    if (item_in_set(before, set, end - 1) ||
        !item_in_set(here, set, end - 1))
        return FAIL;
    m->pat = end;
    return GO;
}

static enum outcome item(struct machine *m)
{
    char c = *m->pat, next = m->pat + 1 < m->pend ? m->pat[1] : '\0';

    if (c == '(')
        return open_capture(m);
    if (c == ')')
        return close_capture(m);
    if (c == '%' && next == 'b')
        return balanced(m);
    if (c == '%' && next == 'f')
        return frontier(m);
    if (c == '%' && isdigit((unsigned char)next))
        return back_reference(m);
    if (c == '$' && m->pat + 1 == m->pend) {
        m->pat++;
        return m->s == m->end ? GO : FAIL;
    }
    return single(m);
}

void pattern_again(struct pattern *p)
{
    p->level = 0;
    p->steps = PATTERN_STEPS + 8 * (uint64_t)p->subject.n;
    p->fault = NULL;
    p->bad_capture = -1;
}

void pattern_init(struct pattern *p, struct str subject, struct str pattern)
{
    p->subject = subject;
    p->pattern = pattern;
    p->expired = NULL;
    p->first = 0;
    pattern_again(p);
}

ptrdiff_t pattern_match(struct pattern *p, size_t at)
{
    struct machine m;
    enum outcome o = GO;

    m.p = p;
    m.s = p->subject.p + at;
    m.end = p->subject.p + p->subject.n;
    m.pat = p->pattern.p;
    m.pend = p->pattern.p + p->pattern.n;
    m.n = m.choices = 0;
    m.fuel = p->steps < FUEL ? (unsigned)p->steps : FUEL;
    p->steps -= m.fuel;
    p->level = 0;
    while (o == GO && m.pat < m.pend) {
        o = step(&m) ? item(&m) : FAULT;
        if (o == FAIL)
            o = retry(&m);
    }
    p->steps += m.fuel;
    if (o == GO)
        return m.s - p->subject.p;
    return o == FAULT ? PATTERN_FAULT : PATTERN_NO;
}
