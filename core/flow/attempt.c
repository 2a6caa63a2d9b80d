/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One try at one target with one credential: the outgoing body and head are
 * built here, the call started, and whatever happened undone.
 */
#include "flow/choose.h"
#include "flow/output.h"
#include "flow/passthrough.h"
#include "flow/policies.h"
#include "flow/translate.h"
#include "flow/watching.h"

#include "engine/fault.h"

#include <stdlib.h>

#define FORWARD_MAX 25 /* of ours and the client's; the rest is configured */

/* Client fields that go upstream as they are, whatever the dialect. */
static const char *const forwarded[] = { "idempotency-key",
                                         "x-client-request-id", "tracestate",
                                         NULL };

bool attempt_field_in(const char *const *list, struct str name)
{
    for (; *list; list++) {
        struct str f;
        bool prefix;

        if (!name.n || (**list ^ name.p[0]) & ~0x20) /* most differ here */
            continue;
        f = str_of(*list);
        prefix = f.p[f.n - 1] == '-';
        if (name.n >= f.n && (prefix || name.n == f.n) &&
            str_ieq((struct str){ name.p, f.n }, f))
            return true;
    }
    return false;
}

/* A field that came several times is one list (RFC 9110, 5.3). */
static int forward(struct request *r, struct attempt *t,
                   const struct http_header *h)
{
    struct str value = h->value, before;

    if (!value.n || value.n > ATTEMPT_MAX_VALUE ||
        (!attempt_field_in(forwarded, h->name) &&
         (t->translation ||
          !attempt_field_in(request_dialect(r)->forwarded, h->name))))
        return 0;
    before = http_header_get(t->host.headers, t->host.n_headers, h->name);
    if (before.n)
        value = arena_fmt(r->arena, STR_FMT "," STR_FMT, STR_ARG(before),
                          STR_ARG(value));
    return attempt_header(&t->host, h->name, value);
}

int attempt_put(struct attempt *t, const char *name, struct str value)
{
    return value.n ? attempt_header(&t->host, str_of(name), value) : 0;
}

static int put_types(struct request *r, struct attempt *t)
{
    int rc = attempt_put(t, "content-type", STR("application/json"));

    return rc ? rc : attempt_put(t, "accept",
                                 r->facts.stream ? STR("text/event-stream")
                                                 : STR("application/json"));
}

static int put_head(struct request *r, struct attempt *t)
{
    const struct conf_provider *p = t->target->provider->conf;
    const struct policy_headers *set = r->try_next ? &r->try_next->set : NULL;
    size_t n;
    const struct http_header *h = http_req_headers(r->http, &n);
    int rc = r->pass ? passthrough_head(r, t) : put_types(r, t);

    if (!rc) /* without it every coding would be welcome */
        rc = attempt_put(t, "accept-encoding", STR("identity"));
    if (!rc)
        rc = attempt_put(t, "user-agent", STR("penstock/" PS_VERSION));
    if (!rc)
        rc = attempt_put(t, "traceparent", str_of(r->trace));
    for (size_t i = 0; i < n && !rc && t->host.n_headers < FORWARD_MAX; i++)
        rc = forward(r, t, &h[i]);
    for (size_t i = 0; i < p->n_headers && !rc; i++)
        rc = attempt_header(&t->host, p->headers[i].key, p->headers[i].value);
    for (size_t i = 0; set && i < set->n && !rc; i++)
        rc = attempt_header(&t->host, set->at[i].name, set->at[i].value);
    return rc;
}

static struct str pointer(struct request *r, struct str name)
{
    return arena_fmt(r->arena, "/" STR_FMT, STR_ARG(name));
}

/* Is the top member on this pointer never sent to that provider? */
static bool is_dropped(const struct conf_quirks *q, const char *at)
{
    struct str rest = str_of(at + 1), name = str_split(&rest, '/');

    for (size_t i = 0; i < q->n_drop; i++) {
        if (str_eq(q->drop[i], name))
            return true;
    }
    return false;
}

static int edit_quirks(struct request *r, struct attempt *t,
                       struct err *err)
{
    const struct conf_quirks *q = &t->target->provider->conf->quirks;
    int rc = 0;

    for (size_t i = 0; i < q->n_rename && !rc; i++)
        rc = json_edit_rename(t->edits, pointer(r, q->rename[i].key),
                              pointer(r, q->rename[i].value), err);
    for (size_t i = 0; i < q->n_drop && !rc; i++)
        rc = json_edit_remove(t->edits, pointer(r, q->drop[i]));
    return rc;
}

