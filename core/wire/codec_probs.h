/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Log probabilities of tokens, from one dialect's form into another's. The
 * neutral event has chat's: {"content": [{token, logprob, ...}]}. Lists may
 * be JSON_NONE, or none. */
#ifndef PENSTOCK_WIRE_CODEC_PROBS_H
#define PENSTOCK_WIRE_CODEC_PROBS_H

#include "wire/codec_stream.h"

/** Elements as chat and Responses have them; `no_bytes` is what stands for
 * bytes that were not said. */
void probs_put(struct jw *w, const struct json *j, uint32_t list,
               struct str no_bytes);

/** Google's chosenCandidates, and topCandidates; the first says whether there
 * are any of the second. */
bool probs_put_chosen(struct jw *w, const struct json *j, uint32_t list);
void probs_put_tops(struct jw *w, const struct json *j, uint32_t list);

/** The event's list, in `j`, which the caller clears. SYNTAX, NOMEM */
int probs_open(struct json *j, const struct neutral_event *ev,
               uint32_t *content);

/** A list in what was scanned, as an event; nothing where it is empty. */
int in_probs(struct codec_in *in, uint32_t choice, uint32_t list);

/** The same of Google's logprobsResult, which may be JSON_NONE. */
int in_google_probs(struct codec_in *in, uint32_t choice, uint32_t result);

#endif
