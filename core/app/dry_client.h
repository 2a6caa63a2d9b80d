/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The client of a dry run: one connection, one request, all that comes. */
#ifndef PENSTOCK_APP_DRY_CLIENT_H
#define PENSTOCK_APP_DRY_CLIENT_H

#include "app/dry_run.h"
#include "net/loop.h"

#define DRY_ANSWER_MAX (64u << 20)

struct dry_client;

/**
 * Connect to a listening socket of the loopback and send the request;
 * `done` is called when the connection has ended. Errors: IO, NOMEM, LIMIT.
 */
struct dry_client *dry_client_new(struct loop *l, int listener,
                                  const struct dry_ask *ask,
                                  void (*done)(void *ud), void *ud,
                                  struct err *err);
void dry_client_free(struct dry_client *c);
bool dry_client_done(const struct dry_client *c);
/** What came so far, head and all; borrowed. */
struct str dry_client_answer(const struct dry_client *c);

#endif
