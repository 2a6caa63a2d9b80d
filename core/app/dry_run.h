/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request through a configuration, offline: the flow, the plugins and the
 * policies that serve, in this process, with the mock upstream in the place of
 * every provider and fixed replies in the place of services and Redis. Nothing
 * is sent to anybody, no secret is read, nothing is left behind.
 */
#ifndef PENSTOCK_APP_DRY_RUN_H
#define PENSTOCK_APP_DRY_RUN_H

#include "app/paths.h"
#include "base/buf.h"

#include <jansson.h>

struct generation;   /* flow/generation.h */
struct policy_probe; /* policy/probe.h */

/** What is asked. Borrowed. */
struct dry_ask {
    struct str head; /* request line and fields, each line ended by CR LF */
    struct str body;
    const char *client_ip;  /* NULL: this machine */
    const char *listen;     /* whose rules hold; NULL = the first */
    const json_t *http, *redis; /* replies by name; NULL = none: offline */
    json_t *jwt; /* claims by issuer; NULL = none: offline */
    const json_t *upstream; /* the mock's faults; NULL = none */
};

/** What came. dry_answer_clear. */
struct dry_answer {
    json_t *story;  /* flow/story.c; NULL: the request was not accounted */
    struct buf raw; /* the answer's bytes */
};

void dry_answer_clear(struct dry_answer *a);

struct dry_run;

/**
 * Load a configuration (NULL: the built-in one) into a private folder.
 * Errors: CONFIG with place, IO, NOMEM, TIMEOUT.
 */
struct dry_run *dry_run_new(const char *file, const struct paths *p,
                            struct err *err);
/** Removes the folder. NULL is fine. */
void dry_run_free(struct dry_run *d);

/** What serves, opened once more; generation_unref. `probe` may be NULL.
 * Errors: CONFIG, NOMEM. */
struct generation *dry_run_generation(struct dry_run *d,
                                      struct policy_probe *probe,
                                      struct err *err);

/**
 * One request, by states of its own: nothing is kept for the next one.
 *
 *   probe    in   looks on at policies; NULL = none
 *
 * Errors: TIMEOUT (30 s), CONFIG, IO, NOMEM.
 */
int dry_run_ask(struct dry_run *d, const struct dry_ask *ask,
                struct policy_probe *probe, struct dry_answer *out,
                struct err *err);

/** dry_outside.c: the replies. `free` of what it returns is set. */
struct outside;
struct outside *dry_outside_new(const json_t *http, const json_t *redis,
                                json_t *jwt);
void dry_outside_free(struct outside *o);

#endif
