/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The typed view of a bundle. One function per struct; all text is copied
 * into one arena, but for policies and certificates, which stay in the
 * snapshot. The bundle was checked by the loader: what is missing here is
 * empty, and only memory can be out.
 */
#include "engine/config_open.h"

#include "base/snapshot.h"
#include "engine/config_unit.h"
#include "engine/principal.h"

#include <string.h>

enum { OPEN_ARENA_MAX = 256 << 20 };

static void open_server(struct opener *o, struct conf_server *s,
                        const json_t *v)
{
    s->workers = open_u32(v, "workers");
    s->user = open_text(o, v, "user");
    s->max_body = open_size(v, "max_body");
    s->max_connections = open_u32(v, "max_connections");
    s->max_header_bytes = (uint32_t)open_size(v, "max_header");
    s->max_header_fields = open_u32(v, "max_header_fields");
    s->header_timeout_ms = open_ms(v, "header_timeout");
    s->body_timeout_ms = open_ms(v, "body_timeout");
    s->idle_timeout_ms = open_ms(v, "idle_timeout");
    s->write_stall_ms = open_ms(v, "write_stall");
    s->drain_timeout_ms = open_ms(v, "drain_timeout");
    conf_rate(open_text(o, v, "auth_failures"), &s->auth_failures,
              &s->auth_failures_ms);
    s->high_water = open_size(v, "high_water");
    s->low_water = open_size(v, "low_water");
}

static void open_listen(struct opener *o, struct conf_listen *l, size_t index,
                        const char *address, const json_t *v)
{
    const json_t *tls = json_object_get(v, "tls");

    l->address = open_dup(o, address);
    l->anonymous = (enum conf_anonymous)open_choice(v, "anonymous",
                                                    "none|local|public");
    l->detail_full = open_choice(v, "detail", "brief|full") == 1;
    l->trusted_proxies = open_list(o, v, "trusted_proxies",
                                   &l->n_trusted_proxies);
    open_cors(o, &l->cors, json_object_get(v, "cors"));
    l->tls = open_array(o, json_array_size(tls), sizeof *l->tls, &l->n_tls);
    for (size_t i = 0; i < l->n_tls; i++) {
        l->tls[i].cert = open_section(o, "cert", index, i);
        l->tls[i].key = open_section(o, "key", index, i);
    }
    l->clients.asked = json_object_get(v, "client_ca");
    l->clients.revokes = json_object_get(v, "client_crl");
    l->clients.ca = l->clients.crl = STR("");
    if (l->clients.asked)
        l->clients.ca = open_section(o, "client_ca", index, 0);
    if (l->clients.revokes)
        l->clients.crl = open_section(o, "client_crl", index, 0);
    l->clients.required = open_choice(v, "client_auth",
                                      "required|optional") == 0;
}

static void open_listens(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "listen"), *v;
    const char *address;
    size_t i = 0;

    c->listens = open_array(o, json_object_size(all), sizeof *c->listens,
                            &c->n_listens);
    json_object_foreach(all, address, v) {
        if (i < c->n_listens)
            open_listen(o, &c->listens[i], i, address, v);
        i++;
    }
}

static void open_targets(struct opener *o, const struct config *c,
                         const json_t *list, struct conf_target **to,
                         size_t *n)
{
    *to = open_array(o, json_array_size(list), sizeof **to, n);
    for (size_t i = 0; i < *n; i++) {
        const json_t *v = json_array_get(list, i);
        struct str model = open_text(o, v, "target");
        struct str name = str_split(&model, '/');

        (*to)[i].model = model;
        (*to)[i].weight = open_u32(v, "weight");
        (*to)[i].max_concurrent = open_u32(v, "max_concurrent");
        for (size_t k = 0; k < c->n_providers; k++) {
            if (str_eq(c->providers[k].name, name))
                (*to)[i].provider = &c->providers[k];
        }
        if (!(*to)[i].provider)
            o->broken = "a target without its provider";
    }
}

