/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The look-behind window: a secret split anywhere never leaves, and the text
 * in pieces becomes what the whole would. */
#include "unit.h"

#include "policy/output_window.h"

enum { HOLD = 12 };

static const char secret[] = "sk-12345678"; /* 11 characters */

/* A policy: mask each secret. */
static void mask(struct output_text *t, const char *what, const char *with)
{
    struct str s = output_text_now(t);
    size_t from = 0;
    const char *hit;

    output_text_begin(t);
    while ((hit = memmem(s.p + from, s.n - from, what, strlen(what)))) {
        size_t at = (size_t)(hit - s.p);

        output_text_swap(t, at, strlen(what), str_of(with));
        from = at + strlen(what);
    }
    CU_ASSERT_EQUAL(output_text_end(t), 0);
}

struct run {
    struct output_window w;
    struct output_text t;
    struct buf out;
    uint32_t hold;
};

static void run_init(struct run *r, uint32_t hold)
{
    output_window_init(&r->w, 1 << 20);
    output_text_init(&r->t, 1 << 20);
    r->out = (struct buf)BUF_INIT(1 << 20);
    r->hold = hold;
}

static void show(struct run *r)
{
    output_text_set(&r->t, output_window_text(&r->w));
    mask(&r->t, secret, "[key]");
    mask(&r->t, "y] and [k", "y&k"); /* a second policy, on the first's */
}

static void add(struct run *r, const char *text, size_t n)
{
    struct buf json = BUF_INIT(1 << 16);

    buf_json_str(&json, (struct str){ text, n });
    CU_ASSERT_EQUAL(output_window_add(&r->w, buf_str(&json)), 0);
    buf_clear(&json);
    show(r);
    buf_put(&r->out, output_window_release(&r->w, &r->t, r->hold));
}

static void end(struct run *r, uint32_t look)
{
    CU_ASSERT_EQUAL(output_window_close(&r->w), 0);
    show(r);
    buf_put(&r->out, output_window_end(&r->w, &r->t, look));
}

static void run_clear(struct run *r)
{
    output_window_clear(&r->w);
    output_text_clear(&r->t);
    buf_clear(&r->out);
}

static void is_out(struct run *r, const char *want)
{
    struct str s = buf_str(&r->out);
    char got[512];

    snprintf(got, sizeof got, STR_FMT, STR_ARG(s));
    UNIT_STR(got, want);
}

static void every_two_splits(void)
{
    const char *text = "a sk-12345678 and sk-12345678, sk-1234567 sk-12345678";
    const char *want = "a [key&key], sk-1234567 [key]";
    size_t n = strlen(text);

    for (size_t i = 0; i <= n; i++) {
        for (size_t k = i; k <= n; k++) {
            struct run r;

            run_init(&r, 40);
            add(&r, text, i);
            add(&r, text + i, k - i);
            add(&r, text + k, n - k);
            CU_ASSERT(str_find(buf_str(&r.out), str_of(secret)) < 0);
            end(&r, 0);
            is_out(&r, want);
            run_clear(&r);
        }
    }
}

static void byte_by_byte(void)
{
    const char *text = "sk-12345678sk-12345678 at the end sk-12345678";
    struct run r;

    for (uint32_t hold = sizeof secret - 1; hold < 60; hold++) {
        run_init(&r, hold);
        for (const char *p = text; *p; p++) {
            add(&r, p, 1);
            CU_ASSERT(str_find(buf_str(&r.out), STR("sk-")) < 0);
        }
        end(&r, 0);
        is_out(&r, "[key][key] at the end [key]");
        run_clear(&r);
    }
}

/* The last `hold` characters stay, and not one more. */
static void holds_characters(void)
{
    struct run r;

    run_init(&r, 3);
    add(&r, "h\xC3\xA9llo", 6);
    is_out(&r, "h\xC3\xA9");
    add(&r, "\xF0\x9F\x98\x80", 4);
    is_out(&r, "h\xC3\xA9l");
    UNIT_INT(output_window_held(&r.w), 6);
    end(&r, 0);
    is_out(&r, "h\xC3\xA9llo\xF0\x9F\x98\x80");
    run_clear(&r);
    run_init(&r, 0);
    add(&r, "at once", 7);
    is_out(&r, "at once");
    run_clear(&r);
}

/* Half a surrogate pair waits for the other half, in the next event. */
static void halves(void)
{
    struct run r;

    run_init(&r, 0);
    output_window_add(&r.w, STR("\"a\\ud83d\""));
    show(&r);
    buf_put(&r.out, output_window_release(&r.w, &r.t, 0));
    is_out(&r, "a");
    output_window_add(&r.w, STR("\"\\uDE00b\""));
    show(&r);
    buf_put(&r.out, output_window_release(&r.w, &r.t, 0));
    is_out(&r, "a\xF0\x9F\x98\x80" "b");
    output_window_add(&r.w, STR("\"\\ud83dx\\ude00\""));
    output_window_add(&r.w, STR("\"\\n\\t\\\"\\u00e9\\ud83d\""));
    end(&r, 0);
    is_out(&r, "a\xF0\x9F\x98\x80" "b\xEF\xBF\xBDx\xEF\xBF\xBD\n\t\"\xC3\xA9"
               "\xEF\xBF\xBD");
    run_clear(&r);
}

/* A match without an end gives way after OUTPUT_STRETCH bytes. */
static void stretches(void)
{
    struct run r;
    size_t held = 0;

    run_init(&r, HOLD);
    for (int i = 0; i < 2 * OUTPUT_STRETCH; i++) {
        output_window_add(&r.w, STR("\"7\""));
        output_text_set(&r.t, output_window_text(&r.w));
        output_text_begin(&r.t);
        output_text_swap(&r.t, 0, r.t.orig.n, STR("#"));
        output_text_end(&r.t);
        buf_put(&r.out, output_window_release(&r.w, &r.t, HOLD));
        if (output_window_held(&r.w) > held)
            held = output_window_held(&r.w);
    }
    CU_ASSERT(held <= OUTPUT_STRETCH + HOLD + 1);
    CU_ASSERT(held >= OUTPUT_STRETCH);
    is_out(&r, "#");
    run_clear(&r);
}

/* A block that goes on after its end: what left is looked at, and stays. */
static void goes_on(void)
{
    struct run r;

    run_init(&r, HOLD);
    add(&r, "key sk-1234", 11);
    end(&r, HOLD);
    is_out(&r, "key sk-1234");
    UNIT_INT(output_window_held(&r.w), 0);
    add(&r, "5678 was it", 11);
    end(&r, HOLD);
    is_out(&r, "key sk-1234[key] was it");
    add(&r, ".", 1);
    end(&r, 0);
    is_out(&r, "key sk-1234[key] was it.");
    run_clear(&r);
}

UNIT_MAIN("output_window", { "every two splits", every_two_splits },
          { "byte by byte", byte_by_byte },
          { "holds characters", holds_characters }, { "halves", halves },
          { "stretches", stretches }, { "goes on", goes_on })
