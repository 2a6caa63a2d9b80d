/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The real outside of a worker's policies: the services and Redis of the
 * configuration, over the worker's HTTP client and connections of our own.
 */
#ifndef PENSTOCK_POLICY_REACH_H
#define PENSTOCK_POLICY_REACH_H

#include "engine/addresses.h"
#include "engine/jwt_keys.h"
#include "net/http_client.h"
#include "policy/policy.h"

/** What the worker lends; all of it outlives the set. */
struct reach_means {
    struct loop *loop;
    struct http_client *client;
    struct addresses *addresses;
    struct jwt_keys *jwt_keys; /* NULL: ps.jwt raises */
};

/**
 * Let the policies of a set reach what its configuration names, and begin to
 * connect to each Redis. Once per set; ended with it. 0 or -ERR_NOMEM: then
 * ps.http and ps.redis raise.
 */
int policy_set_reach(struct policy_set *s, const struct reach_means *m);

#endif
