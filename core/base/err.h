/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Errors: a code, what went wrong, where. Filled once, where the cause is
 * known, and never overwritten. Functions return 0 or -ERR_x.
 *
 * The codes that a client can see are rows of err.def; those below them are
 * internal and reach a client only as `internal`.
 */
#ifndef PENSTOCK_BASE_ERR_H
#define PENSTOCK_BASE_ERR_H

#include "base/str.h"

enum err_code {
    ERR_NONE = 0,
#define ERR_ROW(id, name, oai, ant, gem, oai_type, ant_type, gem_type, retry, \
                text)                                                         \
    ERR_##id,
#include "base/err.def"
#undef ERR_ROW
    ERR_CLIENT_END, /* rows above may be shown to clients */
    ERR_NOMEM,      /* memory is out */
    ERR_LIMIT,      /* a cap of ours was reached */
    ERR_IO,         /* the system said no; errno is in the text */
    ERR_SYNTAX,     /* outside bytes are malformed */
    ERR_CONFIG,     /* configuration, policy or catalogue is wrong */
    ERR_NOTFOUND,
    ERR_EXISTS,
    ERR_BUSY,
    ERR_TIMEOUT,
    ERR_CLOSED, /* the peer ended the connection */
    ERR_CANCELLED,
    ERR_BUG, /* must not happen */
};

struct err {
    int code;      /* enum err_code; 0 = not set */
    char at[128];  /* JSON Pointer, file:line, or empty */
    char msg[384]; /* what, and what to do; NUL-terminated, never a secret */
};

/** One row of err.def; the first column of names is the stable code. */
struct err_info {
    const char *name;
    int status_openai, status_anthropic, status_gemini;
    const char *type_openai, *type_anthropic, *type_gemini;
    bool retryable;
    const char *text;
};

/**
 * Fill *err (unless it is NULL or already holds a code) and return -code.
 */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** As err_set, with a place: a JSON Pointer or file:line. */
int err_at(struct err *err, int code, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** As err_set; ": " and strerror(errno) are appended. */
int err_errno(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** The row of a client-visible code; internal codes give `internal`. */
const struct err_info *err_info(int code);

/** Code by its stable name, or ERR_NONE. */
int err_by_name(struct str name);

#endif
