/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What Google's errors mean: a status in words, and details that say which
 * quota, for how long, or why a key was refused. For the plugins of Google's
 * hosts, each of which compiles it in. Sources, dates: gemini's README.md.
 */
#ifndef PENSTOCK_GOOGLE_H
#define PENSTOCK_GOOGLE_H

#include <penstock/plugin.h>

#include <stdio.h>

#define GOOGLE_N(a) (sizeof(a) / sizeof((a)[0]))
#define GOOGLE_DETAILS_MAX 8
#define GOOGLE_WAIT_MAX_MS 3600000u

/* error.details[].reason of google.rpc.ErrorInfo */
static const ps_verdict google_reasons[] = {
    { "API_KEY_INVALID", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_EXPIRED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_SERVICE_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_HTTP_REFERRER_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "API_KEY_IP_ADDRESS_BLOCKED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "ACCESS_TOKEN_EXPIRED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "SERVICE_DISABLED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "CONSUMER_SUSPENDED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "BILLING_DISABLED", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
};

/* error.status: what the HTTP status does not say inside a 200 */
static const ps_verdict google_statuses[] = {
    { "RESOURCE_EXHAUSTED", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "UNAUTHENTICATED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "PERMISSION_DENIED", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "NOT_FOUND", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "UNAVAILABLE", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
    { "DEADLINE_EXCEEDED", PS_FAULT_TIMEOUT, PS_SCOPE_TARGET },
    { "INTERNAL", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "UNKNOWN", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "INVALID_ARGUMENT", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "OUT_OF_RANGE", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
    { "UNIMPLEMENTED", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
};

/* How error.message begins; no client makes it begin so. */
static const ps_verdict google_begins_with[] = {
    { "api key not valid", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "api key expired", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "user location is not supported", PS_FAULT_REGION, PS_SCOPE_PROVIDER },
    { "your prepayment credits are depleted", PS_FAULT_QUOTA,
      PS_SCOPE_CREDENTIAL },
};

/* Within it: the caller's own fault, whoever echoes a prompt. */
static const ps_verdict google_phrases[] = {
    { "input token count", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "maximum number of tokens allowed", PS_FAULT_CONTEXT_LENGTH,
      PS_SCOPE_REQUEST },
};

/* ---- details ------------------------------------------------------------ */

/* Below error or below [0].error: some of Google's endpoints put the object
 * into an array. */
static inline ps_str google_in_error(ps_try *t, const char *name)
{
    char pointer[96];
    ps_str s;

    snprintf(pointer, sizeof pointer, "/0/error/%s", name);
    s = ps_answer_str(t, pointer + 2);
    return s.p ? s : ps_answer_str(t, pointer);
}

static inline ps_str google_in_detail(ps_try *t, int i, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "details/%d/%s", i, name);
    return google_in_error(t, path);
}

/* "34s", "1.5s" in milliseconds; 0 where it is none. */
static inline uint64_t google_delay_ms(ps_str s)
{
    uint64_t ms = 0, unit = 1000;
    int fraction = 0;

    if (s.n < 2 || s.n > 16 || s.p[s.n - 1] != 's')
        return 0;
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] == '.' && !fraction) {
            fraction = 1;
        } else if (s.p[i] < '0' || s.p[i] > '9') {
            return 0;
        } else if (!fraction) {
            ms = ms * 10 + (uint64_t)(s.p[i] - '0') * 1000;
        } else {
            unit /= 10;
            ms += (uint64_t)(s.p[i] - '0') * unit;
        }
    }
    return ms > GOOGLE_WAIT_MAX_MS ? GOOGLE_WAIT_MAX_MS : ms;
}

/* A quota of a day is used up until the next one, whatever wait is said. */
static inline int google_is_daily(ps_try *t, int detail)
{
    for (int i = 0; i < GOOGLE_DETAILS_MAX; i++) {
        char name[40];
        ps_str id;

        snprintf(name, sizeof name, "violations/%d/quotaId", i);
        id = google_in_detail(t, detail, name);
        if (!id.p)
            return 0;
        if (ps_contains(id, "perday"))
            return 1;
    }
    return 0;
}

static inline int google_by_details(ps_try *t, ps_fault *f, int limited)
{
    int said = 0;

    for (int i = 0; i < GOOGLE_DETAILS_MAX; i++) {
        ps_str type = google_in_detail(t, i, "@type");
        uint64_t wait;

        if (!type.p)
            break;
        said |= ps_decide(f, google_reasons, GOOGLE_N(google_reasons),
                          google_in_detail(t, i, "reason"), ps_is);
        if (!limited)
            continue;
        wait = google_delay_ms(google_in_detail(t, i, "retryDelay"));
        if (wait)
            f->retry_after_ms = wait;
        if (!said && google_is_daily(t, i)) {
            ps_fault_set(f, PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL);
            said = 1;
        }
    }
    return said;
}

/* ---- the verdict -------------------------------------------------------- */

static inline ps_rc google_classify(ps_try *t, ps_fault *f)
{
    ps_str status = google_in_error(t, "status");
    ps_str text = google_in_error(t, "message");
    int limited = t->status == 429 || ps_is(status, "RESOURCE_EXHAUSTED");

    if (google_by_details(t, f, limited) ||
        ps_decide(f, google_begins_with, GOOGLE_N(google_begins_with), text,
                  ps_begins))
        return PS_OK;
    if (t->status == 200 || t->status == 400) {
        if (ps_decide(f, google_phrases, GOOGLE_N(google_phrases), text,
                      ps_contains))
            return PS_OK;
        ps_decide(f, google_statuses, GOOGLE_N(google_statuses), status,
                  ps_is);
    }
    return PS_OK;
}

#endif
