/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys that are fetched: the rules, and how they are opened. */
#include "base/sha256.h"
#include "engine/config_open.h"
#include "engine/config_walk.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *key;    /* of a credential */
    const char *secret; /* the member that is a reference, or NULL */
} kinds[FETCH_KINDS] = {
    [FETCH_GOOGLE] = { "google", "account" },
    [FETCH_AWS] = { "aws", NULL },
    [FETCH_ENTRA] = { "entra", "secret" },
    [FETCH_EXCHANGE] = { "exchange", NULL },
};

static int kind_of(const json_t *key)
{
    int k = 0;

    while (k < FETCH_KINDS &&
           (!json_object_get(key, kinds[k].key) ||
            json_is_false(json_object_get(key, kinds[k].key))))
        k++;
    return k;
}

const json_t *config_fetch_secret(const json_t *key)
{
    int k = kind_of(key);

    if (k == FETCH_KINDS || !kinds[k].secret)
        return NULL;
    return json_object_get(json_object_get(key, kinds[k].key),
                           kinds[k].secret);
}

/* Those whose token goes into `authorization`. */
static size_t count_bearers(const json_t *keys)
{
    const json_t *k;
    size_t i, n = 0;

    json_array_foreach(keys, i, k) {
        int kind = kind_of(k);

        n += kind == FETCH_GOOGLE || kind == FETCH_ENTRA;
    }
    return n;
}

bool config_fetch_bearer(const json_t *keys)
{
    size_t n = count_bearers(keys);

    return n && n == json_array_size(keys);
}

/* ---- rules ------------------------------------------------------------- */

/* What the tables of types in keeper/fetch_google.c take. */
static int account(struct conf_walk *w, struct str text)
{
    static const char *const known =
        "service_account|authorized_user|external_account";
    json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(v, "type"));
    bool good = false;

    for (struct str rest = str_of(known); type && rest.p;)
        good |= str_is(str_split(&rest, '|'), type);
    json_decref(v);
    return good ? 0
                : walk_fail(w, "is no JSON with the type service_account, "
                            "authorized_user or external_account");
}

static int at_hand(struct conf_walk *w, enum fetch_kind kind,
                   const json_t *ref)
{
    struct buf value = BUF_INIT(CONFIG_SECRET_MAX);
    struct err why = { 0 };
    int rc;

    if (kind != FETCH_GOOGLE)
        return walk_secret_at_hand(w, ref, false);
    if (w->paths->static_only || !secret_is_ref(ref))
        return 0;
    rc = secret_resolve(ref, &value, &why) < 0
             ? walk_fail(w, "%s", why.msg)
             : account(w, buf_str(&value));
    secret_wipe(&value);
    return rc;
}

int walk_fetch(struct conf_walk *w, const json_t *key)
{
    const json_t *ref = config_fetch_secret(key);
    int ways = json_object_get(key, "secret") != NULL, kind = kind_of(key), rc;

    for (int k = 0; k < FETCH_EXCHANGE; k++)
        ways += json_object_get(key, kinds[k].key) != NULL;
    if (ways > 1)
        return walk_fail(w, "has more than one of secret, google, aws and "
                         "entra");
    if (ways == 0)
        return walk_fail(w, "says no key; write env \"NAME\", or one of "
                         "google = {}, aws = {} and entra = {}");
    if (json_object_get(key, "exchange") && !json_object_get(key, "secret"))
        return walk_fail(w, "has exchange, and no key to exchange");
    if (!ref)
        return 0;
    walk_member(w, kinds[kind].key);
    walk_maybe(w, kinds[kind].secret);
    rc = at_hand(w, (enum fetch_kind)kind, ref);
    walk_leave(w);
    walk_leave(w);
    return rc;
}

int walk_fetch_alike(struct conf_walk *w, const json_t *keys)
{
    size_t n = count_bearers(keys);

    return !n || n == json_array_size(keys)
               ? 0
               : walk_fail(w, "tokens of google or entra and other keys are "
                           "sent in other ways; make two providers of them");
}

/* ---- opening ----------------------------------------------------------- */

/* A change of any byte is another key, whose token must be fetched. */
static struct str id_of(struct opener *o, const struct conf_fetch *f,
                        const json_t *table)
{
    struct buf all = BUF_INIT(CONFIG_SECRET_MAX + 8192);
    char *text = json_dumps(table, JSON_COMPACT | JSON_SORT_KEYS |
                                       JSON_ENCODE_ANY);
    char hex[SHA256_HEX + 1];
    uint8_t sum[SHA256_BYTES];

    if (!text ||
        buf_printf(&all, "%s\n" STR_FMT "\n%s\n", kinds[f->kind].key,
                   STR_ARG(f->label), text) ||
        buf_put(&all, secret_reveal(&f->secret)))
        o->broken = "a key that is fetched is too long";
    sha256(buf_str(&all), sum);
    hex_encode(sum, FETCH_ID / 2, hex);
    hex[FETCH_ID] = '\0';
    secret_wipe(&all);
    free(text);
    return open_dup(o, hex);
}

struct conf_fetch *open_fetch(struct opener *o, struct str provider,
                              const json_t *key)
{
    int kind = kind_of(key);
    struct conf_fetch *f;
    const json_t *v;
    size_t n;

    if (kind == FETCH_KINDS)
        return NULL;
    f = open_array(o, 1, sizeof *f, &n);
    if (!n)
        return NULL;
    v = json_object_get(key, kinds[kind].key);
    f->kind = (enum fetch_kind)kind;
    f->label = arena_fmt(o->arena, STR_FMT "#%s", STR_ARG(provider),
                         json_string_value(json_object_get(key, "name")));
    open_secret(o, &f->secret, config_fetch_secret(key));
    f->source = open_text(o, v, "source");
    if (kind == FETCH_EXCHANGE) {
        open_secret(o, &f->secret, json_object_get(key, "secret"));
        f->source = STR("exchange");
    }
    f->scope = open_text(o, v, "scope");
    f->profile = open_text(o, v, "profile");
    f->file = open_text(o, v, "file");
    f->config_file = open_text(o, v, "config_file");
    f->programs = json_is_true(json_object_get(v, "programs"));
    f->role = open_text(o, v, "role");
    f->region = open_text(o, v, "region");
    f->token_file = open_text(o, v, "token_file");
    f->tenant = open_text(o, v, "tenant");
    f->client_id = open_text(o, v, "client_id");
    f->id = id_of(o, f, v);
    return f;
}
