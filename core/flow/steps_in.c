/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From the head to an admitted request: everything before the route. */
#include "flow/auth_limit.h"
#include "flow/capable.h"
#include "flow/cors.h"
#include "flow/gemini.h"
#include "flow/limits_hold.h"
#include "flow/on_fault.h"
#include "flow/order.h"
#include "flow/passthrough.h"
#include "flow/policies.h"
#include "flow/shedding.h"
#include "flow/steps.h"

#include "engine/key_table.h"
#include "engine/key_text.h"

#define QUERY_MAX 2048 /* where it goes upstream with the request */

static enum step answer_health(struct request *r)
{
    bool ready = r->endpoint->id != ENDPOINT_READYZ ||
                 (!r->flow->draining &&
                  engine_is_ready(r->gen->engine,
                                  loop_now_ms(r->flow->env.loop)));

    reply_json(r, ready ? 200 : 503,
               ready ? STR("{\"status\":\"ok\"}")
                     : STR("{\"status\":\"unavailable\"}"));
    return STEP_FINISH;
}

static bool takes_method(const struct endpoint *e, struct str method)
{
    if (!e->method)
        return str_is(method, "GET") || str_is(method, "POST") ||
               str_is(method, "DELETE");
    return str_is(method, e->method) || str_is(str_of(e->method), "*") ||
           (str_is(method, "HEAD") && str_is(str_of(e->method), "GET"));
}

/* By what only one vendor's clients send. */
static enum family told_family(const struct request *r)
{
    if (http_req_header(r->http, STR("anthropic-version")).p ||
        http_req_header(r->http, STR("x-api-key")).p)
        return FAMILY_ANTHROPIC;
    return http_req_header(r->http, STR("x-goog-api-key")).p
               ? FAMILY_GEMINI : FAMILY_OPENAI;
}

static enum step no_endpoint(struct request *r)
{
    if (endpoint_is_realtime(r->path))
        err_set(&r->err, ERR_NOT_FOUND,
                "Realtime sessions (WebSocket, WebRTC) are not served here: "
                "connect them to the provider itself. The same models answer "
                "requests to /v1/chat/completions, /v1/responses and "
                "/v1/audio, streamed where 'stream' is true.");
    else
        err_set(&r->err, ERR_NOT_FOUND,
                "Unknown path (" STR_FMT " " STR_FMT ").", STR_ARG(r->method),
                r->path.n > 128 ? 128 : (int)r->path.n, r->path.p);
    return request_fail(r, ERR_NOT_FOUND, "client");
}

enum step step_head(struct request *r)
{
    enum family told = told_family(r);

    r->family = endpoint_family(r->path, told);
    r->endpoint = endpoint_find(r->path, told, &r->rest);
    identity_trace(r);
    r->want_detail = r->listener && r->listener->conf &&
                     r->listener->conf->detail_full;
    if (cors_is_preflight(r))
        return cors_preflight(r);
    if (!r->endpoint)
        return no_endpoint(r);
    if (!takes_method(r->endpoint, r->method) && gemini_lacks_method(r))
        return request_fail(r, ERR_NOT_FOUND, "client");
    if (!takes_method(r->endpoint, r->method)) {
        err_set(&r->err, ERR_METHOD, "%s takes %s.", r->endpoint->path,
                r->endpoint->method ? r->endpoint->method
                                    : "GET, POST and DELETE");
        return request_fail(r, ERR_METHOD, "client");
    }
    if (r->endpoint->is_public)
        return answer_health(r);
    if (r->flow->shed_level && shedding_refuses(r))
        return shedding_refuse(r);
    if (request_dialect(r)->passes_query &&
        http_req_query(r->http).n > QUERY_MAX) {
        err_set(&r->err, ERR_INVALID_REQUEST,
                "The query is longer than %d bytes.", QUERY_MAX);
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    }
    if (r->endpoint->id == ENDPOINT_PASSTHROUGH && passthrough_begin(r))
        return request_fail(r, r->err.code, "client");
    if (r->flow->env.cells)
        r->cell = cells_request_begin(r->flow->env.cells, str_of(r->id),
                                      str_of(r->endpoint->name));
    return STEP_EARLY;
}

enum step step_early(struct request *r)
{
    struct policy_result res;

    return phase_run(r, PHASE_REQUEST, STEP_AUTHENTICATE, &res);
}

