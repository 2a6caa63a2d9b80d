/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What an attempt is let in by, and that it is told to nobody. */
#include "flow/request.h"

#include "engine/fetched.h"

struct str attempt_secret(const struct request *r, const struct provider *p,
                          const struct credential *c)
{
    if (p->conf->keys_from_client)
        return r->passed_credential;
    return c ? credential_secret(c) : STR_NULL;
}

uint32_t attempt_version(const struct credential *c)
{
    return c && c->fetched ? c->fetched->version : 0;
}

bool attempt_is_stale(const struct attempt *t)
{
    const struct credential *c = t->credential;

    return c && c->fetched && t->fault.cls == PS_FAULT_AUTH &&
           attempt_version(c) != t->fetched && !credential_lacks(c);
}

int attempt_auth(struct request *r, struct attempt_host *host,
                 const struct provider *p, const struct credential *c)
{
    struct str secret = attempt_secret(r, p, c);

    return attempt_host_auth(host, secret, p->conf->auth_header,
                             p->conf->auth_prefix);
}

/* The whole, or a part of one that has several ("ID:SECRET:TOKEN"). */
static bool quotes(struct str text, struct str secret)
{
    struct str rest = secret;

    if (secret.n < 4)
        return false;
    if (str_find(text, secret) >= 0)
        return true;
    while (rest.n != 0) {
        struct str part = str_split(&rest, ':');

        if (part.n >= 16 && str_find(text, part) >= 0)
            return true;
    }
    return false;
}

struct str attempt_hide(const struct request *r, struct str text)
{
    const struct attempt *t = r->attempt;
    struct str secret =
        t ? attempt_secret(r, t->target->provider, t->credential) : STR_NULL;
    const struct fetched *f =
        t && t->credential ? t->credential->fetched : NULL;

    if (!quotes(text, secret) && !(f && quotes(text, f->before)))
        return text;
    return STR("the provider's words quote the credential");
}
