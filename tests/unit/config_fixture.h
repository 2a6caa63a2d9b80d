/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What tests of the configuration share: a folder with empty policies,
 * the repository's catalogue, and text to canonical tree in one call.
 */
#ifndef PENSTOCK_CONFIG_FIXTURE_H
#define PENSTOCK_CONFIG_FIXTURE_H

#include "engine/config.h"
#include "policy/conf_lua.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static char fixture_folder[64];
static char fixture_catalogue[512];

static inline void fixture_put(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", fixture_folder, name);
    f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static inline const char *fixture_source(const char *name)
{
    static char path[512];
    const char *src = getenv("PENSTOCK_SRC");

    snprintf(path, sizeof path, "%s/%s", src ? src : ".", name);
    return path;
}

static inline struct config_paths fixture_paths(void)
{
    if (!fixture_folder[0]) {
        snprintf(fixture_folder, sizeof fixture_folder,
                 "/tmp/penstock-config-%d", (int)getpid());
        mkdir(fixture_folder, 0700);
        fixture_put("auth.lua", "return { api = 1 }\n");
        fixture_put("validate.lua", "return { api = 1 }\n");
        fixture_put("limits.lua", "return { api = 1 }\n");
        fixture_put("jwt.lua", "return { api = 1 }\n");
        fixture_put("route.lua", "return { api = 1 }\n-- route\n");
        snprintf(fixture_catalogue, sizeof fixture_catalogue, "%s",
                 fixture_source("plugins/catalogue/vendors.json"));
    }
    return (struct config_paths){.shipped_policies = fixture_folder,
                                 .catalogue = fixture_catalogue};
}

/** Remove the folder and what the tests put there. */
static inline void fixture_clear(void)
{
    static const char *const names[] = { "auth", "validate", "limits",
                                         "jwt",  "route" };
    char path[128];

    if (!fixture_folder[0])
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s.lua", fixture_folder, names[i]);
        unlink(path);
    }
    rmdir(fixture_folder);
    fixture_folder[0] = '\0';
}

/** The canonical tree of a text, or NULL with *err. */
static inline json_t *fixture_check(const char *text, struct err *err)
{
    struct config_paths paths = fixture_paths();
    json_t *tree, *canonical = NULL;

    *err = (struct err){0};
    tree = conf_load_text(str_of(text), "penstock.conf", err);
    if (tree)
        canonical = config_check(tree, &paths, err);
    json_decref(tree);
    return canonical;
}

/* every key of prices and the ledger */
#define FIXTURE_LEDGER                                                         \
    "price 'gpu/l' { input = '0.5 USD/Mtok', output = '1.25 USD/Mtok',\n"      \
    "    cache_read = '0.05 USD/Mtok', cache_write_5m = '0.6 USD/Mtok',\n"     \
    "    cache_write_1h = '1 USD/Mtok', reasoning = '2 USD/Mtok',\n"           \
    "    search = '0.002 USD/search' }\n"                                      \
    "capability 'gpu/l*' { kind = 'chat', context = 8192,\n"                   \
    "    lacks = { 'vision', 'audio' } }\n"                                    \
    "ledger { keep = '30d', spill = '1GiB' }\n"

/* every key of receivers of alerts */
#define FIXTURE_ALERT                                                         \
    "alert 'ops' { webhook = env('K7', 'https://x/y'), quiet = '1m',\n"       \
    "    on = { 'breaker', 'cert' }, ca_file = '/etc/passwd' }\n"

/* every key of issuers of tokens */
/* Goes on in a provider, and ends it. */
#define FIXTURE_LOAD "adaptive = { max = 40 } } shed { memory = '1GiB' }\n"

#define FIXTURE_RELOAD \
    "reload { tests = true, bake = '1m', rollback_if = {\n" \
    "    policy_errors = '2%', denials = 'x1.5', min = 9 } }\n"

#define FIXTURE_FETCHED                                                       \
    "provider 'vertex' { vendor = 'openai-compatible',\n"                     \
    "    base_url = 'https://v', keys = { { google = {\n"                     \
    "    account = env('K8', '{\"type\":\"authorized_user\"}'),\n"            \
    "    source = 'account', scope = 's' } } } }\n"                           \
    "provider 'bedrock' { base_url = 'https://b', keys = { { aws = {\n"       \
    "    source = 'web_identity', profile = 'p', file = '/c', role = 'r',\n"  \
    "    config_file = '/c', programs = true,\n"                              \
    "    token_file = '/t', region = 'eu-west-1' } } } }\n"                   \
    "provider 'azure' { base_url = 'https://a', keys = { { entra = {\n"       \
    "    source = 'secret', tenant = 't', client_id = 'c',\n"                 \
    "    secret = env('K9', 'nine'), token_file = '/t', scope = 's' } } } }\n"

#define FIXTURE_JWTS                                                          \
    "jwt 'corp' { issuer = 'https://id.example.com', audience = 'llm',\n"     \
    "    algs = { 'RS256', 'EdDSA' }, jwks_url = 'https://h/k',\n"           \
    "    ca_file = '/etc/passwd', leeway = '5s', refresh = '1h',\n"           \
    "    refetch = '1m', claims = { id = 'sub', ['tags.x'] = 'x?' } }\n"      \
    "jwt 'file' { issuer = 'https://f', audience = 'llm', algs = 'HS256',\n" \
    "    jwks_file = '/etc/passwd' }\n"                                      \
    "jwt 'own' { issuer = 'https://own', audience = 'llm', algs = 'HS256',\n" \
    "    jwks = env('K7', '{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1"   \
    "qzKObwVMkoqQ-EstJQLr_T\"}') }\n"

#endif
