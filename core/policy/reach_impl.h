/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What reach.c and reach_http.c share. */
#ifndef PENSTOCK_POLICY_REACH_IMPL_H
#define PENSTOCK_POLICY_REACH_IMPL_H

#include "net/redis.h"
#include "policy/outside.h"
#include "policy/reach.h"

struct slots;
struct reach_call;
struct jwt_wait;

struct reach {
    struct reach_means means;
    const struct config *config;
    struct policy_env *env;
    struct redis **redis; /* as config->redis; NULL: no memory for it */
    struct slots *slots;  /* calls of services, by the number in `cancel` */
    struct reach_call *calls;
    struct addresses_watch watch;
    struct jwt_wait *jwt_waits;
    struct jwt_watch jwt_watch;
};

/* reach_jwt.c; as those below */
uint64_t reach_jwt(struct reach *r, uint64_t wait, const struct outside_jwt *q,
                   struct outcome **now);
void reach_jwt_cancel(struct reach *r, uint64_t number);
void reach_jwt_open(struct reach *r);
void reach_jwt_free(struct reach *r);


/* reach_http.c; the number is a slot's id */
uint64_t reach_http(struct reach *r, uint64_t wait,
                    const struct outside_http *q, struct outcome **now);
void reach_http_cancel(struct reach *r, uint64_t number);
/** There are new addresses for those that wait for one. */
void reach_http_addresses(struct reach *r);
void reach_http_free(struct reach *r);

#endif
