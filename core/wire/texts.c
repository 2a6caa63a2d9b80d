/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What dialects share in finding and saying texts. */
#include "wire/texts.h"

#include "base/json_bytes.h"
#include "wire/anthropic_text.h"
#include "wire/gemini.h"
#include "wire/openai.h"
#include "wire/responses.h"
#include "wire/sse.h"

#include <stdlib.h>

const struct wire_text_ops *wire_text_ops(enum dialect d)
{
    switch (d) {
    case DIALECT_OPENAI_CHAT:
    case DIALECT_OPENAI_COMPLETIONS:
        return &openai_text_ops;
    case DIALECT_ANTHROPIC:
        return &anthropic_text_ops;
    case DIALECT_RESPONSES:
        return &responses_text_ops;
    case DIALECT_GEMINI:
        return &gemini_text_ops;
    case DIALECT_NONE:
    case DIALECT_OPENAI_EMBEDDINGS:
    case DIALECT_PASSTHROUGH:
    case DIALECT_OPENAI_MODELS:
    case DIALECT_ANTHROPIC_COUNT:
    case DIALECT_ANTHROPIC_MODELS:
    case DIALECT_ANTHROPIC_PATHS:
    case DIALECT_GEMINI_COUNT:
    case DIALECT_RESPONSES_COUNT:
    case DIALECT_GEMINI_EMBED:
    case DIALECT_GEMINI_BATCH:
    case DIALECT_GEMINI_MODELS:
    case DIALECT_CONVERSE:
    case DIALECT_COHERE:
    case DIALECT_OLLAMA:
    case DIALECT_MISTRAL:
    case DIALECT_MISTRAL_EMBED:
    case DIALECT_COHERE_EMBED:
    case DIALECT_OLLAMA_EMBED:
    case DIALECT_TITAN_EMBED:
    case DIALECT_NOVA_EMBED:
    case DIALECT_PREDICT_EMBED:
    case DIALECT_CONVERSE_COUNT:
        break;
    }
    return NULL;
}

void wire_texts_clear(struct wire_texts *t)
{
    free(t->items);
    *t = (struct wire_texts){ 0 };
}

int wire_texts_add(struct wire_texts *t, struct wire_item item)
{
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 16;
        struct wire_item *more;

        if (t->n >= WIRE_ITEMS_MAX)
            return -ERR_LIMIT;
        more = realloc(t->items, cap * sizeof *more);
        if (!more)
            return -ERR_NOMEM;
        t->items = more;
        t->cap = cap;
    }
    t->items[t->n++] = item;
    return 0;
}

bool wire_is_empty(const struct json *j, uint32_t node)
{
    if (node == JSON_NONE)
        return true;
    switch (j->nodes[node].type) {
    case JSON_T_NULL:
        return true;
    case JSON_T_STRING:
        return json_raw(j, node).n == 2;
    case JSON_T_ARRAY:
    case JSON_T_OBJECT:
        return json_first(j, node) == JSON_NONE;
    default:
        return false;
    }
}

uint32_t wire_member(const struct json *j, uint32_t object, const char *name)
{
    if (object == JSON_NONE || j->nodes[object].type != JSON_T_OBJECT)
        return JSON_NONE;
    return json_member(j, object, str_of(name));
}

/* ---- characters -------------------------------------------------------- */

