/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Edits on edits: what of the result came from what of the original. */
#include "unit.h"

#include "policy/output_text.h"

static struct output_text t;

static void begin(const char *z)
{
    output_text_init(&t, 1 << 16);
    output_text_set(&t, str_of(z));
}

static void is_now(const char *want)
{
    struct str s = output_text_now(&t);
    char got[256];

    snprintf(got, sizeof got, STR_FMT, STR_ARG(s));
    UNIT_STR(got, want);
}

/* Replace the first `from`. */
static void swap(const char *from, const char *to)
{
    ptrdiff_t at = str_find(output_text_now(&t), str_of(from));

    CU_ASSERT_FATAL(at >= 0);
    output_text_begin(&t);
    UNIT_INT(output_text_swap(&t, (size_t)at, strlen(from), str_of(to)), 0);
    UNIT_INT(output_text_end(&t), 0);
}

static void cut(size_t want, bool forward, size_t at, size_t to)
{
    struct output_cut c = output_text_cut(&t, want, forward);

    UNIT_INT(c.at, at);
    UNIT_INT(c.to, to);
}

static void unedited(void)
{
    begin("hello");
    is_now("hello");
    CU_ASSERT(!output_text_changed(&t));
    cut(3, false, 3, 3);
    cut(5, false, 5, 5);
    cut(0, false, 0, 0);
    output_text_clear(&t);
}

static void one_stretch(void)
{
    begin("my key sk-123 is here");
    swap("sk-123", "***");
    is_now("my key *** is here");
    CU_ASSERT(output_text_changed(&t));
    cut(7, false, 7, 7);
    cut(9, false, 7, 7);
    cut(9, true, 13, 10);
    cut(13, false, 13, 10);
    cut(15, false, 15, 12);
    cut(21, false, 21, 18);
    UNIT_INT(output_text_from(&t, 9), 7);
    UNIT_INT(output_text_from(&t, 13), 10);
    output_text_clear(&t);
}

static void several_in_one_edit(void)
{
    begin("a1b2c3");
    output_text_begin(&t);
    output_text_swap(&t, 1, 1, STR("<one>"));
    output_text_swap(&t, 3, 1, STR(""));
    output_text_swap(&t, 5, 1, STR("3")); /* no change */
    UNIT_INT(output_text_end(&t), 0);
    is_now("a<one>bc3");
    cut(3, false, 3, 7);
    cut(4, false, 4, 7);
    cut(5, false, 5, 8);
    output_text_clear(&t);
}

/* What one policy put in, the next one changes: one stretch of the original. */
static void edits_of_edits(void)
{
    begin("call Bob Smith now");
    swap("Bob", "[name]");
    swap("[name] Smith", "X");
    is_now("call X now");
    cut(6, false, 5, 5);
    cut(9, true, 14, 6);
    cut(14, false, 14, 6);
    swap("call", "");
    is_now(" X now");
    cut(3, false, 0, 0);
    cut(4, false, 4, 0);
    cut(14, false, 14, 2);
    swap(" now", "");
    is_now(" X");
    cut(16, false, 14, 2);
    cut(18, false, 18, 2);
    output_text_clear(&t);
}

static void inside_of_what_was_put_in(void)
{
    begin("ab");
    swap("b", "12345");
    swap("3", "");
    is_now("a1245");
    cut(1, false, 1, 1);
    cut(2, false, 2, 5);
    swap("a12", "Z");
    is_now("Z45");
    cut(1, false, 0, 0);
    cut(1, true, 2, 3);
    output_text_clear(&t);
}

static void marks(void)
{
    begin("one two");
    swap("one", "1");
    output_text_mark(&t);
    CU_ASSERT(!output_text_changed(&t));
    swap("two", "2");
    swap("1", "eins");
    is_now("eins 2");
    CU_ASSERT(output_text_changed(&t));
    output_text_revert(&t);
    is_now("1 two");
    cut(3, false, 3, 1);
    swap("two", "zwei");
    is_now("1 zwei");
    output_text_set(&t, STR("new"));
    is_now("new");
    output_text_clear(&t);
}

static void assigned(void)
{
    begin("keep this secret end");
    UNIT_INT(output_text_assign(&t, STR("keep this ****** end"), false), 0);
    is_now("keep this ****** end");
    cut(12, false, 10, 10);
    cut(16, false, 16, 16);
    UNIT_INT(output_text_assign(&t, STR(""), false), 0);
    is_now("");
    cut(12, false, 0, 0);
    cut(20, false, 20, 0);
    UNIT_INT(output_text_assign(&t, STR("aa"), false), 0);
    UNIT_INT(output_text_assign(&t, STR("aaa"), false), 0);
    is_now("aaa");
    output_text_clear(&t);
}

