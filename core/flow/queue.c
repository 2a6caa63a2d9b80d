/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Lanes of a worker's queue, and the turns that they give. */
#include "flow/queue.h"

#include "base/siphash.h"
#include "engine/fair.h"
#include "flow/priority.h"

#include <stdlib.h>

enum {
    POLL_MS = 10,    /* for places that other workers free */
    TRIES = 8,       /* of a lane, whose turn leads to nothing */
    TURNS = 64,      /* of all lanes at once: the loop must go on */
    GAP_SHARE = 8,   /* of a new gap in the average */
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60000,
};

#define NS_PER_MS 1000000

struct lane {
    struct lane *next;
    uint64_t name;
    enum queue_for what;
    struct fair *fair;
    struct codel codel;
    uint64_t served_ms; /* the last one was */
    uint64_t gap_ms;    /* between two of them, about; 0 = not known */
    uint64_t wake_ms;   /* no turn before that */
};

struct queue {
    struct flow *flow;
    struct lane *first, **last;
    uint32_t n, n_lanes;
    uint64_t bytes;
    struct lane *turning; /* its turns are being given */
    struct loop_timer poll;
    struct loop_task freed;
};

/** In the request's arena. */
struct queued {
    struct fair_item item;
    struct lane *lane; /* NULL: it waits no more */
    uint64_t since_ms, until_ms;
    uint64_t bytes;
    bool turn;
};

static uint64_t now_ms(const struct flow *f)
{
    return loop_now_ms(f->env.loop);
}

static void publish(const struct queue *q)
{
    if (q->flow->env.process)
        atomic_store_explicit(&q->flow->env.process->queued, q->n,
                              memory_order_relaxed);
}

/* ---- lanes -------------------------------------------------------------- */

static struct lane *lane_find(const struct queue *q, uint64_t name)
{
    struct lane *l = q ? q->first : NULL;

    while (l && l->name != name)
        l = l->next;
    return l;
}

static struct lane *lane_of(struct queue *q, const struct queue_wish *w)
{
    struct lane *l = lane_find(q, w->lane);

    if (l)
        return l;
    l = calloc(1, sizeof *l);
    if (l)
        l->fair = fair_new();
    if (!l || !l->fair) {
        free(l);
        return NULL;
    }
    l->name = w->lane;
    l->what = w->what;
    l->wake_ms = w->wake_in_ms ? now_ms(q->flow) + w->wake_in_ms : 0;
    *q->last = l;
    q->last = &l->next;
    q->n_lanes++;
    return l;
}

/* The first of them; with none behind it that becomes the last. */
static struct lane *lane_take_first(struct queue *q)
{
    struct lane *l = q->first;

    q->first = l->next;
    if (!q->first)
        q->last = &q->first;
    l->next = NULL;
    return l;
}

static void lane_append(struct queue *q, struct lane *l)
{
    *q->last = l;
    q->last = &l->next;
}

static void lane_free(struct queue *q, struct lane *l)
{
    struct lane **at = &q->first;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    if (!l->next)
        q->last = at;
    q->n_lanes--;
    fair_free(l->fair);
    free(l);
}

/* ---- turns -------------------------------------------------------------- */

/* When to look again: for places soon, for limits when it is time. */
static void arm(struct queue *q, bool more)
{
    uint64_t now = now_ms(q->flow), at = UINT64_MAX;

    if (!q->n) {
        loop_timer_stop(&q->poll);
        return;
    }
    for (const struct lane *l = q->first; l; l = l->next) {
        uint64_t due = l->what == QUEUE_TARGET ? now + POLL_MS : l->wake_ms;

        at = due < at ? due : at;
    }
    loop_timer_set(&q->poll, more || at <= now ? 1 : at - now);
}

/* Returns how many turns it gave. */
static uint32_t give_turns(struct queue *q, struct lane *l, uint32_t most)
{
    struct fair_item *back[TRIES], *i;
    uint32_t n = 0, turns = 0;
    uint32_t tries = l->what == QUEUE_TARGET ? TRIES : 1;

    if (l->wake_ms > now_ms(q->flow))
        return 0;
    q->turning = l;
    while (n < tries && turns < most && (i = fair_pop(l->fair))) {
        struct request *r = i->owner;
        struct queued *w = r->queued;

        turns++;
        w->turn = true;
        request_run(r); /* its arena lasts beyond this, see http_server.h */
        w->turn = false;
        if (w->lane)
            back[n++] = i;
    }
    while (n)
        fair_back(l->fair, back[--n]);
    q->turning = NULL;
    if (!fair_count(l->fair))
        lane_free(q, l);
    return turns;
}

static void give_all(struct queue *q)
{
    uint32_t left = TURNS, lanes = q->n_lanes;

    while (lanes-- && left && q->first) {
        struct lane *l = lane_take_first(q);

        lane_append(q, l); /* the next time another one begins */
        left -= give_turns(q, l, left);
    }
    arm(q, !left);
}

static void on_poll(void *ud)
{
    give_all(ud);
}

static void on_freed(void *ud)
{
    give_all(ud);
}

/* Other workers with requests that wait. */
static uint32_t others(const struct flow *f)
{
    const struct process_cell *p;
    uint32_t at = 0, n = 0;

    while (f->env.cells && (p = cells_next(f->env.cells, &at)))
        n += p != f->env.process &&
             atomic_load_explicit(&p->queued, memory_order_relaxed) > 0;
    return n;
}

void queue_freed(struct flow *f)
{
    struct queue *q = f->queue;
    uint32_t n;

    if (!q || !q->n || q->turning)
        return;
    n = others(f);
    if (!n || engine_dice(f->gen->engine) % (n + 1) == 0)
        loop_defer(f->env.loop, &q->freed);
}

