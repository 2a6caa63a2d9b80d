/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A secret is a type that no formatter takes: it is shown by its reference
 * ("env OPENAI_API_KEY"), never by its value. secret_reveal is the one way to
 * the bytes, and its callers are few: grep for it.
 */
#ifndef PENSTOCK_ENGINE_SECRET_H
#define PENSTOCK_ENGINE_SECRET_H

#include "base/str.h"

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

#endif
