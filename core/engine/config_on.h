/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which model takes over what another one refused for its content. */
#ifndef PENSTOCK_ENGINE_CONFIG_ON_H
#define PENSTOCK_ENGINE_CONFIG_ON_H

#include "base/str.h"

struct conf_model;

/** Of a model: who is asked in its place; NULL = nobody. No chain of them
 * leads back, and none is longer than CONF_ON_DEPTH. */
struct conf_on {
    const struct conf_model *context_length, *content_filter;
};

/** Of a model: what comes when no target of it can serve. */
struct conf_exhausted {
    const struct conf_model *model; /* or NULL */
    struct str reply;               /* then this text; or n 0 */
};

#define CONF_ON_DEPTH 8 /* as many tries as a request has */

#endif
