/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The typed configuration of what policies reach: services, Redis, secrets.
 * Part of config.h, whose rules hold here too. */
#ifndef PENSTOCK_ENGINE_CONFIG_OUTSIDE_H
#define PENSTOCK_ENGINE_CONFIG_OUTSIDE_H

#include "engine/secret.h"

struct conf_pair {
    struct str key, value;
};

/** A secret of a policy's conf, by its key there. */
struct conf_secret {
    struct str name;
    struct secret secret;
};

/** A service that policies may call. */
struct conf_service {
    struct str name;
    struct str url;      /* without a '/' at its end */
    struct secret token; /* sent as a bearer token; or not set */
    struct conf_pair *headers; /* added to each call */
    size_t n_headers;
    uint32_t timeout_ms; /* of a whole call */
    uint64_t max_body;   /* of an answer */
    struct str ca_file;  /* empty = the system's */
    bool observe_all;    /* policies that only observe may do more than GET */
};

struct conf_redis {
    struct str name;
    struct str host, unix_path; /* one of them */
    uint16_t port;
    uint32_t db;
    bool tls;
    struct str user;
    struct secret password;
    uint32_t timeout_ms, connect_timeout_ms;
    struct str ca_file;
};

#endif
