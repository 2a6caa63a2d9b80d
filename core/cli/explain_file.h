/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock explain -f REQUEST.json [-c FILE]`. */
#ifndef PENSTOCK_CLI_EXPLAIN_FILE_H
#define PENSTOCK_CLI_EXPLAIN_FILE_H

#include "app/dry_run.h"
#include "cli/cli.h"

/** Run it; `config` NULL: explain_usual.h. An enum cli_exit. */
int explain_file(const struct cli_ctx *ctx, const char *request,
                 const char *config);

/** A request read from its file; what `ask` borrows lies here. */
struct dry_request {
    json_t *root;
    struct buf head;
    char *body; /* malloc'd, where it is made of a value */
    struct dry_ask ask;
};

/** explain_request.c. Errors: CONFIG with what is wrong, IO.
 * dry_request_clear in any case. */
int dry_request_read(struct dry_request *q, const char *path,
                     struct err *err);
void dry_request_clear(struct dry_request *q);

#endif
