/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The typed configuration of the store of keys and of the admin listener.
 * Part of config.h, whose rules hold here too. */
#ifndef PENSTOCK_ENGINE_CONFIG_ADMIN_H
#define PENSTOCK_ENGINE_CONFIG_ADMIN_H

#include "engine/secret.h"

/** What somebody may do, on the admin listener and the control socket; each
 * may do what those before it may. */
enum role { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

#define ROLE_WORDS "viewer|operator|admin"

struct conf_admin_token {
    struct str name; /* for the audit; its number unless set */
    struct secret token;
    enum role role;
};

struct conf_admin {
    struct str address; /* empty = no admin listener */
    struct conf_admin_token *tokens;
    size_t n_tokens;
    bool keys_store; /* keys live in the store, too */
};

#endif