/* ---- joining and leaving ------------------------------------------------ */

static struct queue *queue_of(struct flow *f)
{
    struct queue *q = f->queue;

    if (q)
        return q;
    q = f->queue = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->flow = f;
    q->last = &q->first;
    q->freed.fn = on_freed;
    q->freed.ud = q;
    loop_timer_init(&q->poll, f->env.loop, on_poll, q);
    return q;
}

static const char *const kinds[] = { "target", "limit" };
static const char *const ends[] = { "served", "timeout", "shed", "left" };

static void count(enum queue_for what, const char *how)
{
    struct str labels[2] = { str_of(kinds[what]), str_of(how) };

    metric_add(METRIC_QUEUE, labels, 1);
}

static struct str whose(const struct request *r)
{
    const struct principal *p = r->principal;

    return !p ? STR("") : p->key.n ? p->key : p->id;
}

static int enqueue(struct queue *q, struct request *r,
                   const struct queue_wish *w)
{
    struct queued *at = arena_alloc(r->arena, sizeof *at);
    uint64_t now = now_ms(q->flow);

    if (!at)
        return -ERR_NOMEM;
    at->item = (struct fair_item){
        .owner = r,
        .key = siphash(siphash_process_key(), whose(r)),
        .cost = w->cost ? w->cost : 1,
        .batch = priority_is_batch(r),
    };
    at->since_ms = now;
    at->until_ms = now + w->max_wait_ms;
    at->bytes = r->body_bytes;
    at->lane = lane_of(q, w);
    if (!at->lane)
        return -ERR_NOMEM;
    if (fair_put(at->lane->fair, &at->item)) {
        if (!fair_count(at->lane->fair) && at->lane != q->turning)
            lane_free(q, at->lane);
        return -ERR_NOMEM;
    }
    r->queued = at;
    return 0;
}

int queue_join(struct request *r, const struct queue_wish *w)
{
    const struct conf_queue *c = &r->gen->config->queue;
    struct queue *q = queue_of(r->flow);
    int rc;

    if (r->queued)
        return 0;
    if (!q)
        return -ERR_NOMEM;
    if (q->n >= c->length || q->bytes + r->body_bytes > c->memory) {
        count(w->what, "full");
        return -ERR_LIMIT;
    }
    rc = enqueue(q, r, w);
    if (rc)
        return rc;
    q->n++;
    q->bytes += r->queued->bytes;
    publish(q);
    r->wake_at_ms = r->queued->until_ms;
    if (!q->turning)
        arm(q, false);
    return 0;
}

bool queue_turn(struct request *r)
{
    bool yes = r->queued->turn;

    r->queued->turn = false;
    return yes;
}

void queue_again_in(struct request *r, uint64_t ms)
{
    r->queued->lane->wake_ms = now_ms(r->flow) + (ms ? ms : 1);
}

bool queue_is_over(const struct request *r)
{
    return r->total_passed || now_ms(r->flow) >= r->queued->until_ms;
}

bool queue_sheds(struct request *r)
{
    uint64_t now = now_ms(r->flow);

    return codel_sheds(&r->queued->lane->codel, r->gen->config->queue.delay,
                       now, now - r->queued->since_ms);
}

static void served(struct lane *l, uint64_t now)
{
    uint64_t gap = now - l->served_ms;

    if (l->served_ms)
        l->gap_ms = l->gap_ms ? l->gap_ms + gap / GAP_SHARE -
                                    l->gap_ms / GAP_SHARE
                              : gap;
    l->served_ms = now;
}

void queue_leave(struct request *r, enum queue_end how)
{
    struct queued *w = r->queued;
    struct queue *q = r->flow->queue;
    struct str kind;
    uint64_t now;
    struct lane *l;

    if (!w)
        return;
    now = now_ms(r->flow);
    l = w->lane;
    if (how == QUEUE_SERVED && w->item.at == FAIR_OUT) {
        fair_served(l->fair, &w->item);
        served(l, now);
    } else {
        fair_leave(l->fair, &w->item);
    }
    kind = str_of(kinds[l->what]);
    count(l->what, ends[how]);
    metric_observe(METRIC_QUEUE_SECONDS, &kind, (now - w->since_ms) * 1000);
    r->queue_ms += (uint32_t)(now - w->since_ms);
    r->wake_at_ms = 0;
    r->queued = NULL;
    w->lane = NULL;
    q->n--;
    q->bytes -= w->bytes;
    publish(q);
    if (l != q->turning && !fair_count(l->fair))
        lane_free(q, l);
    if (!q->n)
        loop_timer_stop(&q->poll);
}

/* ---- what is known ------------------------------------------------------ */

uint32_t queue_length(const struct flow *f, uint64_t lane)
{
    const struct lane *l =
        f->queue && f->queue->n ? lane_find(f->queue, lane) : NULL;

    return l ? fair_count(l->fair) : 0;
}

bool queue_has(const struct flow *f, uint64_t lane)
{
    return queue_length(f, lane) > 0;
}

uint64_t queue_retry_ms(const struct flow *f, uint64_t lane)
{
    const struct lane *l = lane_find(f->queue, lane);
    uint64_t ms = l ? l->gap_ms * (fair_count(l->fair) + 1u) : 0;

    if (ms < RETRY_MIN_MS)
        return RETRY_MIN_MS;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    loop_timer_stop(&q->poll);
    loop_undefer(&q->freed);
    while (q->first)
        lane_free(q, q->first);
    free(q);
}
