/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "app/dry_fault.h"

#include "base/clock.h"
#include "engine/rest.h"
#include "flow/generation.h"
#include "flow/resting.h"
#include "flow/retry.h"

#include <stdio.h>

enum { ARENA_MAX = 4 << 20, LINE_MAX_BYTES = 256 };

struct verdict {
    const struct provider *provider;
    const struct dry_fault *ask;
    const struct fault_info *info;
    ps_fault fault;
    bool callers, forbidden; /* forbidden: x-should-retry: false */
};

static json_t *text_of(ps_str s)
{
    return s.n ? json_stringn(s.p, s.n) : json_null();
}

static const char *breaker_words(const struct verdict *v)
{
    switch (v->info->blame) {
    case BLAME_BREAKER:
        return "a hard failure of the target: five in a row open it";
    case BLAME_COOLDOWN:
        if (v->fault.cls == PS_FAULT_OVERLOADED)
            return "counts in the target's ratio; fails a probe";
        return "nothing but a failed probe";
    default:
        return "nothing";
    }
}

static void put_pause(char *out, size_t size, const char *who, uint64_t ms)
{
    snprintf(out, size, "%s, for %llu.%03llu s and up to a tenth more", who,
             (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
}

static const char *unrested(const struct verdict *v)
{
    uint64_t told = v->fault.retry_after_ms;

    if (v->info->blame == BLAME_COOLDOWN && told)
        return "nothing: a pause of up to a second is waited for";
    if (v->info->blame == BLAME_COOLDOWN)
        return "nothing: no pause is told";
    return "nothing";
}

static void rest_words(const struct verdict *v, char *out, size_t size)
{
    const struct conf_provider *p = v->provider->conf;
    uint64_t told = v->fault.retry_after_ms;

    switch (resting_decide(&v->fault, v->provider->n_credentials > 1,
                           !p->keys_from_client)) {
    case RESTING_PARK:
        if (!p->n_keys)
            break; /* there is no key to park */
        snprintf(out, size, "the key is parked for %d s, doubled each time up "
                 "to an hour", REST_PARK_MS / 1000);
        return;
    case RESTING_CREDENTIAL:
        if (told)
            put_pause(out, size, "the key", told);
        else
            snprintf(out, size, "the key, for %d s, doubled each time up to "
                     "%d min", REST_COOL_MS / 1000, REST_COOL_MAX_MS / 60000);
        return;
    case RESTING_TARGET:
        put_pause(out, size, "the target", told);
        return;
    case RESTING_PROVIDER:
        put_pause(out, size, "all targets of the provider for this model",
                  told);
        return;
    case RESTING_NOBODY:
        break;
    }
    snprintf(out, size, "%s", unrested(v));
}

static bool may_again(const struct verdict *v)
{
    return v->info->same_target && !v->forbidden &&
           v->provider->conf->retries.same_target &&
           v->fault.retry_after_ms <= RESTING_SHORT_MS;
}

static json_t *next_tries(const struct verdict *v)
{
    const struct conf_retries *c = &v->provider->conf->retries;
    json_t *list = json_array();
    char line[LINE_MAX_BYTES];

    if (c->attempts < 2 || !list)
        return list;
    if (v->info->other_credential && v->provider->n_credentials > 1)
        json_array_append_new(list,
                              json_string("another key of the target, at "
                                          "once"));
    if (v->info->other_target)
        json_array_append_new(
            list, json_string(v->fault.scope == PS_SCOPE_PROVIDER
                                  ? "a target of another provider, at once"
                                  : "another target, at once"));
    if (may_again(v)) {
        if (v->fault.retry_after_ms)
            snprintf(line, sizeof line,
                     "the same target, %u more, after %llu ms",
                     c->same_target,
                     (unsigned long long)v->fault.retry_after_ms);
        else
            snprintf(line, sizeof line, "the same target, %u more, after a "
                     "pause by chance", c->same_target);
        json_array_append_new(list, json_string(line));
    }
    return list;
}

/* Keys, accounts and models of ours are not the client's business. */
static bool is_operators(const struct verdict *v)
{
    int e = v->info->err;

    return !v->callers &&
           (e == ERR_PROVIDER_AUTH || e == ERR_PROVIDER_BILLING ||
            e == ERR_PROVIDER_MODEL_GONE);
}

static json_t *client_sees(const struct verdict *v)
{
    const struct err_info *e = err_info(v->info->err);
    uint64_t told = v->fault.retry_after_ms;
    bool passes = v->ask->status >= 400 && !is_operators(v);
    bool soon = told && told <= RETRY_KNOWN_MS && v->info->same_target;

    return json_pack(
        "{s:b, s:{s:i, s:s}, s:{s:i, s:s}, s:s, s:s}", "passed_through",
        passes, "openai", "status", e->status_openai, "type", e->type_openai,
        "anthropic", "status", e->status_anthropic, "type", e->type_anthropic,
        "code", e->name, "retry",
        v->callers ? "as its provider says"
        : soon     ? "Retry-After: when the first target is back"
                   : "x-should-retry: false, or Retry-After where a target is "
                     "back within a minute");
}

static json_t *document(const struct verdict *v)
{
    const struct conf_provider *p = v->provider->conf;
    char rests[LINE_MAX_BYTES];

    rest_words(v, rests, sizeof rests);
    return json_pack(
        "{s:s%, s:s%, s:i, s:s, s:s, s:I, s:o, s:o, s:s, s:s, s:i, s:o, s:o}",
        "provider", p->name.p, p->name.n, "plugin", p->plugin.p, p->plugin.n,
        "status", v->ask->status, "class", fault_class_name(v->fault.cls),
        "scope", fault_scope_name(v->fault.scope), "retry_after_ms",
        (json_int_t)v->fault.retry_after_ms, "code", text_of(v->fault.code),
        "message", text_of(v->fault.message), "breaker", breaker_words(v),
        "rests", rests, "tries", (int)p->retries.attempts, "next",
        next_tries(v), "client", client_sees(v));
}

/* As a worker would: the answer's head, then its body. */
static json_t *judge(struct provider *p, const struct dry_fault *ask,
                     struct arena *a, struct err *err)
{
    struct verdict v = { .provider = p, .ask = ask };
    struct attempt_host host;
    json_t *doc;

    if (attempt_host_init(&host, a, p->plugin, p->inst)) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    host.pub.status = ask->status;
    host.answer_headers = ask->headers;
    host.n_answer_headers = ask->n_headers;
    attempt_host_answer(&host, ask->body);
    attempt_classify(&host, &p->conf->quirks, clock_wall_ms(), &v.fault);
    v.info = fault_info(v.fault.cls);
    v.callers = fault_is_callers(&v.fault, p->conf->keys_from_client);
    v.forbidden = str_ieq(http_header_get(ask->headers, ask->n_headers,
                                          STR("x-should-retry")),
                          STR("false"));
    doc = document(&v);
    if (!doc)
        err_set(err, ERR_SYNTAX, "the provider's words are not UTF-8");
    plugin_done(&host);
    attempt_host_clear(&host);
    return doc;
}

json_t *dry_run_fault(struct dry_run *d, const struct dry_fault *ask,
                      struct err *err)
{
    struct generation *g = dry_run_generation(d, NULL, err);
    struct arena *a = arena_new(ARENA_MAX);
    struct provider *p = NULL;
    json_t *doc = NULL;

    if (g)
        p = engine_provider_find(g->engine, str_of(ask->provider));
    if (g && !p)
        err_set(err, ERR_NOTFOUND, "no provider is called '%.64s'",
                ask->provider);
    else if (g && !a)
        err_set(err, ERR_NOMEM, "no memory");
    else if (g && provider_open(p, err) == 0)
        doc = judge(p, ask, a, err);
    arena_free(a);
    generation_unref(g);
    return doc;
}
