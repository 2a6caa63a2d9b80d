/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "policy/output_window.h"

#include "wire/texts.h"

void output_window_init(struct output_window *w, size_t max)
{
    *w = (struct output_window){ .text = BUF_INIT(max) };
}

void output_window_clear(struct output_window *w)
{
    buf_clear(&w->text);
    w->left = 0;
    w->high = 0;
}

int output_window_add(struct output_window *w, struct str raw)
{
    return wire_put_chars(&w->text, raw, &w->high);
}

int output_window_close(struct output_window *w)
{
    return wire_put_half(&w->text, &w->high);
}

struct str output_window_text(const struct output_window *w)
{
    return buf_str(&w->text);
}

/* Offset of the last n characters. */
static size_t last_chars(struct str s, uint32_t n)
{
    size_t at = s.n;

    if (n >= s.n)
        return 0;
    while (n-- && at) {
        at--;
        while (at && ((unsigned char)s.p[at] & 0xC0) == 0x80)
            at--;
    }
    return at;
}

/* The result behind what has left, up to `to`. */
static struct str result(const struct output_window *w,
                         const struct output_text *t, size_t to)
{
    size_t from = output_text_from(t, w->left);
    struct str out = output_text_now(t);

    out.p += from;
    out.n = to > from ? to - from : 0;
    return out;
}

struct str output_window_release(struct output_window *w,
                                 const struct output_text *t, uint32_t hold)
{
    struct str text = output_window_text(w), out;
    size_t want = last_chars(text, hold);
    struct output_cut cut = output_text_cut(t, want, false);

    if (want - cut.at > OUTPUT_STRETCH)
        cut = output_text_cut(t, want, true);
    if (cut.at <= w->left)
        return STR("");
    out = result(w, t, cut.to);
    buf_consume(&w->text, cut.at);
    w->left = 0;
    return out;
}

struct str output_window_end(struct output_window *w,
                             const struct output_text *t, uint32_t look)
{
    struct str text = output_window_text(w);
    struct str out = result(w, t, output_text_now(t).n);
    size_t keep = last_chars(text, look);

    buf_consume(&w->text, keep);
    w->left = text.n - keep;
    return out;
}
