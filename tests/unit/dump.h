/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Things as text, to compare; where they differ, the first lines that do. */
#ifndef PENSTOCK_UNIT_DUMP_H
#define PENSTOCK_UNIT_DUMP_H

#include "unit.h"

#include "wire/jstr.h"

struct dump {
    struct buf b;
    struct arena *a;
    int flags;
};

static inline void dump_init(struct dump *d, int flags)
{
    *d = (struct dump){ .b = BUF_INIT(64 << 20), .flags = flags };
    d->a = arena_new(256 << 20);
}

static inline void dump_clear(struct dump *d)
{
    buf_clear(&d->b);
    arena_free(d->a);
}

/* name=text, in one line */
static inline void dump_str(struct dump *d, const char *name, struct str s)
{
    if (!s.p)
        return;
    buf_printf(&d->b, " %s=", name);
    buf_json_str(&d->b, s);
}

static inline void dump_jstr(struct dump *d, const char *name, struct jstr s)
{
    dump_str(d, name, jstr_text(s, d->a));
}

/* Equal, or the first lines that differ are printed. */
static inline bool dump_equal(const char *what, struct str got,
                              struct str want)
{
    struct str g, w;

    if (str_eq(got, want))
        return true;
    do {
        g = str_split(&got, '\n');
        w = str_split(&want, '\n');
    } while (str_eq(g, w) && got.p && want.p);
    printf("\n%s: got\n%.600s\nnot\n%.600s\n", what,
           g.n ? g.p : "", w.n ? w.p : "");
    return false;
}

static inline bool dump_same(const char *what, struct dump *got,
                             struct dump *want)
{
    buf_putc(&got->b, '\0');
    buf_putc(&want->b, '\0');
    return dump_equal(what, buf_str(&got->b), buf_str(&want->b));
}

#endif
