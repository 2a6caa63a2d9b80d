/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A canonical tree to a sealed snapshot, so that workers read no file and no
 * environment: section "config" (the tree, with "auto" made a number and the
 * policies' paths), "secrets" (reference to value), "policy/NAME" (source),
 * "cert/i/j" and "key/i/j" (PEM of listener i, certificate j), "client_ca/i/0"
 * and "client_crl/i/0".
 */
#include "base/file.h"
#include "base/snapshot.h"
#include "engine/config_walk.h"
#include "engine/kept.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 2048, SOURCE_MAX = 4 << 20,
       CONFIG_ADMIN_TOKEN_MIN = 16 };

struct bundler {
    json_t *canonical; /* borrowed */
    json_t *config, *secrets;
    const struct config_paths *paths;
    struct snapshot_builder *out;
    struct err *err;
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int add(struct bundler *b, const char *name, struct str bytes)
{
    return snapshot_builder_add(b->out, str_of(name), bytes, b->err);
}

static int add_json(struct bundler *b, const char *name, const json_t *v)
{
    char *text = json_dumps(v, JSON_COMPACT);
    int rc = text ? add(b, name, str_of(text))
                  : err_set(b->err, ERR_NOMEM, "memory is out");

    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return rc;
}

/* ---- what is read from elsewhere --------------------------------------- */

static int resolve(struct bundler *b, const json_t *ref, struct buf *value,
                   const char *what)
{
    char label[1100];
    struct err why = {0};

    secret_ref_label(ref, label, sizeof label);
    if (secret_resolve(ref, value, &why) == 0)
        return 0;
    return err_at(b->err, ERR_CONFIG, label, "%s: %s", what, why.msg);
}

static int add_secret(struct bundler *b, const json_t *ref, const char *what)
{
    struct buf value = BUF_INIT(CONFIG_SECRET_MAX);
    char label[1100];
    char *key = secret_ref_key(ref);
    int rc = key ? 0 : err_set(b->err, ERR_NOMEM, "out of memory");

    secret_ref_label(ref, label, sizeof label);
    if (rc == 0 && !json_object_get(b->secrets, key)) {
        rc = resolve(b, ref, &value, what);
        if (rc == 0 && json_object_set_new(b->secrets, key,
                                           json_stringn(buf_str(&value).p,
                                                        buf_len(&value))) < 0)
            rc = err_at(b->err, ERR_CONFIG, label, "%s: is not UTF-8", what);
    }
    free(key);
    secret_wipe(&value);
    return rc;
}

static int add_provider_secrets(struct bundler *b)
{
    json_t *all = json_object_get(b->canonical, "provider"), *p, *k;
    const char *name;
    char what[128];
    int rc = 0;
    size_t i;

    json_object_foreach(all, name, p) {
        snprintf(what, sizeof what, "provider \"%.64s\" keys", name);
        json_array_foreach(json_object_get(p, "keys"), i, k) {
            const json_t *ref = config_fetch_secret(k);

            if (!ref)
                ref = json_object_get(k, "secret");
            if (rc == 0 && ref)
                rc = add_secret(b, ref, what);
        }
    }
    return rc;
}

static int add_outside_secrets(struct bundler *b)
{
    static const struct {
        const char *kind, *key;
    } rows[] = { { "service", "token" }, { "redis", "password" },
               { "jwt", "jwks" },
               { "alert", "webhook" } };
    const char *name;
    char what[128];
    int rc = 0;
    json_t *v;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *all = json_object_get(b->canonical, rows[i].kind);

        json_object_foreach(all, name, v) {
            json_t *ref = json_object_get(v, rows[i].key);

            snprintf(what, sizeof what, "%s \"%.64s\" %s", rows[i].kind,
                     name, rows[i].key);
            if (rc == 0 && ref)
                rc = add_secret(b, ref, what);
        }
    }
    return rc;
}

