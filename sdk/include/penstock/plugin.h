/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Penstock's plugin ABI, 0.8. Pure C11, C++17-clean, no header but
 * libc's; a plugin links against nothing of the core.
 *
 * While the ABI is 0.x a plugin must have been built from exactly this
 * version (sdk/ABI.md lists every change); 1.0 freezes it, append-only.
 *
 * Ownership, in four sentences. What is passed in is borrowed until the call
 * returns (an attempt's data until `done`). What a plugin returns is static,
 * from the attempt's arena (ps_alloc), or appended to a core buffer. Nobody
 * frees the other's memory. No FILE*, json_t*, CURL*, SSL* or lua_State*
 * crosses.
 *
 * All operations run on the worker's loop: no blocking call, no thread, no
 * fork, no signal handler, no exit, no longjmp or exception across; 1 ms is
 * the budget. JSON places are JSON Pointers (RFC 6901).
 */
#ifndef PENSTOCK_PLUGIN_H
#define PENSTOCK_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PS_MAGIC 0x4b545350u /* "PSTK" */
#define PS_ABI_MAJOR 0
#define PS_ABI_MINOR 8

/** Borrowed bytes, not NUL-terminated; p is NULL for "absent". */
typedef struct ps_str {
    const char *p;
    size_t n;
} ps_str;

typedef int32_t ps_rc;
enum {
    PS_OK = 0,
    PS_DECLINED = 1, /* not mine: the core's default, or another target */
    PS_EINVAL = -1,
    PS_ENOMEM = -2,
    PS_EUNSUP = -3,
    PS_EPROTO = -4, /* the provider's bytes make no sense */
    PS_EBUG = -5
};

#include <penstock/api.h>

#include <penstock/fault.h>

/** The verdict on a failed attempt; arrives filled from the status. Set class
 * and scope together (ps_fault_set). */
typedef struct ps_fault {
    uint32_t size;
    uint16_t cls, scope;
    uint64_t retry_after_ms; /* 0 = not known */
    ps_str code, message;    /* the provider's own words */
} ps_fault;

/**
 * Tokens, disjoint: `input` was neither read from nor written to a cache;
 * `reasoning` is part of `output`. -1 = not reported.
 */
typedef struct ps_usage {
    uint32_t size;
    uint32_t reserved;
    int64_t input, cache_read, cache_write_5m, cache_write_1h;
    int64_t output, reasoning, audio_in, audio_out, images;
} ps_usage;

struct ps_services;
struct ps_model_sink;
/** The plugin in this process: selftest, check. */
typedef struct ps_host {
    const struct ps_services *svc;
    uint32_t size;
} ps_host;

/** One configured provider: open .. close. */
typedef struct ps_inst {
    const struct ps_services *svc;
    uint32_t size;
    void *data;         /* the plugin's own, set in open */
    ps_str name;        /* provider's configured name */
    ps_str base_url;
} ps_inst;

enum { PS_F_STREAM = 1, PS_F_NATIVE = 2 };

/** One attempt: adjust .. done. Read-only but for what `ctx` points at. */
typedef struct ps_try {
    const struct ps_services *svc;
    uint32_t size;
    uint32_t flags; /* PS_F_* */
    ps_inst *inst;
    void *ctx; /* ctx_size zeroed bytes, or NULL */
    const ps_api *api;
    ps_str model;          /* as the client asked */
    ps_str upstream_model; /* as the provider is asked */
    ps_str request_id;
    uint32_t attempt; /* 1 = the first */
    int32_t status;   /* the answer's HTTP status; 0 before its head */
} ps_try;

typedef struct ps_token ps_token; /* penstock/token.h */

/**
 * What the core does for a plugin. Reached through the wrappers below.
 * The outgoing side may be changed in adjust and auth only, its head in sign
 * too (PS_EBUG elsewhere); the answer's JSON is there in watch (the event),
 * body (all of it) and classify (the error). Caps: docs/design/plugins.md, "An
 * attempt".
 * Cost: edits and look-ups walk the span index, no tree; O(members passed).
 */
typedef struct ps_services {
    uint32_t size, abi_minor;
    void *(*alloc)(ps_try *, size_t); /* zeroed; NULL at the attempt's cap */
    void (*log)(const void *handle, int level, ps_str msg);
    ps_rc (*fail)(const void *handle, ps_rc, ps_str at, ps_str msg);
    uint64_t (*unix_ms)(void);
    void (*random)(void *, size_t);
    /* the outgoing body */
    ps_str (*body_raw)(ps_try *, ps_str pointer);
    ps_rc (*body_set)(ps_try *, ps_str pointer, ps_str json);
    ps_rc (*body_remove)(ps_try *, ps_str pointer);
    ps_rc (*body_rename)(ps_try *, ps_str from, ps_str to);
    /* the outgoing head; an empty value removes; CR, LF, NUL are refused */
    ps_rc (*header_set)(ps_try *, ps_str name, ps_str value);
    /* the answer: head, and the JSON at hand (error body, event or answer) */
    ps_str (*answer_header)(ps_try *, ps_str name);
    ps_str (*answer_raw)(ps_try *, ps_str pointer);
    ps_str (*answer_text)(ps_try *, ps_str pointer); /* strings, unescaped */
    ps_rc (*usage)(ps_try *, const ps_usage *); /* merge: fields >= 0 win */
    ps_rc (*setting)(ps_inst *, ps_str pointer, ps_str *raw_json);
    ps_rc (*model)(struct ps_model_sink *, ps_str id);
    ps_str (*header_get)(ps_try *, ps_str name); /* of the outgoing head */
    /* digests of 32 bytes; PS_ENOMEM leaves *out as it was */
    ps_rc (*sha256)(ps_str data, uint8_t *out);
    ps_rc (*hmac_sha256)(ps_str key, ps_str data, uint8_t *out);
    /* alg: PS_RS256, PS_ES256; `out` has PS_SIGNATURE_MAX bytes */
    ps_rc (*sign)(int alg, ps_str pem, ps_str data, uint8_t *out, size_t *n);
    /* in cred_refresh: see penstock/token.h */
    ps_rc (*token_ask)(ps_token *, ps_str method, ps_str url, ps_str body);
    ps_rc (*token_header)(ps_token *, ps_str name, ps_str value);
    ps_str (*token_text)(ps_token *, ps_str pointer);
    ps_rc (*token_got)(ps_token *, ps_str secret, int64_t seconds);
    ps_rc (*token_fail)(ps_token *, ps_rc, ps_str why);
} ps_services;

enum { PS_RS256 = 1, PS_ES256, PS_SIGNATURE_MAX = 1024 };

/** A request as it leaves; its fields are there for ps_header_get. */
typedef struct ps_outgoing {
    uint32_t size, reserved;
    ps_str method, host; /* host: as in the URL, with its port if it has one */
    ps_str path, query;  /* percent-encoded, on the wire; query without '?' */
    uint8_t body_sha256[32];
} ps_outgoing;

enum { PS_LOG_ERROR = 0, PS_LOG_WARN, PS_LOG_INFO, PS_LOG_DEBUG };

/**
 * A provider's operations; every one may be NULL (the core's default for the
 * dialect). After any other code than PS_OK or PS_DECLINED the attempt fails
 * as a fault of the target; `done` is called all the same.
 */
typedef struct ps_provider {
    uint32_t size;
    uint32_t ctx_size;
    const ps_api *apis;
    uint32_t n_apis, reserved;
    /* unless the provider says; NULL = it must. "{name}": that setting;
     * "{name=x?v:text,*:text}": x where it is not set, then the text of its
     * value, "*" in which is the value */
    const char *base_url;
    const char *auth_header; /* NULL = "authorization" */
    const char *auth_prefix; /* NULL = "Bearer " where auth_header is NULL */
    const char *settings;    /* JSON Schema subset of `settings`; or NULL */
    /* in a throw-away child before the plugin is used at all */
    ps_rc (*selftest)(ps_host *);
    ps_rc (*check)(ps_host *, ps_str settings_json);
    /* one configured provider */
    ps_rc (*open)(ps_inst *);
    void (*close)(ps_inst *);
    /* one attempt, in this order */
    /* the outgoing body and head, last edits; all fields are there */
    ps_rc (*adjust)(ps_try *);
    ps_rc (*auth)(ps_try *, ps_str secret); /* instead of auth_header */
    ps_rc (*head)(ps_try *);   /* the answer's head has come */
    ps_rc (*watch)(ps_try *, ps_str event, ps_str data); /* each stream event */
    ps_rc (*body)(ps_try *, ps_str body); /* the whole answer, not streamed */
    ps_rc (*classify)(ps_try *, ps_fault *);
    void (*done)(ps_try *); /* exactly once per attempt */
    /* the answer to the PS_MODELS api; NULL: /data/N/id, /models/N/name */
    ps_rc (*models)(ps_inst *, ps_str body, struct ps_model_sink *);
    /* after auth and every edit: sign what leaves, with more of a head */
    ps_rc (*sign)(ps_try *, const ps_outgoing *, ps_str secret);
    const ps_serves *serves; /* or NULL */
    uint32_t n_serves, reserved_2;
    /* of a key with `exchange`: how to get a token for it. Pure, in a process
     * of the core's that serves no requests, with an instance of its own */
    ps_rc (*cred_refresh)(ps_token *);
} ps_provider;

enum { PS_PROVIDER = 1 };

/** The only exported symbol: data, no constructor. */
typedef struct ps_plugin {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t size, kind;
    const char *name, *version;
    const void *ops;
} ps_plugin;

#if defined(__GNUC__)
#define PS_EXPORT __attribute__((visibility("default")))
#else
#define PS_EXPORT
#endif

extern PS_EXPORT const ps_plugin ps_plugin_v0;
/** Describe the plugin; once, at file scope, in one source file. */
#define PS_PLUGIN(kind, name, version, ops)                                   \
    const ps_plugin ps_plugin_v0 = {                                          \
        PS_MAGIC, PS_ABI_MAJOR, PS_ABI_MINOR, (uint32_t)sizeof(ps_plugin),    \
        (kind),   (name),       (version),    (ops)                           \
    }

#include <penstock/inline.h>

#ifdef __cplusplus
}
#endif

#endif
