/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a policy waits for outside of itself: a service, a Redis, time. The
 * scripts' functions (api_http.c, api_redis.c, call.c) check and convert; what
 * is done is this table's, so that the engine is the same with the real
 * things (reach.h) and with a test's.
 *
 * To plug in a fake, fill the functions and call policy_set_outside:
 *
 *     static uint64_t fake_http(void *ud, uint64_t wait,
 *                               const struct outside_http *q,
 *                               struct outcome **now)
 *     {
 *         *now = outcome_http(200, NULL, 0, STR("{\"allow\":true}"));
 *         return 0;
 *     }
 *
 * One that answers at once sets *now and returns 0: nothing yields, and no
 * loop is needed; still run->wake must be set in phases that may wait, for
 * its absence is what tells one that may not. One that answers later returns
 * a number of its own and calls policy_wake with `wait`, from the loop.
 */
#ifndef PENSTOCK_POLICY_OUTSIDE_H
#define PENSTOCK_POLICY_OUTSIDE_H

#include "engine/config.h"
#include "net/http_header.h"
#include "net/resp.h"

enum { OUTCOME_ERR = 192 };

/** What came of it; one owner at a time. An error, or one of the others. */
struct outcome {
    char err[OUTCOME_ERR]; /* "timeout", "connect: refused"; "" = none */
    int status;            /* HTTP */
    struct http_header *headers; /* names in lower case */
    size_t n_headers;
    struct str body;
    char *owned;        /* its memory, where it has one apart; free() */
    struct resp *reply; /* Redis; an error reply is a reply */
};

/** All copy what they are given but outcome_redis, which takes the reply.
 * NULL when memory is out (then the reply is freed). */
struct outcome *outcome_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
struct outcome *outcome_http(int status, const struct http_header *headers,
                             size_t n_headers, struct str body);
struct outcome *outcome_redis(struct resp *reply);
void outcome_free(struct outcome *o);

/** Count it, for the metrics; NULL: memory was out. */
void outcome_count(const struct outcome *o, const char *kind, struct str name);

/** A call of a service, checked: borrowed until its end or cancel. */
struct outside_http {
    const struct conf_service *service;
    struct str method;
    struct str path; /* "/check?user=7": begins with '/', encoded */
    const struct http_header *headers; /* the policy's; without framing */
    size_t n_headers;
    struct str body;
    uint32_t timeout_ms; /* never 0 */
};

/** A command, checked; borrowed during the call only. */
struct outside_redis {
    const struct conf_redis *redis;
    const struct str *args; /* the command's name first */
    size_t n_args;
};

/** A token to check, borrowed during the call only. */
struct outside_jwt {
    struct str name;  /* of the block; p NULL: that of the token's issuer */
    struct str token;
};

struct outside {
    /**
     * Begin. Returns a number (never 0) for cancel, then policy_wake(wait)
     * comes once, never from within; or 0 with *now set (NULL: no memory).
     */
    uint64_t (*http)(void *ud, uint64_t wait, const struct outside_http *q,
                     struct outcome **now);
    uint64_t (*redis)(void *ud, uint64_t wait, const struct outside_redis *q,
                      struct outcome **now);
    /** The outcome is as of HTTP: the claims as body, the block's name as the
     * one header field. */
    uint64_t (*jwt)(void *ud, uint64_t wait, const struct outside_jwt *q,
                    struct outcome **now);
    /** Nobody waits for it any more; policy_wake must not come. */
    void (*cancel)(void *ud, uint64_t number);
    /** A clock of one's own: true = so much time has passed, go on. NULL, or
     * false: the loop's time. */
    bool (*sleep)(void *ud, uint64_t ms);
    void (*free)(void *ud); /* with the set, after its calls; or NULL */
    void *ud;
};

struct policy_env;
struct policy_set;

/** Set what the policies of a set reach; before any of them runs. */
void policy_set_outside(struct policy_set *s, const struct outside *o);

/** The set's environment: what policy_wake wants. */
struct policy_env *policy_set_env(struct policy_set *s);

/**
 * What a call waited for has come: takes the outcome (NULL: memory was out)
 * and lets the call's request run on. A wait that is over finds nothing: the
 * outcome is freed.
 *
 * The request may end in here, and the set with it: the last thing to do.
 */
void policy_wake(struct policy_env *env, uint64_t wait, struct outcome *o);

#endif