int attempt_edit_model(struct request *r, struct attempt *t, struct err *err)
{
    bool gemini = dialect_is_gemini(r->endpoint->dialect);
    struct buf name = BUF_INIT(2048);
    struct str model = t->target->model;
    int rc;

    if (str_eq(model, r->facts.model) && (!gemini || str_eq(model, r->asked)))
        return 0; /* of Gemini's a policy may have changed the path alone */
    if (gemini) { /* it stands in the path; some say it once more */
        if (json_member(&r->json, 0, STR("model")) == JSON_NONE)
            return 0;
        model = arena_fmt(r->arena, "models/" STR_FMT, STR_ARG(model));
    }
    rc = buf_json_str(&name, model);
    if (!rc)
        rc = json_edit_set(t->edits, STR("/model"), buf_str(&name), err);
    buf_clear(&name);
    return rc;
}

/* Where the client asks for more than the endpoint allows, it gets that. */
static int edit_max_tokens(struct request *r, struct attempt *t,
                           struct err *err)
{
    const char *const *at = request_dialect(r)->max_tokens;
    struct str most = arena_fmt(r->arena, "%lld", (long long)r->tokens_most);
    double asked;
    int rc = 0;

    for (; r->tokens_most && *at && !rc; at++) {
        uint32_t node = json_at(&r->json, str_of(*at));

        if ((json_double(&r->json, node, &asked) &&
             asked > (double)r->tokens_most) ||
            json_text(&r->json, node, r->arena).p) /* "9": some take it */
            rc = json_edit_set(t->edits, str_of(*at), most, err);
    }
    return rc;
}

/* What the client's own bytes must say otherwise. */
static int edit_native(struct request *r, struct attempt *t, struct err *err)
{
    const struct conf_quirks *q = &t->target->provider->conf->quirks;
    const char *wish = request_dialect(r)->usage_wish;
    int rc = attempt_edit_model(r, t, err);

    if (!rc)
        rc = edit_max_tokens(r, t, err);
    if (!rc && request_dialect(r)->unseal)
        rc = request_dialect(r)->unseal(&r->json, t->edits, r->arena, err);
    if (rc || !r->facts.stream || r->facts.include_usage || !wish ||
        is_dropped(q, wish))
        return rc;
    t->withhold_usage = true;
    return json_edit_set(t->edits, str_of(wish), STR("true"), err);
}

static int edit_body(struct request *r, struct attempt *t, struct err *err)
{
    struct translation *x = t->translation;
    ps_rc prc;
    int rc = 0;

    t->edits = json_edits_new(x ? &x->index : &r->json, r->arena);
    if (!t->edits)
        return -ERR_NOMEM;
    t->host.edits = t->edits;
    if (!x)
        rc = edit_native(r, t, err);
    if (!rc)
        rc = edit_quirks(r, t, err);
    if (rc)
        return rc;
    prc = plugin_adjust(&t->host);
    if (prc < 0)
        return err_set(err, ERR_UPSTREAM_ERROR, "%s", t->host.err.msg);
    if (json_edits_empty(t->edits))
        return 0;
    buf_init(&t->body, body_text(r).n + (1u << 20));
    return json_edits_apply(t->edits, &t->body);
}

static struct str outgoing(const struct request *r, const struct attempt *t)
{
    if (t->body.n)
        return buf_str(&t->body);
    return t->translation ? buf_str(&t->translation->body) : body_text(r);
}

static struct attempt_record *record(struct request *r, struct attempt *t)
{
    struct attempt_record *rec = &r->records[r->n_attempts++];

    *rec = (struct attempt_record){ .target = t->target->name,
                                      .at = t->target };
    if (t->credential)
        rec->credential = t->credential->label;
    rec->begin_ns = clock_mono_ns();
    cells_request_note(r->cell, STR_NULL, t->target->name);
    return rec;
}

int attempt_begin(struct request *r, struct err *err)
{
    const struct target *target = r->plan.list[r->at].target;
    const ps_api *api = attempt_api(r, target);
    struct attempt *t = calloc(1, sizeof *t);
    bool native = plugin_api_dialect(api) == r->endpoint->dialect;

    if (!t)
        return -ERR_NOMEM;
    r->attempt = t;
    r->upstream_id = STR_NULL;
    t->target = target;
    t->length = -1;
    t->credential = r->credential_next;
    t->fetched = attempt_version(t->credential);
    r->dropped = STR_NULL;
    return native ? 0 : translate_begin(r, t, translate_dialect(api), err);
}

int attempt_build(struct request *r, struct err *err)
{
    struct attempt *t = r->attempt;
    const struct target *target = t->target;
    int rc;

    record(r, t);
    rc = provider_open(target->provider, err);
    if (!rc)
        rc = attempt_host_init(&t->host, r->arena, target->provider->plugin,
                               target->provider->inst);
    if (rc)
        return rc;
    t->host.pub.api = attempt_api(r, target);
    t->host.pub.flags = (t->translation ? 0 : (uint32_t)PS_F_NATIVE) |
                        (r->facts.stream ? (uint32_t)PS_F_STREAM : 0);
    t->host.pub.model = (ps_str){ r->facts.model.p, r->facts.model.n };
    t->host.pub.upstream_model = (ps_str){ target->model.p, target->model.n };
    t->host.pub.request_id = (ps_str){ r->id, strlen(r->id) };
    t->host.pub.attempt = r->n_attempts;
    rc = put_head(r, t);
    if (!rc)
        rc = r->pass ? passthrough_body(r, t, err) : edit_body(r, t, err);
    if (!rc)
        rc = attempt_auth(r, &t->host, target->provider, t->credential);
    return rc;
}

