/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What signs requests: digests for plugins, and the outgoing request as the
 * operation `sign` sees it. */
#include "engine/plugin_host.h"

#include "net/hash.h"
#include "net/sign_make.h"

_Static_assert((int)PS_SIGNATURE_MAX == (int)SIGN_SIGNATURE_MAX,
               "a plugin's room is as large as ours");

ps_rc svc_sha256(ps_str data, uint8_t *out)
{
    struct hash *h = hash_new();
    int rc = h ? hash_sha256(h, data.p, data.n, out) : -ERR_NOMEM;

    hash_free(h);
    return rc ? PS_ENOMEM : PS_OK;
}

ps_rc svc_hmac_sha256(ps_str key, ps_str data, uint8_t *out)
{
    struct hash *h = hash_new();
    int rc = h ? hash_hmac(h, str_from_ps(key), str_from_ps(data), out)
               : -ERR_NOMEM;

    hash_free(h);
    return rc ? PS_ENOMEM : PS_OK;
}

ps_rc svc_sign(int alg, ps_str pem, ps_str data, uint8_t *out, size_t *n)
{
    int rc;

    if (alg != PS_RS256 && alg != PS_ES256)
        return PS_EUNSUP;
    rc = sign_make(str_from_ps(pem), alg == PS_RS256 ? SIGN_RS256 : SIGN_ES256,
                   str_from_ps(data), out, n);
    if (rc == -ERR_CONFIG)
        return PS_EINVAL;
    return rc ? PS_ENOMEM : PS_OK;
}

/* scheme://host[:port]path?query, less a default port: as Host says it. */
static void split_url(struct str url, ps_outgoing *o)
{
    ptrdiff_t at = str_find(url, STR("://"));
    bool tls = str_starts(url, STR("https"));
    struct str rest = url, host, port = tls ? STR(":443") : STR(":80");

    if (at >= 0)
        rest = (struct str){ url.p + at + 3, url.n - (size_t)at - 3 };
    host = rest;
    for (host.n = 0; host.n < rest.n && rest.p[host.n] != '/' &&
                     rest.p[host.n] != '?';)
        host.n++;
    rest = (struct str){ rest.p + host.n, rest.n - host.n };
    if (host.n > port.n &&
        str_eq((struct str){ host.p + host.n - port.n, port.n }, port))
        host.n -= port.n;
    o->host = ps_from_str(host);
    o->path = ps_from_str(str_split(&rest, '?'));
    o->query = rest.p ? ps_from_str(rest) : ps_from_str(STR(""));
}

int attempt_host_sign(struct attempt_host *h, struct str url, struct str body,
                      struct str secret)
{
    ps_outgoing o = { .size = sizeof o };

    if (!plugin_ops(h->plugin)->sign)
        return 0;
    o.method = ps_from_str(str_of(h->pub.api->method));
    split_url(url, &o);
    if (svc_sha256(ps_from_str(body), o.body_sha256) != PS_OK)
        return err_set(&h->err, ERR_NOMEM, "no memory for a signature");
    return plugin_sign(h, &o, secret) < 0 ? -ERR_UPSTREAM_ERROR : 0;
}
