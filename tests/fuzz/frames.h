/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What must hold of every framer: cut or whole, the same frames and the same
 * end come out; their raws are the stream, or a beginning of it; none is over
 * the cap; nothing is held behind the end.
 */
#ifndef PENSTOCK_FUZZ_FRAMES_H
#define PENSTOCK_FUZZ_FRAMES_H

#include "wire/framing.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES_MAX 4096
#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

struct frames_seen {
    struct buf raw;
    uint64_t sum; /* of all that the frames said */
};

static inline void frames_add(struct frames_seen *seen, struct str s)
{
    seen->sum = str_hash(s, seen->sum + s.n + (s.p != NULL));
}

static inline int frames_note(void *ud, const struct frame *f)
{
    struct frames_seen *seen = ud;

    MUST(f->raw.n > 0 && f->raw.n <= FRAMES_MAX);
    MUST(f->data.n <= f->raw.n);
    frames_add(seen, f->raw);
    frames_add(seen, f->event);
    frames_add(seen, f->data);
    seen->sum += f->error * 2u + f->cut;
    return buf_put(&seen->raw, f->raw);
}

static inline int frames_run(struct frames_seen *seen, enum framing kind,
                             struct str text, size_t chunk)
{
    struct framer f;
    int rc = 0;

    *seen = (struct frames_seen){ .raw = BUF_INIT(64 << 20) };
    framer_init(&f, kind, FRAMES_MAX);
    while (!rc && text.n) {
        struct str part = { text.p, text.n < chunk ? text.n : chunk };

        rc = framer_feed(&f, part, frames_note, seen, NULL);
        text.p += part.n;
        text.n -= part.n;
    }
    if (!rc)
        rc = framer_eof(&f, frames_note, seen, NULL);
    MUST(framer_feed(&f, STR("x"), frames_note, seen, NULL) == -ERR_CLOSED);
    framer_clear(&f);
    return rc;
}

static inline void frames_check(enum framing kind, struct str text,
                                size_t chunk)
{
    struct frames_seen whole, cut;
    int rc = frames_run(&whole, kind, text, text.n);

    MUST(rc == 0 || rc == -ERR_LIMIT || rc == -ERR_SYNTAX);
    MUST(frames_run(&cut, kind, text, chunk) == rc);
    MUST(whole.sum == cut.sum);
    MUST(str_eq(buf_str(&whole.raw), buf_str(&cut.raw)));
    MUST(str_starts(text, buf_str(&whole.raw)));
    MUST(rc || whole.raw.n == text.n);
    buf_clear(&whole.raw);
    buf_clear(&cut.raw);
}

#endif
