/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The rules for providers: the vendor's row of the catalogue gives what the
 * file leaves out, `defaults` the limits; then a key must be at hand.
 */
#include "engine/config_unit.h"
#include "engine/config_walk.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_t *config_vendors(const char *path, struct err *err)
{
    json_error_t je;
    json_t *file = path ? json_load_file(path, JSON_REJECT_DUPLICATES, &je)
                        : NULL;
    json_t *vendors = json_object_get(file, "vendors");

    if (!path)
        err_set(err, ERR_CONFIG, "there is no catalogue of vendors");
    else if (!file)
        err_set(err, ERR_CONFIG, "the catalogue of vendors: %s: %s (line %d)",
                path, je.text, je.line);
    else if (!json_is_object(vendors))
        err_set(err, ERR_CONFIG, "the catalogue of vendors: %s holds none",
                path);
    else
        json_incref(vendors);
    json_decref(file);
    return json_is_object(vendors) ? vendors : NULL;
}

/* Set a value that the file leaves out, with where it comes from. */
static void give(struct conf_walk *w, json_t *to, const char *key, json_t *v,
                 const char *from)
{
    if (!v || json_object_get(to, key))
        return;
    json_object_set(to, key, v);
    walk_member(w, key);
    walk_why(w, from);
    walk_leave(w);
}

/* As give, of a table: each of its values. */
static void give_all(struct conf_walk *w, json_t *p, const char *key,
                     json_t *table, const char *from)
{
    json_t *own = json_object_get(p, key), *v;
    const char *name;

    if (!json_is_object(table))
        return;
    if (!own && json_object_set_new(p, key, own = json_object()) < 0)
        return;
    walk_member(w, key);
    json_object_foreach(table, name, v)
        give(w, own, name, v, from);
    walk_leave(w);
}

/* ---- the vendor -------------------------------------------------------- */

static int no_vendor(struct conf_walk *w, const json_t *vendors,
                     const char *name)
{
    struct conf_near near;
    const char *other;
    json_t *v;

    conf_near_init(&near, str_of(name));
    json_object_foreach((json_t *)vendors, other, v)
        conf_near_offer(&near, str_of(other));
    return walk_fail(w, "there is no vendor \"%.64s\"%s" STR_FMT "%s", name,
                     near.best.p ? "; did you mean \"" : "",
                     STR_ARG(near.best),
                     near.best.p ? "\"?"
                                 : "; write vendor = \"openai-compatible\" and "
                                   "base_url, or see `penstock models "
                                   "--vendors`");
}

/* The catalogue's row, or NULL: *rc < 0 when that is a fault. */
static json_t *vendor_of(struct conf_walk *w, const json_t *vendors,
                         const char *name, json_t *p, int *rc)
{
    const char *said = text_of(p, "vendor");
    json_t *row = json_object_get(vendors, said ? said : name);

    *rc = 0;
    walk_member(w, "vendor");
    if (!row && said)
        *rc = walk_no_such(w, "vendor", said, vendors);
    else if (row && !said)
        walk_why(w, "default");
    walk_leave(w);
    if (row && !said)
        json_object_set_new(p, "vendor", json_string(name));
    if (!row && !said && !json_object_get(p, "plugin"))
        *rc = no_vendor(w, vendors, name);
    return row;
}

static void merge_drop(json_t *quirks, const json_t *more)
{
    json_t *own = json_object_get(quirks, "drop"), *v, *have;
    size_t i, j;

    if (!json_array_size(more))
        return;
    if (!own && json_object_set_new(quirks, "drop", own = json_array()) < 0)
        return;
    json_array_foreach(more, i, v) {
        bool there = false;

        json_array_foreach(own, j, have)
            there = there || json_equal(have, v);
        if (!there)
            json_array_append(own, v);
    }
}

static void merge_quirks(struct conf_walk *w, json_t *p, const json_t *row,
                         const char *from)
{
    json_t *more = json_object_get(row, "quirks");
    static const char *const given[] = {
        "reasoning_in",   "reasoning_out",   "responses",
        "responses_only", "responses_tools", "completions",
        "completions_for",
    };
    json_t *own = json_object_get(p, "quirks");

    if (!json_object_size(more))
        return;
    if (!own && json_object_set_new(p, "quirks", own = json_object()) < 0)
        return;
    walk_member(w, "quirks");
    give_all(w, own, "rename", json_object_get(more, "rename"), from);
    give_all(w, own, "errors", json_object_get(more, "errors"), from);
    merge_drop(own, json_object_get(more, "drop"));
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        give(w, own, given[i], json_object_get(more, given[i]), from);
    walk_leave(w);
}

/* ---- how the key is sent ----------------------------------------------- */

