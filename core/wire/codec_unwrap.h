/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Schemas whose root is no object. Google takes a list or one of some words;
 * others want an object at the root. So such a schema is sent as the one
 * member of an object, {"value": ...}, and taken out of it again where the
 * answer's text goes by, however it is cut. What does not look like that
 * object goes through as it is.
 */
#ifndef PENSTOCK_WIRE_CODEC_UNWRAP_H
#define PENSTOCK_WIRE_CODEC_UNWRAP_H

#include "base/arena.h"
#include "wire/neutral_event.h"

/**
 * The schema as a member's, or as it is where its root may be an object, or
 * where a "$ref" points at another place below the root than the definitions:
 * it would no longer be there.
 *
 *   returns  in the arena, or `raw`; p NULL: memory is out
 */
struct str codec_wrap_schema(struct str raw, struct arena *a);

struct codec_unwrap;

/** bare: the value is a word, and goes without its quotes (text/x.enum).
 * NULL when memory is out. In the arena, with its buffer. */
struct codec_unwrap *codec_unwrap_new(struct arena *a, bool bare);

/**
 * One event on its way to `sink`: texts without the wrapper, or nothing.
 * Texts of choices from the ninth on stay as they are. An escape leaves when it
 * is whole; what is none stands as the characters it is of.
 *
 * Errors: NOMEM, LIMIT (a text of over 64 MiB), what the sink returns
 * Cost:   O(text)
 */
int codec_unwrap(struct codec_unwrap *u, const struct neutral_event *ev,
                 neutral_sink sink, void *ud);

#endif
