/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Shared cells. `struct cells` itself is each process's own: it says where
 * the mapping is and which part of it is ours; free request cells are a stack
 * in our own memory, since only we claim them.
 */
#include "engine/cells.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/share.h"
#include "engine/cells_layout.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* A loop that has not turned for so long leads no more. */
enum { LEAD_BEAT_MS = 2000, FOLD_PATIENCE = 1000 };

struct cells {
    char *map;
    struct share share;
    size_t block_size;
    struct health *health;
    struct charges *charges;
    struct cells_block mine; /* all NULL before cells_enter */
    uint32_t *free;          /* stack of our free request cells */
    uint32_t n_free;
};

/* This process's own view, from cells_enter on: a request cell is given back
 * without it. */
static struct cells *here;

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static size_t requests_offset(void)
{
    return round64(sizeof(struct process_cell));
}

static size_t column_offset(uint32_t requests)
{
    return requests_offset() + round64(requests * sizeof(struct request_cell));
}

struct cells_header *cells_header(const struct cells *c)
{
    return (struct cells_header *)c->map;
}

struct cells_block cells_block(const struct cells *c, uint32_t i)
{
    char *at = c->map + round64(sizeof(struct cells_header)) +
               i * c->block_size;
    uint32_t requests = cells_header(c)->requests;
    size_t column = column_offset(requests);
    size_t ring = column + sizeof(struct metrics_column);

    return (struct cells_block){
        .process = (struct process_cell *)at,
        .requests = (struct request_cell *)(at + requests_offset()),
        .column = (struct metrics_column *)(at + column),
        .ring = (struct explain_ring *)(at + ring),
        .lines = (struct log_gathered *)(at + ring +
                                         round64(sizeof(struct explain_ring))),
    };
}

uint32_t cells_index(const struct cells *c, const struct process_cell *p)
{
    size_t off = (size_t)((const char *)p - c->map);

    return (uint32_t)((off - round64(sizeof(struct cells_header))) /
                      c->block_size);
}

static struct cells_block block_of(const struct cells *c,
                                   const struct process_cell *p)
{
    return cells_block(c, cells_index(c, p));
}

static int map_memory(struct cells *c, uint32_t processes, uint32_t requests,
                      struct err *err)
{
    size_t head = round64(sizeof(struct cells_header));
    struct buf layout = BUF_INIT(1 << 16);
    struct cells_header *h;
    int rc;

    cells_put_layout(c->block_size, requests, &layout);
    rc = buf_putc(&layout, '\0');
    if (rc)
        err_set(err, ERR_NOMEM, "no memory");
    else
        rc = share_open(&c->share, "cells", layout.p,
                        head + processes * c->block_size, err);
    buf_clear(&layout);
    if (rc)
        return rc;
    c->map = c->share.map;
    if (!c->share.fresh)
        return 0;
    h = cells_header(c);
    h->processes = processes;
    h->requests = requests;
    if (getrandom(&h->boot_id, sizeof h->boot_id, 0) != sizeof h->boot_id)
        h->boot_id = clock_mono_ns() ^ clock_wall_ms() << 20;
    /* what goes by the number of a process cell begins with them */
    share_forget("health");
    share_forget("limits");
    share_forget("ledger");
    return 0;
}

struct cells *cells_new(uint32_t processes, uint32_t requests_per_process,
                        struct err *err)
{
    struct cells *c = calloc(1, sizeof *c);

    if (!c) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    c->block_size = column_offset(requests_per_process) +
                    sizeof(struct metrics_column) +
                    round64(sizeof(struct explain_ring)) +
                    round64(sizeof(struct log_gathered));
    if (map_memory(c, processes, requests_per_process, err) == 0)
        c->health = health_new(cells_header(c)->processes, err);
    c->charges = c->health ? charges_new(err) : NULL;
    if (!c->charges) {
        health_free(c->health);
        share_close(&c->share);
        free(c);
        return NULL;
    }
    metrics_here(&cells_header(c)->retired);
    return c;
}

bool cells_inherited(const struct cells *c)
{
    return !c->share.fresh;
}

void cells_free(struct cells *c)
{
    if (!c)
        return;
    metrics_here(NULL);
    explain_here(NULL);
    log_gather_in(NULL);
    crumb_here = NULL;
    here = NULL;
    health_free(c->health);
    charges_free(c->charges);
    share_close(&c->share);
    free(c->free);
    free(c);
}

struct health *cells_health(const struct cells *c)
{
    return c->health;
}

struct alert_board *cells_alerts(const struct cells *c)
{
    return &cells_header(c)->alerts;
}

struct charges *cells_charges(const struct cells *c)
{
    return c->charges;
}

