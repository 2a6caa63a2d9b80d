/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Who is at the admin listener: a bearer token, compared as a digest and with
 * all of them in the same time, and a limit on those that are wrong: after 10
 * within a minute an address waits until the minute is over.
 */
#ifndef PENSTOCK_KEEPER_ADMIN_AUTH_H
#define PENSTOCK_KEEPER_ADMIN_AUTH_H

#include "engine/config.h"

#include <sys/socket.h>

enum { ADMIN_TRIES = 10, ADMIN_WINDOW_MS = 60000 };

struct admin_auth;

/** NULL: memory. The configuration is borrowed. */
struct admin_auth *admin_auth_new(const struct config *c);
void admin_auth_free(struct admin_auth *a);

/**
 * The token of an Authorization header, or NULL: *wait_ms 0: it is wrong or
 * missing (401); else that address has tried too often (429).
 */
const struct conf_admin_token *
admin_auth_check(struct admin_auth *a, struct str authorization,
                 const struct sockaddr_storage *peer, uint64_t now_ms,
                 uint64_t *wait_ms);

#endif
