/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/issuers_url.h"

#include "base/json.h"
#include "engine/addresses.h"

#include <stdio.h>

enum { YEAR_S = 365 * 86400, SCRATCH = 64 << 10 };

int issuers_url(const struct conf_jwt *c, struct str uri, struct buf *out,
                bool *discovering)
{
    struct str base = c->issuer;
    int rc;

    *discovering = !c->jwks_url.n && !uri.n;
    if (!*discovering)
        return buf_put(out, c->jwks_url.n ? c->jwks_url : uri);
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    rc = buf_put(out, base);
    return rc ? rc : buf_put(out, STR("/.well-known/openid-configuration"));
}

static const char *read_uri(const struct conf_jwt *c, const struct json *j,
                            struct arena *a, struct buf *uri)
{
    struct str iss = json_text(j, json_member(j, 0, STR("issuer")), a);
    struct str found = json_text(j, json_member(j, 0, STR("jwks_uri")), a);
    bool tls = str_starts(c->issuer, STR("https://"));

    if (!iss.p || !str_eq(iss, c->issuer))
        return "its description is of another issuer";
    if (!found.p || !url_host(found).p)
        return "its description has no jwks_uri";
    if (tls && !str_starts(found, STR("https://")))
        return "its jwks_uri is not https";
    buf_reset(uri);
    return buf_put(uri, found) ? "its jwks_uri is too long" : NULL;
}

bool issuers_url_found(const struct conf_jwt *c, struct str description,
                       struct buf *uri, char *why, size_t size)
{
    const struct json_limits limits = { .max_depth = 16,
                                        .max_nodes = 16384,
                                        .dup_everywhere = true };
    struct arena *a = arena_new(SCRATCH);
    struct json j = { 0 };
    struct err err = { 0 };
    const char *wrong = "no memory";

    if (a && json_scan(&j, description, &limits, &err) == 0)
        wrong = read_uri(c, &j, a, uri);
    else if (a)
        wrong = "its description is no JSON";
    json_clear(&j);
    if (a)
        arena_free(a);
    snprintf(why, size, "%s", wrong ? wrong : "");
    return !wrong;
}

uint64_t issuers_max_age_ms(struct str rest)
{
    const struct str name = STR("max-age=");
    uint64_t ms = UINT64_MAX;

    while (rest.p) {
        struct str one = str_trim(str_split(&rest, ','));
        uint64_t s = 0;

        if (str_ieq(one, STR("no-store")) || str_ieq(one, STR("no-cache")))
            return 0;
        if (one.n <= name.n ||
            !str_ieq((struct str){ one.p, name.n }, name))
            continue;
        for (size_t i = name.n; i < one.n && s < YEAR_S; i++) {
            if (one.p[i] < '0' || one.p[i] > '9')
                break;
            s = s * 10 + (uint64_t)(one.p[i] - '0');
        }
        ms = (s < YEAR_S ? s : YEAR_S) * 1000;
    }
    return ms;
}
