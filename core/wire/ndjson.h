/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Newline-delimited JSON: a value a line (Ollama, Cohere v1, batch results).
 * Bytes in, in whatever pieces, lines out; the raws of all lines, one after
 * the other, are the stream, and what comes out does not depend on how the
 * bytes were cut. The calling form is that of all framers: init, feed, eof,
 * clear (wire/framing.h puts them behind one).
 *
 * A line ends at its LF; a CR before it belongs to the end. A CR elsewhere is
 * white space of JSON. Blank lines are given out, too, since they are
 * keep-alives. Whether a line holds JSON is asked by who reads it.
 *
 * Used by the conformance runner; flow comes to it with the first provider
 * that streams this way.
 * Source: github.com/ndjson/ndjson-spec 1.0 (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_NDJSON_H
#define PENSTOCK_WIRE_NDJSON_H

#include "base/buf.h"
#include "base/err.h"

struct ndjson_line {
    struct str raw;  /* the very bytes, line end included */
    struct str text; /* without line end; n is 0 for a blank line */
    bool cut;        /* the stream ended without this line's end */
};

/** All in a line is borrowed until the return; 0 = go on, else the end. */
typedef int (*ndjson_on_line)(void *ud, const struct ndjson_line *line);

/** One stream. Fields are the framer's own. */
struct ndjson {
    struct buf held; /* a line's bytes so far; no memory between lines */
    bool dead;
};

/** `max_line` is the cap on one line's raw bytes. No memory is taken. */
void ndjson_init(struct ndjson *n, size_t max_line);

/**
 * Take bytes; call `fn` for each line that they complete, in order. After an
 * error, or when `fn` ended it, the stream cannot be fed again (-ERR_CLOSED).
 *
 *   returns  0, what fn returned, or an error
 *
 * Errors:  LIMIT (a line is longer than max_line), NOMEM
 * Cost:    a search for the line end; a line that lies whole in the bytes is
 *          not copied
 */
int ndjson_feed(struct ndjson *n, struct str bytes, ndjson_on_line fn,
                void *ud, struct err *err);

/** The stream has ended: gives out what is held, and frees it. */
int ndjson_eof(struct ndjson *n, ndjson_on_line fn, void *ud,
               struct err *err);

/** Forget the stream and free what is held; ndjson_init makes it new. */
void ndjson_clear(struct ndjson *n);

#endif
