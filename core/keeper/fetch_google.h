/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Workload identity federation with Google Cloud: an identity of somewhere
 * else for a token of Google's. Part of fetch_google.c; see there. */
#ifndef PENSTOCK_KEEPER_FETCH_GOOGLE_H
#define PENSTOCK_KEEPER_FETCH_GOOGLE_H

#include "keeper/fetch.h"

enum fetch_next google_federated(struct fetch_run *r, json_t *account);
enum fetch_next google_federated_answer(struct fetch_run *r, int status,
                                        struct str body);

/** The identity's own token: FETCH_GOT (it is in `token`), CALL, PROGRAM or
 * FAILED. What must be known later is put into the account. */
enum fetch_next google_subject(struct fetch_run *r, json_t *account,
                               struct buf *token);
/** An answer on the way to it; the same. */
enum fetch_next google_subject_answer(struct fetch_run *r, json_t *account,
                                      int status, struct str body,
                                      struct buf *token);

/** The same of an identity of AWS. */
enum fetch_next google_aws(struct fetch_run *r, json_t *account,
                           struct buf *token);
enum fetch_next google_aws_answer(struct fetch_run *r, json_t *account,
                                  int status, struct str body,
                                  struct buf *token);

#endif
