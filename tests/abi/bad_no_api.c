/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refused: a provider that speaks nothing. */
#include <penstock/plugin.h>

static const ps_provider ops = { .size = sizeof ops };

PS_PLUGIN(PS_PROVIDER, "bad_no_api", "1", &ops);
