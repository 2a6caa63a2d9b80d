/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Dialects as `penstock try` speaks them: where a question goes, how it is
 * written, and where an answer says its text.
 */
#ifndef PENSTOCK_CLI_TRY_DIALECT_H
#define PENSTOCK_CLI_TRY_DIALECT_H

#include <jansson.h>

struct try_dialect {
    const char *name;
    const char *path, *stream_path; /* "%s": the model, percent-encoded */
    const char *header, *value;     /* that its clients send; NULL: none */
    /** The body; a new value, or NULL. */
    json_t *(*ask)(const char *model, const char *text, int stream);
    const char *input, *output;     /* counts in its usage */
};

/** By its name, or NULL. */
const struct try_dialect *try_dialect_named(const char *name);
/** "openai, anthropic and …", for messages. */
const char *try_dialect_names(void);

/** The address of a question below `base` into `url`; 0, or -1 when there is
 * no room. */
int try_dialect_url(const struct try_dialect *d, const char *base,
                    const char *model, int stream, char *url, size_t size);

/** What is at "a/0/b" of a value, or NULL; borrowed. */
const json_t *try_at(const json_t *v, const char *path);

/** Takes a text of an answer, in its order. */
typedef void try_text_fn(void *ud, const json_t *text);

/** Texts of an answer or of one event, whichever dialect it is of; thoughts
 * are none. Its usage, or NULL; borrowed. */
const json_t *try_read(const json_t *v, try_text_fn *text, void *ud);

#endif
