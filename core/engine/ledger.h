/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The ledger on its way from a worker to the keeper: rows in rings of shared
 * memory, one ring per process cell, so that each has one producer (its
 * process, or the master once that is dead) and one consumer (the keeper).
 * A worker writes no file and waits for nothing. docs/design/ledger.md.
 */
#ifndef PENSTOCK_ENGINE_LEDGER_H
#define PENSTOCK_ENGINE_LEDGER_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/usage.h"

enum ledger_text {
#define LEDGER_TEXT(id, column, max) LEDGER_##id,
#include "engine/ledger.def"
#undef LEDGER_TEXT
    LEDGER_TEXTS
};

/** A try that was answered or billed. */
struct ledger_row {
    int64_t time_ms;   /* wall clock, at its end */
    int64_t cost_nusd; /* -1 = unknown */
    struct usage usage; /* as reported; -1 = not */
    int64_t ttft_ms;   /* -1 = nothing came */
    uint32_t ms, attempt; /* attempt 0: none had begun */
    int32_t status;    /* HTTP; 0 = none */
    bool stream, estimated; /* estimated: counted here, the client was gone */
    struct str text[LEDGER_TEXTS]; /* borrowed; empty = none */
};

extern const char *const ledger_columns[LEDGER_TEXTS];

enum { LEDGER_RECORD_MAX = 2048, LEDGER_RING_BYTES = 2 << 20 };

/** As a record; returns its bytes, at most LEDGER_RECORD_MAX, a multiple of
 * 8. `to` is aligned to 8. Cost: about 100 ns. */
size_t ledger_pack(const struct ledger_row *row, void *to);

/** Back; texts borrow from the record. False when it is none. */
bool ledger_unpack(struct str record, struct ledger_row *out);

struct ledger_ring;

/** For `n` processes, before the fork; `bytes` each, a power of two, at least
 * 4096. NULL with *err. */
struct ledger_rings *ledger_rings_new(uint32_t n, size_t bytes,
                                      struct err *err);
void ledger_rings_free(struct ledger_rings *r);
uint32_t ledger_rings_count(const struct ledger_rings *r);
struct ledger_ring *ledger_ring(const struct ledger_rings *r, uint32_t i);

/** Producer: false when it is full, which is counted as lost. `ring` NULL:
 * nothing is kept. */
bool ledger_put(struct ledger_ring *ring, const struct ledger_row *row);

/** Consumer: where what is not yet let go begins and ends. */
uint64_t ledger_tail(const struct ledger_ring *ring);
uint64_t ledger_head(const struct ledger_ring *ring);
/**
 * The record at *at into `to` (LEDGER_RECORD_MAX bytes); *at goes behind it.
 * Its bytes; 0: there is none. A ring that was scribbled over is skipped to
 * its head.
 */
size_t ledger_read(const struct ledger_ring *ring, uint64_t *at, void *to);
/** All before `at` is safe elsewhere: the room is free. Never goes back. */
void ledger_let_go(struct ledger_ring *ring, uint64_t at);

size_t ledger_ring_size(const struct ledger_ring *ring);
/** Rows that found it full, ever. */
uint64_t ledger_lost(const struct ledger_ring *ring);

#endif
