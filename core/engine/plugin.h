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

#include <penstock/plugin.h>

struct plugin;     /* a loaded .so */
struct plugin_set; /* all of one generation, by name */
struct plugin_inst;

/**
 * Verify a file (owner, mode, path, ELF: see docs/design/plugins.md), copy it
 * content-addressed into state_dir/plugins. Returns the staged path in `out`.
 * Errors: CONFIG with the exact reason and what to do.
 */
int plugin_stage(const char *folder, struct str name, const char *state_dir,
                 char *out, size_t out_size, struct err *err);

/**
 * Try a staged plugin in a child process (rights dropped, 10 s): dlopen,
 * descriptor, selftest, check and open with each settings text.
 */
int plugin_try_in_child(const char *staged, const struct str *settings,
                        size_t n_settings, struct err *err);

struct plugin_set *plugin_set_new(void);
void plugin_set_free(struct plugin_set *s); /* never dlclose */
/** dlopen(RTLD_NOW | RTLD_LOCAL) and check the descriptor. */
int plugin_set_load(struct plugin_set *s, struct str name, const char *staged,
                    struct err *err);
const struct plugin *plugin_set_find(const struct plugin_set *s,
                                     struct str name);
const ps_provider *plugin_ops(const struct plugin *p);
struct str plugin_name(const struct plugin *p);
struct str plugin_version(const struct plugin *p);
/** The api for (op, dialect), or NULL. */
const ps_api *plugin_api(const struct plugin *p, int op, int dialect);

struct plugin_inst *plugin_open(const struct plugin *p, struct str provider,
                                struct str base_url, struct str settings,
                                struct err *err);
void plugin_close(struct plugin_inst *i);
ps_inst *plugin_inst_handle(struct plugin_inst *i);

#define ATTEMPT_MAX_HEADERS 48

/** The core's side of an attempt. First member: what the plugin sees. */
struct attempt_host {
    ps_try pub;
    struct arena *arena;
    const struct plugin *plugin;
    struct json_edits *edits; /* outgoing body; NULL without one */
    struct http_header headers[ATTEMPT_MAX_HEADERS]; /* outgoing head */
    size_t n_headers;
    const struct http_header *answer_headers;
    size_t n_answer_headers;
    struct str answer;  /* JSON at hand; scanned at the first question */
    struct json answer_json;
    bool answer_scanned;
    ps_usage usage;     /* merged */
    struct err err;     /* what a plugin recorded by fail() */
};

/** Prepare pub and the services; ctx is allocated. 0 or -ERR_NOMEM. */
int attempt_host_init(struct attempt_host *h, struct arena *a,
                      const struct plugin *p, struct plugin_inst *inst);
/** Set the JSON that answer_raw and answer_text speak of. Borrowed. */
void attempt_host_answer(struct attempt_host *h, struct str json);
/** Free what the scan took; the arena is the caller's. */
void attempt_host_clear(struct attempt_host *h);

/** Set a header of the outgoing head (replaces; an empty value removes). */
int attempt_header(struct attempt_host *h, struct str name, struct str value);

/* Calls into a plugin go through these: they leave the breadcrumb (plugin,
 * op, request) in the process cell, see engine/crumb.h. Absent ops give
 * PS_DECLINED. */
ps_rc plugin_adjust(struct attempt_host *h);
ps_rc plugin_auth(struct attempt_host *h, struct str secret);
ps_rc plugin_head(struct attempt_host *h);
ps_rc plugin_watch(struct attempt_host *h, struct str event, struct str data);
ps_rc plugin_body(struct attempt_host *h, struct str body);
ps_rc plugin_classify(struct attempt_host *h, ps_fault *f);
void plugin_done(struct attempt_host *h);
ps_rc plugin_models(struct plugin_inst *i, struct str body,
                    void (*add)(void *ud, struct str id), void *ud);

#endif
