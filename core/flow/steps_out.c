/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Attempts: choose a target, address it, send, and judge what came back. */
#include "flow/affinity.h"
#include "flow/choose.h"
#include "flow/output_request.h"
#include "flow/pacing.h"
#include "flow/passthrough.h"
#include "flow/places.h"
#include "flow/policies.h"
#include "flow/queue.h"
#include "flow/resting.h"
#include "flow/retry.h"
#include "flow/steps.h"

#include "engine/fault.h"
#include "flow/translate.h"
#include "flow/watching.h"

#include <stdio.h>

/* A target that cannot be told what is asked for is passed over; another one
 * may speak the client's dialect. */
static enum step untranslatable(struct request *r, const struct err *err)
{
    if (!r->refused.code)
        r->refused = *err;
    r->out[r->at] = true;
    return STEP_ATTEMPT;
}

/* Has the model a target, and none that this could be asked of at any time? */
static bool is_unserved(const struct request *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        if (attempt_api(r, r->plan.list[i].target))
            return false;
    }
    return r->plan.n > 0;
}

/* Is there one that a token would let serve? */
static bool lacks_token(const struct request *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct provider *p = r->plan.list[i].target->provider;

        for (size_t k = 0; k < p->n_credentials; k++) {
            if (credential_lacks(&p->credentials[k]))
                return true;
        }
    }
    return false;
}

static const char *why_none(struct request *r, uint64_t full_ms,
                            const char *rests)
{
    if (full_ms)
        return ": all have as many calls as they may";
    if (lacks_token(r))
        return ": the gateway has no access token now (`penstock status` says "
               "why)";
    if (r->retry_after_ms) {
        struct str s = arena_fmt(r->arena, ": all of them rest, the first for "
                                 "%.1f s more (%s)",
                                 (double)r->retry_after_ms / 1000, rests);

        return s.p ? s.p : ": all of them rest";
    }
    for (size_t i = 0; i < r->plan.n; i++) {
        if (plugin_is_out(r->plan.list[i].target->provider->plugin))
            return ": a plugin is quarantined";
    }
    return r->plan.n ? ": all were excluded" : "";
}

static bool is_ours(int code)
{
    return code == ERR_INTERNAL || code == ERR_OVERLOADED;
}

/* No target is left, and none was asked. */
static enum step no_target(struct request *r, uint64_t full_ms,
                           uint64_t waited_ms)
{
    char after[32] = "";
    const char *rests = "";

    if (r->refused.code) {
        r->err = r->refused;
        return request_fail(r, r->err.code, is_ours(r->err.code) ? "gateway"
                                                                 : "client");
    }
    if (is_unserved(r)) {
        err_set(&r->err, ERR_INVALID_REQUEST,
                "No target of '" STR_FMT "' serves %s.",
                STR_ARG(r->facts.model), r->endpoint->name);
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    }
    r->retry_after_ms = choose_soonest_ms(r, &rests);
    if (full_ms && (!r->retry_after_ms || r->retry_after_ms > full_ms))
        r->retry_after_ms = full_ms;
    if (waited_ms)
        snprintf(after, sizeof after, " after %.1f s",
                 (double)waited_ms / 1000);
    err_set(&r->err, ERR_NO_TARGET,
            "No target can serve %s for '" STR_FMT "'%s%s.", r->endpoint->name,
            STR_ARG(r->facts.model), after, why_none(r, full_ms, rests));
    return request_fail(r, ERR_NO_TARGET, "gateway");
}

/* There was a try, whose error is told; and when the others have a place. */
static enum step last_error(struct request *r, uint64_t full_ms)
{
    if (!r->kept.callers && full_ms &&
        (!r->retry_after_ms || full_ms < r->retry_after_ms))
        r->retry_after_ms = full_ms;
    return STEP_FAIL;
}

enum step try_nobody(struct request *r, uint64_t full_ms, uint64_t waited_ms)
{
    return r->n_attempts ? last_error(r, full_ms)
                         : no_target(r, full_ms, waited_ms);
}

enum step step_attempt(struct request *r)
{
    if (r->flow->queue && queue_comes_first(r))
        return queue_for_target(r);
    if (choose_target(r))
        return try_chosen(r);
    return r->full ? queue_for_target(r) : try_nobody(r, 0, 0);
}

enum step try_chosen(struct request *r)
{
    if (!r->n_attempts)
        retry_earn(r);
    r->credential_next = pacing_credential(r, r->plan.list[r->at].target);
    r->try_next = NULL;
    return policy_set_has(r->gen->policies, PHASE_ATTEMPT) ? STEP_CONSULT
                                                           : try_begin(r);
}

enum step try_begin(struct request *r)
{
    struct err err = { 0 };
    int rc = attempt_begin(r, &err);

