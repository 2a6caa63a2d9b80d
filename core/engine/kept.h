/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A bundle as it lies on disk: what was decided, without what must not lie
 * there. The configuration (its secrets are references), the sources of the
 * policies, what the catalogue said of models, and the hashes of the plugins'
 * files; no values of secrets, no keys and no certificates, which are read
 * again where they are.
 *
 *     PENSTOCK-KEPT 1 <SHA-256 of all that follows>\n
 *     {"number":7, ..., "sections":[{"name":"config","size":1234}, ...]}\n
 *     the sections' bytes, one after another
 *
 * The reader believes nothing: damage is an error with its reason.
 */
#ifndef PENSTOCK_ENGINE_KEPT_H
#define PENSTOCK_ENGINE_KEPT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"

#include <jansson.h>

struct snapshot;

enum { KEPT_BYTES_MAX = 32 << 20, KEPT_HEAD_MAX = 1 << 20,
       KEPT_SECTIONS_MAX = 2048, KEPT_PLUGINS_MAX = 64 };

/** A plugin's staged file. */
struct kept_plugin {
    char name[65];
    char file[160]; /* in state/plugins, without the folder */
    char sha256[SHA256_HEX + 1];
    char version[33]; /* "": an earlier build wrote it, which did not say */
};

/**
 * Append the bytes of a bundle. Its number is the bundle's own.
 * Errors: LIMIT, NOMEM, CONFIG (no bundle).
 */
int kept_encode(const struct snapshot *bundle,
                const struct kept_plugin *plugins, size_t n, struct buf *out,
                struct err *err);

struct kept;

/** Read one; `bytes` are borrowed until kept_free. NULL with *err: CONFIG
 * (what is wrong with it), NOMEM. Cost: one hash over all. */
struct kept *kept_parse(struct str bytes, struct err *err);
void kept_free(struct kept *k); /* NULL is fine */

uint64_t kept_number(const struct kept *k);
/** Equal for two bundles that decide the same: hex, SHA256_HEX long. */
const char *kept_content(const struct kept *k);
const struct kept_plugin *kept_plugins(const struct kept *k, size_t *n);
/** Its bytes; p NULL: there is none. */
struct str kept_section(const struct kept *k, const char *name);
/** The configuration for config_check: a new reference, or NULL (memory). */
json_t *kept_tree(const struct kept *k);
/** Where a policy was read from; NULL: it has none of that name. */
const char *kept_policy_path(const struct kept *k, const char *name);

#endif
