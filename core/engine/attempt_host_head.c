/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The outgoing head. What the transport itself says (where to, how long, for
 * how long) is nobody's to set: a second Content-Length is how requests are
 * smuggled.
 */
#include "engine/plugin.h"

#include "net/http1_char.h"

#define NAME_MAX_BYTES 128
#define HEADERS_FIRST 8
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct str transport[] = {
    STR("host"),       STR("content-length"), STR("transfer-encoding"),
    STR("connection"), STR("keep-alive"),     STR("proxy-connection"),
    STR("te"),         STR("trailer"),        STR("upgrade"),
    STR("expect"),
};

static bool is_transport(struct str name)
{
    for (size_t i = 0; i < N_OF(transport); i++) {
        if (name.n == transport[i].n && str_ieq(name, transport[i]))
            return true;
    }
    return false;
}

/* Remove every field of that name; returns how many are left. */
static size_t without(struct http_header *h, size_t n, struct str name)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (h[i].name.n != name.n || !str_ieq(h[i].name, name))
            h[kept++] = h[i];
    }
    return kept;
}

/* Room for one more: few fields are the rule, and a stream keeps them. */
static int more_room(struct attempt_host *h)
{
    size_t cap = h->headers_cap ? h->headers_cap * 2 : HEADERS_FIRST;
    struct http_header *to;

    if (h->n_headers < h->headers_cap)
        return 0;
    if (h->n_headers >= ATTEMPT_MAX_HEADERS)
        return err_set(&h->err, ERR_LIMIT, "more than %d headers",
                       ATTEMPT_MAX_HEADERS);
    cap = cap < ATTEMPT_MAX_HEADERS ? cap : ATTEMPT_MAX_HEADERS;
    to = arena_alloc(h->arena, cap * sizeof *to);
    if (!to)
        return err_set(&h->err, ERR_NOMEM, "no memory for a header");
    if (h->n_headers)
        memcpy(to, h->headers, h->n_headers * sizeof *to);
    h->headers = to;
    h->headers_cap = cap;
    return 0;
}

int attempt_header(struct attempt_host *h, struct str name, struct str value)
{
    struct http_header copy;
    int rc;

    value = str_trim(value);
    if (name.n > NAME_MAX_BYTES || !name.n || !http1_all(name, HTTP1_TOKEN))
        return err_set(&h->err, ERR_SYNTAX, "not a header name");
    if (is_transport(name))
        return err_set(&h->err, ERR_SYNTAX, "header " STR_FMT " is the core's",
                       STR_ARG(name));
    if (value.n > ATTEMPT_MAX_VALUE || !http1_all(value, HTTP1_VALUE))
        return err_set(&h->err, ERR_SYNTAX,
                       "header " STR_FMT ": value with control bytes, or "
                       "longer than %d",
                       STR_ARG(name), ATTEMPT_MAX_VALUE);
    copy.name = arena_dup(h->arena, name);
    copy.value = arena_dup(h->arena, value);
    if (!copy.name.p || !copy.value.p)
        return err_set(&h->err, ERR_NOMEM, "no memory for a header");
    h->n_headers = without(h->headers, h->n_headers, copy.name);
    if (!value.n)
        return 0;
    rc = more_room(h);
    if (rc)
        return rc;
    h->headers[h->n_headers++] = copy;
    return 0;
}

int attempt_host_auth(struct attempt_host *h, struct str secret,
                      struct str header, struct str prefix)
{
    const ps_provider *ops = plugin_ops(h->plugin);
    ps_rc rc = plugin_auth(h, secret);

    if (rc != PS_DECLINED)
        return rc == PS_OK ? 0 : -ERR_UPSTREAM_ERROR;
    if (!secret.n)
        return 0;
    if (!header.p)
        header = str_of(ops->auth_header);
    if (!prefix.p)
        prefix = str_of(ops->auth_prefix);
    if (!header.p) {
        header = STR("authorization");
        prefix = prefix.p ? prefix : STR("Bearer ");
    }
    return attempt_header(h, header,
                          arena_fmt(h->arena, STR_FMT STR_FMT, STR_ARG(prefix),
                                    STR_ARG(secret)));
}
