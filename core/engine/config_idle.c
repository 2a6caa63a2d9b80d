/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is written and could have no effect is refused: blocks that no policy
 * looks at, policies without what they look at, empty lists that would mean
 * everything, settings of what is switched off. A kept bundle served with it,
 * and is not refused for it.
 */
#include "engine/config_unit.h"
#include "engine/config_walk.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Fail at KIND "name" KEY; key NULL: at the block. */
static int fail_at(struct conf_walk *w, const char *kind, const char *name,
                   const char *key, const char *why)
{
    int rc;

    walk_member(w, kind);
    if (name)
        walk_named(w, name);
    if (key)
        walk_member(w, key);
    rc = walk_fail(w, "%s", why);
    if (key)
        walk_leave(w);
    if (name)
        walk_leave(w);
    walk_leave(w);
    return rc;
}

/* ---- blocks and policies ------------------------------------------------ */

static bool is_shipped(const struct conf_walk *w, const json_t *canonical,
                       const char *name)
{
    const char *shipped = w->paths->shipped_policies;
    char where[300];

    return shipped &&
           config_policy_find(canonical, w->paths, name, where,
                              sizeof where) &&
           strncmp(where, shipped, strlen(shipped)) == 0;
}

/* Does a policy look at tokens? One that is not shipped may. */
static bool is_asked(const struct conf_walk *w, const json_t *canonical)
{
    json_t *p;
    size_t i;

    json_array_foreach(json_object_get(canonical, "policies"), i, p) {
        const char *name = text_of(p, "name");

        if (!name || strcmp(name, "jwt") == 0 ||
            !is_shipped(w, canonical, name))
            return true;
    }
    return false;
}

/* Said of the first block. (What keys and teams carry is enforced by the core
 * where no policy does.) */
static int rule_asked(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "jwt");
    void *first = json_object_iter(all);

    if (!first || is_asked(w, canonical))
        return 0;
    return fail_at(w, "jwt", json_object_iter_key(first), NULL, "no policy "
                   "looks at its tokens; write policies { \"auth\", "
                   "\"jwt\", ... }");
}

/* The other way round: the shipped policy raises where it has nobody to
 * believe. */
static int rule_issuers(struct conf_walk *w, json_t *canonical)
{
    json_t *p;
    int rc = 0;
    size_t i;

    if (json_object_size(json_object_get(canonical, "jwt")))
        return 0;
    walk_member(w, "policies");
    json_array_foreach(json_object_get(canonical, "policies"), i, p) {
        const char *name = text_of(p, "name");

        if (!name || strcmp(name, "jwt") != 0 ||
            !is_shipped(w, canonical, name))
            continue;
        walk_item(w, i);
        rc = walk_fail(w, "\"jwt\" has no issuer to believe; write jwt "
                       "\"name\" { issuer = \"https://...\", audience = "
                       "\"...\" }, or take \"jwt\" out of the list");
        walk_leave(w);
        break;
    }
    walk_leave(w);
    return rc;
}

/* ---- lists that would mean everything ----------------------------------- */

static bool is_empty(const json_t *block, const char *key)
{
    const json_t *list = json_object_get(block, key);

    return list && json_array_size(list) == 0;
}

static int rule_empty(struct conf_walk *w, json_t *canonical)
{
    static const char why[] = "is empty, which would mean all; leave it out, "
                              "or name some";
    static const char *const lists[][2] = {
        { "key", "models" },  { "key", "endpoints" }, { "key", "cidrs" },
        { "team", "models" }, { "alert", "on" },
    };
    const char *name;
    json_t *block;
    int rc = 0;
    size_t n;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_object_foreach(json_object_get(canonical, lists[i][0]), name,
                            block) {
            if (is_empty(block, lists[i][1]))
                return fail_at(w, lists[i][0], name, lists[i][1], why);
        }
    }
    walk_member(w, "policies");
    json_array_foreach(json_object_get(canonical, "policies"), n, block) {
        walk_item(w, n);
        if (rc == 0 && is_empty(block, "endpoints"))
            rc = fail_at(w, "endpoints", NULL, NULL, why);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}

/* ---- settings of what is switched off ----------------------------------- */