/* It is read when the secret is: the message must not show it. */
static int check_webhooks(struct bundler *b)
{
    json_t *all = json_object_get(b->canonical, "alert"), *v;
    const char *name;
    char label[1100];

    if (b->paths->static_only)
        return 0;
    json_object_foreach(all, name, v) {
        const json_t *ref = json_object_get(v, "webhook");
        char *key = secret_ref_key(ref);
        const char *url =
            key ? json_string_value(json_object_get(b->secrets, key)) : NULL;

        free(key);
        if (url && config_webhook_ok(str_of(url)))
            continue;
        secret_ref_label(ref, label, sizeof label);
        return err_at(b->err, ERR_CONFIG, label, "alert \"%.64s\" webhook: "
                      "is no http:// or https:// URL", name);
    }
    return 0;
}

/* A token that can be guessed is none. */
static int long_enough(struct bundler *b, const json_t *ref)
{
    char label[1100], *key = secret_ref_key(ref);
    size_t n = key ? json_string_length(json_object_get(b->secrets, key)) : 0;

    free(key);
    if (n >= CONFIG_ADMIN_TOKEN_MIN)
        return 0;
    secret_ref_label(ref, label, sizeof label);
    return err_at(b->err, ERR_CONFIG, label, "admin token: is shorter than %d "
                  "bytes; `openssl rand -hex 24` makes one",
                  CONFIG_ADMIN_TOKEN_MIN);
}

static int add_admin_secrets(struct bundler *b)
{
    json_t *all = json_object_get(b->canonical, "admin"), *admin, *t;
    const char *address;
    int rc = 0;
    size_t i;

    json_object_foreach(all, address, admin) {
        json_array_foreach(json_object_get(admin, "tokens"), i, t) {
            const json_t *ref = json_object_get(t, "token");

            if (rc == 0)
                rc = add_secret(b, ref, "admin token");
            if (rc == 0 && !b->paths->static_only)
                rc = long_enough(b, ref);
        }
    }
    return rc;
}

/* Members of a policy's conf that are references. */
static int add_policy_secrets(struct bundler *b)
{
    json_t *all = json_object_get(b->canonical, "policies"), *policy, *v;
    const char *key;
    char what[160];
    int rc = 0;
    size_t i;

    json_array_foreach(all, i, policy) {
        json_object_foreach(json_object_get(policy, "conf"), key, v) {
            snprintf(what, sizeof what, "policy \"%.64s\" conf.%.64s",
                     text_of(policy, "name"), key);
            if (rc == 0 && secret_is_ref(v))
                rc = add_secret(b, v, what);
        }
    }
    return rc;
}

static int add_file(struct bundler *b, const char *name, const char *path)
{
    struct buf text = BUF_INIT(SOURCE_MAX);
    int rc = file_read(path, &text, b->err);

    if (rc == 0)
        rc = add(b, name, buf_str(&text));
    buf_clear(&text);
    return rc;
}

static int add_certificate(struct bundler *b, const json_t *tls, size_t i,
                           size_t j)
{
    struct buf pem = BUF_INIT(CONFIG_SECRET_MAX);
    char name[64];
    int rc;

    snprintf(name, sizeof name, "cert/%zu/%zu", i, j);
    rc = add_file(b, name, text_of(tls, "cert"));
    if (rc == 0)
        rc = resolve(b, json_object_get(tls, "key"), &pem, "listen tls key");
    snprintf(name, sizeof name, "key/%zu/%zu", i, j);
    if (rc == 0)
        rc = add(b, name, buf_str(&pem));
    secret_wipe(&pem);
    return rc;
}

static int add_client_file(struct bundler *b, const json_t *listen,
                           const char *key, size_t i)
{
    const char *path = text_of(listen, key);
    char name[64];

    snprintf(name, sizeof name, "%s/%zu/0", key, i);
    return path ? add_file(b, name, path) : 0;
}

