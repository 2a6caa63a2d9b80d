/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Waiting for a place: at a target, and within a limit of the caller's own. */
#include "flow/choose.h"
#include "flow/limits_hold.h"
#include "flow/pacing.h"
#include "flow/places.h"
#include "flow/policies.h"
#include "flow/queue.h"
#include "flow/steps.h"

#include "base/siphash.h"

/* What cannot tell its time (who is inside leaves when they please) is looked
 * at again so soon. */
#define LOOK_MS 50

static uint64_t name_hash(uint64_t seed, struct str s)
{
    struct siphash_key key = siphash_process_key();

    key.k1 ^= seed;
    return siphash(key, s);
}

/* ---- at a target -------------------------------------------------------- */

static uint64_t target_lane(const struct request *r)
{
    return name_hash(1, r->plan.model);
}

bool queue_comes_first(const struct request *r)
{
    return !r->n_attempts && queue_has(r->flow, target_lane(r));
}

uint64_t places_back_ms(const struct request *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        if (choose_can(r, i) && places_full(r, r->plan.list[i].target))
            return queue_retry_ms(r->flow, target_lane(r));
    }
    return 0;
}

enum step queue_for_target(struct request *r)
{
    uint64_t most = r->gen->config->queue.max_wait_ms;

    if (!most || r->total_passed)
        return try_nobody(r, places_back_ms(r), 0);
    if (queue_join(r, &(struct queue_wish){ .what = QUEUE_TARGET,
                                            .lane = target_lane(r),
                                            .cost = pacing_tokens(r),
                                            .max_wait_ms = most })) {
        request_note(r, STR("queue"), STR("it is full"));
        return try_nobody(r, queue_retry_ms(r->flow, target_lane(r)), 0);
    }
    timers_start_total(r, r->plan.list[r->at].target->provider->conf);
    return STEP_QUEUE;
}

static enum step in_vain(struct request *r, enum queue_end how, bool full)
{
    uint64_t before = r->queue_ms;
    uint64_t back = full ? queue_retry_ms(r->flow, target_lane(r)) : 0;

    queue_leave(r, how);
    return try_nobody(r, back, r->queue_ms - before);
}

enum step step_queue(struct request *r)
{
    bool turn = queue_turn(r);
    enum room room = turn ? places_room(r) : ROOM_FULL;

    if (queue_is_over(r))
        return in_vain(r, QUEUE_TIMEOUT, true);
    if (room == ROOM_NONE)
        return in_vain(r, QUEUE_TIMEOUT, false);
    if (room == ROOM_YES && queue_sheds(r)) {
        request_note(r, STR("queue"), STR("too long: turned away"));
        return in_vain(r, QUEUE_SHED, true);
    }
    if (room == ROOM_YES && choose_target(r)) {
        queue_leave(r, QUEUE_SERVED);
        return try_chosen(r);
    }
    timers_arm(r);
    r->waiting_on = "queue";
    return STEP_WAIT;
}

/* ---- within a limit ----------------------------------------------------- */

static uint64_t limit_lane(const struct limit_row *row)
{
    return name_hash(2 + row->kind, row->name) ^ name_hash(3, row->scope);
}

static enum step limit_denied(struct request *r,
                              const struct limit_refusal *why)
{
    queue_leave(r, QUEUE_TIMEOUT);
    r->run.at = 0; /* no policy behind it is asked */
    err_set(&r->err, why->code, "%s", why->text);
    r->retry_after_ms = why->retry_ms;
    return request_fail(r, r->err.code, "client");
}

/* Of requests it is known when a place is free, and for how many in front. */
static uint64_t soonest_ms(const struct request *r,
                           const struct limit_refusal *why)
{
    const struct limit_row *row = why->row;
    uint64_t before = queue_length(r->flow, limit_lane(row));

    if (row->kind == LIMIT_CONCURRENT)
        return 0;
    if (row->kind == LIMIT_REQUESTS)
        return why->retry_ms + before * row->period_ms / row->limit;
    return why->retry_ms;
}

static uint64_t look_in_ms(const struct limit_refusal *why)
{
    bool exact = why->row->kind == LIMIT_REQUESTS;

    return exact || why->retry_ms < LOOK_MS ? why->retry_ms : LOOK_MS;
}

enum step queue_for_limit(struct request *r, const struct policy_result *p)
{
    struct limit_wanted *w = r->claim.wanted;

    r->err_policy = p->policy;
    if (!w->why.row)
        return limit_denied(r, &w->why);
    if (soonest_ms(r, &w->why) > p->max_wait_ms ||
        queue_join(r, &(struct queue_wish){
                          .what = QUEUE_LIMIT,
                          .lane = limit_lane(w->why.row),
                          .cost = pacing_tokens(r),
                          .max_wait_ms = p->max_wait_ms,
                          .wake_in_ms = look_in_ms(&w->why) })) {
        uint64_t first = soonest_ms(r, &w->why);

        if (first > w->why.retry_ms)
            limit_refusal_later(&w->why, first);
        return limit_denied(r, &w->why);
    }
    timers_start_total(r, NULL);
    return STEP_THROTTLE;
}

enum step step_throttle(struct request *r)
{
    struct limit_wanted *w = r->claim.wanted;
    bool turn = queue_turn(r);
    int rc = -ERR_RATE_LIMITED;

    if (turn)
        rc = limit_claim_again(&r->claim, clock_mono_ms(), &w->why);
    if (rc == 0) {
        queue_leave(r, QUEUE_SERVED);
        r->err_policy = STR_NULL;
        return STEP_ADMIT; /* the policies behind this one */
    }
    if (rc != -ERR_RATE_LIMITED || queue_is_over(r))
        return limit_denied(r, &w->why);
    if (turn)
        queue_again_in(r, look_in_ms(&w->why));
    timers_arm(r);
    r->waiting_on = "limit";
    return STEP_WAIT;
}
