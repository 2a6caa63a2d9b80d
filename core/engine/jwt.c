/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The claims that are checked. */
#include "engine/jwt.h"

#include "base/json.h"

#include <math.h>

enum { CLAIMS_NODES = 4096, CLAIMS_DEPTH = 16, SCRATCH = 64 << 10 };

struct claims {
    const struct conf_jwt *conf;
    struct json j;
    struct arena *a;
    double now_s, leeway_s;
    struct err *err;
};

static int no(struct claims *c, const char *why)
{
    return err_set(c->err, ERR_INVALID_API_KEY, "%s", why);
}

static struct str text(struct claims *c, uint32_t node)
{
    return json_text(&c->j, node, c->a);
}

static int scan(struct json *j, struct str claims)
{
    const struct json_limits limits = { .max_depth = CLAIMS_DEPTH,
                                        .max_nodes = CLAIMS_NODES,
                                        .dup_everywhere = true };
    struct err ignored = { 0 };
    int rc = json_scan(j, claims, &limits, &ignored);

    return rc ? rc : j->nodes[0].type == JSON_T_OBJECT ? 0 : -ERR_SYNTAX;
}

/* 1: it is there, 0: it is not, -1: it is no time. */
static int time_of(struct claims *c, const char *name, double *out)
{
    uint32_t at = json_member(&c->j, 0, str_of(name));

    if (at == JSON_NONE)
        return 0;
    return json_double(&c->j, at, out) && isfinite(*out) && *out >= 0 &&
                   *out < 1e15 ? 1 : -1;
}

static int check_times(struct claims *c, uint64_t *until_s)
{
    double t;

    if (time_of(c, "exp", &t) != 1)
        return no(c, "The token does not say when it ends (exp).");
    if (t + c->leeway_s <= c->now_s)
        return no(c, "The token has expired.");
    *until_s = (uint64_t)(t + c->leeway_s);
    switch (time_of(c, "nbf", &t)) {
    case -1: return no(c, "The token's nbf is no time.");
    case 1:
        if (t > c->now_s + c->leeway_s)
            return no(c, "The token is not valid yet.");
    }
    switch (time_of(c, "iat", &t)) {
    case -1: return no(c, "The token's iat is no time.");
    case 1:
        if (t > c->now_s + c->leeway_s)
            return no(c, "The token was issued in the future.");
    }
    return 0;
}

static bool is_for_us(struct claims *c, struct str audience)
{
    for (size_t i = 0; audience.p && i < c->conf->n_audience; i++) {
        if (str_eq(audience, c->conf->audience[i]))
            return true;
    }
    return false;
}

static int check_audience(struct claims *c)
{
    uint32_t aud = json_member(&c->j, 0, STR("aud")), k;

    if (aud != JSON_NONE && c->j.nodes[aud].type == JSON_T_ARRAY) {
        for (k = json_first(&c->j, aud); k != JSON_NONE;
             k = json_sibling(&c->j, aud, k)) {
            if (is_for_us(c, text(c, k)))
                return 0;
        }
    } else if (aud != JSON_NONE && is_for_us(c, text(c, aud))) {
        return 0;
    }
    return no(c, "The token is not meant for this service (aud).");
}

int jwt_check(const struct conf_jwt *conf, struct str claims, uint64_t now_s,
              uint64_t *until_s, struct err *err)
{
    struct claims c = { .conf = conf,
                        .a = arena_new(SCRATCH),
                        .now_s = (double)now_s,
                        .leeway_s = conf->leeway_ms / 1000.0,
                        .err = err };
    struct str iss;
    int rc;

    if (!c.a)
        return err_set(err, ERR_NOMEM, "no memory");
    rc = scan(&c.j, claims);
    if (rc) {
        rc = no(&c, "The token's claims are no JSON object.");
        goto out;
    }
    iss = text(&c, json_member(&c.j, 0, STR("iss")));
    if (!iss.p || !str_eq(iss, conf->issuer))
        rc = no(&c, "The token is from another issuer (iss).");
    if (!rc)
        rc = check_audience(&c);
    if (!rc)
        rc = check_times(&c, until_s);
out:
    json_clear(&c.j);
    arena_free(c.a);
    return rc;
}

struct str jwt_issuer(struct str claims, struct arena *a)
{
    struct json j = { 0 };
    struct str iss = STR_NULL;

    if (scan(&j, claims) == 0)
        iss = json_text(&j, json_member(&j, 0, STR("iss")), a);
    json_clear(&j);
    return iss;
}
