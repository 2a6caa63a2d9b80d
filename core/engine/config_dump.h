/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A canonical tree written as a configuration file.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_DUMP_H
#define PENSTOCK_ENGINE_CONFIG_DUMP_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/**
 * A canonical tree in the configuration's own language; loading the text
 * gives the same canonical tree. With `why` (of config_check_why) each value
 * has a comment on where it came from.
 * Returns 0 or -ERR_LIMIT, -ERR_NOMEM of the buffer.
 */
int config_dump_text(json_t *canonical, const json_t *why, struct buf *out);

#endif
