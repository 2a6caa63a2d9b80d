/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A configuration of which nothing leaves this process: for `explain -f`. */
#ifndef PENSTOCK_ENGINE_CONFIG_DIVERT_H
#define PENSTOCK_ENGINE_CONFIG_DIVERT_H

#include "engine/config.h"

/**
 * Change a canonical tree (of config_check, static_only) so that every
 * provider connects to the Unix socket in place of its host, without TLS, and
 * no secret is needed: keys, tokens and passwords are "no-secret-here". Who the
 * process runs as, certificates and metrics go. Other references (env "X" in an
 * ordinary key) are resolved, which static_only left undone.
 *
 * Errors: CONFIG (a reference without a value), NOMEM.
 */
int config_divert(json_t *canonical, const char *socket, struct err *err);

#endif
