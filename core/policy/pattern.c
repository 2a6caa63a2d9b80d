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

#include <ctype.h>

enum { FUEL = 4096, MAX_LOG = PATTERN_CHOICES + 2 * PATTERN_CAPTURES };

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

/* One step; false when there are none left. */
static bool step(struct machine *m)
{
    if (m->fuel--)
        return true;
    if (m->p->steps < FUEL) {
        m->p->fault = "pattern too costly for this text";
        return false;
    }
    if (m->p->expired && m->p->expired()) {
        m->p->fault = "CPU budget used up";
        return false;
    }
    m->p->steps -= FUEL;
    m->fuel = FUEL - 1;
    return true;
}

/* ---- one character -------------------------------------------------- */

static bool in_class(unsigned char c, unsigned char letter)
{
    bool is;

    switch (tolower(letter)) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = isdigit(c); break;
    case 'g': is = isgraph(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    default: return letter == c;
    }
    return isupper(letter) ? !is : is;
}

/* c against "[...]"; `last` is its closing bracket */
static bool in_set(unsigned char c, const char *set, const char *last)
{
    bool found = true;

    if (*++set == '^') {
        found = false;
        set++;
    }
    for (; set < last; set++) {
        unsigned char from = (unsigned char)*set;

        if (from == '%') {
            if (in_class(c, (unsigned char)*++set))
                return found;
        } else if (set + 2 < last && set[1] == '-') {
            set += 2;
            if (from <= c && c <= (unsigned char)*set)
                return found;
        } else if (from == c) {
            return found;
        }
    }
    return !found;
}

/* End of the single-character item at `at`; NULL with a fault. */
static const char *item_end(struct machine *m, const char *at)
{
    char first = *at++;

    if (first == '%') {
        if (at < m->pend)
            return at + 1;
        m->p->fault = "malformed pattern (ends with '%')";
        return NULL;
    }
    if (first != '[')
        return at;
    if (at < m->pend && *at == '^')
        at++;
    for (bool head = true; at < m->pend; head = false) {
        if (*at == ']' && !head)
            return at + 1;
        if (*at == '%' && at + 1 < m->pend)
            at++;
        at++;
    }
    m->p->fault = "malformed pattern (missing ']')";
    return NULL;
}

static bool takes(const struct machine *m, const char *s, const char *item,
                  const char *end)
{
    unsigned char c;

    if (s >= m->end)
        return false;
    c = (unsigned char)*s;
    switch (*item) {
    case '.': return true;
    case '%': return in_class(c, (unsigned char)item[1]);
    case '[': return in_set(c, item, end - 1);
    default: return (unsigned char)*item == c;
    }
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

    while (takes(m, s, m->pat, q)) {
        s++;
        if (!step(m))
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
    const char *q = item_end(m, m->pat);
    char how;
    bool one;

    if (!q)
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
    if (c->n < 0 || m->end - m->s < c->n ||
        memcmp(c->at, m->s, (size_t)c->n) != 0)
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
    end = item_end(m, set);
    if (!end)
        return FAULT;
    before = m->s == m->p->subject.p ? 0 : (unsigned char)m->s[-1];
    here = m->s == m->end ? 0 : (unsigned char)*m->s;
    if (in_set(before, set, end - 1) || !in_set(here, set, end - 1))
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

void pattern_init(struct pattern *p, struct str subject, struct str pattern)
{
    p->subject = subject;
    p->pattern = pattern;
    p->level = 0;
    p->steps = PATTERN_STEPS + 8 * (uint64_t)subject.n;
    p->expired = NULL;
    p->fault = NULL;
    p->bad_capture = -1;
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
