/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/config_clients.h"

#include "engine/config_walk.h"

static int readable(struct conf_walk *w, json_t *listen, const char *key)
{
    const char *path = json_string_value(json_object_get(listen, key));
    int rc = 0;

    walk_member(w, key);
    if (path && !w->paths->static_only)
        rc = walk_readable(w, path);
    walk_leave(w);
    return rc;
}

static int alone(struct conf_walk *w, json_t *listen, const char *key,
                 const char *other, const char *why)
{
    if (!json_object_get(listen, key) || json_object_get(listen, other))
        return 0;
    walk_member(w, key);
    return walk_fail(w, "%s", why);
}

int config_clients_rule(struct conf_walk *w, json_t *listen)
{
    int rc = alone(w, listen, "client_ca", "tls", "needs tls: a client shows "
                   "its certificate to a listener that has one");

    if (rc == 0)
        rc = alone(w, listen, "client_auth", "client_ca", "needs client_ca, "
                   "the authorities to believe");
    if (rc == 0)
        rc = alone(w, listen, "client_crl", "client_ca", "needs client_ca, "
                   "the authorities to believe");
    if (rc == 0)
        rc = readable(w, listen, "client_ca");
    if (rc == 0)
        rc = readable(w, listen, "client_crl");
    if (rc || !json_object_get(listen, "client_ca") ||
        json_object_get(listen, "client_auth"))
        return rc;
    json_object_set_new(listen, "client_auth", json_string("required"));
    walk_member(w, "client_auth");
    walk_why(w, "default");
    walk_leave(w);
    return 0;
}
