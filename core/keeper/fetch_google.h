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

#endif