uint64_t cells_boot_id(const struct cells *c)
{
    return cells_header(c)->boot_id;
}

struct process_cell *cells_claim(struct cells *c, enum process_kind kind,
                                 uint32_t slot)
{
    for (uint32_t i = 0; i < cells_header(c)->processes; i++) {
        struct process_cell *p = cells_block(c, i).process;
        uint64_t now = clock_mono_ms();

        uint32_t was = PROC_FREE;

        /* while one program follows another two masters claim */
        if (!atomic_compare_exchange_strong(&p->kind, &was, (uint32_t)kind))
            continue;
        atomic_store(&p->pid, 0);
        atomic_store(&p->state, PROC_STARTING);
        atomic_store(&p->slot, slot);
        atomic_store(&p->beat_ms, now);
        atomic_store(&p->started_ms, now);
        atomic_store(&p->inflight, 0);
        atomic_store(&p->up_open, 0);
        atomic_store(&p->up_idle, 0);
        atomic_store(&p->connections, 0);
        atomic_store(&p->crash_body, 0);
        atomic_store(&p->queued, 0);
        atomic_store(&p->shedding, 0);
        atomic_store(&p->crumb.kind, CRUMB_NONE);
        vitals_clear(&p->vitals);
        return p;
    }
    return NULL;
}

void cells_enter(struct cells *c, struct process_cell *p)
{
    uint32_t n = cells_header(c)->requests;

    here = c;
    c->mine = block_of(c, p);
    atomic_store(&p->pid, (int32_t)getpid());
    crumb_here = &p->crumb;
    metrics_here(c->mine.column);
    explain_here(c->mine.ring);
    log_gather_in(c->mine.lines);
    free(c->free);
    c->free = malloc(n * sizeof *c->free);
    c->n_free = c->free ? n : 0;
    for (uint32_t i = 0; i < c->n_free; i++)
        c->free[i] = n - 1 - i; /* the first is taken first */
}

/* Its line is gathered: all that was left to do is giving its cell back. */
static bool was_over(const struct cells_block *b, const struct request_cell *r)
{
    struct str id = { r->id, strnlen(r->id, sizeof r->id) };

    return log_left_has(b->lines, id);
}

/** Two masters may fold at a time, the old program's and the new one's. One
 * that died within a fold is not waited for. */
static void fold(struct cells_header *h, struct metrics_column *dead)
{
    uint64_t seq = atomic_load(&h->fold_seq);

    for (int i = 0; i < FOLD_PATIENCE; i++) {
        seq &= ~(uint64_t)1;
        if (atomic_compare_exchange_strong(&h->fold_seq, &seq, seq + 1))
            break;
        sched_yield();
    }
    metrics_retire(&h->retired, dead);
    seq = atomic_load(&h->fold_seq);
    atomic_store(&h->fold_seq, (seq | 1) + 1);
}

void cells_reap(struct cells *c, struct process_cell *p,
                void (*lost)(void *ud, const struct request_cell *r), void *ud)
{
    struct cells_block b = block_of(c, p);
    struct cells_header *h = cells_header(c);
    uint32_t used = atomic_load(&p->requests_used);

    explain_here(b.ring); /* what `lost` explains goes to the dead's ring */
    for (uint32_t i = 0; i < used && i < h->requests; i++) {
        struct request_cell *r = &b.requests[i];

        if (atomic_load(&r->seq) == 0)
            continue;
        if (lost && !was_over(&b, r))
            lost(ud, r);
        atomic_store(&r->seq, 0);
    }
    explain_here(NULL);
    log_left_write(b.lines);
    health_reap(c->health, (uint32_t)atomic_load(&p->pid),
                cells_index(c, p));
    fold(h, b.column);
    atomic_store(&p->pid, 0);
    atomic_store(&p->state, PROC_GONE);
    atomic_store(&p->kind, PROC_FREE);
}

struct request_cell *cells_request_begin(struct cells *c, struct str id,
                                         struct str endpoint)
{
    struct request_cell *r;
    uint32_t i;

    if (!c || c->n_free == 0)
        return NULL;
    i = c->free[--c->n_free];
    r = &c->mine.requests[i];
    if (i >= atomic_load_explicit(&c->mine.process->requests_used,
                                  memory_order_relaxed))
        atomic_store(&c->mine.process->requests_used, i + 1);
    crumb_copy(r->id, sizeof r->id, id);
    crumb_copy(r->endpoint, sizeof r->endpoint, endpoint);
    r->principal[0] = r->target[0] = '\0';
    r->body = STR_NULL;
    r->key[0] = r->team[0] = r->user[0] = r->model[0] = '\0';
    atomic_store_explicit(&r->attempt, 0, memory_order_relaxed);
    atomic_store_explicit(&r->status, 0, memory_order_relaxed);
    atomic_store_explicit(&r->start_ns, clock_mono_ns(),
                          memory_order_relaxed);
    atomic_store_explicit(&r->seq, 1, memory_order_release);
    return r;
}