/* Several stretches of one new text are told apart; what is not stays one. */
static void assigned_in_stretches(void)
{
    static const char was[] = "the key sk-1111 is here, the key sk-2222 there";
    static const char now[] = "the key [*] is here, the key [*] there";

    begin(was);
    UNIT_INT(output_text_assign(&t, str_of(now), false), 0);
    is_now(now);
    UNIT_INT(t.v[t.now].spans.n, 2);
    cut(10, false, 8, 8);
    cut(20, false, 20, 16);
    cut(36, true, 40, 32);
    output_text_set(&t, str_of(was));
    UNIT_INT(output_text_assign(&t, str_of(now), true), 0);
    UNIT_INT(t.v[t.now].spans.n, 1);
    is_now(now);
    output_text_clear(&t);
    begin("================ a ================ b");
    UNIT_INT(output_text_assign(&t, STR("=============== A ================ B"),
                                false), 0);
    is_now("=============== A ================ B");
    output_text_clear(&t);
}

/* A stretch that begins inside a character does not split it. */
static void characters(void)
{
    begin("x\xC3\xA9y");
    output_text_begin(&t);
    output_text_swap(&t, 2, 2, STR("!"));
    UNIT_INT(output_text_end(&t), 0);
    cut(3, false, 1, 1);
    cut(3, true, 4, 3);
    output_text_clear(&t);
    begin("\xF0\x9F\x98\x80");
    cut(2, false, 0, 0);
    cut(2, true, 4, 4);
    output_text_clear(&t);
}

static void too_long(void)
{
    char big[100];

    memset(big, 'x', sizeof big);
    output_text_init(&t, 50);
    output_text_set(&t, STR("abc"));
    output_text_begin(&t);
    UNIT_INT(output_text_swap(&t, 1, 1, (struct str){ big, sizeof big }),
             -ERR_LIMIT);
    is_now("abc");
    output_text_clear(&t);
}

static unsigned dice(unsigned sides)
{
    static unsigned seed = 7;

    seed = seed * 1103515245u + 12345;
    return seed / 65536 % sides;
}

/* Between spans stand the original's bytes; no span overlaps another. */
static void check_spans(const char *orig, const char *want)
{
    const struct output_spans *s = &t.v[t.now].spans;
    size_t at = 0, to = 0;

    for (size_t i = 0; i <= s->n; i++) {
        struct output_span end = { strlen(orig), 0, strlen(want), 0 };
        const struct output_span *span = i < s->n ? &s->list[i] : &end;

        CU_ASSERT_FATAL(span->at >= at && span->to >= to);
        UNIT_INT(span->at - at, span->to - to);
        UNIT_MEM(want + to, orig + at, span->at - at);
        at = span->at + span->n;
        to = span->to + span->m;
    }
}

static void check_cuts(size_t n, size_t m)
{
    for (size_t at = 0; at <= n; at++) {
        struct output_cut a = output_text_cut(&t, at, false);
        struct output_cut b = output_text_cut(&t, at, true);

        CU_ASSERT(a.at <= at && at <= b.at && a.to <= b.to);
        CU_ASSERT(b.at <= n && b.to <= m);
    }
}

/* One edit of up to three swaps; `text` is edited by hand beside it. */
static void random_edit(char *text)
{
    char next[512] = "";
    size_t from = 0, len = strlen(text);

    output_text_begin(&t);
    for (unsigned k = dice(3) + 1; k; k--) {
        size_t at = from + dice((unsigned)(len - from + 1));
        size_t n = dice(4);
        char with[8];

        n = at + n > len ? len - at : n;
        snprintf(with, sizeof with, "%.*s", (int)dice(4), "XYZ");
        strncat(next, text + from, at - from);
        strcat(next, with);
        UNIT_INT(output_text_swap(&t, at, n, str_of(with)), 0);
        from = at + n;
    }
    strcat(next, text + from);
    strcpy(text, next);
    UNIT_INT(output_text_end(&t), 0);
}

static void random_edits(void)
{
    for (int round = 0; round < 3000; round++) {
        char orig[33], want[512];
        size_t n = dice(32);

        for (size_t i = 0; i < n; i++)
            orig[i] = (char)('a' + dice(3));
        orig[n] = '\0';
        begin(orig);
        strcpy(want, orig);
        for (int e = 0; e < 4; e++)
            random_edit(want);
        if (dice(2))
            output_text_set(&t, str_of(orig));
        UNIT_INT(output_text_assign(&t, str_of(want), false), 0);
        is_now(want);
        check_spans(orig, want);
        check_cuts(n, strlen(want));
        output_text_clear(&t);
    }
}

UNIT_MAIN("output_text", { "unedited", unedited },
          { "one stretch", one_stretch },
          { "several in one edit", several_in_one_edit },
          { "edits of edits", edits_of_edits },
          { "inside of what was put in", inside_of_what_was_put_in },
          { "marks", marks }, { "assigned", assigned },
          { "assigned in stretches", assigned_in_stretches },
          { "characters", characters }, { "too long", too_long },
          { "random edits", random_edits })
