/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The arguments of a service's method as a call. Its URL is all that can be
 * reached: a path begins with '/', climbs nowhere and cannot name another
 * host; headers cannot frame the message. What is wrong raises.
 */
#ifndef PENSTOCK_POLICY_SERVICE_CALL_H
#define PENSTOCK_POLICY_SERVICE_CALL_H

#include "policy/outside.h"

#include <lua.h>

enum { SERVICE_PATH_MAX = 8192, SERVICE_HEADERS_MAX = 64 };

/** On C's stack; read from it only while it is there. */
struct service_call {
    struct outside_http q;
    struct http_header headers[SERVICE_HEADERS_MAX + 1]; /* one of ours */
    size_t path_n;
    char path[SERVICE_PATH_MAX];
};

/**
 * Read path and options, at 2 and 3 of the stack. After it the stack is one
 * block that all of c->q points at, and the body: they are Lua's, and last
 * while they stay there.
 */
void service_call_read(lua_State *L, struct service_call *c,
                       const struct conf_service *s, struct str method);

#endif
