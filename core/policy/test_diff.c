/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What was expected beside what came, line by line: '-' expected, '+' came,
 * ' ' both. Only what a test names is compared; notes are shown besides.
 */
#include "policy/test_case.h"

#include <stdarg.h>

enum { DIFF_LINES = 200, KEY_WIDTH = 10 };

void test_line(struct test_case *t, char mark, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n;

    if (t->n_lines == TEST_LINES)
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    n = n < (int)sizeof text ? n : (int)sizeof text - 1;
    t->lines[t->n_lines++] = (struct policy_test_line){
        mark, arena_dup(t->arena, (struct str){ text, (size_t)n }) };
    t->differs |= mark != ' ';
}

/* ---- texts of several lines ------------------------------------------- */

struct text {
    struct str line[DIFF_LINES];
    size_t n;
    bool cut;
};

static void split(struct text *t, struct str s)
{
    t->n = 0;
    while (s.p && t->n < DIFF_LINES)
        t->line[t->n++] = str_split(&s, '\n');
    t->cut = s.p != NULL;
}

/* The key stands at the first line that is printed. */
static void put(struct test_case *t, char mark, const char **key, struct str s)
{
    test_line(t, mark, "%-*s " STR_FMT, KEY_WIDTH, *key, STR_ARG(s));
    *key = "";
}

struct diff {
    struct text a, b;
    /* longest common run of lines from a[i], b[j] on */
    uint16_t common[DIFF_LINES + 1][DIFF_LINES + 1];
};

static void measure(struct diff *d)
{
    for (size_t i = d->a.n + 1; i-- > 0;) {
        for (size_t j = d->b.n + 1; j-- > 0;) {
            uint16_t down, right;

            d->common[i][j] = 0;
            if (i == d->a.n || j == d->b.n)
                continue;
            down = d->common[i + 1][j];
            right = d->common[i][j + 1];
            d->common[i][j] =
                str_eq(d->a.line[i], d->b.line[j])
                    ? (uint16_t)(d->common[i + 1][j + 1] + 1)
                    : down > right ? down : right;
        }
    }
}

static void print(struct test_case *t, const struct diff *d, const char *key)
{
    size_t i = 0, j = 0;

    while (i < d->a.n || j < d->b.n) {
        if (i < d->a.n && j < d->b.n &&
            str_eq(d->a.line[i], d->b.line[j])) {
            put(t, ' ', &key, d->a.line[i++]);
            j++;
        } else if (j == d->b.n || (i < d->a.n && d->common[i + 1][j] >=
                                                     d->common[i][j + 1])) {
            put(t, '-', &key, d->a.line[i++]);
        } else {
            put(t, '+', &key, d->b.line[j++]);
        }
    }
    if (d->a.cut || d->b.cut)
        test_line(t, ' ', "%-*s ... (%d lines are compared)", KEY_WIDTH, "",
                  DIFF_LINES);
}

void test_item(struct test_case *t, const char *key, struct str want,
               struct str got)
{
    struct diff *d;

    if (!memchr(want.p ? want.p : "", '\n', want.n) &&
        !memchr(got.p ? got.p : "", '\n', got.n)) {
        const char *first = key;

        put(t, str_eq(want, got) ? ' ' : '-', &first, want);
        first = key;
        if (!str_eq(want, got))
            put(t, '+', &first, got);
        return;
    }
    d = arena_alloc(t->arena, sizeof *d);
    if (!d) {
        test_line(t, '!', "%s: the texts are too long to compare", key);
        return;
    }
    split(&d->a, want);
    split(&d->b, got);
    measure(d);
    print(t, d, key);
    t->differs |= !str_eq(want, got);
}

/* ---- the call --------------------------------------------------------- */

/* A failure is one also where the phase goes on: an author wants to know. */
static struct str got_decision(struct test_case *t,
                               const struct policy_result *r)
{
    if (t->call->failed)
        return STR("a failure");
    switch (r->verdict) {
    case POLICY_DENY:
        return arena_fmt(t->arena, "deny " STR_FMT, STR_ARG(r->code));
    case POLICY_PRINCIPAL:
        return arena_fmt(t->arena, "principal " STR_FMT,
                         STR_ARG(r->principal->id));
    case POLICY_SKIP:
        return arena_fmt(t->arena, "skip " STR_FMT, STR_ARG(r->message));
    case POLICY_ANSWER: return STR("answer");
    case POLICY_QUEUE: return STR("a wait");
    case POLICY_STOP:
        return arena_fmt(t->arena, "stop " STR_FMT, STR_ARG(r->code));
    case POLICY_AGAIN:
        return arena_fmt(t->arena, "again " STR_FMT, STR_ARG(r->message));
    case POLICY_NEXT:
        return r->message.n ? arena_fmt(t->arena, "next " STR_FMT,
                                        STR_ARG(r->message))
                            : STR("next");
    case POLICY_GIVE_UP: return STR("give_up");
    case POLICY_FAILED:
    case POLICY_NONE: break;
    }
    return STR("no opinion");
}