static void open_models(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "model"), *v;
    struct conf_model *m;
    const char *name;

    m = open_array(o, json_object_size(all), sizeof *m, &c->n_models);
    c->models = m;
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        m->name = open_dup(o, name);
        m->balance = (enum conf_balance)open_choice(v, "balance",
                                                    "order|weighted|ewma");
        open_targets(o, c, json_object_get(v, "targets"), &m->targets,
                     &m->n_targets);
        open_targets(o, c, json_object_get(v, "fallback"), &m->fallback,
                     &m->n_fallback);
        m->affinity = (struct conf_affinity){
            (enum conf_affinity_by)open_choice(v, "affinity",
                                               "none|session|prompt"),
            (uint32_t)open_size(v, "prompt_prefix"),
            open_ms(v, "affinity_ttl"),
        };
        m->retries = open_retries(v);
        m++;
    }
}

static void open_teams(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "team"), *v;
    struct conf_team *t;
    const char *name;

    t = open_array(o, json_object_size(all), sizeof *t, &c->n_teams);
    c->teams = t;
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        t->name = open_dup(o, name);
        t->parent = open_text(o, v, "parent");
        t->models = open_list(o, v, "models", &t->n_models);
        t->tags = open_pairs(o, v, "tags", &t->n_tags);
        t->limits = open_limits(o, v);
        t++;
    }
}

static void open_key(struct opener *o, struct conf_key *k, const char *name,
                     const json_t *v)
{
    const char *digest = json_string_value(json_object_get(v, "sha256"));
    const char *expires = json_string_value(json_object_get(v, "expires"));

    k->name = open_dup(o, name);
    k->team = open_text(o, v, "team");
    k->user = open_text(o, v, "user");
    if (!conf_sha256(str_of(digest), k->sha256))
        o->broken = "a key without its SHA-256";
    k->disabled = json_is_true(json_object_get(v, "disabled"));
    if (expires && !conf_date(str_of(expires), &k->expires_ms))
        o->broken = "a key with a bad date";
    k->models = open_list(o, v, "models", &k->n_models);
    k->endpoints = open_list(o, v, "endpoints", &k->n_endpoints);
    k->cidrs = open_list(o, v, "cidrs", &k->n_cidrs);
    k->tags = open_pairs(o, v, "tags", &k->n_tags);
    k->limits = open_limits(o, v);
}

static void open_keys(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "key"), *v;
    const char *name;
    size_t i = 0;

    c->keys = open_array(o, json_object_size(all), sizeof *c->keys,
                         &c->n_keys);
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        open_key(o, &c->keys[i++], name, v);
    }
}

static void open_policy_secrets(struct opener *o, struct conf_policy *p,
                                json_t *conf)
{
    const char *key;
    json_t *v;
    size_t n;

    p->secrets = open_array(o, json_object_size(conf), sizeof *p->secrets, &n);
    json_object_foreach(conf, key, v) {
        if (n == 0 || !secret_is_ref(v))
            continue;
        p->secrets[p->n_secrets].name = open_dup(o, key);
        open_secret(o, &p->secrets[p->n_secrets++].secret, v);
    }
}

static void open_policies(struct opener *o, struct config *c)
{
    const json_t *all = json_object_get(o->root, "policies");

    c->policies = open_array(o, json_array_size(all), sizeof *c->policies,
                             &c->n_policies);
    for (size_t i = 0; i < c->n_policies; i++) {
        struct conf_policy *p = &c->policies[i];
        const json_t *v = json_array_get(all, i);

        p->name = open_text(o, v, "name");
        p->path = open_text(o, v, "path");
        p->source = open_policy_source(o, p->name);
        p->conf = open_json(o, v, "conf");
        open_policy_secrets(o, p, json_object_get(v, "conf"));
        p->observe = open_choice(v, "mode", "enforce|observe") == 1;
        p->fail = open_text(o, v, "fail");
        p->endpoints = open_list(o, v, "endpoints", &p->n_endpoints);
    }
}

static void open_endpoints(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "endpoint"), *v;
    struct conf_endpoint *e;
    const char *name;

    e = open_array(o, json_object_size(all), sizeof *e, &c->n_endpoints);
    c->endpoints = e;
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        e->name = open_dup(o, name);
        e->max_body = open_size(v, "max_body");
        e->provider = open_text(o, v, "provider");
        e->anthropic_provider = open_text(o, v, "anthropic_provider");
        e->trusted = json_is_false(json_object_get(v, "validate"));
        e->max_messages = open_u32(v, "max_messages");
        e->max_tools = open_u32(v, "max_tools");
        e->max_images = open_u32(v, "max_images");
        e->max_tokens = open_u32(v, "max_tokens");
        e->clamp = open_choice(v, "max_tokens_over", "refuse|clamp") == 1;
        e->lossy_refuse = open_choice(v, "lossy", "drop|refuse") == 1;
        e++;
    }
}