    r->resp = NULL;
    if (!r->attempt)
        return request_fail(r, ERR_OVERLOADED, "gateway");
    if (rc) {
        attempt_stop(r);
        return untranslatable(r, &err);
    }
    if (attempt_build(r, &err)) {
        stream_fault(r, PS_FAULT_UNKNOWN,
                     err.code ? err.msg : "the request could not be built");
        return STEP_JUDGE;
    }
    pacing_spend(r);
    timers_start_attempt(r);
    return STEP_ADDRESS;
}

enum step step_address(struct request *r)
{
    struct attempt *t = r->attempt;
    const char *why = NULL;

    request_unwait(r);
    if (t->broken)
        return STEP_JUDGE;
    if (t->target->provider->conf->unix_socket.n)
        return STEP_SEND;
    if (addresses_find(r->flow->env.addresses, attempt_dial(t->target), &why))
        return STEP_SEND;
    if (why) {
        stream_fault(r, PS_FAULT_CONNECT, why);
        return STEP_JUDGE;
    }
    request_wait_in(r, &r->flow->waiting);
    timers_arm(r);
    r->waiting_on = "address";
    return STEP_WAIT;
}

enum step step_send(struct request *r)
{
    struct attempt *t = r->attempt;
    const char *why = NULL, *addresses = NULL;
    struct err err = { 0 };

    if (!t->target->provider->conf->unix_socket.n)
        addresses = addresses_find(r->flow->env.addresses,
                                   attempt_dial(t->target), &why);
    if (attempt_start(r, addresses, &err)) {
        stream_fault(r, PS_FAULT_CONNECT,
                     err.code ? err.msg : "the request could not be sent");
        return STEP_JUDGE;
    }
    timers_arm(r);
    return STEP_UPSTREAM;
}

enum step step_upstream(struct request *r)
{
    struct attempt *t = r->attempt;

    if (r->pass)
        passthrough_cut(r);
    if (t->broken || t->ended)
        return STEP_JUDGE;
    if (t->mode != MODE_HEAD)
        return response_open(r) ? STEP_RESPONSE : STEP_STREAM;
    r->waiting_on = "upstream.head";
    return STEP_WAIT;
}

enum step step_stream(struct request *r)
{
    struct attempt *t = r->attempt;

    if (r->pass)
        passthrough_cut(r);
    if (t->broken || t->ended)
        return STEP_JUDGE;
    r->waiting_on = "upstream.body";
    return STEP_WAIT;
}

/* A stream that said its last word is whole, however its connection ends. */
static bool is_whole(const struct request *r)
{
    return r->attempt->mode == MODE_STREAM && r->answer.done_seen;
}

/* The transport's verdict, where the bytes gave none. */
static void note_end(struct request *r)
{
    struct attempt *t = r->attempt;

    if (t->broken || !t->ended)
        return;
    if (t->result.fail == HTTP_OK) {
        stream_eof(r);
        return;
    }
    if (t->mode == MODE_ERROR || is_whole(r)) {
        stream_eof(r);
        return;
    }
    if (t->result.fail == HTTP_FAIL_CONNECT_TIMEOUT) {
        timers_connect_passed(r);
        return;
    }
    fault_from_http(&t->fault, t->result.fail);
    t->broken = true;
    t->why = arena_dup(r->arena, str_of(t->result.text));
}

/* Did the client name the upstream model itself (openly, or by a pattern)? */
static bool is_clients_model(const struct target *t)
{
    return !t->group || memchr(t->group->name.p, '*', t->group->name.n);
}

/* What a client is told where the reason is only the operator's: addresses
 * of providers, for one, stay in the attempt's record. */
static struct str told(struct request *r, const struct fault_info *info)
{
    const char *text = err_info(info->err)->text;

    return arena_fmt(r->arena, "%.*s (provider " STR_FMT ", attempt %u: %s).",
                     (int)strcspn(text, "."), text,
                     STR_ARG(r->attempt->target->provider->conf->name),
                     (unsigned)r->n_attempts, info->name);
}

/* The fields on limits of an error in another dialect, for the client. */
static void keep_limits(struct request *r)
{
    struct attempt *t = r->attempt;

    r->kept.fields = arena_alloc(r->arena, (t->n_fields + 1) *
                                               sizeof *r->kept.fields);
    for (size_t i = 0; r->kept.fields && i < t->n_fields; i++) {
        struct http_header h = t->fields[i];

        if (translate_field(r, t, &h))
            r->kept.fields[r->kept.n_fields++] = h;
    }
}

