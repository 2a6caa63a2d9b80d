/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A byte that says how the rest is cut, and what a Redis sends. Cut or whole,
 * the same replies come out, none beyond its caps, until the same fault.
 */
#include "net/redis_codec.h"

#include "base/buf.h"

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

struct seen {
    uint64_t sum; /* of all that the replies say */
    size_t elements, bytes;
};

static void add(struct seen *seen, const struct resp *r, int depth)
{
    MUST(depth <= REDIS_DEPTH_MAX + 1);
    seen->elements++;
    seen->sum = seen->sum * 31 + r->type;
    if (r->type == RESP_INT) {
        seen->sum += (uint64_t)r->i;
    } else if (r->type == RESP_LIST) {
        for (size_t i = 0; i < r->n; i++)
            add(seen, &r->list[i], depth + 1);
    } else if (r->type != RESP_NIL) {
        MUST(r->text[r->n] == '\0');
        seen->bytes += r->n;
        seen->sum = str_hash(resp_str(r), seen->sum);
    }
}

/* Did it end in a fault? */
static bool run(struct str bytes, size_t chunk, struct seen *seen)
{
    struct redis_codec *c = redis_codec_new();
    struct resp *r;
    int rc = 0;

    MUST(c != NULL);
    *seen = (struct seen){ 0 };
    while (rc == 0 && bytes.n) {
        size_t n = chunk < bytes.n ? chunk : bytes.n;

        rc = redis_codec_feed(c, (struct str){ bytes.p, n });
        bytes = (struct str){ bytes.p + n, bytes.n - n };
        while (rc == 0 && (rc = redis_codec_next(c, &r)) == 1) {
            struct seen one = { .sum = seen->sum };

            add(&one, r, 1);
            MUST(one.elements <= REDIS_ELEMENTS_MAX);
            MUST(one.bytes <= REDIS_REPLY_MAX);
            seen->sum = one.sum;
            resp_free(r);
            rc = 0;
        }
    }
    redis_codec_free(c);
    return rc != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = { (const char *)data + 1, size ? size - 1 : 0 };
    struct seen whole, cut;
    bool bad;

    if (!size)
        return 0;
    bad = run(all, all.n + 1, &whole);
    MUST(run(all, data[0] + 1u, &cut) == bad);
    MUST(whole.sum == cut.sum);
    return 0;
}