static void finish_auth(struct conf_walk *w, json_t *p, const json_t *row,
                        const char *from)
{
    json_t *auth = json_object_get(p, "auth"), *v = NULL;
    const char *header;

    if (!text_of(auth, "header") &&
        config_fetch_bearer(json_object_get(p, "keys"))) {
        if (!auth) /* a token is no key: it has a field of its own */
            json_object_set_new(p, "auth", json_object());
    } else if (!text_of(auth, "header")) {
        give_all(w, p, "auth", json_object_get(row, "auth"), from);
    }
    auth = json_object_get(p, "auth");
    if (!auth)
        return; /* the plugin's own */
    walk_member(w, "auth");
    give(w, auth, "header", v = json_string("authorization"), "default");
    json_decref(v);
    header = text_of(auth, "header");
    v = json_string(header && strcasecmp(header, "authorization") == 0
                        ? "Bearer " : "");
    give(w, auth, "prefix", v, "default");
    json_decref(v);
    walk_leave(w);
}

/* ---- its keys ---------------------------------------------------------- */

int walk_secret_at_hand(struct conf_walk *w, const json_t *ref, bool pem)
{
    struct buf value = BUF_INIT(CONFIG_SECRET_MAX);
    struct err why = {0};
    int rc = 0;

    if (w->paths->static_only || !secret_is_ref(ref))
        return 0;
    if (secret_resolve(ref, &value, &why) < 0)
        rc = walk_fail(w, "%s", why.msg);
    else if (buf_len(&value) == 0)
        rc = walk_fail(w, "is empty");
    for (size_t i = 0; rc == 0 && !pem && i < buf_len(&value); i++) {
        if (!isgraph((unsigned char)value.p[value.off + i]))
            rc = walk_fail(w, "holds a space, a line end or another byte "
                           "that no key has");
    }
    if (rc == 0 && pem && str_find(buf_str(&value), STR("-----BEGIN ")) < 0)
        rc = walk_fail(w, "is not PEM");
    secret_wipe(&value);
    return rc;
}

/* No keys are written: the vendor's variable, or none where none is needed. */
static int vendor_key(struct conf_walk *w, json_t *p, const json_t *row,
                      const char *from)
{
    const char *env = text_of(row, "env");
    bool keyless = json_is_true(json_object_get(row, "keyless"));
    json_t *keys;

    if (!env && !keyless)
        return walk_fail(w, "keys is missing; write keys = { env \"NAME\" }, "
                         "or keys = {} where it needs none");
    if (!w->paths->static_only && env && !getenv(env) && !keyless)
        return walk_fail(w, "the environment variable %s is not set; set it, "
                         "or write keys = { env \"NAME\" }", env);
    if (env && (!keyless || getenv(env)))
        keys = json_pack("[{s:{s:s},s:s,s:i}]", "secret", "$env", env, "name",
                         "1", "weight", 1);
    else
        keys = json_array();
    give(w, p, "keys", keys, from);
    json_decref(keys);
    return 0;
}

/* Name each key, and see that it can be had. */
static int own_keys(struct conf_walk *w, json_t *keys)
{
    json_t *seen = json_object(), *k;
    char number[24];
    int rc;
    size_t i;

    walk_member(w, "keys");
    rc = walk_fetch_alike(w, keys);
    json_array_foreach(keys, i, k) {
        if (rc < 0)
            break;
        snprintf(number, sizeof number, "%zu", i + 1);
        if (!text_of(k, "name"))
            json_object_set_new(k, "name", json_string(number));
        walk_item(w, i);
        if (json_object_get(seen, text_of(k, "name")))
            rc = walk_fail(w, "there are two keys named \"%s\"",
                           text_of(k, "name"));
        json_object_set_new(seen, text_of(k, "name"), json_true());
        if (rc == 0)
            rc = walk_fetch(w, k);
        walk_maybe(w, "secret");
        if (rc == 0)
            rc = walk_secret_at_hand(w, json_object_get(k, "secret"), false);
        walk_leave(w);
        walk_leave(w);
    }
    walk_leave(w);
    json_decref(seen);
    return rc;
}

/* ---- the rest ---------------------------------------------------------- */

/* What is found out must fit. */
static int adaptive(struct conf_walk *w, const json_t *p)
{
    const json_t *a = json_object_get(p, "adaptive");
    const json_t *max = json_object_get(a, "max");
    int rc;

    if (!max || json_integer_value(json_object_get(a, "min")) <=
                    json_integer_value(max))
        return 0;
    walk_member(w, "adaptive");
    rc = walk_fail(w, "min is above max");
    walk_leave(w);
    return rc;
}

