/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock plugin`, where it speaks to a running instance. */
#ifndef PENSTOCK_CLI_PLUGIN_LIVE_H
#define PENSTOCK_CLI_PLUGIN_LIVE_H

#include "cli/cli.h"

#include "base/err.h"

#include <jansson.h>

/**
 * Ask the running instance, and wait as long as it takes. *out is a new
 * reference. 0; -ERR_NOTFOUND: none runs; else -ERR_x: it refused, and *err
 * says why.
 */
int plugin_ask(const struct cli_ctx *ctx, json_t *request, json_t **out,
               struct err *err);

/** Print what the instance has; -ERR_NOTFOUND where none runs (nothing was
 * printed), else the exit code. */
int plugin_list_live(const struct cli_ctx *ctx);

/* verbs: exit codes */

int plugin_release(const struct cli_ctx *ctx, char **args, int n);
int plugin_install(const struct cli_ctx *ctx, char **args, int n);

#endif
