/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What one request has taken of limits, by whichever policy: a row is taken
 * once, and all of it is settled when the request ends. Embedded in a request,
 * zeroed but for `limiter`, `full_allows`, `arena`.
 */
#ifndef PENSTOCK_ENGINE_LIMIT_CLAIM_H
#define PENSTOCK_ENGINE_LIMIT_CLAIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "engine/limit.h"
#include "wire/endpoint.h"

/** A row that was taken; texts lie in the arena. */
struct limit_taken {
    struct limit_row row;
    limit_hold hold; /* 0: it is settled */
    bool finish;     /* its end may end a stream */
    uint64_t reserved, remaining; /* when it was taken; for explain */
};

/** The tightest row of a kind, for the headers of the answer. */
struct limit_seen {
    bool set;
    uint64_t limit, remaining, reset_ms;
};

struct json;

struct limit_claim {
    struct limiter *limiter; /* NULL: there are no limits here */
    bool full_allows;        /* where it is full: not limited */
    struct arena *arena;
    struct limit_taken *at;  /* NULL before the first; moves when it grows */
    size_t n, room;
    struct limit_seen seen[LIMIT_CONCURRENT]; /* requests, tokens */
    uint64_t input;   /* tokens guessed for the input; 0 = not yet */
    uint64_t counted; /* output seen so far, in TOKEN_PARTS of a token */
    uint64_t used;    /* tokens, once it is settled */
    bool settled, finished;
    struct limit_wanted *wanted; /* may be taken later; NULL: nothing */
};

/** Why not. */
struct limit_refusal {
    enum err_code code; /* RATE_LIMITED, or OVERLOADED: no room */
    const struct limit_row *row; /* the one to wait for the longest; or NULL */
    uint64_t retry_ms;  /* the longest of all that deny */
    char text[256];     /* for the client */
};

/** It takes longer than the row alone says: so does its text. why->row is
 * there. */
void limit_refusal_later(struct limit_refusal *why, uint64_t retry_ms);

/** Rows that were refused, for who waits; in the arena. */
struct limit_wanted {
    struct limit_row *rows;
    bool *finish;
    size_t n;
    struct limit_refusal why; /* the last time */
    const void *by;           /* who asked */
};

/** Remember rows that limit_claim_take refused. 0, or -ERR_NOMEM: none. */
int limit_claim_later(struct limit_claim *c, const struct limit_row *rows,
                      const bool *finish, size_t n,
                      const struct limit_refusal *why, const void *by);
/** Take them, as limit_claim_take; that they are refused still is not
 * counted. */
int limit_claim_again(struct limit_claim *c, uint64_t now_ms,
                      struct limit_refusal *why);

/**
 * Take rows for the request; those it has are looked at, not taken again.
 * `finish[i]`: see limit_taken; may be NULL. Counts refusals in the metrics.
 *
 * 0, or -ERR_RATE_LIMITED, -ERR_OVERLOADED, -ERR_NOMEM (arena, LIMIT_ROWS)
 * with *why; nothing is taken then.
 */
int limit_claim_take(struct limit_claim *c, const struct limit_row *rows,
                     const bool *finish, size_t n, uint64_t now_ms,
                     struct limit_refusal *why);

/** What that would say, without taking or counting; `states` may be NULL. */
int limit_claim_peek(const struct limit_claim *c, const struct limit_row *rows,
                     size_t n, uint64_t now_ms, struct limit_state *states,
                     struct limit_refusal *why);

/** What a row of tokens is to reserve. */
struct limit_wish {
    enum dialect dialect;
    struct str endpoint;
    const struct json *body; /* its index; NULL: it is not known */
    struct str model;
    int64_t max_tokens;      /* below 1 = not given */
};

/** Input and output; 0 where nothing is charged. The input is guessed once. */
uint64_t limit_claim_want(struct limit_claim *c, const struct limit_wish *w);

/** Has it reserved tokens? The row, or NULL. */
const struct limit_taken *limit_claim_tokens(const struct limit_claim *c);

/** Tokens of output seen so far. */
uint64_t limit_claim_counted(const struct limit_claim *c);

/**
 * The stream goes on: what was counted may be more than what is reserved.
 * Reserves more for rows with `finish`; false: one of them has no more.
 */
bool limit_claim_goes_on(struct limit_claim *c, uint64_t now_ms);

/**
 * The request is over. Idempotent.
 *
 *   used      in   tokens it came to; 0 = nothing was billed
 *   requests  in   false: it does not count as a request either
 */
void limit_claim_settle(struct limit_claim *c, uint64_t used, bool requests,
                        uint64_t now_ms);

/** Append a JSON array, for explain: limit, per, name, max, left, ... */
void limit_claim_write(const struct limit_claim *c, struct buf *out);

/** An address as limits name it: IPv6 by its first 64 bits. */
struct str limit_address(struct str ip, char to[64]);

#endif
