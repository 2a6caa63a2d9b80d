/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How often to try, as a provider or a model says it. */
#ifndef PENSTOCK_ENGINE_CONFIG_RETRIES_H
#define PENSTOCK_ENGINE_CONFIG_RETRIES_H

#include <stdint.h>

#define CONF_UNSET UINT32_MAX /* a model leaves it to the provider */

struct conf_retries {
    uint32_t attempts;    /* all tries of a request */
    uint32_t same_target; /* further tries at one target */
    uint32_t budget;      /* of a model's requests, percent */
};

#endif
