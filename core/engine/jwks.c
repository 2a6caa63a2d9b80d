/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Sets of keys, and the check of a token against one. */
#include "engine/jws.h"

#include "base/b64.h"
#include "base/json.h"

#include <stdlib.h>

enum { NODES_MAX = 16384, ARENA_MAX = 4 << 20, TRIES_MAX = 16 };

struct jwk {
    struct str kid;    /* p NULL: it has none */
    enum sign_alg alg; /* SIGN_COUNT: any of its type */
    struct sign_key *key;
};

struct jwks {
    struct arena *arena; /* of the kids */
    size_t n;
    struct jwk keys[JWKS_KEYS_MAX];
};

struct reader {
    struct json j;
    struct arena *a;
};

static struct str text(struct reader *r, uint32_t object, const char *name)
{
    return json_text(&r->j, json_member(&r->j, object, str_of(name)), r->a);
}

/* A number, or a secret; p NULL: it is not there. */
static struct str bytes(struct reader *r, uint32_t object, const char *name)
{
    struct str s = text(r, object, name);
    char *to = s.p ? arena_alloc(r->a, B64_DECODED_MAX(s.n)) : NULL;
    size_t n;

    if (!to || !b64_decode(s, B64_URL, to, &n))
        return STR_NULL;
    return (struct str){ to, n };
}

/* Is it meant for checking signatures? */
static bool is_meant(struct reader *r, uint32_t at)
{
    struct str use = text(r, at, "use");
    uint32_t ops = json_member(&r->j, at, STR("key_ops"));

    if (use.p && !str_is(use, "sig"))
        return false;
    if (ops == JSON_NONE)
        return true;
    for (uint32_t k = json_first(&r->j, ops); k != JSON_NONE;
         k = json_sibling(&r->j, ops, k)) {
        if (str_is(json_text(&r->j, k, r->a), "verify"))
            return true;
    }
    return false;
}

static struct sign_key *read_numbers(struct reader *r, uint32_t at)
{
    struct str kty = text(r, at, "kty");

    if (str_is(kty, "oct"))
        return sign_key_secret(bytes(r, at, "k"));
    if (str_is(kty, "RSA"))
        return sign_key_rsa(bytes(r, at, "n"), bytes(r, at, "e"));
    if (str_is(kty, "EC"))
        return sign_key_ec(text(r, at, "crv"), bytes(r, at, "x"),
                           bytes(r, at, "y"));
    if (str_is(kty, "OKP"))
        return sign_key_ed(text(r, at, "crv"), bytes(r, at, "x"));
    return NULL;
}

static void add_key(struct jwks *s, struct reader *r, uint32_t at)
{
    struct jwk *k = &s->keys[s->n];
    struct str alg;

    if (r->j.nodes[at].type != JSON_T_OBJECT || s->n == JWKS_KEYS_MAX ||
        !is_meant(r, at))
        return;
    alg = text(r, at, "alg");
    k->alg = alg.p ? sign_alg_of(alg) : SIGN_COUNT;
    if (alg.p && k->alg == SIGN_COUNT)
        return;
    k->kid = text(r, at, "kid");
    if (k->kid.p)
        k->kid = arena_dup(r->a, k->kid);
    k->key = read_numbers(r, at);
    if (k->key && k->alg != SIGN_COUNT && !sign_key_fits(k->key, k->alg)) {
        sign_key_free(k->key);
        k->key = NULL;
    }
    s->n += k->key != NULL;
}

static int read_set(struct jwks *s, struct str set, struct err *err)
{
    const struct json_limits limits = { .max_depth = 16,
                                        .max_nodes = NODES_MAX,
                                        .dup_everywhere = true };
    struct reader r = { .a = s->arena };
    uint32_t keys;
    int rc = json_scan(&r.j, set, &limits, err);

    if (rc)
        goto out;
    keys = json_member(&r.j, 0, STR("keys"));
    if (keys == JSON_NONE && text(&r, 0, "kty").p)
        add_key(s, &r, 0);
    else if (keys == JSON_NONE || r.j.nodes[keys].type != JSON_T_ARRAY)
        rc = err_set(err, ERR_SYNTAX, "there is no list \"keys\"");
    else
        for (uint32_t k = json_first(&r.j, keys); k != JSON_NONE;
             k = json_sibling(&r.j, keys, k))
            add_key(s, &r, k);
out:
    json_clear(&r.j);
    return rc;
}

struct jwks *jwks_parse(struct str set, struct err *err)
{
    struct jwks *s;

    if (set.n > JWKS_BYTES_MAX) {
        err_set(err, ERR_LIMIT, "a set of more than %d bytes",
                JWKS_BYTES_MAX);
        return NULL;
    }
    s = calloc(1, sizeof *s);
    if (s)
        s->arena = arena_new(ARENA_MAX);
    if (!s || !s->arena)
        err_set(err, ERR_NOMEM, "no memory");
    else if (read_set(s, set, err) == 0)
        return s;
    jwks_free(s);
    return NULL;
}

void jwks_free(struct jwks *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        sign_key_free(s->keys[i].key);
    if (s->arena)
        arena_free(s->arena);
    free(s);
}

size_t jwks_count(const struct jwks *s)
{
    return s->n;
}

int jwks_verify(const struct jwks *s, const struct jws *t, uint32_t algs,
                struct err *err)
{
    bool named = false;
    int tries = 0;

    if (t->alg >= SIGN_COUNT || !(algs & UINT32_C(1) << t->alg))
        return err_set(err, ERR_INVALID_API_KEY,
                       "The token's algorithm is not allowed here.");
    for (size_t i = 0; i < s->n && tries < TRIES_MAX; i++) {
        const struct jwk *k = &s->keys[i];

        if (t->kid.p && !(k->kid.p && str_eq(k->kid, t->kid)))
            continue;
        named = true;
        if ((k->alg != SIGN_COUNT && k->alg != t->alg) ||
            !sign_key_fits(k->key, t->alg))
            continue;
        tries++;
        if (sign_verify(k->key, t->alg, t->input, t->signature))
            return 0;
    }
    if (t->kid.p && !named)
        return err_set(err, ERR_NOTFOUND, "The token's key is not known.");
    return err_set(err, ERR_INVALID_API_KEY, tries
                       ? "The token's signature is wrong."
                       : "The token's algorithm is not that of its key.");
}
