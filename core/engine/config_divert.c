/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Diverting a configuration: see the header. */
#include "engine/config_divert.h"

#include <string.h>

enum { TEXT_MAX = 64 << 10, DEPTH_MAX = 32 };

static json_t *no_secret(void)
{
    return json_pack("{s:s, s:s}", "$env", "PENSTOCK_DIVERTED", "default",
                     "no-secret-here");
}

/* "https://host/v1" becomes "http://host/v1": the name stays what it is. */
static void plain_urls(json_t *list)
{
    json_t *v;
    size_t i;

    json_array_foreach(list, i, v) {
        const char *url = json_string_value(v);

        if (url && strncmp(url, "https://", 8) == 0)
            json_array_set_new(list, i, json_sprintf("http://%s", url + 8));
    }
}

static void divert_provider(json_t *p, const char *socket)
{
    static const char *const gone[] = { "proxy", "ca_file" };
    json_t *keys = json_object_get(p, "keys"), *k;
    size_t i;

    json_object_set_new(p, "unix_socket", json_string(socket));
    json_object_set_new(p, "http2", json_false());
    plain_urls(json_object_get(p, "base_url"));
    for (i = 0; i < sizeof gone / sizeof gone[0]; i++)
        json_object_del(p, gone[i]);
    json_array_foreach(keys, i, k)
        json_object_set_new(k, "secret", no_secret());
}

/* The member `secret` of each block of that kind. */
static void without_secrets(json_t *canonical, const char *kind,
                            const char *secret)
{
    json_t *v;
    const char *name;

    json_object_foreach(json_object_get(canonical, kind), name, v) {
        if (json_object_get(v, secret))
            json_object_set_new(v, secret, no_secret());
        json_object_del(v, "ca_file");
    }
}

/* A dry run has no admin listener, and no store to look into. */
static void without_admin(json_t *canonical)
{
    if (json_object_del(canonical, "admin") == 0)
        json_object_set_new(json_object_get(canonical, "keys"), "store",
                            json_true());
}

/* Of policies' conf, where a member may be one. */
static void policies_without_secrets(json_t *canonical)
{
    json_t *policy, *conf, *v;
    const char *name;
    void *next;
    size_t i;

    json_array_foreach(json_object_get(canonical, "policies"), i, policy) {
        conf = json_object_get(policy, "conf");
        json_object_foreach_safe(conf, next, name, v) {
            if (secret_is_ref(v))
                json_object_set_new(conf, name, no_secret());
        }
    }
}

/* What a reference in an ordinary key stands for. */
static json_t *resolved(const json_t *ref, struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    json_t *v = NULL;
    uint64_t n;

    if (secret_resolve(ref, &text, err) == 0) {
        if (str_u64(buf_str(&text), &n))
            v = json_integer((json_int_t)n);
        else if (str_is(buf_str(&text), "true") ||
                 str_is(buf_str(&text), "false"))
            v = json_boolean(str_is(buf_str(&text), "true"));
        else
            v = json_stringn(buf_str(&text).p, buf_len(&text));
        if (!v)
            err_set(err, ERR_CONFIG, "a value of the environment is not "
                                     "UTF-8");
    }
    buf_clear(&text);
    return v;
}

static bool is_diverted(const json_t *ref)
{
    const char *env = json_string_value(json_object_get(ref, "$env"));

    return env && strcmp(env, "PENSTOCK_DIVERTED") == 0;
}

static int resolve_all(json_t *v, int depth, struct err *err);

/* A member or an element: *to is what takes its place, or NULL. */
static int resolve_one(json_t *v, json_t **to, int depth, struct err *err)
{
    *to = NULL;
    if (!secret_is_ref(v))
        return resolve_all(v, depth + 1, err);
    if (is_diverted(v))
        return 0;
    *to = resolved(v, err);
    return *to ? 0 : -err->code;
}

static int resolve_all(json_t *v, int depth, struct err *err)
{
    json_t *item, *to;
    const char *name;
    void *next;
    size_t i;
    int rc = 0;

    if (depth > DEPTH_MAX)
        return err_set(err, ERR_CONFIG, "the configuration is too deep");
    json_object_foreach_safe(v, next, name, item) {
        rc = rc ? rc : resolve_one(item, &to, depth, err);
        if (rc == 0 && to)
            json_object_set_new(v, name, to);
    }
    json_array_foreach(v, i, item) {
        rc = rc ? rc : resolve_one(item, &to, depth, err);
        if (rc == 0 && to)
            json_array_set_new(v, i, to);
    }
    return rc;
}

int config_divert(json_t *canonical, const char *socket, struct err *err)
{
    json_t *server = json_object_get(canonical, "server"), *v;
    const char *name;

    json_object_foreach(json_object_get(canonical, "provider"), name, v)
        divert_provider(v, socket);
    without_admin(canonical);
    json_object_foreach(json_object_get(canonical, "listen"), name, v) {
        json_object_del(v, "tls");
        json_object_del(v, "client_ca");
        json_object_del(v, "client_auth");
        json_object_del(v, "client_crl");
    }
    without_secrets(canonical, "service", "token");
    without_secrets(canonical, "redis", "password");
    policies_without_secrets(canonical);
    json_object_del(canonical, "metrics");
    json_object_del(server, "user");
    json_object_set_new(server, "workers", json_integer(1));
    return resolve_all(canonical, 0, err);
}
