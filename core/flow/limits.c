/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Before any policy is asked: is the body what its dialect says, and within
 * what the configuration allows at this endpoint? The rules of the dialect
 * may be switched off there; the limits hold where they are set.
 */
#include "flow/request.h"

#include "wire/validate.h"

const struct conf_endpoint *limits_of(const struct request *r)
{
    const struct config *c = r->gen->config;

    for (size_t i = 0; i < c->n_endpoints; i++) {
        if (str_is(c->endpoints[i].name, r->endpoint->name))
            return &c->endpoints[i];
    }
    return NULL;
}

int limits_check(struct request *r)
{
    const struct conf_endpoint *e = limits_of(r);
    struct valid_limits limits = { .nothing_else = e && e->trusted };

    if (e) {
        limits.messages = e->max_messages;
        limits.tools = e->max_tools;
        limits.images = e->max_images;
        limits.max_tokens = e->clamp ? 0 : e->max_tokens;
    }
    if (e && e->clamp) {
        r->tokens_most = e->max_tokens;
        if (r->facts.max_tokens > e->max_tokens)
            r->facts.max_tokens = e->max_tokens;
    }
    return validate_body(r->endpoint->dialect, &r->json, &limits, r->arena,
                         &r->err);
}