/* What is written as its default says is in each dump. */
static int rule_affinity(struct conf_walk *w, json_t *canonical)
{
    const char *name;
    json_t *m;

    json_object_foreach(json_object_get(canonical, "model"), name, m) {
        const char *by = text_of(m, "affinity");
        const char *prefix = text_of(m, "prompt_prefix");
        const struct conf_row *row =
            conf_row_find(SCOPE_model, STR("prompt_prefix"));
        uint64_t bytes = 0, usual = 0;

        if (json_object_get(m, "affinity_ttl") && by &&
            strcmp(by, "none") == 0)
            return fail_at(w, "model", name, "affinity_ttl", "means nothing "
                           "without affinity = \"session\" or \"prompt\"");
        if (prefix && by && strcmp(by, "prompt") != 0 &&
            conf_size(str_of(prefix), &bytes) &&
            conf_size(str_of(row->def), &usual) && bytes != usual)
            return fail_at(w, "model", name, "prompt_prefix", "means nothing "
                           "without affinity = \"prompt\"");
    }
    return 0;
}

static int rule_bake(struct conf_walk *w, json_t *canonical)
{
    const json_t *reload = json_object_get(canonical, "reload");
    const char *bake = text_of(reload, "bake");
    uint64_t ms;

    if (!json_object_get(reload, "rollback_if") || !bake ||
        !conf_duration(str_of(bake), &ms) || ms)
        return 0;
    return fail_at(w, "reload", NULL, "rollback_if", "means nothing with bake "
                   "= \"0s\": nothing is watched then");
}

/* ---- what nobody reads here --------------------------------------------- */

/* Is it written as something else than its default? */
static bool is_other(enum conf_scope_id scope, const json_t *block,
                     const char *key)
{
    const char *said = text_of(block, key);
    uint64_t ms = 0, usual = 0;

    return said && conf_duration(str_of(said), &ms) &&
           conf_duration(str_of(conf_row_find(scope, str_of(key))->def),
                         &usual) && ms != usual;
}

/* Keys that are given are neither fetched nor looked at again. */
static int rule_jwks(struct conf_walk *w, json_t *canonical)
{
    static const char *const times[] = { "refresh", "refetch" };
    const char *name;
    json_t *j;

    json_object_foreach(json_object_get(canonical, "jwt"), name, j) {
        bool given = json_object_get(j, "jwks") != NULL;

        for (size_t i = 0; given && i < 2; i++) {
            if (is_other(SCOPE_jwt, j, times[i]))
                return fail_at(w, "jwt", name, times[i], "means nothing "
                               "beside jwks, which is read at a start and a "
                               "reload; leave it out, or write jwks_file = "
                               "\"/path\" in the place of jwks");
        }
        if (json_object_get(j, "ca_file") &&
            (given || json_object_get(j, "jwks_file")))
            return fail_at(w, "jwt", name, "ca_file", "means nothing here, "
                           "as nothing is fetched; leave it out, or write "
                           "jwks_url = \"https://...\"");
    }
    return 0;
}

bool walk_is_plain(const json_t *provider)
{
    const json_t *urls = json_object_get(provider, "base_url"), *url;
    bool plain = json_array_size(urls) > 0; /* else the plugin's own */
    size_t i;

    json_array_foreach(urls, i, url)
        plain &= strncmp(json_string_value(url), "http://", 7) == 0;
    return plain;
}

/* As for services: whoever names authorities wants TLS. */
static int rule_plain(struct conf_walk *w, json_t *canonical)
{
    const char *name;
    json_t *p;

    json_object_foreach(json_object_get(canonical, "provider"), name, p) {
        if (json_object_get(p, "ca_file") && walk_is_plain(p))
            return fail_at(w, "provider", name, "ca_file", "means nothing "
                           "without TLS; write base_url = \"https://...\", "
                           "or leave it out");
    }
    return 0;
}

int walk_idle(struct conf_walk *w, json_t *canonical)
{
    static int (*const rules[])(struct conf_walk *, json_t *) = {
        rule_asked, rule_issuers, rule_empty, rule_affinity, rule_bake,
        rule_jwks,  rule_plain,
    };
    int rc = 0;

    if (w->paths->kept)
        return 0;
    for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof *rules; i++)
        rc = rules[i](w, canonical);
    return rc;
}
