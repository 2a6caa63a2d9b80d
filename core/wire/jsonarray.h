/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A JSON array sent bit by bit (Gemini's streamGenerateContent without
 * alt=sse): each element is given out as soon as its last byte is in. The
 * raws of all that is given out are the stream, and what comes out does not
 * depend on how the bytes were cut. The calling form is that of all framers:
 * init, feed, eof, clear (wire/framing.h puts them behind one).
 *
 * Elements are cut by their brackets and quotes alone; whether one is JSON is
 * asked by who reads it. What is no array, or has something else than one
 * comma between elements, is an error, and so is an end before the array's.
 *
 * Used by the conformance runner; flow comes to it with the first provider
 * that streams this way.
 */
#ifndef PENSTOCK_WIRE_JSONARRAY_H
#define PENSTOCK_WIRE_JSONARRAY_H

#include "base/buf.h"
#include "base/err.h"

struct jsonarray_item {
    struct str raw;  /* all bytes since the item before, '[' and ',' too */
    struct str text; /* the element; p is NULL for the array's end, and for
                        white space behind it */
};

/** All in an item is borrowed until the return; 0 = go on, else the end. */
typedef int (*jsonarray_on_item)(void *ud, const struct jsonarray_item *item);

/** One stream. Fields are the framer's own. */
struct jsonarray {
    struct buf held;  /* an item's bytes so far; no memory between items */
    size_t lead;      /* bytes of the item before its element */
    uint64_t offset;  /* of the next byte in the stream, for errors */
    uint64_t depth;   /* brackets open inside the element */
    uint8_t state;
    bool escaped;     /* a backslash stands before the next byte */
    bool dead;
};

/** `max_item` is the cap on one item's raw bytes. No memory is taken. */
void jsonarray_init(struct jsonarray *a, size_t max_item);

/**
 * Take bytes; call `fn` for each item that they complete, in order. After an
 * error, or when `fn` ended it, the stream cannot be fed again (-ERR_CLOSED).
 *
 *   returns  0, what fn returned, or an error
 *
 * Errors:  SYNTAX (err->at "byte N"), LIMIT (an item over max_item), NOMEM
 * Cost:    about 1 ns per byte outside of strings, less inside; an item that
 *          lies whole in the bytes is not copied
 */
int jsonarray_feed(struct jsonarray *a, struct str bytes,
                   jsonarray_on_item fn, void *ud, struct err *err);

/** The stream has ended. Errors: SYNTAX where the array has no end. */
int jsonarray_eof(struct jsonarray *a, jsonarray_on_item fn, void *ud,
                  struct err *err);

/** Forget the stream and free what is held; jsonarray_init makes it new. */
void jsonarray_clear(struct jsonarray *a);

#endif
