/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The getters behind config_open, and the largest of the structs: providers.
 */
#include "base/snapshot.h"
#include "engine/config_open.h"
#include "engine/config_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- getters ----------------------------------------------------------- */

void *open_array(struct opener *o, size_t n, size_t size, size_t *count)
{
    void *p = n ? arena_alloc(o->arena, n * size) : NULL;

    if (n && !p)
        o->broken = "memory is out";
    *count = p ? n : 0;
    return p;
}

static struct str dup_n(struct opener *o, const char *p, size_t n)
{
    struct str s = arena_dup(o->arena, (struct str){p, n});

    if (!s.p)
        o->broken = "memory is out";
    return s;
}

struct str open_dup(struct opener *o, const char *z)
{
    return z ? dup_n(o, z, strlen(z)) : STR_NULL;
}

struct str open_text(struct opener *o, const json_t *v, const char *key)
{
    const json_t *s = json_object_get(v, key);

    if (!json_is_string(s))
        return STR_NULL;
    return dup_n(o, json_string_value(s), json_string_length(s));
}

struct str open_json(struct opener *o, const json_t *v, const char *key)
{
    const json_t *member = json_object_get(v, key);
    char *text = member ? json_dumps(member, JSON_COMPACT) : NULL;
    struct str s = open_dup(o, text ? text : "{}");

    free(text);
    return s;
}

uint32_t open_u32(const json_t *v, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(v, key));
}

uint64_t open_size(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));
    uint64_t n = 0;

    if (s)
        conf_size(str_of(s), &n);
    return n;
}

uint32_t open_ms(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));
    uint64_t n = 0;

    if (s)
        conf_duration(str_of(s), &n);
    return (uint32_t)n;
}

struct conf_limits open_limits(struct opener *o, const json_t *v)
{
    const json_t *l = json_object_get(v, "limits");

    return (struct conf_limits){ .requests = open_text(o, l, "requests"),
                                 .tokens = open_text(o, l, "tokens"),
                                 .concurrent = open_u32(l, "concurrent") };
}

int open_choice(const json_t *v, const char *key, const char *words)
{
    const char *s = json_string_value(json_object_get(v, key));
    int at = 0;

    if (s)
        conf_choice(str_of(words), str_of(s), &at);
    return at;
}

struct str *open_list(struct opener *o, const json_t *v, const char *key,
                      size_t *n)
{
    const json_t *list = json_object_get(v, key), *item;
    struct str *to = open_array(o, json_array_size(list), sizeof *to, n);

    for (size_t i = 0; i < *n; i++) {
        item = json_array_get(list, i);
        to[i] = dup_n(o, json_string_value(item), json_string_length(item));
    }
    return to;
}

struct conf_pair *open_pairs(struct opener *o, const json_t *v,
                             const char *key, size_t *n)
{
    json_t *map = json_object_get(v, key), *item;
    struct conf_pair *to, *p;
    const char *name;

    to = p = open_array(o, json_object_size(map), sizeof *to, n);
    json_object_foreach(map, name, item) {
        if (!p)
            break;
        p->key = open_dup(o, name);
        p->value = open_dup(o, json_string_value(item));
        p++;
    }
    return to;
}

struct str open_section(struct opener *o, const char *kind, size_t i, size_t j)
{
    char name[64];
    struct str s;

    snprintf(name, sizeof name, "%s/%zu/%zu", kind, i, j);
    s = snapshot_section(o->bundle, str_of(name));
    if (!s.p)
        o->broken = "a certificate or its key is missing";
    return s;
}

struct str open_policy_source(struct opener *o, struct str policy)
{
    char name[96];
    struct str s;

    snprintf(name, sizeof name, "policy/" STR_FMT, STR_ARG(policy));
    s = snapshot_section(o->bundle, str_of(name));
    if (!s.p)
        o->broken = "a policy's source is missing";
    return s;
}

/* ---- providers --------------------------------------------------------- */

static void open_timeouts(struct conf_timeouts *t, const json_t *v)
{
    t->connect_ms = open_ms(v, "connect");
    t->head_ms = open_ms(v, "head");
    t->first_event_ms = open_ms(v, "first_event");
    t->idle_ms = open_ms(v, "idle");
    t->total_ms = open_ms(v, "total");
    t->commit_after_ms = open_ms(v, "commit_after");
    t->gap_ms = open_ms(v, "gap");
}

