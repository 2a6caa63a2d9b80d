/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One probe: GET the provider's list of models, or the path that its
 * configuration names, with a credential as a request has it.
 */
#include "flow/probes_impl.h"

#define PROBE_ARENA_MAX (256u << 10)
#define PROBE_BODY_MAX (4u << 20)

static const struct http_call_ops call_ops;

static const ps_api *list_api(const struct provider *p)
{
    return plugin_api_of(p->plugin, PS_MODELS);
}

bool probe_can(const struct target *t)
{
    return t->provider->conf->health.path.n || list_api(t->provider);
}

/* One that rests is better than none: to ask for the list is no call of it. */
static struct credential *credential(struct provider *p, uint64_t now)
{
    struct credential *c = provider_credential(p, now);

    return c ? c : &p->credentials[0];
}

static int put_auth(struct probe *c)
{
    const struct conf_provider *conf = c->at->provider->conf;
    struct str secret = STR_NULL;
    int rc = 0;

    for (size_t i = 0; i < conf->n_headers && !rc; i++)
        rc = attempt_header(&c->host, conf->headers[i].key,
                            conf->headers[i].value);
    if (!conf->keys_from_client && c->credential->conf)
        secret = credential_secret(c->credential);
    return rc ? rc
              : attempt_host_auth(&c->host, secret, conf->auth_header,
                                  conf->auth_prefix);
}

static int put_url(const struct probe *c, struct buf *url)
{
    const struct conf_provider *conf = c->at->provider->conf;

    if (conf->health.path.n) /* which ends in NUL, as all of them do */
        return attempt_url(url, c->at->base_url, conf->health.path.p,
                           STR_NULL, NULL);
    return attempt_url(url, c->at->base_url, c->host.pub.api->path, STR_NULL,
                       c->at->provider->inst);
}

static int call(struct probe *c)
{
    const struct conf_provider *conf = c->at->provider->conf;
    struct flow *f = c->owner->flow;
    struct buf url = BUF_INIT(8192);
    struct http_call_spec spec = { .method = STR("GET") };
    const char *why = NULL;
    struct err err = { 0 };
    int rc = put_url(c, &url);

    attempt_spec(&spec, conf);
    spec.beside = true;
    spec.url = buf_str(&url);
    spec.headers = c->host.headers;
    spec.n_headers = c->host.n_headers;
    if (!spec.unix_path)
        spec.addresses = addresses_find(f->env.addresses,
                                        attempt_dial(c->at), &why);
    if (!rc && (spec.unix_path || spec.addresses))
        c->call = http_client_start(f->env.client, &spec, &call_ops, c, &err);
    buf_clear(&url);
    return c->call ? 0 : -ERR_UPSTREAM_ERROR;
}

bool probe_start(struct probe *c, const struct target *t, bool warms)
{
    struct provider *p = t->provider;
    struct err err = { 0 };
    uint64_t now = loop_now_ms(c->owner->flow->env.loop);
    int rc = provider_open(p, &err);

    c->arena = rc ? NULL : arena_new(PROBE_ARENA_MAX);
    if (!c->arena)
        return false;
    c->at = t;
    c->warms = warms;
    c->status = 0;
    c->credential = credential(p, now);
    buf_init(&c->body, PROBE_BODY_MAX);
    rc = attempt_host_init(&c->host, c->arena, p->plugin, p->inst);
    c->host.pub.api = list_api(p);
    if (!rc)
        rc = put_auth(c);
    if (!rc)
        rc = call(c);
    if (rc) {
        probe_stop(c);
        return false;
    }
    loop_timer_set(&c->timer, p->conf->health.timeout_ms);
    return true;
}

void probe_stop(struct probe *c)
{
    if (!c->at)
        return;
    loop_timer_stop(&c->timer);
    if (c->call)
        http_call_cancel(c->call);
    c->call = NULL;
    if (c->host.plugin)
        plugin_done(&c->host);
    attempt_host_clear(&c->host);
    memset(&c->host, 0, sizeof c->host);
    buf_clear(&c->body);
    arena_free(c->arena);
    c->arena = NULL;
    c->at = NULL;
}

static void on_head(void *ud, const struct http_answer *a)
{
    struct probe *c = ud;

    c->status = a->status;
}

/* A list that is too long is no fault of the host's: it is not looked at. */
static void on_data(void *ud, struct str bytes)
{
    struct probe *c = ud;

    if (buf_put(&c->body, bytes))
        buf_reset(&c->body);
}

static enum probing_verdict verdict(const struct probe *c,
                                  const struct http_call_result *res)
{
    if (res->fail == HTTP_FAIL_ADDRESS || res->fail == HTTP_FAIL_INTERNAL ||
        c->status == 429)
        return PROBING_NOTHING;
    if (res->fail || (c->status >= 500 && c->status != 501))
        return PROBING_BAD;
    return c->status >= 200 && c->status < 300 ? PROBING_GOOD : PROBING_ALIVE;
}

static void on_done(void *ud, const struct http_call_result *res)
{
    struct probe *c = ud;
    char why[sizeof res->text];

    c->call = NULL;
    if (res->fail)
        snprintf(why, sizeof why, "%s", res->text);
    else
        snprintf(why, sizeof why, "status %d", c->status);
    probe_over(c, verdict(c, res), why);
}

static void on_timer(void *ud)
{
    struct probe *c = ud;

    probe_over(c, PROBING_BAD, "no answer in time");
}

static const struct http_call_ops call_ops = { on_head, on_data, on_done };

void probe_init(struct probe *c, struct probes *owner)
{
    c->owner = owner;
    loop_timer_init(&c->timer, owner->flow->env.loop, on_timer, c);
}
