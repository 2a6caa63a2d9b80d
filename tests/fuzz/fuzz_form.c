/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A byte that says how the rest is cut, and a form with the boundary "b": cut
 * or whole, the same is found, and it stands where it is said to stand. */
#include "wire/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

static int run(struct form *f, struct str text, size_t chunk)
{
    struct err err = { 0 };
    int rc = form_begin(f, STR("multipart/form-data; boundary=b"), &err);

    MUST(rc == 0);
    while (!rc && text.n) {
        struct str part = { text.p, text.n < chunk ? text.n : chunk };

        rc = form_feed(f, part, &err);
        text.p += part.n;
        text.n -= part.n;
    }
    rc = rc ? rc : form_end(f, &err);
    MUST(rc == 0 || rc == -ERR_INVALID_REQUEST);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct form whole, cut;
    struct str text = { (const char *)data + 1, size - 1 };
    int rc;

    if (size < 2)
        return 0;
    rc = run(&whole, text, text.n);
    MUST(rc == run(&cut, text, data[0] % 64 + 1u));
    if (rc)
        return 0; /* refused: what was found by then is nobody's */
    for (int i = 0; i < FORM_FIELDS; i++) {
        struct str a = form_value(&whole, i), b = form_value(&cut, i);
        uint64_t at = whole.got[i].at;

        MUST(a.n == b.n && !a.p == !b.p && memcmp(a.p ? a.p : "",
                                                  b.p ? b.p : "", a.n) == 0);
        MUST(!a.p || (at <= text.n && a.n <= text.n - at));
        MUST(!a.n || memcmp(text.p + at, a.p, a.n) == 0);
    }
    return 0;
}
