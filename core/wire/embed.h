/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The neutral form of a request for vectors: texts in their order, and what
 * is to be made of all of them alike. It hangs on a neutral request, which
 * says model, user and what only its own dialect knows; spans are borrowed
 * as there.
 *
 * Source: docs/design/translation.md, "Embeddings".
 */
#ifndef PENSTOCK_WIRE_EMBED_H
#define PENSTOCK_WIRE_EMBED_H

#include "wire/neutral.h"

#define EMBED_INPUTS_MAX 2048

enum embed_purpose {
    PURPOSE_UNSET,
#define PURPOSE(id, gemini, cohere, nova, words) PURPOSE_##id,
#include "wire/embed_purpose.def"
    PURPOSE_COUNT,
};

struct neutral_input {
    struct neutral_input *next;
    struct jstr text;
};

struct neutral_embed {
    struct neutral_input *first, *last;
    uint32_t n;
    bool many;           /* asked as a list, be it of one */
    struct str raw_ids;  /* the input where it is tokens, not texts */
    bool base64;         /* the client wants vectors as base64 of floats */
    int64_t dimensions;  /* -1 = not said */
    enum embed_purpose purpose;
    struct jstr title;   /* of the document; Google's */
};

/** The word for a purpose, in a column; NULL: it has none. */
const char *embed_purpose_gemini(enum embed_purpose p);
const char *embed_purpose_cohere(enum embed_purpose p);
const char *embed_purpose_nova(enum embed_purpose p);
/** By any word for it, in any case; PURPOSE_UNSET: nobody says so. */
enum embed_purpose embed_purpose_of(struct str word);

/**
 * A vector as JSON text onto `out`, as an array of numbers or as a string of
 * base64 (little-endian 32 bit floats), from either. Digits of an array stay
 * as they are.
 *
 * Errors: SYNTAX (it is neither), LIMIT, NOMEM
 * Cost:   O(length); a number is read or written only where the form changes
 */
int embed_put_vector(struct buf *out, struct str raw, bool base64);

#endif
