/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Services, Redis and issuers of a dry run: what the request's file says they
 * answer.
 *
 *   http   { "authz": { "status": 200, "json": {...} } }
 *   redis  { "main": { "GET k": "v", "INCR": 3 } }
 *   jwt    { "corp": { "sub": "ann" } }   the token's claims; or, a text, why
 *                                         it is refused
 *
 * A list of such replies is taken one after the other, the last one stays.
 * What is not named cannot be reached: "offline".
 */
#include "app/dry_run.h"
#include "policy/outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADERS = 64, MAX_DEPTH = 8, KEY_MAX = 4096 };

struct dry_outside {
    struct outside pub; /* first */
    json_t *http, *redis; /* copies: lists are used up */
    json_t *jwt;          /* a reference */
};

/* The reply itself, or the next of a list; borrowed. */
static json_t *next(json_t *group, const char *name)
{
    json_t *v = json_object_get(group, name);

    if (!json_is_array(v) || json_array_size(v) == 0)
        return v;
    if (json_array_size(v) > 1) {
        json_object_set(group, "", json_array_get(v, 0)); /* keeps it */
        json_array_remove(v, 0);
        return json_object_get(group, "");
    }
    return json_array_get(v, 0);
}

/* ---- http ------------------------------------------------------------- */

static size_t headers(const json_t *reply, struct http_header *to)
{
    const char *name;
    json_t *v;
    size_t n = 0;

    json_object_foreach(json_object_get(reply, "headers"), name, v) {
        if (json_is_string(v) && n < MAX_HEADERS)
            to[n++] = (struct http_header){ str_of(name),
                                            str_of(json_string_value(v)) };
    }
    return n;
}

static struct outcome *answer(const json_t *reply)
{
    struct http_header h[MAX_HEADERS];
    const json_t *status = json_object_get(reply, "status");
    const json_t *body = json_object_get(reply, "json");
    const char *error = json_string_value(json_object_get(reply, "error"));
    char *text = NULL;
    struct outcome *o;
    size_t n = headers(reply, h);

    if (error)
        return outcome_error("%s", error);
    if (body)
        text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    o = outcome_http(status ? (int)json_integer_value(status) : 200, h, n,
                     str_of(text ? text
                                 : json_string_value(json_object_get(
                                       reply, "body"))));
    free(text);
    return o;
}

static uint64_t dry_http(void *ud, uint64_t wait, const struct outside_http *q,
                         struct outcome **now)
{
    struct dry_outside *d = ud;
    const json_t *reply = next(d->http, q->service->name.p);

    (void)wait;
    *now = json_is_object(reply) ? answer(reply) : outcome_error("offline");
    return 0;
}

/* ---- redis ------------------------------------------------------------- */

static bool fill(struct resp *r, const json_t *v, int depth)
{
    const json_t *ok = json_object_get(v, "ok"), *e = json_object_get(v, "err");
    json_t *item;
    size_t i;

    if (depth > MAX_DEPTH)
        return false;
    if (json_is_integer(v)) {
        resp_set_int(r, json_integer_value(v));
    } else if (json_is_string(v)) {
        return resp_set_text(r, RESP_STRING, str_of(json_string_value(v)));
    } else if (json_is_string(ok)) {
        return resp_set_text(r, RESP_STATUS, str_of(json_string_value(ok)));
    } else if (json_is_string(e)) {
        return resp_set_text(r, RESP_ERROR, str_of(json_string_value(e)));
    } else if (json_is_array(v)) {
        if (!resp_set_list(r, json_array_size(v)))
            return false;
        json_array_foreach(v, i, item) {
            if (!fill(&r->list[i], item, depth + 1))
                return false;
        }
    }
    return true;
}

/* "GET k", the name in capitals. */
static void key_of(const struct outside_redis *q, char *to, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < q->n_args; i++) {
        struct str s = q->args[i];

        if (i && n + 1 < size)
            to[n++] = ' ';
        for (size_t k = 0; k < s.n && n + 1 < size; k++) {
            char c = s.p[k];

            to[n++] = i == 0 && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        }
    }
    to[n] = '\0';
}

static uint64_t dry_redis(void *ud, uint64_t wait,
                          const struct outside_redis *q, struct outcome **now)
{
    struct dry_outside *d = ud;
    json_t *group = json_object_get(d->redis, q->redis->name.p);
    char key[KEY_MAX];
    json_t *reply;
    struct resp *r;

    (void)wait;
    key_of(q, key, sizeof key);
    reply = next(group, key);
    if (!reply) {
        key[strcspn(key, " ")] = '\0';
        reply = next(group, key);
    }
    if (!reply) {
        *now = outcome_error("offline");
        return 0;
    }
    r = resp_new();
    if (r && !fill(r, reply, 0)) {
        resp_free(r);
        r = NULL;
    }
    *now = r ? outcome_redis(r) : NULL;
    return 0;
}

/* ---- tokens ------------------------------------------------------------ */

/* Where the policy names no issuer, the token is of the first in the file. */
static uint64_t dry_jwt(void *ud, uint64_t wait, const struct outside_jwt *q,
                        struct outcome **now)
{
    struct dry_outside *d = ud;
    void *at = q->name.p ? json_object_iter_at(d->jwt, q->name.p)
                         : json_object_iter(d->jwt);
    const json_t *v = at ? json_object_iter_value(at) : NULL;
    char *text = json_is_object(v) ? json_dumps(v, JSON_COMPACT) : NULL;
    struct http_header who = { STR("jwt"), STR_NULL };

    (void)wait;
    if (text) {
        who.value = str_of(json_object_iter_key(at));
        *now = outcome_http(200, &who, 1, str_of(text));
    } else {
        *now = outcome_error("%s", json_is_string(v) ? json_string_value(v)
                                                     : "unavailable: offline");
    }
    free(text);
    return 0;
}

static void dry_cancel(void *ud, uint64_t number)
{
    (void)ud;
    (void)number;
}

struct outside *dry_outside_new(const json_t *http, const json_t *redis,
                                json_t *jwt)
{
    struct dry_outside *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->http = http ? json_deep_copy(http) : json_object();
    d->redis = redis ? json_deep_copy(redis) : json_object();
    d->jwt = json_incref(jwt);
    d->pub = (struct outside){ .http = dry_http, .redis = dry_redis,
                               .jwt = dry_jwt, .cancel = dry_cancel,
                               .ud = d };
    return &d->pub;
}

void dry_outside_free(struct outside *o)
{
    struct dry_outside *d = (struct dry_outside *)o;

    if (!d)
        return;
    json_decref(d->http);
    json_decref(d->redis);
    json_decref(d->jwt);
    free(d);
}