int walk_headers(struct conf_walk *w, const json_t *headers)
{
    static const char *const ours =
        "host|content-length|transfer-encoding|connection|content-type|te|"
        "upgrade|expect|accept-encoding";
    const char *name;
    char why[256];
    json_t *v;
    int rc = 0;

    walk_member(w, "headers");
    json_object_foreach((json_t *)headers, name, v) {
        json_t *z = json_string(name);

        walk_member(w, name);
        if (!conf_value_ok(CONF_HEADER, STR_NULL, z, why, sizeof why))
            rc = walk_fail(w, "its name: %s", why);
        for (struct str words = str_of(ours); rc == 0 && words.p;) {
            if (str_ieq(str_split(&words, '|'), str_of(name)))
                rc = walk_fail(w, "is set by Penstock itself; leave it out");
        }
        walk_leave(w);
        json_decref(z);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    return rc;
}

/* A list of one URL from the vendor's row; then there must be one, unless a
 * plugin may have it. */
static int finish_url(struct conf_walk *w, json_t *p, const json_t *row,
                      const char *from)
{
    bool own_plugin = (!text_of(row, "plugin") && text_of(p, "plugin")) ||
                      json_is_true(json_object_get(row, "own_url"));
    const char *url = text_of(row, "base_url");
    json_t *list = url ? json_pack("[s]", url) : NULL;

    give(w, p, "base_url", list, from);
    json_decref(list);
    if (json_array_size(json_object_get(p, "base_url")) || own_plugin)
        return 0; /* the plugin is asked for its own, where it is tried */
    return walk_fail(w, "base_url is missing; write base_url = %s",
                     conf_type_example(CONF_URL));
}

static void inherit(struct conf_walk *w, json_t *p, const char *key,
                    const json_t *defaults)
{
    json_t *table = json_object_get(defaults, key), *v;
    json_t *own = json_object_get(p, key);
    char pointer[160], from[160];
    const char *name, *said;

    walk_member(w, key);
    json_object_foreach(table, name, v) {
        snprintf(pointer, sizeof pointer, "/defaults/%s/%s", key, name);
        said = text_of(w->why, pointer);
        if (said && strcmp(said, "default") != 0)
            snprintf(from, sizeof from, "defaults at %s", said);
        else
            snprintf(from, sizeof from, "default");
        give(w, own, name, v, from);
    }
    walk_leave(w);
}

int walk_ca_file(struct conf_walk *w, const char *path)
{
    int rc;

    if (!path || w->paths->static_only)
        return 0;
    walk_member(w, "ca_file");
    rc = walk_readable(w, path);
    walk_leave(w);
    return rc;
}

static int provider(struct conf_walk *w, const json_t *vendors,
                    const json_t *defaults, const char *name, json_t *p)
{
    char from[96] = "";
    int rc;
    json_t *row = vendor_of(w, vendors, name, p, &rc);

    if (rc < 0)
        return rc;
    if (row)
        snprintf(from, sizeof from, "vendor %.64s", text_of(p, "vendor"));
    give(w, p, "plugin", json_object_get(row, "plugin"), from);
    if (!json_object_get(p, "plugin"))
        return walk_fail(w, "plugin is missing; write plugin = \"name\"");
    rc = finish_url(w, p, row, from);
    finish_auth(w, p, row, from);
    merge_quirks(w, p, row, from);
    give(w, p, "reasoning", json_object_get(row, "reasoning"), from);
    inherit(w, p, "timeouts", defaults);
    inherit(w, p, "retries", defaults);
    inherit(w, p, "health", defaults);
    inherit(w, p, "pool", defaults);
    if (rc == 0)
        rc = walk_headers(w, json_object_get(p, "headers"));
    if (rc == 0)
        rc = walk_ca_file(w, text_of(p, "ca_file"));
    if (rc == 0)
        rc = adaptive(w, p);
    if (rc == 0 && !json_object_get(p, "keys"))
        rc = vendor_key(w, p, row, from);
    else if (rc == 0)
        rc = own_keys(w, json_object_get(p, "keys"));
    return rc;
}

int walk_providers(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "provider"), *p, *vendors;
    const char *name;
    int rc = 0;

    walk_member(w, "provider");
    if (json_object_size(all) == 0)
        rc = walk_fail(w, "there is none; write provider \"openai\", or "
                       "provider \"sim\" to try without a key");
    vendors = rc < 0 ? NULL : config_vendors(w->paths->catalogue, w->err);
    if (rc == 0 && !vendors)
        rc = -ERR_CONFIG;
    json_object_foreach(all, name, p) {
        if (rc < 0)
            break;
        walk_named(w, name);
        rc = provider(w, vendors, json_object_get(canonical, "defaults"), name,
                      p);
        walk_leave(w);
    }
    walk_leave(w);
    json_decref(vendors);
    return rc;
}
