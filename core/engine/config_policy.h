/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The typed configuration of policies, endpoints and the log. Part of
 * config.h, which includes it and says who owns what.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_POLICY_H
#define PENSTOCK_ENGINE_CONFIG_POLICY_H

#include "base/str.h"

#include <stdint.h>

struct conf_pair;
struct conf_secret;

struct conf_policy {
    struct str name;
    struct str path;   /* where it was found, for messages */
    struct str source; /* text, from the bundle */
    struct str conf;   /* JSON object for it; secrets as references */
    struct conf_secret *secrets; /* what those are */
    size_t n_secrets;
    bool observe;      /* decisions are noted, not applied */
    struct str fail;   /* "open", "closed", or empty = the phase's default */
    struct str *endpoints;
    size_t n_endpoints; /* 0 = all */
};

struct conf_endpoint {
    struct str name;
    uint64_t max_body; /* 0 = server's */
    uint32_t max_messages, max_tools, max_images, max_tokens; /* 0 = any */
    bool trusted, clamp, lossy_refuse; /* validate = false; max_tokens_over */
    struct str provider; /* of requests that name no model; n 0: nobody */
    struct str anthropic_provider; /* where Anthropic's clients ask; n 0: it */
};

struct conf_log {
    struct str to; /* "stderr" or a path */
    bool json;
    int level;     /* enum log_level */
};

#endif
