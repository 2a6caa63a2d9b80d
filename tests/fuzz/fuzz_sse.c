/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A byte that says how the rest is cut, and an event stream. Cut or whole,
 * the same events come out, and their raws are the stream.
 */
#include "wire/sse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_EVENT 4096
#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

struct seen {
    struct buf raw;
    uint64_t sum; /* of all that the events said */
};

static void add(struct seen *seen, struct str s)
{
    seen->sum = str_hash(s, seen->sum + s.n + (s.p != NULL));
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct seen *seen = ud;

    MUST(ev->raw.n > 0 && ev->raw.n <= MAX_EVENT);
    MUST(!ev->comment_only || (!ev->data.p && !ev->event.p && !ev->id.p));
    add(seen, ev->raw);
    add(seen, ev->event);
    add(seen, ev->data);
    add(seen, ev->id);
    seen->sum += (uint64_t)ev->retry_ms * 4 + ev->comment_only * 2u + ev->cut;
    return buf_put(&seen->raw, ev->raw);
}

/* 0, or -ERR_LIMIT for an event over the cap. */
static int run(struct seen *seen, struct str text, size_t chunk)
{
    struct sse s;
    int rc = 0;

    *seen = (struct seen){ .raw = BUF_INIT(64 << 20) };
    sse_init(&s, MAX_EVENT);
    while (!rc && text.n) {
        struct str part = { text.p, text.n < chunk ? text.n : chunk };

        rc = sse_feed(&s, part, on_event, seen, NULL);
        text.p += part.n;
        text.n -= part.n;
    }
    if (!rc)
        rc = sse_eof(&s, on_event, seen, NULL);
    MUST(s.held.p == NULL);
    sse_clear(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut;
    struct str text = { (const char *)data + 1, size - 1 };
    int rc;

    if (size < 2)
        return 0;
    rc = run(&whole, text, text.n);
    MUST(run(&cut, text, data[0] % 64 + 1u) == rc);
    MUST(rc == 0 || rc == -ERR_LIMIT);
    MUST(whole.sum == cut.sum);
    MUST(str_eq(buf_str(&whole.raw), buf_str(&cut.raw)));
    MUST(rc || str_eq(buf_str(&whole.raw), text));
    buf_clear(&whole.raw);
    buf_clear(&cut.raw);
    return 0;
}
