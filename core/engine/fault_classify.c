/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * From an answer to a verdict: status, pause, the provider's own code and
 * words wherever providers put them, the configuration's list of codes, the
 * plugin. A plugin's verdict is checked like any outside value.
 */
#include "engine/config.h"
#include "engine/fault.h"
#include "engine/plugin.h"
#include "wire/error_detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Where codes are found, the most telling first: OpenAI's and its many
 * cousins, Google's (also inside an array), Mistral's and Cohere's flat ones,
 * Groq's in a stream. */
static const char *const code_places[] = {
    "/error/code",    "/error/type",     "/error/status", "/code",
    "/type",          "/0/error/status", "/error_type",   "/x_groq/error/code",
};

static const char *const message_places[] = {
    "/error/message", "/error",    "/message",
    "/detail",        "/0/error/message", "/errors/0",
};

/* Where an error inside a 200 may say which status it would have been. */
static const char *const status_places[] = {
    "/error/code",
    "/error/status_code",
    "/status_code",
    "/0/error/code",
};

/* A string's text, or a number as it is written; else absent. */
static struct str scalar_at(struct attempt_host *h, const char *pointer)
{
    ps_str raw = ps_answer_raw(&h->pub, pointer);

    if (!raw.p || !raw.n)
        return STR_NULL;
    if (raw.p[0] == '"')
        return str_from_ps(ps_answer_str(&h->pub, pointer));
    if (raw.p[0] == '-' || (raw.p[0] >= '0' && raw.p[0] <= '9'))
        return str_from_ps(raw);
    return STR_NULL;
}

static struct str first_of(struct attempt_host *h, const char *const *places,
                           size_t n)
{
    struct str s;

    for (size_t i = 0; i < n; i++) {
        s = scalar_at(h, places[i]);
        if (s.n)
            return s;
    }
    return STR_NULL;
}

/* Faults of members: each with where it is. */
static struct str details_of(struct attempt_host *h)
{
    static const char *const objects[] = { "", "/error" };
    struct str s = STR_NULL;

    for (size_t i = 0; i < N_OF(objects) && !s.n; i++) {
        if (ps_answer_raw(&h->pub, objects[i]).n)
            s = error_detail(&h->answer_json,
                             json_at(&h->answer_json, str_of(objects[i])),
                             h->arena);
    }
    return s;
}

static void from_inside_200(struct attempt_host *h, ps_fault *f)
{
    uint64_t status;

    fault_init(f);
    fault_set(f, PS_FAULT_TRANSIENT);
    for (size_t i = 0; i < N_OF(status_places); i++) {
        if (str_u64(scalar_at(h, status_places[i]), &status) &&
            status >= 400 && status <= 599) {
            fault_from_status(f, (int)status);
            return;
        }
    }
}

static bool apply_quirks(struct attempt_host *h, const struct conf_quirks *q,
                         ps_fault *f)
{
    struct str code;
    int cls;

    for (size_t i = 0; q && q->n_errors && i < N_OF(code_places); i++) {
        code = scalar_at(h, code_places[i]);
        for (size_t k = 0; code.n && k < q->n_errors; k++) {
            cls = fault_class_by_name(q->errors[k].value);
            if (cls < 0 || !str_eq(q->errors[k].key, code))
                continue;
            fault_set(f, cls);
            return true;
        }
    }
    return false;
}

/* The plugin works on a copy: only a whole, sound verdict is taken. */
static void ask_plugin(struct attempt_host *h, ps_fault *f)
{
    ps_fault v = *f;

    if (plugin_classify(h, &v) != PS_OK)
        return;
    if (v.cls == PS_FAULT_NONE || v.cls > PS_FAULT_UNKNOWN)
        v.cls = PS_FAULT_UNKNOWN;
    if (v.scope < PS_SCOPE_REQUEST || v.scope > PS_SCOPE_PROVIDER)
        v.scope = fault_info(v.cls)->scope;
    if (v.retry_after_ms > FAULT_MAX_WAIT_MS)
        v.retry_after_ms = FAULT_MAX_WAIT_MS;
    v.size = sizeof v;
    *f = v;
}

void attempt_classify(struct attempt_host *host, const struct conf_quirks *q,
                      uint64_t wall_ms, ps_fault *f)
{
    int status = host->pub.status;

    if (status >= 200 && status <= 299)
        from_inside_200(host, f);
    else
        fault_from_status(f, status);
    f->retry_after_ms = fault_retry_after(host->answer_headers,
                                          host->n_answer_headers, wall_ms);
    f->code = ps_from_str(first_of(host, code_places, N_OF(code_places)));
    f->message =
        ps_from_str(first_of(host, message_places, N_OF(message_places)));
    if (!f->message.n)
        f->message = ps_from_str(details_of(host));
    if (!f->code.n)
        f->code = ps_from_str(host->answer_name);
    if (!apply_quirks(host, q, f))
        ask_plugin(host, f);
}

/* Non-negative decimal with a fraction, times `scale`; 0 when it is none. */
static uint64_t scaled(struct str s, double scale)
{
    char z[32], *end;
    double v;

    if (!s.n || s.n >= sizeof z || s.p[0] < '0' || s.p[0] > '9')
        return 0;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (strspn(z, "0123456789.") != s.n)
        return 0;
    v = strtod(z, &end) * scale;
    if (*end || v > (double)INT32_MAX)
        return 0;
    return (uint64_t)v;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7) to wall milliseconds. */
static uint64_t http_date_ms(struct str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char z[40], mon[4] = "", zone[4] = "";
    struct tm tm = { 0 };
    const char *at;
    time_t t;

    if (s.n >= sizeof z || s.n < 29)
        return 0;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (sscanf(z, "%*3s, %2d %3s %4d %2d:%2d:%2d %3s", &tm.tm_mday, mon,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone) != 7)
        return 0;
    at = strlen(mon) == 3 ? strstr(months, mon) : NULL;
    if (!at || (at - months) % 3 || strcmp(zone, "GMT") || tm.tm_year < 1970)
        return 0;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    t = timegm(&tm);
    return t > 0 ? (uint64_t)t * 1000 : 0;
}

uint64_t fault_retry_after(const struct http_header *h, size_t n,
                           uint64_t wall_ms)
{
    struct str ms = http_header_get(h, n, STR("retry-after-ms"));
    struct str s = http_header_get(h, n, STR("retry-after"));
    uint64_t wait = scaled(ms, 1.0), date;

    if (!wait)
        wait = scaled(s, 1000.0);
    if (!wait && s.n && (s.p[0] < '0' || s.p[0] > '9')) {
        date = http_date_ms(s);
        wait = date > wall_ms ? date - wall_ms : 0;
    }
    return wait > FAULT_MAX_WAIT_MS ? FAULT_MAX_WAIT_MS : wait;
}
