/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where a provider answers that names a plugin and no URL: the plugin knows. */
#ifndef PENSTOCK_APP_LOADER_URLS_H
#define PENSTOCK_APP_LOADER_URLS_H

#include "base/err.h"

#include <jansson.h>

/**
 * Give each provider without a base_url its plugin's own.
 *
 *   canonical  in/out  of config_check
 *   why        in      of config_check_why: for the place of an error
 *
 * Errors: CONFIG (neither has one; the plugin fails its trial), IO, NOMEM.
 * Cost:   a trial in a child for each such provider; the loader's.
 */
int loader_urls(json_t *canonical, const json_t *why, struct err *err);

#endif
