/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/cors.h"

#include "engine/cors.h"

/* Fields that a page may read, besides the few that the standard lets it. */
#define OURS \
    "x-penstock-error, x-penstock-upstream-request-id, x-penstock-dropped, " \
    "x-penstock-target, x-penstock-model, x-penstock-attempts, " \
    "x-penstock-cost-usd, x-penstock-generation, server-timing, " \
    "retry-after, retry-after-ms, x-should-retry, "

static const char openai_fields[] = OURS
    "x-request-id, openai-version, openai-processing-ms, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, "
    "x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
    "x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";

static const char anthropic_fields[] = OURS
    "request-id, anthropic-organization-id, "
    "anthropic-ratelimit-requests-limit, "
    "anthropic-ratelimit-requests-remaining, "
    "anthropic-ratelimit-requests-reset, anthropic-ratelimit-tokens-limit, "
    "anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset, "
    "anthropic-ratelimit-input-tokens-limit, "
    "anthropic-ratelimit-input-tokens-remaining, "
    "anthropic-ratelimit-input-tokens-reset, "
    "anthropic-ratelimit-output-tokens-limit, "
    "anthropic-ratelimit-output-tokens-remaining, "
    "anthropic-ratelimit-output-tokens-reset";

#undef OURS

static const struct conf_cors *rules(const struct request *r)
{
    const struct conf_listen *l = r->listener ? r->listener->conf : NULL;

    return l && l->cors.n_origins ? &l->cors : NULL;
}

static struct str origin_of(const struct request *r)
{
    return http_req_header(r->http, STR("origin"));
}

/* The origin is said back, and caches are told that the answer depends on it
 * (also to one who sent none: the next may). */
static size_t put_origin(const struct conf_cors *c, struct str origin,
                         struct http_header *h)
{
    size_t n = 0;

    if (!c->any)
        h[n++] = (struct http_header){ STR("vary"), STR("Origin") };
    if (!cors_allows(c, origin))
        return n;
    h[n++] = (struct http_header){ STR("access-control-allow-origin"),
                                   c->any ? STR("*") : origin };
    if (c->credentials)
        h[n++] = (struct http_header){
            STR("access-control-allow-credentials"), STR("true")
        };
    return n;
}

size_t cors_headers(struct request *r, struct http_header *h, size_t max)
{
    const struct conf_cors *c = rules(r);
    struct str origin;
    size_t n;

    if (!c || max < CORS_FIELDS)
        return 0;
    origin = origin_of(r);
    n = put_origin(c, origin, h);
    if (cors_allows(c, origin))
        h[n++] = (struct http_header){
            STR("access-control-expose-headers"),
            str_is(str_of(request_dialect(r)->request_id), "request-id")
                ? str_of(anthropic_fields) : str_of(openai_fields)
        };
    return n;
}

bool cors_is_preflight(const struct request *r)
{
    return rules(r) && str_is(r->method, "OPTIONS") && origin_of(r).p &&
           http_req_header(r->http,
                           STR("access-control-request-method")).p;
}

/* What there is at the path; where there is nothing the page is to read so in
 * the answer to the request itself. */
static struct str methods(const struct endpoint *e)
{
    if (!e)
        return STR("GET, HEAD, POST");
    return str_is(str_of(e->method), "GET") ? STR("GET, HEAD")
                                            : str_of(e->method);
}

enum step cors_preflight(struct request *r)
{
    const struct conf_cors *c = rules(r);
    struct str origin = origin_of(r);
    struct str names = http_req_header(
        r->http, STR("access-control-request-headers"));
    struct http_header h[CORS_FIELDS + 4];
    size_t n;

    if (!cors_allows(c, origin)) {
        err_set(&r->err, ERR_NOT_ALLOWED,
                "Pages of this origin may not call here.");
        return request_fail(r, ERR_NOT_ALLOWED, "client");
    }
    n = put_origin(c, origin, h);
    h[n++] = (struct http_header){ str_of(request_dialect(r)->request_id),
                                   str_of(r->id) };
    h[n++] = (struct http_header){ STR("access-control-allow-methods"),
                                   methods(r->endpoint) };
    if (cors_names_ok(names))
        h[n++] = (struct http_header){ STR("access-control-allow-headers"),
                                       names };
    h[n++] = (struct http_header){
        STR("access-control-max-age"),
        arena_fmt(r->arena, "%u", (unsigned)c->max_age_s)
    };
    r->answer.status = 204;
    r->answer.head_sent = true;
    http_reply(r->http, 204, h, n, STR(""));
    return STEP_FINISH;
}
