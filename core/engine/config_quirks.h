/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How a provider deviates from the dialect that it speaks, by `quirks` of the
 * catalogue and the configuration. See engine/config.h for who owns it.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_QUIRKS_H
#define PENSTOCK_ENGINE_CONFIG_QUIRKS_H

#include "base/str.h"

struct conf_pair;

struct conf_quirks {
    struct conf_pair *rename; /* member names of the body's top object */
    size_t n_rename;
    struct str *drop;
    size_t n_drop;
    struct conf_pair *errors; /* provider's error code -> fault class name */
    size_t n_errors;
    struct str reasoning_in;  /* names of wire/codec_target.h; empty: by the */
    struct str reasoning_out; /* model; of wire/codec.h; empty: "auto" */
    bool responses;           /* it has an endpoint for Responses */
    struct str *responses_only;  /* models, with '*', that have no other */
    struct str *responses_tools; /* ... and that only there take tools */
    size_t n_responses_only, n_responses_tools;
    bool no_completions;      /* it has no endpoint for legacy Completions */
    struct str *completions_for; /* but for these models, with '*' */
    size_t n_completions_for;
};

#endif