static void open_all(struct opener *o, struct config *c)
{
    const json_t *log = json_object_get(o->root, "log");
    const json_t *limiter = json_object_get(o->root, "limits");

    open_server(o, &c->server, json_object_get(o->root, "server"));
    c->state = open_text(o, o->root, "state");
    c->plugin_path = open_text(o, o->root, "plugin_path");
    c->metrics = open_text(o, o->root, "metrics");
    open_listens(o, c);
    open_providers(o, c);
    open_models(o, c);
    open_on(o, c);
    open_teams(o, c);
    open_keys(o, c);
    open_policies(o, c);
    open_endpoints(o, c);
    open_outside(o, c);
    open_load(o, c);
    open_ledger(o, c);
    open_alerts(o, c);
    open_admin(o, c);
    c->reload = open_reload(json_object_get(o->root, "reload"));
    open_jwts(o, c);
    c->kv_memory = open_size(json_object_get(o->root, "kv"), "memory");
    c->limiter.memory = open_size(limiter, "memory");
    c->limiter.full_allows = open_choice(limiter, "full", "deny|allow") == 1;
    c->log.to = open_text(o, log, "to");
    c->log.json = open_choice(log, "format", "text|json") == 1;
    c->log.level = open_choice(log, "level", "error|warn|info|debug");
}

static json_t *section_json(struct opener *o, const char *name,
                            struct err *err)
{
    struct str text = snapshot_section(o->bundle, str_of(name));
    json_error_t je;
    json_t *v = text.p ? json_loadb(text.p, text.n, 0, &je) : NULL;

    if (!v)
        err_set(err, ERR_CONFIG, "the bundle has no %s: %s", name,
                text.p ? je.text : "no such section");
    return v;
}

struct config *config_open(struct snapshot *bundle, struct err *err)
{
    struct opener o = {.bundle = bundle, .arena = arena_new(OPEN_ARENA_MAX)};
    struct config *c = o.arena ? arena_alloc(o.arena, sizeof *c) : NULL;

    if (!c)
        o.broken = "memory is out";
    if (c)
        o.root = section_json(&o, "config", err);
    if (o.root)
        o.secrets = section_json(&o, "secrets", err);
    if (o.secrets)
        open_all(&o, c);
    else if (!o.broken)
        o.broken = "it cannot be read";
    json_decref(o.root);
    json_decref(o.secrets);
    if (o.broken) {
        err_set(err, ERR_CONFIG, "the bundle: %s", o.broken);
        arena_free(o.arena);
        return NULL;
    }
    c->owner = o.arena;
    c->bundle = snapshot_ref(bundle);
    if (config_key_index(c) < 0) {
        err_set(err, ERR_NOMEM, "memory is out");
        config_free(c);
        return NULL;
    }
    return c;
}

static void wipe(struct secret *s)
{
    if (s->hidden_.p)
        explicit_bzero((char *)s->hidden_.p, s->hidden_.n);
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_services; i++)
        wipe(&c->services[i].token);
    for (size_t i = 0; i < c->n_jwts; i++)
        wipe(&c->jwts[i].jwks);
    for (size_t i = 0; i < c->alerts.n; i++)
        wipe(&c->alerts.list[i].webhook);
    for (size_t i = 0; i < c->n_redis; i++)
        wipe(&c->redis[i].password);
    for (size_t i = 0; i < c->admin.n_tokens; i++)
        wipe(&c->admin.tokens[i].token);
    for (size_t i = 0; i < c->n_policies; i++) {
        for (size_t k = 0; k < c->policies[i].n_secrets; k++)
            wipe(&c->policies[i].secrets[k].secret);
    }
    for (size_t i = 0; i < c->n_providers; i++) {
        struct conf_provider *p = &c->providers[i];

        for (size_t k = 0; k < p->n_keys; k++) {
            wipe(&p->keys[k].secret);
            if (p->keys[k].fetch)
                wipe(&p->keys[k].fetch->secret);
        }
    }
    snapshot_unref(c->bundle);
    arena_free(c->owner); /* c lies in it */
}
