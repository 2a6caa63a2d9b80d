/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * GET /v1/models and /v1/models/{id}: the configured names; where provider/
 * model names are open, what the providers list, asked one after the other
 * and kept for a minute. How it is said: models_answer.c.
 */
#include "flow/models.h"

#include "flow/format.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX (4u << 20)
#define FRESH_MS 60000
#define PARTIAL_MS 2000 /* a provider did not answer */
#define ASK_MS 5000

/* Asking the providers, for one request. */
struct model_fetch {
    struct request *r;
    size_t provider; /* under way */
    struct attempt_host host;
    struct http_call *call;
    struct buf body;
    int status;
    bool partial;
    struct model_list *list;
    struct loop_timer timer;
};

void model_list_free(struct model_list *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->ids[i]);
    free(m);
}

static void stop_call(struct model_fetch *m)
{
    if (m->call)
        http_call_cancel(m->call);
    m->call = NULL;
    if (m->host.plugin)
        plugin_done(&m->host);
    attempt_host_clear(&m->host);
    memset(&m->host, 0, sizeof m->host);
    buf_clear(&m->body);
}

void models_cancel(struct request *r)
{
    struct model_fetch *m = r->models;

    if (!m)
        return;
    r->models = NULL;
    loop_timer_stop(&m->timer);
    stop_call(m);
    model_list_free(m->list);
    free(m);
}

static void fetch_next(struct model_fetch *m);

static void skip(struct model_fetch *m, const char *why)
{
    const struct provider *p =
        engine_provider(m->r->gen->engine, m->provider);

    m->partial = true;
    request_note(m->r, p->conf->name, str_of(why));
    stop_call(m);
    m->provider++;
}

static void add_model(void *ud, struct str id)
{
    struct model_fetch *m = ud;
    const struct provider *p =
        engine_provider(m->r->gen->engine, m->provider);
    char name[512];

    if (m->list->n == MODEL_LIST_MAX)
        return;
    snprintf(name, sizeof name, STR_FMT "/" STR_FMT, STR_ARG(p->conf->name),
             STR_ARG(id));
    m->list->ids[m->list->n] = str_dup(str_of(name));
    if (m->list->ids[m->list->n])
        m->list->n++;
}

static void on_head(void *ud, const struct http_answer *a)
{
    struct model_fetch *m = ud;

    m->status = a->status;
}

static void on_data(void *ud, struct str bytes)
{
    struct model_fetch *m = ud;

    if (buf_put(&m->body, bytes))
        m->status = 0;
}

static void on_done(void *ud, const struct http_call_result *res)
{
    struct model_fetch *m = ud;
    struct provider *p = engine_provider(m->r->gen->engine, m->provider);

    m->call = NULL;
    if (res->fail || m->status != 200 ||
        plugin_models(p->inst, buf_str(&m->body), add_model, m) < 0) {
        skip(m, "its model list could not be read");
    } else {
        stop_call(m);
        m->provider++;
    }
    fetch_next(m);
}

static void on_timer(void *ud)
{
    struct model_fetch *m = ud;

    skip(m, "no model list within 5 s");
    fetch_next(m);
}

static const struct http_call_ops ops = { on_head, on_data, on_done };

static int start_call(struct model_fetch *m, struct provider *p,
                      const ps_api *api)
{
    struct request *r = m->r;
    struct flow *f = r->flow;
    struct buf url = BUF_INIT(4096);
    struct err err = { 0 };
    const char *why = NULL;
    struct str dial = p->conf->proxy.n ? p->conf->proxy
                                       : p->conf->base_urls[0];
    struct http_call_spec spec = { .method = str_of(api->method) };
    int rc = attempt_host_init(&m->host, r->arena, p->plugin, p->inst);

    buf_init(&m->body, BODY_MAX);
    m->host.pub.api = api;
    rc = rc ? rc
            : attempt_auth(r, &m->host, p,
                           provider_credential(
                               p, loop_now_ms(f->env.loop)));
    rc = rc ? rc
            : attempt_url(&url, p->conf->base_urls[0], api->path, STR_NULL,
                          p->inst);
    if (rc == 0) {
        attempt_spec(&spec, p->conf);
        spec.url = buf_str(&url);
        spec.headers = m->host.headers;
        spec.n_headers = m->host.n_headers;
        spec.addresses =
            spec.unix_path ? NULL
                           : addresses_find(f->env.addresses,
                                            url_host(dial), &why);
        m->status = 0;
        m->call = http_client_start(f->env.client, &spec, &ops, m, &err);
        rc = m->call ? 0 : -ERR_UPSTREAM_ERROR;
    }
    buf_clear(&url);
    return rc;
}

/* Start the next call; wake the request when there is none left. */
static void fetch_next(struct model_fetch *m)
{
    struct request *r = m->r;
    size_t n = engine_providers(r->gen->engine);

    while (m->provider < n) {
        struct provider *p = engine_provider(r->gen->engine, m->provider);
        const ps_api *api = plugin_api_of(p->plugin, PS_MODELS);
        struct err err = { 0 };

        if (!api || plugin_is_out(p->plugin)) {
            m->provider++;
            continue;
        }
        if (provider_open(p, &err) || start_call(m, p, api)) {
            skip(m, "it could not be asked for its models");
            continue;
        }
        loop_timer_set(&m->timer, ASK_MS);
        return;
    }
    loop_timer_stop(&m->timer);
    request_run(r);
}

static int fetch_begin(struct request *r)
{
    struct model_fetch *m = calloc(1, sizeof *m);

    if (m)
        m->list = calloc(1, sizeof *m->list);
    if (!m || !m->list) {
        free(m);
        return -ERR_NOMEM;
    }
    m->r = r;
    r->models = m;
    loop_timer_init(&m->timer, r->flow->env.loop, on_timer, m);
    fetch_next(m);
    return 0;
}

static void fetch_end(struct request *r)
{
    struct model_fetch *m = r->models;

    m->list->fresh_until_ms = loop_now_ms(r->flow->env.loop);
    if (!r->gen->client_keys) /* else what one caller may see is not all's */
        m->list->fresh_until_ms += m->partial ? PARTIAL_MS : FRESH_MS;
    model_list_free(r->gen->models);
    r->gen->models = m->list;
    m->list = NULL;
    models_cancel(r);
}

enum step step_models(struct request *r)
{
    const struct model_list *list = r->gen->models;
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (r->endpoint->id == ENDPOINT_MODEL)
        return models_answer_one(r);
    if (r->models) {
        if (r->models->provider < engine_providers(r->gen->engine)) {
            r->waiting_on = "upstream.models";
            return STEP_WAIT;
        }
        fetch_end(r);
        return models_answer_list(r);
    }
    if (!engine_is_open(r->gen->engine) ||
        (list && now < list->fresh_until_ms))
        return models_answer_list(r);
    if (fetch_begin(r))
        return request_fail(r, ERR_OVERLOADED, "gateway");
    r->waiting_on = "upstream.models";
    return STEP_WAIT;
}
