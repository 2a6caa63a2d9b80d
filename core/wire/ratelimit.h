/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Rate-limit headers from one dialect's names and units to another's. OpenAI
 * says x-ratelimit-remaining-requests and "6m0s" until the reset; Anthropic
 * anthropic-ratelimit-requests-remaining and the time of the reset. Pure.
 *
 * Source: platform.openai.com, "Rate limits in headers"; platform.claude.com,
 * "Rate limits" (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_RATELIMIT_H
#define PENSTOCK_WIRE_RATELIMIT_H

#include "base/arena.h"
#include "wire/endpoint.h"

/**
 * One header of an answer, as a client of dialect `to` expects it.
 *
 *   name, value   in   as the provider sent it, in dialect `from`
 *   now_ms        in   wall clock, milliseconds since 1970
 *   a             in   where new texts are made
 *   returns            false: no such header, nothing that `to` can say, a
 *                      value that makes no sense, or no memory
 *
 * retry-after, retry-after-ms and x-should-retry are the same in both.
 * Cost: O(length); at most two allocations.
 */
bool ratelimit_translate(enum dialect from, enum dialect to, struct str *name,
                         struct str *value, uint64_t now_ms,
                         struct arena *a);

/** What a provider says of one limit. */
struct ratelimit_one {
    bool left_known, reset_known;
    uint64_t left, reset_ms; /* reset: from now */
};

struct ratelimit_left {
    struct ratelimit_one requests, tokens;
};

/** Take a header of an answer, in either dialect's words; others, and values
 * that make no sense, change nothing. Digits alone are seconds. */
void ratelimit_note(struct ratelimit_left *l, struct str name,
                    struct str value, uint64_t now_ms);

enum ratelimit_of { RATELIMIT_REQUESTS, RATELIMIT_TOKENS };
enum ratelimit_what { RATELIMIT_LIMIT, RATELIMIT_REMAINING, RATELIMIT_RESET };

/** The header's name as `to` has it; static. Dialects without one of their own
 * have OpenAI's. */
const char *ratelimit_name(enum dialect to, enum ratelimit_of of,
                           enum ratelimit_what what);

/** Its value where it is a reset: the time from now, or (Anthropic) the time
 * of day, for which alone now_ms is needed. In the arena; p is NULL without
 * memory. */
struct str ratelimit_reset(enum dialect to, uint64_t ms, uint64_t now_ms,
                           struct arena *a);

/** "6m0s", "1.5s", "120ms" or "1h2m3s" in milliseconds. */
bool ratelimit_duration(struct str s, uint64_t *ms);

/** Milliseconds as such a text, in the arena. */
struct str ratelimit_text(uint64_t ms, struct arena *a);

/** "2026-11-26T07:10:00Z" (also with a fraction or an offset), since 1970. */
bool ratelimit_time(struct str s, uint64_t *ms);

#endif
