/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Plugins in the core: find, verify, stage, try in a child, load; and the
 * services behind ps_try. One struct attempt_host is the core's side of an
 * attempt: flow fills it, plugins reach it through the services only.
 */
#ifndef PENSTOCK_ENGINE_PLUGIN_H
#define PENSTOCK_ENGINE_PLUGIN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http_header.h"
#include "wire/endpoint.h"

#include <penstock/plugin.h>

struct plugin;     /* a loaded .so */
/** One of engine/plugin_api.def. */
struct plugin_api_row {
    enum dialect dialect;
    uint16_t op, ps_dialect;
    const char *name;
};

struct plugin_set; /* all of one generation, by name */
struct plugin_inst;
struct charges; /* engine/charges.h */

/** The same bytes on both sides of the boundary. */
static inline struct str str_from_ps(ps_str s)
{
    return (struct str){ s.p, s.n };
}

static inline ps_str ps_from_str(struct str s)
{
    return (ps_str){ s.p, s.n };
}

/**
 * Verify folder/name.so (owner, mode, path, ELF: see docs/design/plugins.md)
 * and copy it content-addressed to state_dir/plugins/<name>-<sha16>.so.
 *
 *   out      out  path of the copy; what everything later uses
 *
 * Errors: CONFIG with the exact reason and what to do, IO, NOMEM.
 * Blocks on the disk: the loader's, never a worker's.
 */
int plugin_stage(const char *folder, struct str name, const char *state_dir,
                 char *out, size_t out_size, struct err *err);

/** SHA-256 of a staged copy, in hex (65 bytes). 0, -ERR_CONFIG (it is not what
 * may be loaded), -ERR_IO, -ERR_NOMEM. As plugin_stage, for the loader. */
int plugin_staged_hash(const char *staged, char *hex, struct err *err);

#define PLUGIN_TRIAL_MS 10000u
#define PLUGIN_URL_MAX 512
#define PLUGIN_VERSION_MAX 33

struct plugin_trial {
    const char *staged;         /* path that plugin_stage gave */
    struct str name;
    const struct str *settings; /* of each provider that uses it */
    const struct str *providers; /* their names; NULL = nobody's */
    size_t n_settings;
    size_t *refused; /* out: the place of those that failed, else n_settings;
                        or NULL */
    const char *user;           /* become that one first when we are root;
                                   NULL or "" = stay who we are */
    uint32_t timeout_ms;        /* 0 = PLUGIN_TRIAL_MS */
    char *base_url; /* out, PLUGIN_URL_MAX bytes: the plugin's own URL, ""
                       without one; or NULL */
    char *version;  /* out, PLUGIN_VERSION_MAX bytes; or NULL */
};

/**
 * Try a staged plugin in a throw-away child: rights dropped, dlopen,
 * descriptor, selftest, then check and open with each settings text. The
 * child's crash or hang is an error that names the operation.
 *
 * Errors: CONFIG (the plugin's or the settings' fault), IO, NOMEM.
 * Blocks for at most the time limit: the loader's, never a worker's.
 */
int plugin_try_in_child(const struct plugin_trial *t, struct err *err);

struct plugin_set *plugin_set_new(void);
void plugin_set_free(struct plugin_set *s); /* never dlclose */
/**
 * dlopen(RTLD_NOW | RTLD_LOCAL) and check the descriptor. Only ever a path
 * that plugin_stage gave: dlopen of a path whose file was replaced returns
 * the old code.
 * Errors: CONFIG (says what does not fit), EXISTS (that name is loaded),
 *         LIMIT, NOMEM.
 */
int plugin_set_load(struct plugin_set *s, struct str name, const char *staged,
                    struct err *err);
const struct plugin *plugin_set_find(const struct plugin_set *s,
                                     struct str name);
/** From now on the plugins heed the marks of their files; `c` outlives s. */
void plugin_set_heed(struct plugin_set *s, const struct charges *c);
/** Is it quarantined, so that nothing new goes through it? One load. */
bool plugin_is_out(const struct plugin *p);
/** The 16 digits of a file's hash in the path of a staged copy; n 0: it is
 * none. */
struct str plugin_hash(const char *staged);
const ps_provider *plugin_ops(const struct plugin *p);
struct str plugin_name(const struct plugin *p);
struct str plugin_version(const struct plugin *p);
/** The api for (op, dialect), or NULL. Of several rows the one whose framing
 * suits an answer that is streamed, or is not. */
const ps_api *plugin_api(const struct plugin *p, int op, int dialect,
                         bool stream);
/** Are its rows of the SDK's dialect for that upstream model? */
bool plugin_serves(const struct plugin *p, int dialect, struct str model);
/** The row of engine/plugin_api.def for a dialect of ours; NULL: none. */
const struct plugin_api_row *plugin_api_row(enum dialect d);
/** The dialect of ours that an api speaks; DIALECT_NONE: none. */
enum dialect plugin_api_dialect(const ps_api *api);
/** "anthropic" of PS_ANTHROPIC; "?". */
const char *plugin_dialect_name(int dialect);
/** The first api for an op, whatever its dialect, or NULL. */
const ps_api *plugin_api_of(const struct plugin *p, int op);

