/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the shared cells tell: metrics as text, a request's timeline. */
#include "engine/cells_layout.h"

#include "base/clock.h"

#include <sched.h>
#include <stdlib.h>

#define FOLD_TRIES 1000

void cells_beat(struct process_cell *p, uint64_t now_ms, size_t inflight,
                size_t connections)
{
    atomic_store_explicit(&p->inflight, (uint32_t)inflight,
                          memory_order_relaxed);
    atomic_store_explicit(&p->connections, (uint32_t)connections,
                          memory_order_relaxed);
    atomic_store_explicit(&p->beat_ms, now_ms, memory_order_release);
}

enum { EXTRA_INFLIGHT, EXTRA_QUEUED, EXTRA_CONNECTIONS, EXTRA_WORKERS,
       EXTRA_UP_BUSY, EXTRA_UP_IDLE, EXTRA_COUNT };

/* Read one after the other: never more idle than there are. */
static void count_upstream(const struct process_cell *p,
                           struct metrics_extra *extra)
{
    uint32_t open = atomic_load(&p->up_open), idle = atomic_load(&p->up_idle);

    idle = idle < open ? idle : open;
    extra[EXTRA_UP_IDLE].value += idle;
    extra[EXTRA_UP_BUSY].value += open - idle;
}

static void count_workers(const struct cells *c, struct metrics_extra *extra)
{
    const struct process_cell *p;
    uint32_t at = 0;

    extra[EXTRA_INFLIGHT].id = METRIC_INFLIGHT;
    extra[EXTRA_QUEUED].id = METRIC_QUEUED;
    extra[EXTRA_CONNECTIONS].id = METRIC_CONNECTIONS;
    extra[EXTRA_WORKERS].id = METRIC_WORKERS;
    extra[EXTRA_UP_BUSY].id = extra[EXTRA_UP_IDLE].id = METRIC_UP_CONNECTIONS;
    extra[EXTRA_UP_BUSY].labels = STR("\4busy");
    extra[EXTRA_UP_IDLE].labels = STR("\4idle");
    while ((p = cells_next(c, &at))) {
        if (atomic_load(&p->kind) != PROC_WORKER)
            continue;
        extra[EXTRA_INFLIGHT].value += atomic_load(&p->inflight);
        extra[EXTRA_QUEUED].value += atomic_load(&p->queued);
        extra[EXTRA_CONNECTIONS].value += atomic_load(&p->connections);
        count_upstream(p, extra);
        extra[EXTRA_WORKERS].value += atomic_load(&p->state) == PROC_READY;
    }
}

static bool is_at(const struct request_cell *r, struct str target)
{
    size_t n = target.n < sizeof r->target - 1 ? target.n
                                               : sizeof r->target - 1;

    return atomic_load_explicit(&r->seq, memory_order_acquire) &&
           memcmp(r->target, target.p, n) == 0 && !r->target[n];
}

static uint64_t block_at(const struct cells_block *b, struct str target)
{
    uint32_t used = atomic_load(&b->process->requests_used);
    uint64_t n = 0;

    for (uint32_t i = 0; i < used; i++)
        n += is_at(&b->requests[i], target);
    return n;
}

uint64_t cells_at_target(const struct cells *c, struct str target)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < cells_header(c)->processes; i++) {
        struct cells_block b = cells_block(c, i);

        if (atomic_load(&b.process->pid))
            n += block_at(&b, target);
    }
    return n;
}

/* ---- targets and credentials -------------------------------------------- */

enum { STATES = 3, TARGET_STATES = STATES + 7, STATE_MAX = 16 };

_Static_assert(BREAKER_HALF + 1 == STATES && REST_PARKED + 1 == STATES,
               "each has as many");

/** A cell's labels as metrics pack them: length and bytes, twice. */
struct state_labels {
    char text[1 + METRIC_LABEL_MAX + 1 + STATE_MAX];
};

static struct str pack_state(struct state_labels *l, struct str name,
                             struct str state)
{
    size_t n = name.n < METRIC_LABEL_MAX ? name.n : METRIC_LABEL_MAX;

    l->text[0] = (char)n;
    memcpy(l->text + 1, name.p, n);
    l->text[++n] = (char)state.n;
    memcpy(l->text + n + 1, state.p, state.n);
    return (struct str){ l->text, n + 1 + state.n };
}

static struct str pack_name(struct state_labels *l, struct str name)
{
    size_t n = name.n < METRIC_LABEL_MAX ? name.n : METRIC_LABEL_MAX;

    l->text[0] = (char)n;
    memcpy(l->text + 1, name.p, n);
    return (struct str){ l->text, n + 1 };
}

/** The samples that stand in no column, and their labels. */
struct extras {
    struct metrics_extra *at;
    struct state_labels *labels;
    size_t n; /* of targets and credentials, at most */
};

static void extras_clear(struct extras *x)
{
    free(x->at);
    free(x->labels);
}

static size_t count_cells(const struct health *h)
{
    uint32_t at = 0;
    size_t n = 0;

    while (health_next(h, &at))
        n++;
    at = 0;
    while (health_next_credential(h, &at))
        n++;
    return n;
}

static int extras_init(struct extras *x, const struct health *h)
{
    x->n = count_cells(h);
    x->n *= TARGET_STATES;
    x->at = calloc(EXTRA_COUNT + x->n, sizeof *x->at);
    x->labels = calloc(x->n + 1, sizeof *x->labels);
    if (x->at && x->labels)
        return 0;
    extras_clear(x);
    return -ERR_NOMEM;
}

