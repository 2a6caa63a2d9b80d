/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * multipart/form-data, read as it comes: which boundary, where its parts are,
 * and the two fields that the gateway itself needs. Nothing of a file is
 * kept. What two readers could understand differently is refused: who reads
 * the model's name behind us must read the same one (RFC 7578, RFC 2046).
 */
#ifndef PENSTOCK_WIRE_FORM_H
#define PENSTOCK_WIRE_FORM_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum {
    FORM_BOUNDARY_MAX = 70,
    FORM_HEAD_MAX = 4096, /* of one part */
    FORM_VALUE_MAX = 256,
    FORM_PARTS_MAX = 1000,
};

/** Fields that are read; others pass. */
enum form_field { FORM_MODEL, FORM_STREAM, FORM_FIELDS };

struct form_value {
    bool there;
    uint64_t at; /* of its first byte in the body */
    size_t n;
    char text[FORM_VALUE_MAX];
};

struct form {
    char mark[FORM_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
    uint8_t back[FORM_BOUNDARY_MAX + 4]; /* where a match goes on that broke */
    size_t mark_n, matched;
    int state;
    uint64_t at;         /* bytes taken */
    uint32_t parts;
    char head[FORM_HEAD_MAX];
    size_t head_n;
    enum form_field field; /* FORM_FIELDS: none of ours */
    struct form_value got[FORM_FIELDS];
};

/**
 * Begin with a Content-Type. Errors: INVALID_REQUEST: it names no boundary,
 * or one that RFC 2046 does not allow.
 */
int form_begin(struct form *f, struct str content_type, struct err *err);

/**
 * The body's next bytes, however it is cut. Errors: INVALID_REQUEST: it is
 * not what RFC 7578 says, holds a field of ours twice or as a file, or passes
 * one of the bounds. Cost: one look at each byte; none is kept but a part's
 * head and our fields.
 */
int form_feed(struct form *f, struct str bytes, struct err *err);

/** Was that all? INVALID_REQUEST where the last boundary has not come. */
int form_end(const struct form *f, struct err *err);

/** The field's value, in *f; p NULL: it has not come. */
struct str form_value(const struct form *f, enum form_field field);

#endif
