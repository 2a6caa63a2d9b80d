/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What `check` says of targets whose model the catalogue does not know, at a
 * vendor of whose models it knows some: a slip of the pen, or a model newer
 * than the catalogue. It is a note; nothing is refused.
 */
#ifndef PENSTOCK_CLI_CHECK_MODELS_H
#define PENSTOCK_CLI_CHECK_MODELS_H

#include "cli/config_file.h"

/** [{at, target, note}], of a file that was read; the caller's. */
json_t *check_models(const struct config_file *f);

#endif
