/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock plugin test`, for plugin.c. */
#ifndef PENSTOCK_CLI_PLUGIN_TEST_H
#define PENSTOCK_CLI_PLUGIN_TEST_H

#include "cli/cli.h"
#include "cli/plugin_file.h"

/** Run a loaded plugin over fixtures: files, or folders of them. In a child,
 * so that a crash is told with the place. An enum cli_exit. */
int plugin_test(const struct cli_ctx *ctx, const struct plugin_file *f,
                char **paths, int n);

#endif