static int put_code(struct buf *out, unsigned cp)
{
    char c[4];
    size_t n = 0;

    if (cp < 0x80) {
        c[n++] = (char)cp;
    } else if (cp < 0x800) {
        c[n++] = (char)(0xC0 | cp >> 6);
    } else if (cp < 0x10000) {
        c[n++] = (char)(0xE0 | cp >> 12);
        c[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
    } else {
        c[n++] = (char)(0xF0 | cp >> 18);
        c[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
        c[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
    }
    if (cp >= 0x80)
        c[n++] = (char)(0x80 | (cp & 0x3F));
    return buf_put(out, (struct str){ c, n });
}

int wire_put_half(struct buf *out, uint16_t *high)
{
    if (*high == 0)
        return 0;
    *high = 0;
    return put_code(out, 0xFFFD);
}

/* One \uXXXX: a half waits in *high for the other. */
static int put_unit(struct buf *out, unsigned u, uint16_t *high)
{
    int rc;

    if (*high && (u & 0xFC00) == 0xDC00) {
        u = 0x10000 + ((*high & 0x3FFu) << 10) + (u & 0x3FF);
        *high = 0;
        return put_code(out, u);
    }
    rc = wire_put_half(out, high);
    if ((u & 0xFC00) == 0xD800) {
        *high = (uint16_t)u;
        return rc;
    }
    return rc ? rc : put_code(out, (u & 0xFC00) == 0xDC00 ? 0xFFFD : u);
}

/* The escape at *p, which stands behind its backslash. */
static int put_escape(struct buf *out, const char **p, uint16_t *high)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *at;
    char c = *(*p)++;
    int rc;

    if (c == 'u') {
        *p += 4;
        return put_unit(out, json_unit(*p - 4), high);
    }
    rc = wire_put_half(out, high);
    at = strchr(from, c);
    return rc ? rc : buf_putc(out, at ? to[at - from] : c);
}

int wire_put_chars(struct buf *out, struct str raw, uint16_t *high)
{
    const char *p = raw.p + 1, *end = raw.p + raw.n - 1;
    int rc = 0;

    while (!rc && p < end) {
        const char *stop = memchr(p, '\\', (size_t)(end - p));

        stop = stop ? stop : end;
        if (stop > p) {
            rc = wire_put_half(out, high);
            rc = rc ? rc : buf_put(out, (struct str){ p, (size_t)(stop - p) });
        }
        p = stop;
        if (!rc && p < end) {
            p++;
            rc = put_escape(out, &p, high);
        }
    }
    return rc;
}

/* ---- writing ----------------------------------------------------------- */

int wire_put_spliced(struct buf *out, struct str text,
                     const struct wire_splice *splices, size_t n)
{
    size_t at = 0;
    int rc = 0;

    for (size_t i = 0; i < n && !rc; i++) {
        rc = buf_put(out, (struct str){ text.p + at, splices[i].start - at });
        rc = rc ? rc : buf_put(out, splices[i].with);
        at = splices[i].end;
    }
    return rc ? rc : buf_put(out, (struct str){ text.p + at, text.n - at });
}

int wire_put_event(struct buf *out, struct str name, struct str json)
{
    int rc = 0;

    if (name.n) {
        rc = buf_puts(out, "event: ");
        rc = rc ? rc : buf_put(out, name);
        rc = rc ? rc : buf_putc(out, '\n');
    }
    do {
        struct str line = str_split(&json, '\n');

        rc = rc ? rc : buf_puts(out, "data: ");
        rc = rc ? rc : buf_put(out, line);
        rc = rc ? rc : buf_putc(out, '\n');
    } while (json.p && !rc);
    return rc ? rc : buf_putc(out, '\n');
}

static int rebuild(struct buf *to, const struct sse_event *ev, struct str data)
{
    int rc = 0;

    if (ev->id.p) {
        rc = buf_puts(to, "id: ");
        rc = rc ? rc : buf_put(to, ev->id);
        rc = rc ? rc : buf_putc(to, '\n');
    }
    return rc ? rc : wire_put_event(to, ev->event, data);
}

/* Data of one line lies in the raw event: all around it stays as it is. */
int wire_put_edited(struct buf *out, const struct sse_event *ev,
                    const struct wire_splice *splices, size_t n)
{
    struct str data = ev->data, raw = ev->raw;
    struct buf whole = BUF_INIT(out->max);
    size_t at;
    int rc;

    if (data.p < raw.p || data.p + data.n > raw.p + raw.n) {
        rc = wire_put_spliced(&whole, data, splices, n);
        rc = rc ? rc : rebuild(out, ev, buf_str(&whole));
        buf_clear(&whole);
        return rc;
    }
    at = (size_t)(data.p - raw.p);
    rc = buf_put(out, (struct str){ raw.p, at });
    rc = rc ? rc : wire_put_spliced(out, data, splices, n);
    at += data.n;
    return rc ? rc : buf_put(out, (struct str){ raw.p + at, raw.n - at });
}
