/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Recorded exchanges as tests need them: which, and the answer's bytes. */
#ifndef PENSTOCK_UNIT_RECORDING_H
#define PENSTOCK_UNIT_RECORDING_H

#include "shared.h"

#include "base/buf.h"

#include <jansson.h>
#include <strings.h>

static inline struct str recording_text(json_t *v)
{
    return (struct str){ json_string_value(v), json_string_length(v) };
}

static inline int recording_sextet(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                              "qrstuvwxyz0123456789+/";
    const char *at = c ? strchr(set, c) : NULL;

    return at ? (int)(at - set) : -1;
}

static inline void recording_base64(struct buf *b, struct str s)
{
    uint32_t v = 0;
    int bits = 0;

    for (size_t i = 0; i < s.n; i++) {
        int six = recording_sextet(s.p[i]);

        if (six < 0)
            continue;
        v = v << 6 | (uint32_t)six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_putc(b, (char)(v >> bits & 0xFF));
        }
    }
}

/** A header of the answer; "" where there is none. */
static inline const char *recording_header(json_t *doc, const char *name)
{
    json_t *all = json_object_get(json_object_get(doc, "response"),
                                  "headers");
    const char *key;
    json_t *v;

    json_object_foreach (all, key, v) {
        if (strcasecmp(key, name) == 0 && json_is_string(v))
            return json_string_value(v);
    }
    return "";
}

/** The answer's body, appended as the bytes that were sent. */
static inline void recording_body(json_t *doc, struct buf *out)
{
    json_t *response = json_object_get(doc, "response");
    struct str text = recording_text(json_object_get(response, "body"));
    struct str b64 =
        recording_text(json_object_get(response, "body_base64"));

    if (text.p)
        buf_put(out, text);
    else if (b64.p)
        recording_base64(out, b64);
}

#endif
