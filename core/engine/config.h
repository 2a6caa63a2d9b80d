/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The configuration, typed. It is made in two steps, so that no two processes
 * can read the files differently:
 *
 *   loader   file --conf_lua--> tree (JSON) --config_check--> canonical JSON,
 *            catalogue merged in, secrets resolved apart --> bundle (snapshot)
 *   worker   bundle --config_open--> struct config
 * Read-only, lives as long as its snapshot; ms and bytes; keys: config.def.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_H
#define PENSTOCK_ENGINE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "engine/config_admin.h"
#include "engine/config_affinity.h"
#include "engine/config_alert.h"
#include "engine/config_clients.h"
#include "engine/config_fetch.h"
#include "engine/config_ledger.h"
#include "engine/config_load.h"
#include "engine/config_on.h"
#include "engine/config_outside.h"
#include "engine/config_pool.h"
#include "engine/config_policy.h"
#include "engine/config_quirks.h"
#include "engine/config_reload.h"
#include "engine/config_retries.h"
#include "engine/cors.h"
#include "engine/limit_conf.h"

#include <jansson.h>

struct kept; /* engine/kept.h */
struct map;
struct snapshot;
enum conf_anonymous { ANON_NONE, ANON_LOCAL, ANON_PUBLIC };

struct conf_listen {
    struct str address; /* "127.0.0.1:8080", "unix:/path" */
    enum conf_anonymous anonymous;
    bool detail_full;
    struct conf_tls *tls;
    size_t n_tls; /* 0 = plain */
    struct conf_cors cors;
    struct conf_clients clients;
    struct str *trusted_proxies;
    size_t n_trusted_proxies;
};

struct conf_server {
    uint32_t workers; /* resolved: "auto" is the number of cores */
    struct str user;  /* empty = stay who we are */
    uint64_t max_body, high_water, low_water, auth_failures, auth_failures_ms;
    uint32_t max_connections; /* per worker */
    uint32_t max_header_bytes, max_header_fields;
    uint32_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
    uint32_t write_stall_ms, drain_timeout_ms;
    struct conf_memory memory; /* of a worker */
};

struct conf_timeouts {
    uint32_t connect_ms, head_ms, first_event_ms, idle_ms, total_ms;
    uint32_t commit_after_ms, gap_ms; /* gap 0: learned */
};

struct conf_credential {
    struct str name; /* "main", else "1", "2" ... */
    struct secret secret;
    struct conf_fetch *fetch; /* in its place; or NULL */
    uint32_t weight;
};

struct conf_provider {
    struct str name, vendor, plugin; /* plugin: name of a .so */
    struct str *base_urls; /* several: one target each */
    size_t n_base_urls;
    struct str unix_socket; /* connect here; or empty */
    struct conf_credential *keys;
    size_t n_keys;
    bool keys_from_client; /* pass the client's own credential on */
    struct str auth_header, auth_prefix; /* p NULL: the plugin's */
    struct conf_timeouts timeouts;
    struct conf_retries retries;
    struct conf_health health;
    struct conf_pool pool;
    uint32_t max_concurrent; /* at each target; 0: any number */
    struct aimd_range adaptive; /* min 0: not found out */
    struct conf_quirks quirks;
    struct conf_pair *tags, *headers; /* headers: added to each request */
    size_t n_tags, n_headers;
    struct str *reasoning; /* upstream models that think first, with '*' */
    size_t n_reasoning;
    struct str settings; /* JSON for the plugin; "{}" */
    struct str proxy, ca_file;
    bool http2, insecure;
};

struct conf_target {
    const struct conf_provider *provider;
    struct str model; /* upstream name; may hold one '*' in a pattern */
    uint32_t weight, max_concurrent; /* 0: any number */
};

enum conf_balance { BALANCE_ORDER, BALANCE_WEIGHTED, BALANCE_EWMA };

struct conf_model {
    struct str name; /* may hold one '*' */
    enum conf_balance balance;
    struct conf_target *targets;
    size_t n_targets;
    struct conf_target *fallback; /* tried in order after them */
    size_t n_fallback;
    struct conf_retries retries; /* CONF_UNSET: of the provider */
    struct conf_on on;
    struct conf_exhausted exhausted;
    struct conf_affinity affinity;
};