void open_secret(struct opener *o, struct secret *s, const json_t *ref)
{
    char label[1100], *key;

    if (!ref)
        return;
    key = secret_ref_key(ref);
    secret_ref_label(ref, label, sizeof label);
    s->ref = open_dup(o, label);
    s->hidden_ = key ? open_text(o, o->secrets, key) : STR_NULL;
    free(key);
    if (!s->hidden_.p)
        o->broken = "a secret is missing";
}

static uint32_t or_unset(const json_t *v, const char *key)
{
    return json_object_get(v, key) ? open_u32(v, key) : CONF_UNSET;
}

struct conf_retries open_retries(const json_t *v)
{
    const json_t *r = json_object_get(v, "retries");
    const char *s = json_string_value(json_object_get(r, "budget"));
    uint64_t percent = CONF_UNSET;

    if (s)
        conf_percent(str_of(s), &percent);
    return (struct conf_retries){ .attempts = or_unset(r, "attempts"),
                                  .same_target = or_unset(r, "same_target"),
                                  .budget = (uint32_t)percent };
}

static void open_credentials(struct opener *o, struct conf_provider *p,
                             const json_t *v)
{
    const json_t *keys = json_object_get(v, "keys"), *k;

    p->keys_from_client = json_is_string(keys);
    p->keys = open_array(o, json_array_size(keys), sizeof *p->keys,
                         &p->n_keys);
    for (size_t i = 0; i < p->n_keys; i++) {
        k = json_array_get(keys, i);
        p->keys[i].name = open_text(o, k, "name");
        p->keys[i].weight = open_u32(k, "weight");
        open_secret(o, &p->keys[i].secret, json_object_get(k, "secret"));
        p->keys[i].fetch = open_fetch(o, p->name, k);
    }
}

static void open_quirks(struct opener *o, struct conf_quirks *q,
                        const json_t *v)
{
    q->rename = open_pairs(o, v, "rename", &q->n_rename);
    q->drop = open_list(o, v, "drop", &q->n_drop);
    q->errors = open_pairs(o, v, "errors", &q->n_errors);
    q->reasoning_in = open_text(o, v, "reasoning_in");
    q->reasoning_out = open_text(o, v, "reasoning_out");
    q->responses = str_is(open_text(o, v, "responses"), "native");
    q->responses_only = open_list(o, v, "responses_only",
                                  &q->n_responses_only);
    q->responses_tools = open_list(o, v, "responses_tools",
                                   &q->n_responses_tools);
    q->no_completions = str_is(open_text(o, v, "completions"), "none");
    q->completions_for = open_list(o, v, "completions_for",
                                   &q->n_completions_for);
}

static void open_provider(struct opener *o, struct conf_provider *p,
                          const char *name, const json_t *v)
{
    const json_t *auth = json_object_get(v, "auth");

    p->name = open_dup(o, name);
    p->vendor = open_text(o, v, "vendor");
    p->plugin = open_text(o, v, "plugin");
    p->base_urls = open_list(o, v, "base_url", &p->n_base_urls);
    p->unix_socket = open_text(o, v, "unix_socket");
    open_credentials(o, p, v);
    p->auth_header = open_text(o, auth, "header");
    p->auth_prefix = open_text(o, auth, "prefix");
    open_timeouts(&p->timeouts, json_object_get(v, "timeouts"));
    p->retries = open_retries(v);
    open_health(o, &p->health, v);
    p->pool = open_pool(v);
    open_quirks(o, &p->quirks, json_object_get(v, "quirks"));
    p->tags = open_pairs(o, v, "tags", &p->n_tags);
    p->headers = open_pairs(o, v, "headers", &p->n_headers);
    p->reasoning = open_list(o, v, "reasoning", &p->n_reasoning);
    p->settings = open_json(o, v, "settings");
    p->proxy = open_text(o, v, "proxy");
    p->ca_file = open_text(o, v, "ca_file");
    p->http2 = json_is_true(json_object_get(v, "http2"));
    p->insecure = json_is_true(json_object_get(v, "insecure"));
}

void open_providers(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "provider"), *v;
    const char *name;
    size_t i = 0;

    c->providers = open_array(o, json_object_size(all), sizeof *c->providers,
                              &c->n_providers);
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        open_provider(o, &c->providers[i++], name, v);
    }
}
