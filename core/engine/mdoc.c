/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Escapes of mdoc(7), for the parts of manual pages that tables make. */
#include "engine/mdoc.h"

#include <ctype.h>

void mdoc_text(struct buf *out, const char *z)
{
    bool fresh = true;

    for (; *z; z++) {
        if (fresh && (*z == '.' || *z == '\''))
            buf_puts(out, "\\&");
        fresh = *z == '\n';
        if (*z == '\\')
            buf_puts(out, "\\e");
        else
            buf_putc(out, *z);
    }
}

void mdoc_sentences(struct buf *out, const char *z)
{
    const char *start = z;

    for (; *z; z++) {
        bool ends = (z[0] == '.' || z[0] == ';') && z[1] == ' ' &&
                    isupper((unsigned char)z[2]) && z > start;

        if (!ends)
            continue;
        buf_put(out, (struct str){start, (size_t)(z - start) + 1});
        buf_putc(out, '\n');
        start = z + 2;
    }
    mdoc_text(out, start);
    buf_putc(out, '\n');
}

void mdoc_argument(struct buf *out, struct str s)
{
    buf_puts(out, "\\&");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_puts(out, "\\(dq");
        else if (s.p[i] == '\\')
            buf_puts(out, "\\e");
        else if (s.p[i] == ' ')
            buf_puts(out, "\\ ");
        else
            buf_putc(out, s.p[i]);
    }
}
