/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The rules for what policies reach: services and Redis. */
#include "engine/config_walk.h"

#include <strings.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* As walk_secret_at_hand, but nothing is said of its bytes: a password goes
 * into a command whose parts have a length. */
static int password_at_hand(struct conf_walk *w, const json_t *ref)
{
    struct buf value = BUF_INIT(CONFIG_SECRET_MAX);
    struct err why = {0};
    int rc = 0;

    if (w->paths->static_only || !ref)
        return 0;
    walk_member(w, "password");
    if (secret_resolve(ref, &value, &why) < 0)
        rc = walk_fail(w, "%s", why.msg);
    else if (buf_len(&value) == 0)
        rc = walk_fail(w, "is empty");
    secret_wipe(&value);
    walk_leave(w);
    return rc;
}

static int redis(struct conf_walk *w, json_t *r)
{
    const char *url = text_of(r, "url"), *ca = text_of(r, "ca_file");
    int rc = 0;

    if (text_of(r, "user") && !json_object_get(r, "password")) {
        walk_member(w, "user");
        rc = walk_fail(w, "needs a password; write password = env \"NAME\" or "
                       "file \"/path\"");
        walk_leave(w);
    }
    if (rc == 0 && url && ca && strncmp(url, "rediss:", 7) != 0) {
        walk_member(w, "ca_file");
        rc = walk_fail(w, "means nothing without TLS; write url = "
                       "\"rediss://...\", or leave it out");
        walk_leave(w);
    }
    if (rc == 0)
        rc = walk_ca_file(w, ca);
    return rc == 0 ? password_at_hand(w, json_object_get(r, "password")) : rc;
}

static int token(struct conf_walk *w, json_t *s)
{
    json_t *headers = json_object_get(s, "headers"), *v;
    const char *name;
    int rc = 0;

    if (!json_object_get(s, "token"))
        return 0;
    walk_member(w, "headers");
    json_object_foreach(headers, name, v) {
        walk_member(w, name);
        if (strcasecmp(name, "authorization") == 0)
            rc = walk_fail(w, "is made from the token; leave one of them out");
        walk_leave(w);
        if (rc < 0)
            break;
    }
    walk_leave(w);
    walk_member(w, "token");
    if (rc == 0)
        rc = walk_secret_at_hand(w, json_object_get(s, "token"), false);
    walk_leave(w);
    return rc;
}

static int service(struct conf_walk *w, json_t *s)
{
    const char *url = text_of(s, "url"), *ca = text_of(s, "ca_file");
    int rc = walk_headers(w, json_object_get(s, "headers"));

    if (rc == 0 && url && ca && strncmp(url, "https:", 6) != 0) {
        walk_member(w, "ca_file");
        rc = walk_fail(w, "means nothing without TLS; write url = "
                       "\"https://...\", or leave it out");
        walk_leave(w);
    }
    if (rc == 0)
        rc = walk_ca_file(w, ca);
    return rc == 0 ? token(w, s) : rc;
}

int walk_outside(struct conf_walk *w, json_t *canonical)
{
    static const struct {
        const char *kind;
        int (*rule)(struct conf_walk *w, json_t *block);
    } rows[] = {{"service", service}, {"redis", redis}};
    const char *name;
    int rc = 0;
    json_t *v;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        walk_member(w, rows[i].kind);
        json_object_foreach(json_object_get(canonical, rows[i].kind), name,
                            v) {
            if (rc < 0)
                break;
            walk_named(w, name);
            rc = rows[i].rule(w, v);
            walk_leave(w);
        }
        walk_leave(w);
    }
    return rc;
}
