/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Four bytes: what is held, the length of a word, what stands in its place,
 * whether the block ends in between. Then characters of a small alphabet, a
 * high bit where an event ends. The word never leaves, and the pieces become
 * what the whole text becomes.
 */
#include "policy/output_window.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

enum { MAX = 1 << 22 };

/* As they stand in a JSON string; the first letters make up the word. */
static const char *const letters[] = { "a", "b", "\\ud83d", "\\ude00", "\\n",
                                       "\xC3\xA9", "\\u0061", "\\\"" };
static const char word[] = "aabaabaaabaabaab";
static const char *const stands[] = { "", "*", "[mask]", "ab" };

struct run {
    struct output_window w;
    struct output_text t;
    struct str word, with;
    struct buf out;
};

static void mask(struct run *r)
{
    struct str s = output_text_now(&r->t), rest = s;
    ptrdiff_t at;

    output_text_begin(&r->t);
    while ((at = str_find(rest, r->word)) >= 0) {
        rest.p += at;
        rest.n -= (size_t)at;
        MUST(!output_text_swap(&r->t, (size_t)(rest.p - s.p), r->word.n,
                               r->with));
        rest.p += r->word.n;
        rest.n -= r->word.n;
    }
    MUST(!output_text_end(&r->t));
}

static void show(struct run *r)
{
    output_text_set(&r->t, output_window_text(&r->w));
    mask(r);
}

static void run_init(struct run *r, const uint8_t *data)
{
    static const size_t n = sizeof stands / sizeof stands[0];

    *r = (struct run){ .out = BUF_INIT(MAX) };
    r->word = (struct str){ word, data[1] % (sizeof word - 1) + 1 };
    r->with = str_of(stands[data[2] % n]);
    output_window_init(&r->w, MAX);
    output_text_init(&r->t, MAX);
}

static void run_clear(struct run *r)
{
    output_window_clear(&r->w);
    output_text_clear(&r->t);
    buf_clear(&r->out);
}

/* An event's string, from data[*at] to the next high bit. */
static void add(struct run *r, const uint8_t *data, size_t size, size_t *at)
{
    struct buf json = BUF_INIT(MAX);
    bool last = false;

    buf_putc(&json, '"');
    while (*at < size && !last) {
        last = data[*at] & 0x80;
        MUST(!buf_puts(&json, letters[data[(*at)++] % 8]));
    }
    buf_putc(&json, '"');
    MUST(!output_window_add(&r->w, buf_str(&json)));
    buf_clear(&json);
}

static void in_pieces(struct run *r, const uint8_t *data, size_t size)
{
    uint32_t hold = (uint32_t)r->word.n - 1 + data[0] % 32;
    size_t at = 4;

    while (at < size) {
        add(r, data, size, &at);
        show(r);
        MUST(!buf_put(&r->out, output_window_release(&r->w, &r->t, hold)));
        MUST(r->w.left <= buf_len(&r->w.text));
        MUST(output_window_held(&r->w) <= 4 * hold + 4 + r->word.n);
    }
    MUST(!output_window_close(&r->w));
    show(r);
    MUST(!buf_put(&r->out, output_window_end(&r->w, &r->t, hold)));
    MUST(output_window_held(&r->w) == 0);
}

/* The same with ends in between: the word still never leaves whole (where
 * what stands for it cannot be a part of it). */
static void with_ends(struct run *r, const uint8_t *data, size_t size)
{
    uint32_t hold = (uint32_t)r->word.n - 1;
    size_t at = 4, n = 0;

    while (at < size) {
        add(r, data, size, &at);
        show(r);
        if (++n % (data[3] % 7 + 1) == 0)
            MUST(!buf_put(&r->out, output_window_end(&r->w, &r->t, hold)));
        else
            MUST(!buf_put(&r->out,
                          output_window_release(&r->w, &r->t, hold)));
        MUST(str_utf8_valid(output_window_text(&r->w)));
    }
    MUST(!str_is(r->with, "*") || str_find(buf_str(&r->out), r->word) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run pieces, whole, ends;
    size_t at = 4;

    if (size < 5 || size > 4096)
        return 0;
    run_init(&pieces, data);
    in_pieces(&pieces, data, size);
    run_init(&whole, data);
    while (at < size)
        add(&whole, data, size, &at);
    MUST(!output_window_close(&whole.w));
    show(&whole);
    MUST(str_eq(buf_str(&pieces.out), output_text_now(&whole.t)));
    MUST(str_utf8_valid(buf_str(&pieces.out)));
    run_init(&ends, data);
    with_ends(&ends, data, size);
    run_clear(&pieces);
    run_clear(&whole);
    run_clear(&ends);
    return 0;
}
