/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which configuration explains where no -c names one. */
#ifndef PENSTOCK_CLI_EXPLAIN_USUAL_H
#define PENSTOCK_CLI_EXPLAIN_USUAL_H

#include "app/paths.h"
#include "cli/cli.h"

/**
 * The file of the running instance; where none runs, the installed one; where
 * there is none, "": the built-in configuration. What is taken in the place
 * of something else, and an instance that serves another state of its file,
 * is said on stderr.
 *
 *   out      PATHS_MAX bytes
 *   returns  CLI_DONE; CLI_NO_INSTANCE, with the reason printed, where -s
 *            names an instance that does not answer; CLI_REFUSED where it
 *            answers with an error, or its file's path is too long
 *
 * Cost: blocks on the instance for ten seconds at most
 */
int explain_usual(const struct cli_ctx *ctx, char *out);

#endif
