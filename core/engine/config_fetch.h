/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A key that is not written but fetched out of band, by the keeper (see
 * keeper/fetcher.h): what it is fetched with. Part of engine/config.h.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_FETCH_H
#define PENSTOCK_ENGINE_CONFIG_FETCH_H

#include "engine/secret.h"

enum fetch_kind {
    FETCH_GOOGLE, FETCH_AWS, FETCH_ENTRA,
    FETCH_EXCHANGE, /* as the plugin says */
    FETCH_KINDS
};

enum { FETCH_ID = 32 }; /* hex digits */

struct conf_fetch {
    enum fetch_kind kind;
    /* A digest of the key's name and all that is below, so that what was
     * fetched by one is never taken for another's. */
    struct str id;
    struct str label;  /* "vertex#1" */
    struct str source; /* "default": the first that is there */
    /* Empty: what the environment says. */
    struct secret secret; /* google: account; entra: secret;
                             exchange: the key */
    struct str scope;     /* google, entra */
    struct str profile, file, config_file, role, region; /* aws */
    bool programs; /* aws: those of profiles may be run */
    struct str token_file;                  /* aws, entra */
    struct str tenant, client_id;           /* entra */
};

#endif
