/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What tries teach beside the breaker: trends, silences, and which targets
 * take themselves out. All of it lies in the targets' shared cells.
 *
 * Source: docs/design/reliability.md, "Trends", "Gaps", "Taken out by itself"
 */
#ifndef PENSTOCK_FLOW_WATCHING_H
#define PENSTOCK_FLOW_WATCHING_H

#include "flow/request.h"

/** What became of the try under way, as breaker_judge hears it. Logs. */
void watching_told(struct request *r, enum breaker_verdict v,
                   uint64_t first_ms);
/** May a request go there, as far as it was not taken out by itself? */
bool watching_admits(const struct request *r, const struct target *t);

/** Bytes came: how long after the last ones? Called before that is noted.
 * Only from the first content on: how long a model thinks before it is no
 * silence of its stream, and says nothing of the next one's thoughts. */
static inline void watching_bytes(struct request *r, uint64_t now_ms)
{
    struct attempt *t = r->attempt;

    if (r->answer.content_sent && now_ms > r->last_data_ms + t->gap_ms)
        t->gap_ms = (uint32_t)(now_ms - r->last_data_ms);
}
/** The try has served: its longest gap counts. */
void watching_gap(struct request *r);

#endif