void cells_request_note(struct request_cell *r, struct str principal,
                        struct str target)
{
    if (!r)
        return;
    if (principal.p)
        crumb_copy(r->principal, sizeof r->principal, principal);
    if (!target.p)
        return;
    crumb_copy(r->target, sizeof r->target, target);
    atomic_store_explicit(&r->status, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->attempt, 1, memory_order_relaxed);
}

void cells_request_caller(struct request_cell *r, struct str key,
                          struct str team, struct str user)
{
    if (!r)
        return;
    crumb_copy(r->key, sizeof r->key, key);
    crumb_copy(r->team, sizeof r->team, team);
    crumb_copy(r->user, sizeof r->user, user);
}

void cells_request_model(struct request_cell *r, struct str model)
{
    if (r)
        crumb_copy(r->model, sizeof r->model, model);
}

void cells_request_body(struct request_cell *r, struct str body)
{
    if (r)
        r->body = body;
}

void cells_crashed(struct process_cell *p)
{
    uint32_t used = atomic_load(&p->requests_used);

    if (!here || here->mine.process != p ||
        atomic_load(&p->crumb.kind) == CRUMB_NONE)
        return;
    for (uint32_t i = 0; i < used && i < cells_header(here)->requests; i++) {
        const struct request_cell *r = &here->mine.requests[i];

        if (atomic_load(&r->seq) && r->body.p && *p->crumb.request &&
            strncmp(r->id, p->crumb.request, sizeof r->id) == 0)
            atomic_store(&p->crash_body, charges_body(r->body));
    }
}

void cells_request_used(struct request_cell *r, int status,
                        const struct usage *u, int64_t cost_nusd)
{
    if (!r)
        return;
    r->usage = *u;
    r->cost_nusd = cost_nusd;
    atomic_store_explicit(&r->status, (uint32_t)status, memory_order_release);
}

void cells_request_end(struct request_cell *r)
{
    if (!r || !here)
        return;
    atomic_store_explicit(&r->seq, 0, memory_order_release);
    here->free[here->n_free++] = (uint32_t)(r - here->mine.requests);
}

struct process_cell *cells_next(const struct cells *c, uint32_t *at)
{
    while (*at < cells_header(c)->processes) {
        struct process_cell *p = cells_block(c, (*at)++).process;

        if (atomic_load(&p->kind) != PROC_FREE)
            return p;
    }
    return NULL;
}

static bool is_turning(const struct process_cell *p)
{
    return atomic_load(&p->kind) == PROC_WORKER &&
           atomic_load(&p->state) == PROC_READY &&
           clock_mono_ms() - atomic_load(&p->beat_ms) < LEAD_BEAT_MS;
}

static bool goes_before(const struct process_cell *a,
                        const struct process_cell *b)
{
    uint32_t slot_a = atomic_load(&a->slot), slot_b = atomic_load(&b->slot);
    uint64_t age_a = atomic_load(&a->started_ms);
    uint64_t age_b = atomic_load(&b->started_ms);

    if (slot_a != slot_b)
        return slot_a < slot_b;
    return age_a != age_b ? age_a > age_b : a < b;
}

bool cells_leads(const struct cells *c, const struct process_cell *me)
{
    struct process_cell *p;
    uint32_t at = 0;

    if (atomic_load(&me->state) != PROC_READY)
        return false;
    while ((p = cells_next(c, &at)) != NULL) {
        if (p != me && is_turning(p) && goes_before(p, me))
            return false;
    }
    return true;
}

/* ---- a generation's verdicts ------------------------------------------- */

/** One writer: its process. */
static void some_more(_Atomic uint64_t *v, uint32_t n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void cells_judge(struct process_cell *p, bool denied, bool failed)
{
    some_more(&p->verdicts.answered, 1);
    if (denied)
        some_more(&p->verdicts.denied, 1);
    if (failed)
        some_more(&p->verdicts.failed, 1);
}

void cells_judge_tries(struct process_cell *p, uint32_t tries,
                       uint32_t broken)
{
    some_more(&p->verdicts.tries, tries);
    some_more(&p->verdicts.broken, broken);
}

void cells_generation(struct process_cell *p, uint64_t number)
{
    atomic_store(&p->verdicts.answered, 0);
    atomic_store(&p->verdicts.denied, 0);
    atomic_store(&p->verdicts.failed, 0);
    atomic_store(&p->verdicts.tries, 0);
    atomic_store(&p->verdicts.broken, 0);
    atomic_store(&p->generation, number);
}