/* The listener's rule for callers without a credential of ours. What is sent
 * is always checked: by us, or by the provider that takes it. */
static struct principal *anonymous(struct request *r)
{
    const struct conf_listen *l = r->listener ? r->listener->conf : NULL;
    struct principal *p;

    if (!l || (r->credential.p && !r->gen->client_keys) ||
        l->anonymous == ANON_NONE ||
        (l->anonymous == ANON_LOCAL && !identity_is_local(r)))
        return NULL;
    p = arena_alloc(r->arena, sizeof *p);
    if (p)
        p->id = l->anonymous == ANON_LOCAL ? STR("local") : STR("anonymous");
    return p;
}

static enum step admit_principal(struct request *r)
{
    int rc = principal_admit(r->principal, str_of(r->endpoint->name),
                             &r->client, clock_wall_ms(), &r->err);

    if (rc)
        return request_fail(r, -rc, "client");
    cells_request_note(r->cell, r->principal->id, STR_NULL);
    cells_request_caller(r->cell, r->principal->key, r->principal->team,
                         r->principal->user);
    if (r->pass && passthrough_admit(r))
        return request_fail(r, r->err.code, "client");
    return endpoint_is_models(r->endpoint) ? STEP_MODELS : STEP_BODY;
}

/* Nobody vouched for the caller. Where the store has not been read, that says
 * nothing about a key that was sent. */
static enum step unknown_caller(struct request *r)
{
    if (r->credential.p && r->gen->config->admin.keys_store &&
        !key_table_ready(r->flow->env.keys)) {
        r->retry_after_ms = 1000;
        return request_fail(r, ERR_AUTH_UNAVAILABLE, "gateway");
    }
    err_set(&r->err, ERR_INVALID_API_KEY,
            r->credential.p
                ? "Incorrect API key provided."
                : "You didn't provide an API key. Send it in an "
                  "Authorization header: Authorization: Bearer KEY.");
    return request_fail(r, ERR_INVALID_API_KEY, "client");
}

/* A key of ours with a letter wrong: nothing needs to be looked up. */
static void check_typo(struct request *r)
{
    if (key_text_kind(r->credential) == KEY_TYPO)
        err_set(&r->err, ERR_INVALID_API_KEY,
                "Incorrect API key provided: its checksum is wrong, so a "
                "character is missing or changed.");
}

static enum step authenticate(struct request *r)
{
    struct policy_result res;
    enum step next;

    if (!r->err.code)
        check_typo(r);
    if (r->err.code)
        return request_fail(r, r->err.code, "client");
    next = phase_run(r, PHASE_AUTHENTICATE, STEP_BODY, &res);
    if (next != STEP_BODY)
        return next;
    r->principal =
        res.verdict == POLICY_PRINCIPAL ? res.principal : anonymous(r);
    return r->principal ? admit_principal(r) : unknown_caller(r);
}

enum step step_authenticate(struct request *r)
{
    enum step next;

    if (!r->auth_begun) { /* a policy that waited is not asked again */
        r->auth_begun = true;
        identity_credential(r);
        if (!r->err.code && !auth_limit_admits(r))
            return request_fail(r, ERR_RATE_LIMITED, "client");
    }
    next = authenticate(r);
    if (next == STEP_FAIL && r->err.code == ERR_INVALID_API_KEY)
        auth_limit_failed(r);
    return next;
}

static uint64_t body_limit(const struct request *r)
{
    const struct conf_endpoint *e = limits_of(r);

    return e && e->max_body ? e->max_body : r->gen->config->server.max_body;
}

static void body_error(struct request *r)
{
    switch (r->body_rc) {
    case -ERR_TOO_LARGE:
        err_set(&r->err, ERR_TOO_LARGE,
                "The body is larger than the %llu bytes allowed here.",
                (unsigned long long)body_limit(r));
        break;
    case -ERR_INVALID_REQUEST:
        err_set(&r->err, ERR_INVALID_REQUEST,
                "The body's chunked framing is broken.");
        break;
    default:
        break;
    }
}