static int add_certificates(struct bundler *b)
{
    json_t *all = json_object_get(b->canonical, "listen"), *l, *tls;
    const char *address;
    size_t i = 0, j;
    int rc = 0;

    json_object_foreach(all, address, l) {
        json_array_foreach(json_object_get(l, "tls"), j, tls) {
            if (rc == 0)
                rc = add_certificate(b, tls, i, j);
        }
        if (rc == 0)
            rc = add_client_file(b, l, "client_ca", i);
        if (rc == 0)
            rc = add_client_file(b, l, "client_crl", i);
        i++;
    }
    return rc;
}

static int add_policy(struct bundler *b, json_t *policy)
{
    const char *name = text_of(policy, "name");
    char path[2048], section[96];

    if (!config_policy_find(b->canonical, b->paths, name, path, sizeof path))
        return err_set(b->err, ERR_CONFIG, "there is no policy \"%s\"; looked "
                       "for %s", name, path);
    json_object_set_new(policy, "path", json_string(path));
    snprintf(section, sizeof section, "policy/%s", name);
    if (b->paths->kept)
        return add(b, section, kept_section(b->paths->kept, section));
    return add_file(b, section, path);
}

static int add_policies(struct bundler *b)
{
    json_t *p;
    int rc = 0;
    size_t i;

    json_array_foreach(json_object_get(b->config, "policies"), i, p) {
        if (rc == 0)
            rc = add_policy(b, p);
    }
    return rc;
}

/* ---- the bundle -------------------------------------------------------- */

/* "auto" is made a number once, so that all processes mean the same. */
static int resolve_workers(struct bundler *b)
{
    json_t *server = json_object_get(b->config, "server");
    cpu_set_t cpus;
    int n = 1;

    if (json_is_integer(json_object_get(server, "workers")))
        return 0;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        n = CPU_COUNT(&cpus);
    n = n < 1 ? 1 : n > 256 ? 256 : n;
    json_object_set_new(server, "workers", json_integer(n));
    return 0;
}

static int write_config(struct bundler *b)
{
    return add_json(b, "config", b->config);
}

static int write_secrets(struct bundler *b)
{
    return add_json(b, "secrets", b->secrets);
}

/** What a kept bundle has of it; p NULL: nothing. */
static struct str kept_part(const struct bundler *b, const char *name)
{
    return b->paths->kept ? kept_section(b->paths->kept, name) : STR_NULL;
}

static int write_prices(struct bundler *b)
{
    json_t *prices = NULL;
    int rc;

    if (kept_part(b, "prices").p)
        return add(b, "prices", kept_part(b, "prices"));
    rc = config_prices(b->canonical, b->paths->catalogue, &prices, b->err);

    if (rc == 0)
        rc = add_json(b, "prices", prices);
    json_decref(prices);
    return rc;
}

static int write_abilities(struct bundler *b)
{
    json_t *rows = NULL;
    int rc;

    if (kept_part(b, "abilities").p)
        return add(b, "abilities", kept_part(b, "abilities"));
    rc = config_abilities(b->canonical, b->paths->catalogue, &rows, b->err);
    if (rc == 0)
        rc = add_json(b, "abilities", rows);
    json_decref(rows);
    return rc;
}

int config_bundle(json_t *canonical, const struct config_paths *paths,
                  uint64_t generation, struct err *err)
{
    static int (*const parts[])(struct bundler *) = {
        resolve_workers,     add_provider_secrets,
        add_outside_secrets, add_policy_secrets,
        add_admin_secrets,   check_webhooks,
        add_certificates,
        add_policies,        write_config,
        write_secrets,       write_prices,
        write_abilities,
    };
    struct bundler b = {.canonical = canonical, .paths = paths, .err = err};
    int rc = 0;

    b.config = json_deep_copy(canonical);
    b.secrets = json_object();
    b.out = snapshot_builder_new("config", generation, err);
    if (!b.config || !b.secrets || !b.out)
        rc = err_set(err, ERR_NOMEM, "memory is out");
    for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof parts[0]; i++)
        rc = parts[i](&b);
    if (rc == 0)
        rc = snapshot_builder_seal(b.out, err);
    snapshot_builder_free(b.out);
    json_decref(b.config);
    json_decref(b.secrets);
    return rc;
}
