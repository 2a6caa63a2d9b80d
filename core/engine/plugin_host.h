/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the files that make up plugins in the core share; nobody else's
 * business. See engine/plugin.h for the public face.
 */
#ifndef PENSTOCK_ENGINE_PLUGIN_HOST_H
#define PENSTOCK_ENGINE_PLUGIN_HOST_H

#include "engine/plugin.h"

#define PLUGIN_SYMBOL "ps_plugin_v0"
#define PLUGIN_NAME_MAX 64
#define PLUGIN_MAX_APIS 32
#define PLUGIN_MAX_CTX (64u << 10)
#define PLUGIN_MAX_FILE (64u << 20)

struct plugin {
    ps_provider ops; /* copied: what a plugin writes there later is its own */
    char name[PLUGIN_NAME_MAX + 1], version[PLUGIN_VERSION_MAX], hash[17];
    const struct plugin_mark *mark; /* of its file; NULL = nobody keeps one */
};

/** The ps_host that selftest and check get. */
struct plugin_self {
    ps_host pub;
    const char *plugin;
    struct err err;
};

struct plugin_inst {
    ps_inst pub;
    const struct plugin *plugin;
    struct json settings; /* index of settings_text */
    char *name, *base_url, *settings_text;
    struct err err;
};

struct ps_model_sink {
    void (*add)(void *ud, struct str id);
    void *ud;
    size_t n;
};

/** The one table of services, behind every handle. */
extern const ps_services plugin_services;
/* attempt_host_hash.c: two of them */
ps_rc svc_sha256(ps_str data, uint8_t *out);
ps_rc svc_hmac_sha256(ps_str key, ps_str data, uint8_t *out);
ps_rc svc_sign(int alg, ps_str pem, ps_str data, uint8_t *out, size_t *n);
/* plugin_token.c */
ps_rc svc_token_ask(ps_token *t, ps_str method, ps_str url, ps_str body);
ps_rc svc_token_header(ps_token *t, ps_str name, ps_str value);
ps_str svc_token_text(ps_token *t, ps_str pointer);
ps_rc svc_token_got(ps_token *t, ps_str secret, int64_t seconds);
ps_rc svc_token_fail(ps_token *t, ps_rc rc, ps_str why);

/** 1 .. PLUGIN_NAME_MAX of [a-z0-9_-], so that it is safe in a path. */
bool plugin_name_valid(struct str name);

/** Does this descriptor fit? Its strings and tables are checked, too. */
int plugin_desc_check(const ps_plugin *d, struct str name, struct err *err);

/** dlopen a staged file and check what it describes. */
int plugin_dlopen(const char *staged, struct str name, const ps_plugin **out,
                  struct err *err);

/** Fill *p from a descriptor that was checked. */
void plugin_init(struct plugin *p, const ps_plugin *d);

/** Is it one of the SDK's codes? */
bool plugin_rc_known(ps_rc rc);
const char *plugin_rc_text(ps_rc rc);

/** Call selftest, or check with `settings`; PS_DECLINED where absent. */
ps_rc plugin_selftest(const struct plugin *p, struct plugin_self *self);
ps_rc plugin_check(const struct plugin *p, struct plugin_self *self,
                   struct str settings);

/**
 * Check settings (JSON text) against a plugin's schema, a subset of JSON
 * Schema: type, properties, required, enum, minimum, maximum,
 * minLength, maxLength, items, description, default. Names that are not in
 * `properties` are refused.
 * Errors: CONFIG, at = the pointer of what does not fit.
 */
int plugin_settings_check(const char *schema, struct str settings,
                          struct err *err);
/** Does the schema itself make sense? */
int plugin_schema_check(const char *schema, struct err *err);

/** What an ELF file says about itself before any of its code has run. */
struct plugin_elf {
    uint32_t exported; /* dynamic symbols that others can see */
};

/**
 * Check the bytes of a shared object: ours to run, no text relocations, no
 * static TLS, no executable stack, and a descriptor of this ABI. Everything
 * is bounds-checked: the bytes are outside bytes.
 * Errors: CONFIG with the reason and what to do.
 */
int plugin_elf_check(struct str file, struct plugin_elf *out,
                     struct err *err);

/** Check folder (every part of its path) for who may write there. */
int plugin_path_check(const char *folder, struct err *err);
/** Check an open plugin file, then read it whole; malloc'd, the caller's. */
int plugin_read(const char *path, char **bytes, size_t *n, struct err *err);

/** Write a file beside and rename it to `path`, which lies in `folder`: mode
 * 0555, on the disk when it returns. Errors: IO, LIMIT. */
int plugin_write(const char *folder, const char *path, struct str file,
                 struct err *err);

#endif
