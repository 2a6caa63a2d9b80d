/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Workload identity federation with Google Cloud: an identity of somewhere
 * else for a token of Google's. Part of fetch_google.c; see there. */
#ifndef PENSTOCK_KEEPER_FETCH_GOOGLE_H
#define PENSTOCK_KEEPER_FETCH_GOOGLE_H

#include "keeper/fetch.h"

enum fetch_next google_federated(struct fetch_run *r, const json_t *account);
enum fetch_next google_federated_answer(struct fetch_run *r, int status,
                                        struct str body);

/** How many answers it takes to have the identity's own token. */
unsigned google_subject_steps(const json_t *account);
/** That token: FETCH_GOT (it is in `token`), CALL, PROGRAM or FAILED. */
enum fetch_next google_subject(struct fetch_run *r, const json_t *account,
                               struct buf *token);
/** The answer on the way to it; FETCH_GOT or FAILED. */
enum fetch_next google_subject_answer(struct fetch_run *r,
                                      const json_t *account, int status,
                                      struct str body, struct buf *token);

#endif
