/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The structs of what policies reach: services and Redis. */
#include "engine/config_open.h"
#include "engine/config_unit.h"

static void open_service(struct opener *o, struct conf_service *s,
                         const char *name, const json_t *v)
{
    s->name = open_dup(o, name);
    s->url = open_text(o, v, "url");
    while (s->url.n && s->url.p[s->url.n - 1] == '/')
        s->url.n--;
    open_secret(o, &s->token, json_object_get(v, "token"));
    s->headers = open_pairs(o, v, "headers", &s->n_headers);
    s->timeout_ms = open_ms(v, "timeout");
    s->max_body = open_size(v, "max_body");
    s->ca_file = open_text(o, v, "ca_file");
    s->observe_all = open_choice(v, "observe", "get|all") == 1;
}

static void open_redis(struct opener *o, struct conf_redis *r,
                       const char *name, const json_t *v)
{
    struct conf_redis_url url;

    r->name = open_dup(o, name);
    if (!conf_redis_url(open_text(o, v, "url"), &url))
        o->broken = "a Redis without its URL";
    r->host = url.host;
    r->unix_path = url.unix_path;
    r->port = url.port;
    r->db = url.db;
    r->tls = url.tls;
    r->user = open_text(o, v, "user");
    open_secret(o, &r->password, json_object_get(v, "password"));
    r->timeout_ms = open_ms(v, "timeout");
    r->connect_timeout_ms = open_ms(v, "connect_timeout");
    r->ca_file = open_text(o, v, "ca_file");
}

void open_outside(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "service"), *v;
    const char *name;
    size_t i = 0;

    c->services = open_array(o, json_object_size(all), sizeof *c->services,
                             &c->n_services);
    json_object_foreach(all, name, v) {
        if (!o->broken)
            open_service(o, &c->services[i++], name, v);
    }
    all = json_object_get(o->root, "redis");
    c->redis = open_array(o, json_object_size(all), sizeof *c->redis,
                          &c->n_redis);
    i = 0;
    json_object_foreach(all, name, v) {
        if (!o->broken)
            open_redis(o, &c->redis[i++], name, v);
    }
}
