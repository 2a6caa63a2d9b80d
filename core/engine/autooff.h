/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A target that the gateway itself takes out: its provider keeps saying that
 * the model is gone, or that the key may not use it, or for ten minutes
 * nothing but failures came. It is passed over while there is another; from
 * time to time one request tries it. What serves, or a probe that finds the
 * reason gone, puts it back. An operator's word stands above it.
 *
 * A cell in shared memory; pure otherwise. Times are milliseconds of the
 * machine's monotonic clock, at least 1.
 * Source: docs/design/reliability.md, "Taken out by itself"
 */
#ifndef PENSTOCK_ENGINE_AUTOOFF_H
#define PENSTOCK_ENGINE_AUTOOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AUTOOFF_ROW = 5,         /* refusals, with nothing served between */
    AUTOOFF_SPAN_MS = 2000,  /* and so long since the first: not one burst */
    AUTOOFF_FAILS = 10,      /* failures, with nothing served between */
    AUTOOFF_FAILS_MS = 600000, /* and so long since the first */
    AUTOOFF_TRY_MS = 60000,  /* until one request tries it, doubled */
    AUTOOFF_TRY_MAX_MS = 3600000,
};

enum autooff_why {
    AUTOOFF_NOT, /* it is not off */
    AUTOOFF_AUTH,
    AUTOOFF_ACCESS,
    AUTOOFF_GONE,
    AUTOOFF_FAILING,
};

/** All zero: it is on, and nothing was refused. */
struct autooff {
    _Atomic uint64_t word;     /* 48 bits next try, 8 tries, 8 reason */
    _Atomic uint64_t since_ms; /* of the first failure or refusal; 0 = none */
    _Atomic uint32_t row;      /* of them */
    _Atomic uint32_t refused;  /* of these the refusals in a row */
};

enum autooff_why autooff_why(const struct autooff *a);
/** "model_gone"; "" for AUTOOFF_NOT. */
const char *autooff_name(enum autooff_why why);
/** Until the next try; 0 where it is on, or one is due. */
uint64_t autooff_wait_ms(const struct autooff *a, uint64_t now_ms);

/**
 * May a request go there? Where it is the try that is due, the next one is
 * put off, twice as long as the last.
 */
bool autooff_admits(struct autooff *a, uint64_t now_ms, uint32_t dice);

/** A call was refused, for this reason, or failed (AUTOOFF_FAILING). True: it
 * is taken out by this. */
bool autooff_refused(struct autooff *a, uint64_t now_ms, enum autooff_why why,
                     uint32_t dice);
/** One was served, or a probe found the reason gone. True: it is put back by
 * this. */
bool autooff_served(struct autooff *a);

#endif
