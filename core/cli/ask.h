/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the verbs that speak to a running instance have in common. */
#ifndef PENSTOCK_CLI_ASK_H
#define PENSTOCK_CLI_ASK_H

#include "cli/cli.h"

#include <jansson.h>

/** A connection to the instance; opened by the first question. */
struct ask {
    const struct cli_ctx *ctx;
    char path[512];
    int sock;
};

/** Find the instance's socket. CLI_DONE, or CLI_REFUSED with the reason
 * printed. */
int ask_open(struct ask *a, const struct cli_ctx *ctx);
void ask_close(struct ask *a);

/**
 * Ask; `request` is one JSON object. The answer is *out (a new reference).
 * CLI_DONE; CLI_NO_INSTANCE or CLI_REFUSED with the reason printed, also when
 * the answer is an error.
 */
int ask(struct ask *a, const char *request, json_t **out);

/** The same with a descriptor sent along; -1 = none. */
int ask_with(struct ask *a, const char *request, int fd, json_t **out);

/** Both for who prints nothing itself: 0 or -ERR_x with *err (NOTFOUND, CLOSED:
 * none runs; CONFIG: the answer is an error). */
int ask_find(struct ask *a, const struct cli_ctx *ctx, struct err *err);
int ask_quietly(struct ask *a, const char *request, int fd, json_t **out,
                struct err *err);

/** Wait until the instance closes the connection: it has ended. False after
 * `ms`. */
bool ask_wait_end(struct ask *a, int ms);

/** Where the running instance has its ledger. CLI_DONE or as ask. */
int ask_ledger(const struct cli_ctx *ctx, char *path, size_t size);

/** Print a JSON value and a newline. */
void ask_print(const json_t *v);

/** A verb of one question without arguments: with --json its answer is
 * printed, else `done`. */
int ask_simple(int argc, struct cli_ctx *ctx, const char *request,
               const char *done);

#endif
