/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/shed.h"

enum { BATCH_PCT = 80, HELD_PCT = 90, RETRY_MIN_MS = 1000,
       RETRY_MAX_MS = 30000 };

const char *shed_level_name(enum shed_level l)
{
    static const char *const names[] = { "none", "batch", "all" };

    return names[l];
}

const char *shed_sign_name(enum shed_sign s)
{
    static const char *const names[] = { "lag", "memory", "connections" };

    return names[s];
}

/* The level that a value calls for; one at hand is held a little longer. */
static enum shed_level level_of(uint64_t value, uint64_t limit,
                                enum shed_level at_hand)
{
    for (int l = SHED_ALL; l > SHED_NOBODY; l--) {
        uint64_t from = l == SHED_ALL ? limit : limit / 100 * BATCH_PCT +
                                                    limit % 100 * BATCH_PCT /
                                                        100;

        if (l <= (int)at_hand)
            from = from / 100 * HELD_PCT + from % 100 * HELD_PCT / 100;
        if (value >= from)
            return (enum shed_level)l;
    }
    return SHED_NOBODY;
}

bool shed_look(struct shed *s, const struct shed_values *limits,
               const struct shed_values *now, uint64_t now_ms)
{
    enum shed_level was = s->level, most = SHED_NOBODY;
    struct shed_values v = *now;

    if (s->late_ms < v.at[SHED_LAG])
        v.at[SHED_LAG] = s->late_ms;
    s->late_ms = now->at[SHED_LAG];
    for (int i = 0; i < SHED_SIGNS; i++) {
        enum shed_level l =
            limits->at[i] ? level_of(v.at[i], limits->at[i], was)
                          : SHED_NOBODY;

        if (l <= most)
            continue;
        most = l;
        s->why = (enum shed_sign)i;
    }
    s->level = most;
    if (was == SHED_NOBODY && most != SHED_NOBODY)
        s->since_ms = now_ms;
    return most != was;
}

uint64_t shed_retry_ms(const struct shed *s, uint64_t now_ms)
{
    uint64_t lasted = now_ms - s->since_ms;

    if (lasted < RETRY_MIN_MS)
        return RETRY_MIN_MS;
    return lasted < RETRY_MAX_MS ? lasted : RETRY_MAX_MS;
}
