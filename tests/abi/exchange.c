/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Exchanges its key for a token in two steps, as identity services do: the
 * base URL names them. */
#include <penstock/plugin.h>

static ps_rc first(ps_token *t)
{
    char room[512], url[256];
    ps_scratch form, at;
    ps_rc rc;

    ps_scratch_init(&form, room, sizeof room);
    ps_scratch_init(&at, url, sizeof url);
    ps_fmt(&at, "%.*s/login", (int)t->inst->base_url.n, t->inst->base_url.p);
    ps_fmt(&form, "{\"key\":\"%.*s\"}", (int)t->secret.n, t->secret.p);
    if (form.over || at.over)
        return ps_token_fail(t, PS_ENOMEM, "the key is too long");
    rc = ps_token_ask(t, "POST", url, ps_scratched(&form));
    if (rc == PS_OK)
        rc = ps_token_header(t, "content-type", ps_z("application/json"));
    return rc;
}

static ps_rc second(ps_token *t)
{
    ps_str session = ps_token_text(t, "/access_token");
    char url[256];
    ps_scratch at;
    ps_rc rc;

    ps_scratch_init(&at, url, sizeof url);
    ps_fmt(&at, "%.*s/token", (int)t->inst->base_url.n, t->inst->base_url.p);
    rc = ps_token_ask(t, "GET", url, ps_z(""));
    return rc == PS_OK ? ps_token_header(t, "x-session", session) : rc;
}

static ps_rc refresh(ps_token *t)
{
    if (t->step == 0)
        return first(t);
    if (t->status != 200)
        return ps_token_fail(t, PS_EPROTO, "the identity service refused");
    if (t->step == 1)
        return second(t);
    return ps_token_got(t, ps_token_text(t, "/access_token"),
                        ps_token_int(t, "/expires_in", 0));
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/v1/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .cred_refresh = refresh,
};
PS_PLUGIN(PS_PROVIDER, "exchange", "1", &ops);