static void put_state(struct extras *x, size_t n, enum metric_id id,
                      const struct health_cell *c, const char *state, bool is)
{
    x->at[EXTRA_COUNT + n] = (struct metrics_extra){
        id, pack_state(&x->labels[n], str_of(c->name), str_of(state)), is };
}

static void put_number(struct extras *x, size_t n, enum metric_id id,
                       const struct health_cell *c, uint64_t v)
{
    x->at[EXTRA_COUNT + n] = (struct metrics_extra){
        id, pack_name(&x->labels[n], str_of(c->name)), v };
}

/** The breaker's state, and beside it whether the target rests or is off. */
static size_t put_target(struct extras *x, size_t n, const struct health *h,
                         const struct health_cell *c, uint64_t now)
{
    for (int s = 0; s < STATES; s++)
        put_state(x, n++, METRIC_TARGET_STATE, c, breaker_state_name(s),
                  s == (int)breaker_state(&c->breaker, now));
    put_state(x, n++, METRIC_TARGET_STATE, c, "cooling",
              rest_state(&c->rest, now) != REST_OK);
    put_state(x, n++, METRIC_TARGET_STATE, c, "disabled",
              atomic_load(&c->off) != TARGET_ON);
    put_state(x, n++, METRIC_TARGET_STATE, c, "taken_out",
              autooff_why(&c->autooff) != AUTOOFF_NOT);
    put_state(x, n++, METRIC_TARGET_STATE, c, "degraded",
              trend_share(&c->trend, now) < 1000);
    put_number(x, n++, METRIC_TARGET_INFLIGHT, c, health_inflight(h, c));
    put_number(x, n++, METRIC_TARGET_SHARE, c, health_share(c, now));
    if (health_limit(c))
        put_number(x, n++, METRIC_TARGET_LIMIT, c, health_limit(c));
    return n;
}

/** Returns how many samples there are: cells may have gone meanwhile. */
static size_t put_cells(struct extras *x, const struct health *h)
{
    const struct health_cell *c;
    uint64_t now = clock_mono_ms();
    uint32_t at = 0;
    size_t n = 0;

    while (n + TARGET_STATES <= x->n && (c = health_next(h, &at)))
        n = put_target(x, n, h, c, now);
    at = 0;
    while (n + STATES <= x->n && (c = health_next_credential(h, &at))) {
        for (int s = 0; s < STATES; s++)
            put_state(x, n++, METRIC_CREDENTIAL_STATE, c, rest_state_name(s),
                      s == (int)rest_state(&c->rest, now));
    }
    return EXTRA_COUNT + n;
}

static int put_consistent(const struct cells *c,
                          const struct metrics_column **columns,
                          struct extras *x, struct buf *out)
{
    const struct cells_header *h = cells_header(c);
    size_t mark = out->n;
    int rc = -ERR_BUSY;

    for (int try = 0; try < FOLD_TRIES && rc == -ERR_BUSY; try++) {
        uint64_t seq = atomic_load(&h->fold_seq);
        size_t n = put_cells(x, cells_health(c));

        out->n = mark;
        memset(x->at, 0, EXTRA_COUNT * sizeof *x->at);
        count_workers(c, x->at);
        rc = metrics_text(columns, h->processes + 1, x->at, n, out);
        if (!rc && ((seq & 1) || atomic_load(&h->fold_seq) != seq)) {
            rc = -ERR_BUSY;
            sched_yield();
        }
    }
    return rc;
}

int cells_metrics_text(const struct cells *c, struct buf *out)
{
    const struct cells_header *h = cells_header(c);
    const struct metrics_column **columns;
    uint32_t n = h->processes;
    struct extras x;
    int rc;

    columns = malloc((n + 1) * sizeof *columns);
    if (!columns)
        return -ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        columns[i] = cells_block(c, i).column;
    columns[n] = &h->retired;
    rc = extras_init(&x, cells_health(c));
    if (!rc) {
        rc = put_consistent(c, columns, &x, out);
        extras_clear(&x);
    }
    free(columns);
    return rc;
}

static uint64_t total_of(const struct metrics_column *c, enum metric_id id)
{
    uint64_t sum = 0;

    for (uint32_t at = 0; at < METRICS_INDEX; at++) {
        const struct metrics_series *s = metrics_series_at(c, at);

        if (s && s->id == (uint16_t)id)
            sum += atomic_load_explicit(&s->values[0], memory_order_relaxed);
    }
    return sum;
}

int cells_total(const struct cells *c, enum metric_id id, uint64_t *sum)
{
    const struct cells_header *h = cells_header(c);
    uint64_t seq = atomic_load(&h->fold_seq);

    *sum = total_of(&h->retired, id);
    for (uint32_t i = 0; i < h->processes; i++)
        *sum += total_of(cells_block(c, i).column, id);
    return (seq & 1) || atomic_load(&h->fold_seq) != seq ? -ERR_BUSY : 0;
}

int cells_explain(const struct cells *c, struct str id, struct buf *out)
{
    for (uint32_t i = 0; i < cells_header(c)->processes; i++) {
        int rc = explain_find(cells_block(c, i).ring, id, out);

        if (rc != -ERR_NOTFOUND)
            return rc;
    }
    return -ERR_NOTFOUND;
}
