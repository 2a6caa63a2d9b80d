/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The request's fields as libcurl wants them: a list of "Name: value", here
 * in one block of memory. Fields that frame the message are ours and libcurl's
 * to write and are left out; those that libcurl would add on its own (Accept,
 * a form's Content-Type, Expect) are switched off.
 */
#include "net/http_client_impl.h"

#include "net/http1_char.h"

#include <stdlib.h>

enum { OWN_FIELDS = 3, EXPECT_FROM = 64 << 10, BLOCK_MAX = 1 << 20 };

static const struct str framing[] = {
    STR("host"),       STR("content-length"), STR("transfer-encoding"),
    STR("connection"), STR("keep-alive"),     STR("proxy-connection"),
    STR("upgrade"),    STR("expect"),         STR("trailer"),
};

static bool is_framing(struct str name)
{
    for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++) {
        if (name.n == framing[i].n && str_ieq(name, framing[i]))
            return true;
    }
    return false;
}

/* Bytes for the texts of all fields, or 0 with *err. */
static size_t measure(const struct http_call_spec *spec, struct err *err)
{
    size_t n = 64; /* our own */

    for (size_t i = 0; i < spec->n_headers; i++) {
        const struct http_header *h = &spec->headers[i];

        if (!h->name.n || !http1_all(h->name, HTTP1_TOKEN) ||
            !http1_all(h->value, HTTP1_VALUE)) {
            err_set(err, ERR_SYNTAX, "request field %zu is malformed", i + 1);
            return 0;
        }
        n += h->name.n + h->value.n + 3;
    }
    if (spec->n_headers > HC_FIELDS_MAX || n > BLOCK_MAX) {
        err_set(err, ERR_LIMIT, "too many request fields");
        return 0;
    }
    return n;
}

struct writer {
    struct curl_slist *node; /* the next one */
    char *at;
};

static void add(struct writer *w, struct str name, struct str sep,
                struct str value)
{
    w->node->data = w->at;
    memcpy(w->at, name.p, name.n);
    w->at += name.n;
    memcpy(w->at, sep.p, sep.n);
    w->at += sep.n;
    if (value.n)
        memcpy(w->at, value.p, value.n);
    w->at += value.n;
    *w->at++ = '\0';
    w->node->next = w->node + 1;
    w->node++;
}

struct curl_slist *hc_fields_new(const struct http_call_spec *spec,
                                 struct err *err)
{
    size_t text = measure(spec, err), n = spec->n_headers + OWN_FIELDS;
    struct curl_slist *list;
    struct writer w;
    bool accept = false, type = false;

    if (!text)
        return NULL;
    list = malloc(n * sizeof *list + text);
    if (!list) {
        err_set(err, ERR_NOMEM, "request fields");
        return NULL;
    }
    w = (struct writer){ list, (char *)(list + n) };
    for (size_t i = 0; i < spec->n_headers; i++) {
        const struct http_header *h = &spec->headers[i];

        if (is_framing(h->name))
            continue;
        accept |= str_ieq(h->name, STR("accept"));
        type |= str_ieq(h->name, STR("content-type"));
        add(&w, h->name, h->value.n ? STR(": ") : STR(";"), h->value);
    }
    if (!accept)
        add(&w, STR("Accept"), STR(":"), STR_NULL);
    if (!type)
        add(&w, STR("Content-Type"), STR(":"), STR_NULL);
    if (spec->body.n >= EXPECT_FROM)
        add(&w, STR("Expect"), STR(":"), STR_NULL);
    w.node[-1].next = NULL;
    return list;
}