/**
 * One configured provider: `settings` (JSON text, "" = {}) checked against
 * the plugin's schema, then its open. All strings are copied. NULL with *err.
 */
struct plugin_inst *plugin_open(const struct plugin *p, struct str provider,
                                struct str base_url, struct str settings,
                                struct err *err);
void plugin_close(struct plugin_inst *i);
ps_inst *plugin_inst_handle(struct plugin_inst *i);

#define ATTEMPT_MAX_HEADERS 48
#define ATTEMPT_MAX_VALUE 16384        /* bytes of one header's value */
#define ATTEMPT_MAX_ALLOC (256u << 10) /* what a plugin may take, per attempt */
#define ATTEMPT_MAX_LOG 16             /* lines that a plugin may log */

/** The core's side of an attempt. First member: what the plugin sees. */
struct attempt_host {
    ps_try pub;
    struct arena *arena;
    const struct plugin *plugin;
    struct json_edits *edits; /* outgoing body; NULL without one */
    struct http_header *headers; /* outgoing head; in the arena */
    size_t n_headers, headers_cap;
    const struct http_header *answer_headers;
    size_t n_answer_headers;
    struct str answer;  /* JSON at hand; scanned at the first question */
    struct str answer_name; /* of an error's message, where framing names it */
    struct json answer_json;
    bool answer_scanned;
    ps_usage usage;     /* merged */
    struct err err;     /* what a plugin recorded by fail() */
    /* the host's own */
    bool may_edit; /* in adjust or auth: the outgoing side is open */
    bool may_sign; /* in sign: its head is */
    bool over;     /* done was called */
    size_t plugin_bytes;
    unsigned plugin_lines;
};

/**
 * Prepare pub, usage and the services; ctx is allocated. What flow knows goes
 * into pub (flags, api, model, upstream_model, request_id, attempt) and into
 * `edits` afterwards; `pub.status` when the head came. 0 or -ERR_NOMEM.
 */
int attempt_host_init(struct attempt_host *h, struct arena *a,
                      const struct plugin *p, struct plugin_inst *inst);
/** Set the JSON that answer_raw and answer_text speak of. Borrowed until the
 * next one. plugin_watch and plugin_body do it by themselves. */
void attempt_host_answer(struct attempt_host *h, struct str json);
/** Free what the scan took; the arena is the caller's. */
void attempt_host_clear(struct attempt_host *h);

/**
 * Set a header of the outgoing head (replaces; an empty value removes). Both
 * strings are copied. Those of the transport (host, content-length,
 * transfer-encoding, connection and their kind) are the core's.
 * Errors: SYNTAX (name, value), LIMIT, NOMEM.
 */
int attempt_header(struct attempt_host *h, struct str name, struct str value);

/**
 * Put a secret into the outgoing head: by the plugin's auth, else as data
 * says: `header` and `prefix` (p NULL: the plugin's own, else Bearer). No
 * secret: no field. Errors: UPSTREAM_ERROR (the plugin's), those of
 * attempt_header.
 */
int attempt_host_auth(struct attempt_host *h, struct str secret,
                      struct str header, struct str prefix);

/**
 * Let the plugin sign what is about to leave: the whole URL and the body, as
 * they are sent. Costs nothing where it has no `sign`, else a hash of the
 * body. Errors: UPSTREAM_ERROR (the plugin's), NOMEM; h->err says why.
 */
int attempt_host_sign(struct attempt_host *h, struct str url, struct str body,
                      struct str secret);

/* Calls into a plugin go through these: they leave the breadcrumb (plugin,
 * op, request) in the process cell, see engine/crumb.h. Absent ops give
 * PS_DECLINED; a code that is none gives PS_EBUG, with h->err saying so. */
ps_rc plugin_adjust(struct attempt_host *h);
ps_rc plugin_auth(struct attempt_host *h, struct str secret);
ps_rc plugin_sign(struct attempt_host *h, const ps_outgoing *o,
                  struct str secret);
ps_rc plugin_head(struct attempt_host *h);
ps_rc plugin_watch(struct attempt_host *h, struct str event, struct str data);
ps_rc plugin_body(struct attempt_host *h, struct str body);
ps_rc plugin_classify(struct attempt_host *h, ps_fault *f);
/** Once per attempt that was begun; a second call does nothing. */
void plugin_done(struct attempt_host *h);

#define PLUGIN_MAX_MODELS 10000

/** A setting as it goes into a URL: a string's inside, else JSON; p is NULL
 * where the provider has none of that name. Borrowed from i, or i is NULL. */
struct str plugin_setting(const struct plugin_inst *i, struct str name);

/**
 * The ids in the answer to the PS_MODELS api: by the plugin's op, else
 * /data/N/id. At most PLUGIN_MAX_MODELS, each 1 .. 256 bytes of UTF-8; `id`
 * is borrowed during the call.
 */
ps_rc plugin_models(struct plugin_inst *i, struct str body,
                    void (*add)(void *ud, struct str id), void *ud);

#endif