enum step step_body(struct request *r)
{
    if (r->pass && !r->body_asked && passthrough_uploads(r, body_limit(r)))
        return passthrough_read(r);
    if (!r->body_asked) {
        if (r->flow->shed_level && shedding_refuses(r)) /* now it is known */
            return shedding_refuse(r);                  /* who calls */
        r->body_asked = true;
        http_req_read_body(r->http, body_limit(r));
    }
    if (!r->body_done) {
        r->waiting_on = "client.body";
        return STEP_WAIT;
    }
    if (r->body_rc) {
        body_error(r);
        return request_fail(
            r, r->body_rc == -ERR_NOMEM ? ERR_OVERLOADED : -r->body_rc,
            r->body_rc == -ERR_NOMEM ? "gateway" : "client");
    }
    return STEP_READ;
}

/* The same bytes would do so again: no worker is spent on them for a while. */
static bool ended_a_worker(struct request *r, struct str body)
{
    const struct cells *c = r->flow->env.cells;

    if (!c || !charges_refused(cells_charges(c), body,
                               loop_now_ms(r->flow->env.loop)))
        return false;
    err_set(&r->err, ERR_ENDED_WORKER,
            "A request with this body made a part of the gateway fail; the "
            "same body is not served again for 10 minutes.");
    return true;
}

enum step step_read(struct request *r)
{
    struct str body = http_req_body(r->http);
    struct err err = { 0 };

    r->body_bytes = body.n;
    cells_request_body(r->cell, body);
    if (ended_a_worker(r, body))
        return request_fail(r, ERR_ENDED_WORKER, "client");
    if (r->pass)
        return passthrough_read(r);
    if (json_scan(&r->json, body, NULL, &err)) {
        err_set(&r->err, ERR_INVALID_REQUEST,
                "We could not parse the JSON body of your request: %s (%s).",
                err.msg, err.at[0] ? err.at : "at its start");
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    }
    if (request_dialect(r)->read(r->endpoint->dialect, &r->json, r->arena,
                                 &r->facts, &r->err))
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    if (dialect_is_gemini(r->endpoint->dialect) && gemini_path(r))
        return request_fail(r, r->err.code, "client");
    if (limits_check(r))
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    r->facts.model = r->asked = arena_dup(r->arena, r->facts.model);
    return r->polite ? STEP_ANSWER : STEP_VALIDATE;
}

enum step step_validate(struct request *r)
{
    struct policy_result res;

    return phase_run(r, PHASE_VALIDATE, STEP_ADMIT, &res);
}

enum step step_admit(struct request *r)
{
    struct policy_result res;
    enum step next = phase_run(r, PHASE_ADMIT, STEP_PLAN, &res);

    return next == STEP_PLAN ? limits_enforce(r, next) : next;
}

enum step step_plan(struct request *r)
{
    int rc;

    cells_request_model(r->cell, r->asked);
    /* what a policy put in its place is the policy's choice */
    if (!principal_may_use(r->principal, r->asked)) {
        err_set(&r->err, ERR_MODEL_NOT_ALLOWED,
                "This key may not use the model '" STR_FMT "'.",
                STR_ARG(r->asked));
        return request_fail(r, ERR_MODEL_NOT_ALLOWED, "client");
    }
    rc = passthrough_is_named(r)
             ? engine_plan_named(r->gen->engine, r->arena, r->asked, &r->plan,
                                 &r->err)
             : engine_plan(r->gen->engine, r->arena, r->facts.model,
                           r->principal, &r->plan, &r->err);
    if (rc)
        return request_fail(r, -rc,
                            rc == -ERR_MODEL_NOT_FOUND &&
                                    str_eq(r->asked, r->facts.model)
                                ? "client" : "gateway");
    order_targets(r, &r->plan);
    return STEP_ROUTE;
}

/* Candidates in the order to try: preferred first, stable; dropped last. */
static void order_plan(struct plan *p)
{
    for (size_t i = 1; i < p->n; i++) {
        struct candidate c = p->list[i];
        size_t at = i;

        while (at > 0 && !c.dropped &&
               (p->list[at - 1].dropped ||
                p->list[at - 1].prefer < c.prefer)) {
            p->list[at] = p->list[at - 1];
            at--;
        }
        p->list[at] = c;
    }
}

enum step step_route(struct request *r)
{
    struct policy_result res;
    enum step next = phase_run(r, PHASE_ROUTE, STEP_ATTEMPT, &res);

    if (next != STEP_ATTEMPT)
        return next;
    capable_drop(r);
    order_plan(&r->plan);
    r->out = arena_alloc(r->arena, r->plan.n + 1);
    if (!r->out)
        return request_fail(r, ERR_OVERLOADED, "gateway");
    on_fault_routed(r);
    return next;
}
