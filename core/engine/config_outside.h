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

/** An issuer of tokens whose bearers may call. */
struct conf_jwt {
    struct str name;
    struct str issuer; /* as it stands in tokens */
    struct str *audience;
    size_t n_audience;
    uint32_t algs;      /* 1 << enum sign_alg */
    struct secret jwks; /* a set of keys; or not set */
    struct str jwks_file, jwks_url; /* where one is; empty: ask the issuer */
    struct str ca_file;  /* empty = the system's */
    uint32_t leeway_ms, refresh_ms, refetch_ms;
    struct conf_pair *claims; /* principal's field -> path of the claim */
    size_t n_claims;
};

#endif