struct conf_team {
    struct str name, parent; /* parent: what it says holds as well; or none */
    struct str *models;
    size_t n_models;
    struct conf_pair *tags;
    size_t n_tags;
    struct conf_limits limits;
};

struct conf_key {
    struct str name, team, user;
    unsigned char sha256[32];
    bool disabled;
    uint64_t expires_ms; /* wall clock; 0 = never */
    struct str *models, *endpoints, *cidrs; /* empty = all */
    size_t n_models, n_endpoints, n_cidrs;
    struct conf_pair *tags;
    size_t n_tags;
    struct conf_limits limits;
};

struct config {
    struct snapshot *bundle; /* holds a reference */
    struct arena *owner;     /* of all below; freed by config_free */
    struct conf_server server;
    struct str state, plugin_path; /* folders */
    struct conf_listen *listens;
    size_t n_listens;
    struct str metrics; /* address, or empty */
    struct conf_provider *providers;
    struct conf_model *models;
    size_t n_providers, n_models;
    struct conf_team *teams;
    struct conf_key *keys;
    size_t n_teams, n_keys;
    struct conf_admin admin; /* and the store of keys */
    struct conf_ledger ledger;
    struct conf_reload reload;
    struct conf_alerts alerts;
    struct conf_queue queue;
    struct conf_shed shed;
    struct map *key_index; /* by digest, see config_key_index; NULL = none */
    struct conf_policy *policies;
    size_t n_policies;
    struct conf_service *services;
    struct conf_redis *redis;
    struct conf_jwt *jwts;
    struct conf_endpoint *endpoints;
    size_t n_services, n_redis, n_jwts, n_endpoints;
    struct conf_log log;
    uint64_t kv_memory; /* bytes */
    struct conf_limiter limiter;
};

/** Where the loader looks for things. */
struct config_paths {
    const char *policy_path; /* where the file names none; or NULL */
    const char *shipped_policies;
    const char *catalogue;   /* vendors.json */
    const char *state, *plugins; /* where the file names none; or NULL */
    bool static_only;        /* check --static: no secrets, no files */
    const char *candidate;   /* looked into before all; or NULL */
    const struct kept *kept; /* policies and prices are its own; or NULL */
};

/*
 * Marks: a tree may say where its values stand. tree["@"] maps a path to
 * "file:line"; a path is "/" and the name for a member ('~' and '/' as ~0 and
 * ~1), "//" and the number for an unnamed value: "/model/fast//0/weight".
 */
#define CONFIG_MARKS "@"

/** Append a member's name to a path of the marks. 0 or -ERR_x. */
int config_mark_add(struct buf *path, struct str name);

/**
 * Check a tree against config.def and the rules between keys, and make it
 * canonical: defaults filled in, sugar undone, units kept as written, secrets
 * as references. Borrowed `tree`; a new reference is returned, or NULL.
 *
 * Errors: CONFIG, err->at = "file:line" of the nearest mark, else its path
 */
json_t *config_check(json_t *tree, const struct config_paths *paths,
                     struct err *err);

/**
 * As config_check; *why (may be NULL): from the JSON Pointer of each value to
 * where it came from: "penstock.conf:7", "default", "vendor groq", ...
 */
json_t *config_check_why(json_t *tree, const struct config_paths *paths,
                         json_t **why, struct err *err);

/**
 * The tree of `serve` without a file: 127.0.0.1:8080, a provider for each
 * vendor of the catalogue whose environment variable is set, else `sim`. For
 * config_check. NULL with *err.
 */
json_t *config_builtin(const struct config_paths *paths, struct err *err);

/** Let the providers of vendor `sim` connect to the mock's socket, unless they
 * name one; before config_bundle. How many there are (0: no mock is needed). */
size_t config_set_sim_socket(json_t *canonical, const char *path);

/** Secrets and files of a canonical tree into a sealed bundle: its fd, which
 * is the caller's, or -ERR_x. */
int config_bundle(json_t *canonical, const struct config_paths *paths,
                  uint64_t generation, struct err *err);

/** Typed view of a bundle; takes its own reference. NULL with *err. */
struct config *config_open(struct snapshot *bundle, struct err *err);
void config_free(struct config *c);

#endif