/* Keep the provider's own error answer; a caller's fault is never replaced. */
static void keep_error(struct request *r, const struct fault_info *info)
{
    struct attempt *t = r->attempt;
    const struct conf_provider *p = t->target->provider->conf;
    bool callers = fault_is_callers(&t->fault, p->keys_from_client) ||
                   (info->err == ERR_PROVIDER_MODEL_GONE &&
                    is_clients_model(t->target));
    struct str body = buf_str(&r->answer.held);
    struct str words = t->why;
    bool operators = !callers && (info->err == ERR_PROVIDER_BILLING ||
                                  info->err == ERR_PROVIDER_AUTH ||
                                  info->err == ERR_PROVIDER_MODEL_GONE);
    struct err err = { 0 };

    if (callers && t->fault.message.n)
        words = (struct str){ t->fault.message.p, t->fault.message.n };
    if ((r->kept.status && r->kept.callers) || (r->taken_over && !callers))
        return;
    if (operators || t->fault.cls == PS_FAULT_CONNECT ||
        (t->mode == MODE_ERROR && !callers))
        words = told(r, info);
    r->kept = (struct kept_error){ 0 };
    r->err.code = ERR_NONE;
    err_set(&r->err,
            callers && info->err == ERR_PROVIDER_MODEL_GONE
                ? ERR_MODEL_NOT_FOUND : info->err,
            STR_FMT, STR_ARG(attempt_hide(r, words)));
    r->retry_after_ms = t->fault.retry_after_ms;
    if (t->translation)
        keep_limits(r);
    if (t->mode != MODE_ERROR || t->host.pub.status < 400 || operators ||
        t->translation ||
        info->err == ERR_PROVIDER_BILLING ||
        !str_eq(attempt_hide(r, body), body) ||
        json_scan(&r->flow->scratch, body, NULL, &err) ||
        json_member(&r->flow->scratch, 0, STR("error")) == JSON_NONE)
        return;
    r->kept.status = t->host.pub.status;
    r->kept.callers = callers;
    r->kept.body = arena_dup(r->arena, body);
    r->kept.content_type = t->content_type;
    r->kept.fields = t->fields;
    r->kept.n_fields = t->n_fields;
}

void try_close_record(struct request *r)
{
    struct attempt *t = r->attempt;
    struct attempt_record *rec = &r->records[r->n_attempts - 1];
    struct str labels[3] = { t->target->provider->conf->name,
                             t->target->group ? t->target->group->name
                                              : STR("other"),
                             str_of(fault_class_name(t->fault.cls)) };

    rec->end_ns = clock_mono_ns();
    rec->cls = t->broken ? t->fault.cls : PS_FAULT_NONE;
    rec->why = t->why;
    if (!t->broken)
        labels[2] = STR("ok");
    metric_add(METRIC_ATTEMPTS, labels, 1);
}

/* Whom the fault rules out for the rest of this request. */
static void rule_out(struct request *r)
{
    struct attempt *t = r->attempt;

    resting_after(r);
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct target *c = r->plan.list[i].target;

        if (t->fault.scope == PS_SCOPE_PROVIDER &&
            c->provider == t->target->provider)
            r->out[i] = true;
    }
}

static void merge_plugin_usage(struct request *r, const ps_usage *u)
{
    int64_t short_lived = u->cache_write_5m, hour = u->cache_write_1h;
    struct usage more = { .input = u->input, .cache_read = u->cache_read,
                          .cache_write = short_lived, .output = u->output,
                          .reasoning = u->reasoning, .cache_write_1h = hour };

    if (hour > 0) /* a part of what was written, not beside it */
        more.cache_write = hour + (short_lived > 0 ? short_lived : 0);
    usage_merge(&r->usage, &more);
}

enum step step_judge(struct request *r)
{
    struct attempt *t = r->attempt;
    struct retry_cause why;

    note_end(r);
    try_close_record(r);
    if (t->host.plugin)
        merge_plugin_usage(r, &t->host.usage);
    if (t->refused) { /* by a policy: r->err says why */
        attempt_stop(r);
        return STEP_FAIL;
    }
    if (!t->broken) {
        choose_judged(r, false);
        resting_served(r);
        watching_gap(r);
        if (r->pin)
            affinity_served(r);
        r->side = "provider";
        r->err.code = ERR_NONE; /* an earlier attempt's */
        attempt_stop(r);
        return STEP_FINISH;
    }
    if (r->answer.content_sent) {
        r->kept = (struct kept_error){ 0 };
        request_output_cut(r);
    }
    why = retry_cause(r);
    r->side = why.info->callers || r->taken_over ? "client" : "provider";
    choose_judged(r, why.dead && !r->reuse_retried);
    keep_error(r, why.info);
    rule_out(r);
    error_open(r, &why);
    attempt_stop(r);
    if (r->answer.content_sent || passthrough_is_spent(r))
        return STEP_FAIL;
    buf_reset(&r->answer.held);
    r->answer.finish_seen = r->answer.done_seen = false;
    r->answer.events = 0;
    ledger_try_over(r, "retried");
    r->usage = USAGE_NONE;
    r->claim.counted = 0;
    return r->run.failed ? STEP_UPSTREAM_ERROR : retry_next(r, &why);
}

enum step step_backoff(struct request *r)
{
    if (loop_now_ms(r->flow->env.loop) >= r->wake_at_ms || r->total_passed) {
        r->wake_at_ms = 0;
        return r->total_passed ? STEP_FAIL : STEP_ATTEMPT;
    }
    timers_arm(r);
    r->waiting_on = "backoff";
    return STEP_WAIT;
}
