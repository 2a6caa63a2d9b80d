/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Issuers of tokens: the rules between their keys, and their structs. */
#include "engine/config_open.h"
#include "engine/config_walk.h"
#include "engine/jws.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- rules ------------------------------------------------------------- */

static bool is_field(const char *name)
{
    static const char *const fields[] = {
        "id", "team", "user", "models", "endpoints", "limits.requests",
        "limits.tokens", "limits.concurrent" };

    if (strncmp(name, "tags.", 5) == 0)
        return name[5] != '\0';
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(name, fields[i]) == 0)
            return true;
    }
    return false;
}

static int claims(struct conf_walk *w, json_t *jwt)
{
    json_t *map = json_object_get(jwt, "claims"), *v;
    const char *field;
    int rc = 0;

    walk_member(w, "claims");
    json_object_foreach(map, field, v) {
        walk_member(w, field);
        if (!is_field(field))
            rc = walk_fail(w, "is nothing of a principal; write id, team, "
                           "user, models, endpoints, tags.NAME or "
                           "limits.requests, .tokens, .concurrent");
        walk_leave(w);
        if (rc < 0)
            break;
    }
    if (rc == 0 && map && !json_object_get(map, "id"))
        rc = walk_fail(w, "has no id; write id = \"sub\"");
    walk_leave(w);
    return rc;
}

/* Can the set be had, and are there keys in it? */
static int keys(struct conf_walk *w, const json_t *ref)
{
    struct buf value = BUF_INIT(CONFIG_SECRET_MAX);
    struct err why = { 0 };
    struct jwks *set = NULL;
    int rc = 0;

    if (w->paths->static_only || !ref)
        return 0;
    walk_member(w, "jwks");
    if (secret_resolve(ref, &value, &why) == 0)
        set = jwks_parse(buf_str(&value), &why);
    if (!set)
        rc = walk_fail(w, "%s", why.msg);
    else if (jwks_count(set) == 0)
        rc = walk_fail(w, "has no key that could check a signature");
    jwks_free(set);
    secret_wipe(&value);
    walk_leave(w);
    return rc;
}

/* Keys have one source. */
static int source(struct conf_walk *w, const json_t *jwt)
{
    static const char *const names[] = { "jwks", "jwks_file", "jwks_url" };
    const char *file = text_of(jwt, "jwks_file"), *first = NULL;
    int rc = 0;

    for (size_t i = 0; i < 3 && rc == 0; i++) {
        walk_member(w, names[i]);
        if (json_object_get(jwt, names[i]) && first)
            rc = walk_fail(w, "stands beside %s; leave one of them out",
                           first);
        else if (json_object_get(jwt, names[i]))
            first = names[i];
        if (rc == 0 && i == 1 && file && !w->paths->static_only)
            rc = walk_readable(w, file);
        walk_leave(w);
    }
    return rc;
}

/* What anybody can fetch is no secret. */
static int secrets(struct conf_walk *w, const json_t *jwt)
{
    json_t *alg;
    int rc = 0;
    size_t i;

    if (json_object_get(jwt, "jwks") || json_object_get(jwt, "jwks_file"))
        return 0;
    walk_member(w, "algs");
    json_array_foreach(json_object_get(jwt, "algs"), i, alg) {
        if (strncmp(json_string_value(alg), "HS", 2) != 0)
            continue;
        rc = walk_fail(w, "\"%s\" needs a shared secret, which is not "
                       "fetched; write jwks or jwks_file",
                       json_string_value(alg));
        break;
    }
    walk_leave(w);
    return rc;
}

/* An empty list would let nobody in, and look as if it let in all. */
static int lists(struct conf_walk *w, const json_t *jwt)
{
    static const char *const names[] = { "audience", "algs" };
    int rc = 0;

    for (size_t i = 0; i < 2 && rc == 0; i++) {
        const json_t *list = json_object_get(jwt, names[i]);

        walk_member(w, names[i]);
        if (json_is_array(list) && json_array_size(list) == 0)
            rc = walk_fail(w, "is empty");
        walk_leave(w);
    }
    return rc;
}

static int issuer(struct conf_walk *w, json_t *jwt, json_t *seen,
                  const char *name)
{
    const char *iss = text_of(jwt, "issuer");
    int rc = lists(w, jwt);

    if (rc == 0)
        rc = claims(w, jwt);
    if (rc == 0)
        rc = source(w, jwt);
    if (rc == 0)
        rc = secrets(w, jwt);
    if (rc == 0)
        rc = keys(w, json_object_get(jwt, "jwks"));
    if (rc == 0)
        rc = walk_ca_file(w, text_of(jwt, "ca_file"));
    if (rc || !iss)
        return rc;
    walk_member(w, "issuer");
    if (json_object_get(seen, iss))
        rc = walk_fail(w, "is that of jwt \"%.64s\" too", text_of(seen, iss));
    else
        json_object_set_new(seen, iss, json_string(name));
    walk_leave(w);
    return rc;
}

int walk_jwts(struct conf_walk *w, json_t *canonical)
{
    json_t *seen = json_object(), *jwt;
    const char *name;
    int rc = 0;

    walk_member(w, "jwt");
    json_object_foreach(json_object_get(canonical, "jwt"), name, jwt) {
        walk_named(w, name);
        rc = issuer(w, jwt, seen, name);
        walk_leave(w);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    json_decref(seen);
    return rc;
}

/* ---- structs ----------------------------------------------------------- */

static void open_jwt(struct opener *o, struct conf_jwt *j, const char *name,
                     const json_t *v)
{
    struct str *algs;
    size_t n;

    j->name = open_dup(o, name);
    j->issuer = open_text(o, v, "issuer");
    j->audience = open_list(o, v, "audience", &j->n_audience);
    algs = open_list(o, v, "algs", &n);
    for (size_t i = 0; i < n; i++)
        j->algs |= UINT32_C(1) << sign_alg_of(algs[i]);
    if (n == 0)
        j->algs = UINT32_C(1) << SIGN_RS256;
    open_secret(o, &j->jwks, json_object_get(v, "jwks"));
    j->jwks_file = open_text(o, v, "jwks_file");
    j->jwks_url = open_text(o, v, "jwks_url");
    j->ca_file = open_text(o, v, "ca_file");
    j->leeway_ms = open_ms(v, "leeway");
    j->refresh_ms = open_ms(v, "refresh");
    j->refetch_ms = open_ms(v, "refetch");
    j->claims = open_pairs(o, v, "claims", &j->n_claims);
}

void open_jwts(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "jwt"), *v;
    const char *name;
    size_t i = 0;

    c->jwts = open_array(o, json_object_size(all), sizeof *c->jwts,
                         &c->n_jwts);
    json_object_foreach(all, name, v) {
        if (!o->broken)
            open_jwt(o, &c->jwts[i++], name, v);
    }
}
