/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Who calls, what it cost, and what is written of it. Part of request.h,
 * which includes it. */
#ifndef PENSTOCK_FLOW_ACCOUNT_H
#define PENSTOCK_FLOW_ACCOUNT_H

#include "base/buf.h"

#include <stdbool.h>

struct request;

/* identity.c, address.c: who calls, from where, traced how */
void identity_credential(struct request *r);
void identity_trace(struct request *r);
/** Where the caller is: the peer, or what trusted proxies say. */
void identity_address(struct request *r);
bool identity_is_local(const struct request *r);

/* ledger.c: tries in the ledger, and their cost */
/** The last try is over, in these words; its row is written once. Before its
 * usage is forgotten. */
void ledger_try_over(struct request *r, const char *ended);
/** Its answer is about to end; before its last bytes. */
void ledger_ending(struct request *r);
/** Nano-USD of all tries; -1 = not known. */
int64_t ledger_cost(const struct request *r);
/** The same while the last has its usage but is not over. */
int64_t ledger_cost_now(const struct request *r);
void ledger_put_usd(struct buf *b, int64_t nusd); /* "0.001250000" */

/* account.c: the access line, metrics, explain */
void account_request(struct request *r);
/* account_count.c: its part in the metrics */
void account_count(const struct request *r, uint64_t now_ns);

/* story.c: all of it, for flow_env.story */
void story_begin(struct request *r, struct str line); /* of the access line */
void story_end(struct request *r);

#endif
