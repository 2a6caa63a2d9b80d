/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A secret is a type that no formatter takes: it is shown by its reference
 * ("env OPENAI_API_KEY"), never by its value. secret_reveal is the one way to
 * the bytes, and its callers are few: grep for it.
 *
 * In a tree a reference is {"$env": "X"}, {"$env": "X", "default": "d"},
 * {"$file": "/path"} or {"$credential": "x"} (systemd's LoadCredential=). A
 * default is no secret: it stands in the file and is printed.
 */
#ifndef PENSTOCK_ENGINE_SECRET_H
#define PENSTOCK_ENGINE_SECRET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

struct secret {
    struct str ref;     /* "env OPENAI_API_KEY", "file /run/secrets/x" */
    struct str hidden_; /* use secret_reveal */
};

static inline struct str secret_reveal(const struct secret *s)
{
    return s->hidden_;
}

static inline bool secret_is_set(const struct secret *s)
{
    return s->hidden_.n != 0;
}

/** Is this value of a tree a reference? */
bool secret_is_ref(const json_t *v);

/** Is it well-formed (names that may be, nothing besides)? Else `why`. */
bool secret_ref_ok(const json_t *ref, char *why, size_t why_size);

/** What tells references apart (a default is part of one); free() it. */
char *secret_ref_key(const json_t *ref);

/** "env X": how a reference is shown; cut where it is too long. */
void secret_ref_label(const json_t *ref, char *out, size_t out_size);

/**
 * Fetch what a reference stands for; trailing line ends of a file are cut.
 *
 *   out     the value is appended; its limit is the largest secret
 *   returns 0, or -ERR_CONFIG with *err: not set, empty, cannot be read
 * Cost: reads the environment or a file: loader only
 */
int secret_resolve(const json_t *ref, struct buf *out, struct err *err);

/** Zero the bytes, then buf_clear. */
void secret_wipe(struct buf *b);

#endif
