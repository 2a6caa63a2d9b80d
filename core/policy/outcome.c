/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Outcomes of what a policy waited for: making and freeing. */
#include "policy/outside.h"

#include "engine/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct outcome *outcome_error(const char *fmt, ...)
{
    struct outcome *o = calloc(1, sizeof *o);
    va_list ap;

    if (!o)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(o->err, sizeof o->err, fmt, ap);
    va_end(ap);
    return o;
}

struct outcome *outcome_redis(struct resp *reply)
{
    struct outcome *o = calloc(1, sizeof *o);

    if (!o) {
        resp_free(reply);
        return NULL;
    }
    o->reply = reply;
    return o;
}

static struct str put(char **at, struct str s, bool lower)
{
    struct str copy = { *at, s.n };

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        (*at)[i] = lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    *at += s.n;
    return copy;
}

/* The outcome, its fields and all text in one block. */
struct outcome *outcome_http(int status, const struct http_header *headers,
                             size_t n_headers, struct str body)
{
    size_t size = sizeof(struct outcome) + n_headers * sizeof *headers;
    size_t text = body.n;
    struct outcome *o;
    char *at;

    for (size_t i = 0; i < n_headers; i++)
        text += headers[i].name.n + headers[i].value.n;
    o = calloc(1, size + text + 1);
    if (!o)
        return NULL;
    o->status = status;
    o->headers = (struct http_header *)(o + 1);
    o->n_headers = n_headers;
    at = (char *)o + size;
    for (size_t i = 0; i < n_headers; i++) {
        o->headers[i].name = put(&at, headers[i].name, true);
        o->headers[i].value = put(&at, headers[i].value, false);
    }
    o->body = put(&at, body, false);
    return o;
}

void outcome_free(struct outcome *o)
{
    if (!o)
        return;
    resp_free(o->reply);
    free(o->owned);
    free(o);
}

/* One of few words: an error's text up to its ':'. */
static struct str result_of(const struct outcome *o)
{
    static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx",
                                           "5xx" };

    if (!o)
        return STR("not enough memory");
    if (o->err[0])
        return (struct str){ o->err, strcspn(o->err, ":") };
    if (o->reply)
        return o->reply->type == RESP_ERROR ? STR("error") : STR("ok");
    if (o->status >= 100 && o->status < 600)
        return str_of(classes[o->status / 100 - 1]);
    return STR("other");
}

void outcome_count(const struct outcome *o, const char *kind, struct str name)
{
    struct str labels[] = { str_of(kind), name, result_of(o) };

    metric_add(METRIC_OUTSIDE_CALLS, labels, 1);
}
