/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/gemini.h"

#include "flow/format.h"

#include "wire/sse.h"

#define MODEL_BYTES 256

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; p NULL when it is no text. */
static struct str decode(struct request *r, struct str s)
{
    char *to = arena_alloc(r->arena, s.n + 1);
    struct str out = { to, 0 };

    for (size_t i = 0; to && i < s.n; i++) {
        int hi, lo;

        to[out.n++] = s.p[i];
        if (s.p[i] != '%')
            continue;
        hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        lo = hi >= 0 ? hex(s.p[i + 2]) : -1;
        if (lo < 0 || hi * 16 + lo < 0x20)
            return STR_NULL;
        to[out.n - 1] = (char)(hi * 16 + lo);
        i += 2;
    }
    return to && str_utf8_valid(out) ? out : STR_NULL;
}

struct str gemini_query(struct request *r, const char *name)
{
    struct str rest = http_req_query(r->http);

    while (rest.p) {
        struct str value = str_split(&rest, '&');
        struct str key = str_split(&value, '=');

        if (str_is(key, name) && value.p)
            return decode(r, value);
    }
    return STR_NULL;
}

struct str gemini_query_key(struct request *r)
{
    return r->family == FAMILY_GEMINI ? gemini_query(r, "key") : STR_NULL;
}

int gemini_path(struct request *r)
{
    struct str model = decode(r, r->rest), alt;

    if (!model.n || model.n > MODEL_BYTES)
        return err_set(&r->err, ERR_INVALID_REQUEST,
                       "The path names no model: models/MODEL:METHOD.");
    r->facts.model = model;
    if (r->endpoint->id != ENDPOINT_GENERATE_STREAM)
        return 0;
    r->facts.stream = true;
    alt = gemini_query(r, "alt");
    if (!alt.p || str_is(alt, "json")) {
        r->array = ARRAY_ASKED;
        return 0;
    }
    return str_is(alt, "sse")
               ? 0
               : err_set(&r->err, ERR_INVALID_REQUEST,
                         "The query's alt is neither sse nor json.");
}

bool gemini_lacks_method(struct request *r)
{
    struct str asked = decode(r, r->rest), name;
    struct buf names = BUF_INIT(256);
    size_t colon;

    if (r->endpoint->dialect != DIALECT_GEMINI_MODELS ||
        !str_is(r->method, "POST"))
        return false;
    if (!asked.p) /* no text, but perhaps a method all the same */
        asked = r->rest;
    colon = asked.n;
    while (colon && asked.p[colon - 1] != ':')
        colon--;
    if (!colon)
        return false;
    for (size_t i = 0; (name = endpoint_google_method(i)).p; i++)
        buf_printf(&names, i ? ", " STR_FMT : STR_FMT, STR_ARG(name));
    asked = (struct str){ asked.p + colon, asked.n - colon };
    err_set(&r->err, ERR_NOT_FOUND,
            "There is no method '%.*s' here; there are " STR_FMT ".",
            asked.n > 64 ? 64 : (int)asked.n, asked.p,
            STR_ARG(buf_str(&names)));
    buf_clear(&names);
    return true;
}

/* ---- streams as arrays --------------------------------------------------- */

struct str gemini_error_body(struct request *r, struct str body)
{
    struct str alt, in_array;

    if (!r->endpoint || r->endpoint->id != ENDPOINT_GENERATE_STREAM)
        return body;
    alt = gemini_query(r, "alt");
    if (alt.p && !str_is(alt, "json"))
        return body;
    in_array = arena_fmt(r->arena, "[" STR_FMT "]", STR_ARG(body));
    return in_array.p ? in_array : body;
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct request *r = ud;

    if (!ev->data.p)
        return 0;
    http_reply_data(r->http, r->array == ARRAY_BEGUN ? STR(",\r\n")
                                                     : STR("["));
    r->array = ARRAY_BEGUN;
    http_reply_data(r->http, ev->data);
    return 0;
}

void gemini_send_array(struct request *r, struct str events)
{
    struct sse sse;

    sse_init(&sse, events.n + 1);
    sse_feed(&sse, events, on_event, r, NULL);
    sse_clear(&sse);
}

void gemini_end_array(struct request *r)
{
    if (r->array == ARRAY_BEGUN)
        http_reply_data(r->http, STR("]"));
    r->array = ARRAY_NONE;
}