/* The client's own query, where its dialect has one; an address that the model
 * stands in is another host's, which does not know it. */
static int put_query(const struct request *r, struct buf *url)
{
    struct str query = http_req_query(r->http);
    int rc;

    if (!query.n || r->attempt->translation ||
        !request_dialect(r)->passes_query ||
        strchr(r->attempt->host.pub.api->path, '{'))
        return 0;
    rc = buf_putc(url, '?');
    return rc ? rc : buf_put(url, query);
}

struct str attempt_dial(const struct target *t)
{
    const struct conf_provider *p = t->provider->conf;

    return url_host(p->proxy.n ? p->proxy : t->base_url);
}

static const struct http_call_ops call_ops;

/* The last word on the head, when nothing else can change. */
static int sign(struct request *r, struct str url, struct err *err)
{
    struct attempt *t = r->attempt;
    int rc = attempt_host_sign(&t->host, url, outgoing(r, t),
                               attempt_secret(r, t->target->provider,
                                              t->credential));

    return rc ? err_set(err, ERR_UPSTREAM_ERROR, "%s", t->host.err.msg) : 0;
}

void attempt_spec(struct http_call_spec *s, const struct conf_provider *p)
{
    s->unix_path = attempt_path(p);
    s->connect_timeout_ms = p->timeouts.connect_ms;
    s->http2 = p->http2;
    s->pool_max = p->pool.max;
    s->pool_idle_ms = p->pool.idle_ms;
    s->pool_lifetime_ms = p->pool.lifetime_ms;
    s->proxy = p->proxy.n ? p->proxy.p : NULL;
    s->ca_file = p->ca_file.n ? p->ca_file.p : NULL;
    s->insecure = p->insecure;
}

int attempt_start(struct request *r, const char *addresses, struct err *err)
{
    struct attempt *t = r->attempt;
    struct buf url = BUF_INIT(8192);
    struct http_call_spec spec = {
        .addresses = addresses,
        .body = outgoing(r, t),
    };
    int rc = r->pass ? passthrough_url(r, &url)
                     : attempt_url(&url, t->target->base_url,
                                   t->host.pub.api->path, t->target->model,
                                   t->target->provider->inst);

    if (rc == 0)
        rc = put_query(r, &url);
    if (rc == 0)
        rc = sign(r, buf_str(&url), err);
    if (rc == 0) {
        spec.headers = t->host.headers;
        spec.n_headers = t->host.n_headers;
        attempt_spec(&spec, t->target->provider->conf);
        spec.small_reads = r->facts.stream;
        spec.method = r->pass ? r->method : str_of(t->host.pub.api->method);
        spec.url = buf_str(&url);
        if (r->pass)
            passthrough_send(r, &spec);
        t->call = http_client_start(r->flow->env.client, &spec, &call_ops, r,
                                    err);
        rc = t->call ? 0 : -ERR_UPSTREAM_ERROR;
    }
    buf_clear(&url);
    return rc;
}

void attempt_stop(struct request *r)
{
    struct attempt *t = r->attempt;

    choose_leave(r);
    if (!t)
        return;
    r->attempt = NULL;
    if (t->call)
        http_call_cancel(t->call);
    if (t->host.plugin)
        plugin_done(&t->host);
    attempt_host_clear(&t->host);
    framer_clear(&r->answer.framer);
    translate_end(t);
    buf_clear(&t->body);
    if (t->output)
        output_number(t->output, &r->answer.number);
    output_free(t->output);
    free(t);
}

/* Upstream's callbacks: note what came, go on. */

static void on_head(void *ud, const struct http_answer *a)
{
    struct request *r = ud;

    stream_head(r, a);
    request_run(r);
}

static void on_data(void *ud, struct str bytes)
{
    struct request *r = ud;
    uint64_t begin = clock_mono_ns();
    uint64_t now = loop_now_ms(r->flow->env.loop);

    watching_bytes(r, now);
    r->last_data_ms = now;
    stream_data(r, bytes);
    if (r->attempt && !r->attempt->begun)
        timers_begun(r);
    r->busy_ns += clock_mono_ns() - begin;
    if (r->attempt && (r->attempt->broken || r->attempt->decided))
        request_run(r);
}

static void on_done(void *ud, const struct http_call_result *res)
{
    struct request *r = ud;

    r->attempt->call = NULL;
    r->attempt->ended = true;
    r->attempt->result = *res;
    request_run(r);
}

static const struct http_call_ops call_ops = {
    .on_head = on_head,
    .on_data = on_data,
    .on_done = on_done,
};
