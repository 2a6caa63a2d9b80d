/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A key that is exchanged for a token as a plugin describes it. */
#include "keeper/fetch.h"

#include "engine/plugin_token.h"

#include <stdio.h>

static int on_ask(void *ud, struct str method, struct str url,
                  struct str body)
{
    static const char *const methods[] = { "GET", "POST", "PUT" };
    struct fetch_run *r = ud;

    for (size_t i = 0; i < 3; i++) {
        if (str_is(method, methods[i]) &&
            fetch_ask(r, methods[i], url) == FETCH_CALL)
            return buf_put(&r->body, body);
    }
    return -ERR_INVALID_REQUEST;
}

static int on_header(void *ud, struct str name, struct str value)
{
    char z[48];

    if (name.n >= sizeof z)
        return -ERR_LIMIT;
    snprintf(z, sizeof z, STR_FMT, STR_ARG(name));
    return fetch_field(ud, z, value) ? 0 : -ERR_SYNTAX;
}

static int on_got(void *ud, struct str secret, int64_t seconds)
{
    return fetch_got(ud, secret, seconds) == FETCH_GOT ? 0
                                                       : -ERR_UPSTREAM_ERROR;
}

static enum fetch_next call(struct fetch_run *r, int status, struct str answer)
{
    static const struct plugin_token_ops ops = { on_ask, on_header, on_got };
    struct plugin_token t = { .ops = &ops, .ud = r };

    if (r->step > 8)
        return fetch_fail(r, "exchange: the plugin asks on and on");
    if (plugin_refresh(&t, r->plugin, secret_reveal(&r->conf->secret),
                       r->step, status, answer) == 0)
        return t.got ? FETCH_GOT : FETCH_CALL;
    if (*r->why) /* why what it wanted may not be */
        return FETCH_FAILED;
    if (!status)
        return fetch_fail(r, "exchange: %s", t.err.msg);
    return fetch_fail(r, "exchange: %s (the answer was %d)", t.err.msg,
                      status);
}

static enum fetch_next begin(struct fetch_run *r)
{
    if (!plugin_can_refresh(r->plugin))
        return fetch_fail(r, "exchange: the provider's plugin does not say "
                          "how: leave exchange out");
    return call(r, 0, STR_NULL);
}

const struct fetch_source fetch_exchange[] = {
    { "exchange", begin, call },
    { NULL, NULL, NULL },
};
