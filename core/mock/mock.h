/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The mock upstream: a provider that answers at once, the same every time,
 * and fails exactly as it was told. `penstock mock` runs it, `serve` runs it
 * behind the sim plugin, tests run it in-process.
 *
 * Models: echo (and echo-NAME), lorem, tools, think, json, embed. Faults are
 * data: a list of rules from a file or PUT /__mock/faults; GET /__mock/stats
 * and /__mock/last tell what was seen. See docs/guide/mock.md.
 */
#ifndef PENSTOCK_MOCK_MOCK_H
#define PENSTOCK_MOCK_MOCK_H

#include "base/err.h"
#include "net/loop.h"

struct mock;

struct mock_options {
    const char *faults_file; /* JSON rules; NULL = none */
    double tokens_per_s;     /* of each stream; 0 = as fast as it is read */
    bool lenient; /* any model is echo, and a path may have any beginning */
    int stop_fd; /* mock_serve ends when this has bytes or an end; -1 = none */
    void (*ready)(void *ud); /* mock_serve: it accepts from now on; or NULL */
    void *ready_ud;
};

/** Errors: IO, SYNTAX, CONFIG (the faults file), NOMEM. */
struct mock *mock_new(struct loop *l, const struct mock_options *o,
                      struct err *err);
/** Ends all requests. NULL is fine. */
void mock_free(struct mock *m);

/** Accept there (borrowed, listening, non-blocking); 0 or -ERR_NOMEM. */
int mock_listen(struct mock *m, int fd);

/** Replace the rules by those in the text; unchanged on failure. */
int mock_set_faults(struct mock *m, struct str json, struct err *err);

/**
 * Run a mock on `listen_fd` until SIGTERM, SIGINT or the end of stop_fd.
 * For a process of its own. 0, or -ERR_x when it could not start.
 */
int mock_serve(int listen_fd, const struct mock_options *o, struct err *err);

#endif
