/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tokens. A verdict is there at once, but where a token names a key that we
 * do not know: then the keeper is asked for newer ones, and the call waits
 * until it has said what came, or for a time of its own.
 */
#include "policy/reach_impl.h"

#include "base/slots.h"
#include "policy/state.h"

#include <stdlib.h>

enum { WAIT_MS = 1500 };

struct jwt_wait {
    struct reach *reach;
    uint64_t id, wait;
    struct str name, token; /* of the block; ours */
    struct outcome *outcome; /* told with the timer */
    bool over;
    struct loop_timer timer;
    struct jwt_wait *next, **prev;
};

/* `c` NULL: there is no such block. NULL: it has to wait (*ask), or memory is
 * out. */
static struct outcome *verdict(struct reach *r, const struct conf_jwt *c,
                               struct str token, bool *ask)
{
    struct http_header who = { STR("jwt"), c ? c->name : STR("") };
    struct err err = { 0 };
    struct str claims;

    *ask = false;
    if (!c)
        return outcome_error("The token is from no issuer known here.");
    switch (jwt_keys_check(r->means.jwt_keys, c, token,
                           policy_wall_ms(r->env), &claims, &err)) {
    case JWT_GOOD: return outcome_http(200, &who, 1, claims);
    case JWT_BAD:
        return outcome_error("%s%s", err.code == ERR_SYNTAX ||
                                             err.code == ERR_LIMIT
                                         ? "The token is none: " : "",
                             err.msg);
    case JWT_UNAVAILABLE: return outcome_error("unavailable: %s", err.msg);
    case JWT_ASK: *ask = true;
    }
    return NULL;
}

static void wait_free(struct jwt_wait *w)
{
    if (!w)
        return;
    free((char *)w->name.p);
    free((char *)w->token.p);
    free(w);
}

static void drop(struct jwt_wait *w)
{
    loop_timer_stop(&w->timer);
    slots_del(w->reach->slots, w->id);
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    outcome_free(w->outcome);
    wait_free(w);
}

/* What came, or its time is over; telling is the last thing to do. */
static void on_timer(void *ud)
{
    struct jwt_wait *w = ud;
    struct policy_env *env = w->reach->env;
    struct outcome *o = w->outcome;
    uint64_t wait = w->wait;

    if (!w->over)
        o = outcome_error("unavailable: the issuer's keys did not come");
    w->outcome = NULL;
    drop(w);
    policy_wake(env, wait, o);
}

static uint64_t wait_for(struct reach *r, uint64_t wait,
                         const struct conf_jwt *c, struct str token)
{
    struct jwt_wait *w = calloc(1, sizeof *w);

    if (w) {
        w->name = (struct str){ str_dup(c->name), c->name.n };
        w->token = (struct str){ str_dup(token), token.n };
    }
    if (w && w->name.p && w->token.p)
        w->id = slots_add(r->slots, w);
    if (!w || !w->id) {
        wait_free(w);
        return 0;
    }
    w->reach = r;
    w->wait = wait;
    w->next = r->jwt_waits;
    w->prev = &r->jwt_waits;
    if (w->next)
        w->next->prev = &w->next;
    r->jwt_waits = w;
    loop_timer_init(&w->timer, r->means.loop, on_timer, w);
    loop_timer_set(&w->timer, WAIT_MS);
    jwt_keys_ask(r->means.jwt_keys, c);
    return w->id;
}

uint64_t reach_jwt(struct reach *r, uint64_t wait, const struct outside_jwt *q,
                   struct outcome **now)
{
    const struct conf_jwt *c = jwt_keys_choose(r->means.jwt_keys, q->name,
                                               q->token);
    bool ask;

    *now = verdict(r, c, q->token, &ask);
    return ask ? wait_for(r, wait, c, q->token) : 0;
}

void reach_jwt_cancel(struct reach *r, uint64_t number)
{
    struct jwt_wait *w = slots_get(r->slots, number);

    if (w)
        drop(w);
}

/* Nobody is told in here: what a policy does then could change the list. The
 * block is looked up anew: it may be another generation's now, or none. */
static void on_keys(void *ud)
{
    struct reach *r = ud;

    for (struct jwt_wait *w = r->jwt_waits; w; w = w->next) {
        bool ask = true;

        if (!w->over)
            w->outcome = verdict(r, jwt_keys_choose(r->means.jwt_keys,
                                                    w->name, STR_NULL),
                                 w->token, &ask);
        if (ask)
            continue;
        w->over = true;
        loop_timer_set(&w->timer, 0);
    }
}

void reach_jwt_open(struct reach *r)
{
    r->jwt_watch = (struct jwt_watch){ .fn = on_keys, .ud = r };
    if (r->means.jwt_keys)
        jwt_keys_watch(r->means.jwt_keys, &r->jwt_watch);
}

void reach_jwt_free(struct reach *r)
{
    jwt_keys_unwatch(&r->jwt_watch);
    while (r->jwt_waits)
        drop(r->jwt_waits);
}