static struct str want_decision(struct test_case *t)
{
    const struct test_expect *e = &t->call->expect;

    if (e->deny.n)
        return arena_fmt(t->arena, "deny " STR_FMT, STR_ARG(e->deny));
    if (e->principal.n)
        return arena_fmt(t->arena, "principal " STR_FMT,
                         STR_ARG(e->principal));
    if (e->skip.n)
        return arena_fmt(t->arena, "skip " STR_FMT, STR_ARG(e->skip));
    if (e->retry.n)
        return e->retry;
    if (e->stop.n)
        return arena_fmt(t->arena, "stop " STR_FMT, STR_ARG(e->stop));
    return e->answer.p ? STR("answer") : STR("no opinion");
}

static struct str joined(struct test_case *t, struct str all, struct str one)
{
    return all.p ? arena_fmt(t->arena, STR_FMT "\n" STR_FMT, STR_ARG(all),
                             STR_ARG(one))
                 : one;
}

static void compare_targets(struct test_case *t)
{
    const struct test_texts *want = &t->call->expect.targets;
    struct str a = STR_NULL, b = STR_NULL;

    if (!want->given)
        return;
    for (size_t i = 0; i < want->n; i++)
        a = joined(t, a, want->list[i]);
    for (size_t i = 0; i < t->call->plan.n; i++) {
        if (!t->call->plan.list[i].dropped)
            b = joined(t, b, t->call->plan.list[i].target->name);
    }
    test_item(t, "targets", a.p ? a : STR("(none)"),
              b.p ? b : STR("(none)"));
}

/* Each must stand in some note. */
static void compare_notes(struct test_case *t)
{
    const struct test_texts *want = &t->call->expect.notes;

    for (size_t i = 0; i < want->n; i++) {
        bool there = str_find(buf_str(&t->notes), want->list[i]) >= 0;

        test_line(t, there ? ' ' : '-', "%-*s " STR_FMT, KEY_WIDTH, "note",
                  STR_ARG(want->list[i]));
    }
}

static void compare_number(struct test_case *t, const char *key, double want,
                           double got)
{
    test_item(t, key, arena_fmt(t->arena, "%g", want),
              arena_fmt(t->arena, "%g", got));
}

/* fails = "text": it failed, and that stands in the reason, which is a note:
 * also where the phase fails open, or the policy only observes. */
static void compare_failure(struct test_case *t, const struct policy_result *r)
{
    struct str why = t->call->expect.fails;

    test_item(t, "decision", STR("a failure"), got_decision(t, r));
    if (t->call->failed && str_find(buf_str(&t->notes), why) < 0)
        test_line(t, '-', "%-*s " STR_FMT, KEY_WIDTH, "reason", STR_ARG(why));
}

void test_show_notes(struct test_case *t)
{
    struct str notes = buf_str(&t->notes);

    while (notes.n) {
        struct str one = str_split(&notes, '\n');

        if (one.n)
            test_line(t, ' ', "%-*s " STR_FMT, KEY_WIDTH, "noted",
                      STR_ARG(one));
    }
}

static const char *finish_name(enum wire_finish f)
{
    return f == WIRE_FINISH_LENGTH   ? "length"
           : f == WIRE_FINISH_FILTER ? "content_filter"
                                     : "stop";
}

void test_compare(struct test_case *t, enum policy_phase phase,
                  const struct policy_result *r)
{
    const struct test_expect *e = &t->call->expect;

    if (e->fails.n)
        compare_failure(t, r);
    else
        test_item(t, "decision", want_decision(t), got_decision(t, r));
    if (e->message.n)
        test_item(t, "message", e->message, r->message);
    if (e->answer.p)
        test_item(t, "answer", e->answer, r->message);
    if (e->finish.n)
        test_item(t, "finish", e->finish, str_of(finish_name(r->finish)));
    if (e->status != 0)
        compare_number(t, "status", e->status, r->status);
    if (e->retry_after != 0)
        compare_number(t, "retry_after", e->retry_after,
                       (double)r->retry_after_ms / 1000);
    if (e->waited_ms >= 0)
        compare_number(t, "waited_ms", e->waited_ms,
                       (double)(t->mono_ms - t->call_began_ms));
    compare_targets(t);
    test_body_compare(t);
    test_head_compare(t, phase);
    compare_notes(t);
}

void policy_test_print(FILE *to, const struct policy_test_report *r)
{
    if (r->passed) {
        fprintf(to, "  ok    " STR_FMT "\n", STR_ARG(r->name));
        return;
    }
    fprintf(to, "  FAIL  " STR_FMT " (line %d)\n", STR_ARG(r->name), r->line);
    for (size_t i = 0; i < r->n_lines; i++)
        fprintf(to, "        %c %.*s\n", r->lines[i].mark,
                (int)r->lines[i].text.n, r->lines[i].text.p);
}
