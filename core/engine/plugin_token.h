/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The core's side of cred_refresh: one question to a plugin of how its
 * provider's key is exchanged for a token (penstock/token.h). What it asks
 * and what it got go to who fetches.
 */
#ifndef PENSTOCK_ENGINE_PLUGIN_TOKEN_H
#define PENSTOCK_ENGINE_PLUGIN_TOKEN_H

#include "engine/plugin.h"

struct plugin_token_ops {
    /** Each returns 0, or -ERR_x for what may not be. */
    int (*ask)(void *ud, struct str method, struct str url, struct str body);
    int (*header)(void *ud, struct str name, struct str value);
    int (*got)(void *ud, struct str secret, int64_t seconds);
};

struct plugin_token {
    ps_token pub;
    const struct plugin_token_ops *ops;
    void *ud;
    struct arena *arena; /* of the texts of the answer */
    struct json json;
    bool scanned, asked, got;
    struct err err; /* why it failed, in the plugin's words */
};

/** Does it describe tokens? */
bool plugin_can_refresh(const struct plugin_inst *i);

/**
 * One call. `status` and `answer` are those of what was asked last; step 0:
 * nothing was. 0: `asked` or `got` says which; else -ERR_UPSTREAM_ERROR with
 * t->err. What `t` holds is over when this returns.
 */
int plugin_refresh(struct plugin_token *t, struct plugin_inst *i,
                   struct str secret, uint32_t step, int status,
                   struct str answer);

#endif
