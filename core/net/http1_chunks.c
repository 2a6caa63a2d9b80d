/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Chunked bodies (RFC 9112, 7.1), a state per byte outside of the data. The
 * grammar to the letter: digits without sign or prefix, extensions with
 * their quoted strings, CRLF after the data, trailer fields.
 */
#include "net/http1.h"

#include "net/http1_char.h"
#include "net/http1_field.h"

enum state {
    SIZE, /* the first one: zeroed memory begins here */
    EXT_GAP,   /* blanks; a ';' has to follow */
    EXT_NAME0, /* after ';' */
    EXT_NAME,
    EXT_NAME_GAP, /* blanks; '=' or ';' has to follow */
    EXT_VALUE0,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_PAIR, /* after a backslash */
    EXT_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    FIELD0, /* start of a trailer line */
    FIELD_NAME,
    FIELD_VALUE,
    FIELD_LF,
    END_LF,
    OVER,
};

enum { DIGITS_MAX = 16 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *take_size(struct http1_chunks *c, char b)
{
    if (http1_is(b, HTTP1_HEX)) {
        unsigned d = b <= '9' ? (unsigned)(b - '0')
                              : (unsigned)((b | 0x20) - 'a' + 10);

        if (++c->digits > DIGITS_MAX || c->left > UINT64_MAX >> 5)
            return "chunk size is too large";
        c->left = c->left * 16 + d;
        return NULL;
    }
    if (c->digits == 0)
        return "malformed chunk size";
    if (b == '\r')
        c->state = SIZE_LF;
    else if (b == ';')
        c->state = EXT_NAME0;
    else if (is_blank(b))
        c->state = EXT_GAP;
    else
        return "malformed chunk size";
    return NULL;
}

/* After a name or a value: the end, another one, or blanks. */
static bool ext_next(struct http1_chunks *c, char b, enum state gap)
{
    if (b == '\r')
        c->state = SIZE_LF;
    else if (b == ';')
        c->state = EXT_NAME0;
    else if (is_blank(b))
        c->state = (uint8_t)gap;
    else
        return false;
    return true;
}

static bool ext_value(struct http1_chunks *c, char b)
{
    switch (c->state) {
    case EXT_VALUE0:
        if (is_blank(b))
            return true;
        c->state = b == '"' ? EXT_QUOTED : EXT_VALUE;
        return b == '"' || http1_is(b, HTTP1_TOKEN);
    case EXT_VALUE:
        return http1_is(b, HTTP1_TOKEN) || ext_next(c, b, EXT_GAP);
    case EXT_QUOTED:
        if (b == '"')
            c->state = EXT_QUOTED_END;
        else if (b == '\\')
            c->state = EXT_PAIR;
        return http1_is(b, HTTP1_VALUE);
    case EXT_PAIR:
        c->state = EXT_QUOTED;
        return http1_is(b, HTTP1_VALUE);
    default: /* EXT_QUOTED_END */
        return ext_next(c, b, EXT_GAP);
    }
}

static bool ext_name(struct http1_chunks *c, char b)
{
    switch (c->state) {
    case EXT_GAP:
        if (b == ';')
            c->state = EXT_NAME0;
        return b == ';' || is_blank(b);
    case EXT_NAME0:
        if (is_blank(b))
            return true;
        c->state = EXT_NAME;
        return http1_is(b, HTTP1_TOKEN);
    case EXT_NAME:
        if (b == '=')
            c->state = EXT_VALUE0;
        return b == '=' || http1_is(b, HTTP1_TOKEN) ||
               ext_next(c, b, EXT_NAME_GAP);
    case EXT_NAME_GAP:
        if (b == '=')
            c->state = EXT_VALUE0;
        else if (b == ';')
            c->state = EXT_NAME0;
        return b == '=' || b == ';' || is_blank(b);
    default:
        return ext_value(c, b);
    }
}

static const char *take_ext(struct http1_chunks *c, char b)
{
    if (++c->ext_bytes > HTTP1_EXT_MAX)
        return "chunk extensions are too long";
    return ext_name(c, b) ? NULL : "malformed chunk extension";
}

static const char *take_name(struct http1_chunks *c, char b)
{
    if (b == ':') {
        struct str name = { c->name, c->name_n };

        c->state = FIELD_VALUE;
        return http1_field_frames(name) ? "trailer field that frames" : NULL;
    }
    if (!http1_is(b, HTTP1_TOKEN))
        return "malformed trailer field";
    /* longer than any name that matters: one byte too many is enough */
    if (c->name_n < sizeof c->name)
        c->name[c->name_n++] = b >= 'A' && b <= 'Z' ? (char)(b | 0x20) : b;
    return NULL;
}

static const char *take_trailer(struct http1_chunks *c, char b)
{
    if (++c->trailer_bytes > HTTP1_TRAILER_MAX)
        return "the trailer section is too large";
    switch (c->state) {
    case FIELD0:
        c->name_n = 0;
        if (b == '\r') {
            c->state = END_LF;
            return NULL;
        }
        c->state = FIELD_NAME;
        return b == ':' ? "malformed trailer field" : take_name(c, b);
    case FIELD_NAME:
        return take_name(c, b);
    case FIELD_VALUE:
        if (b == '\r')
            c->state = FIELD_LF;
        else if (!http1_is(b, HTTP1_VALUE))
            return "malformed trailer field";
        return NULL;
    default: /* FIELD_LF */
        c->state = FIELD0;
        return b == '\n' ? NULL : "CR without LF";
    }
}

/* A line end, or a byte outside of the data. */
static const char *take(struct http1_chunks *c, char b)
{
    switch (c->state) {
    case SIZE:
        return take_size(c, b);
    case SIZE_LF:
        c->state = c->left ? DATA : FIELD0;
        return b == '\n' ? NULL : "CR without LF";
    case DATA_CR:
        c->state = DATA_LF;
        return b == '\r' ? NULL : "no CRLF after a chunk";
    case DATA_LF:
        c->state = SIZE;
        c->digits = 0;
        return b == '\n' ? NULL : "no CRLF after a chunk";
    case END_LF:
        c->state = OVER;
        return b == '\n' ? NULL : "CR without LF";
    case FIELD0:
    case FIELD_NAME:
    case FIELD_VALUE:
    case FIELD_LF:
        return take_trailer(c, b);
    default:
        return take_ext(c, b);
    }
}

enum http1_rc http1_chunks_feed(struct http1_chunks *c, struct str in,
                                size_t *used, struct str *data)
{
    size_t i = 0;

    *used = 0;
    while (i < in.n && c->state != DATA && c->state != OVER) {
        c->why = take(c, in.p[i++]);
        if (c->why)
            return HTTP1_BAD;
    }
    *used = i;
    if (c->state == OVER)
        return HTTP1_DONE;
    if (c->state != DATA || i == in.n)
        return HTTP1_MORE;
    *data = (struct str){ in.p + i, in.n - i };
    if (data->n > c->left)
        data->n = (size_t)c->left;
    c->left -= data->n;
    *used += data->n;
    if (c->left == 0)
        c->state = DATA_CR;
    return HTTP1_DATA;
}
