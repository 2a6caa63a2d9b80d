/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What an answer of a provider would mean, offline: the plugin, the quirks and
 * the core's default of the configuration judge it as in a worker, and the
 * same tables and settings say what would follow. Nothing is sent.
 */
#ifndef PENSTOCK_APP_DRY_FAULT_H
#define PENSTOCK_APP_DRY_FAULT_H

#include "app/dry_run.h"
#include "net/http_header.h"

/** An answer. Borrowed. */
struct dry_fault {
    const char *provider; /* as the configuration names it */
    int status;           /* 100 .. 599 */
    struct str body;      /* may be empty */
    const struct http_header *headers;
    size_t n_headers;
};

/**
 * The verdict as an object: class, scope, retry_after_ms, code, message of the
 * provider; `breaker`, `rests` and `next` in words for people; `client`:
 * status and code in the dialects that are served.
 *
 *   returns  a new reference; NULL with *err: NOTFOUND (no such provider),
 *            CONFIG (its plugin does not open), NOMEM
 */
json_t *dry_run_fault(struct dry_run *d, const struct dry_fault *ask,
                      struct err *err);

#endif
