/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between validate.c, which finds what is wrong, and validate_words.c, which
 * says it in the dialect's words. */
#ifndef PENSTOCK_WIRE_VALIDATE_IMPL_H
#define PENSTOCK_WIRE_VALIDATE_IMPL_H

#include "wire/validate.h"

/** Types of a value, as bits; an integer is a number, too. */
enum valid_type {
    VALID_ANY = 0,
    VALID_STR = 1,
    VALID_INT = 2,
    VALID_NUM = 4,
    VALID_BOOL = 8,
    VALID_ARR = 16,
    VALID_OBJ = 32,
    VALID_NULL = 64,
};

enum valid_why {
    VALID_MISSING, /* `member` of the object `node` */
    VALID_TYPE,    /* `node` is none of `types` */
    VALID_LOW,     /* its value, length or count is below `bound` */
    VALID_HIGH,
    VALID_CHOICE,  /* a text that is none of `choices` */
    VALID_LIMIT,   /* more than the operator's `bound` */
};

struct valid_fault {
    enum valid_why why;
    uint32_t node;
    const char *member;
    uint32_t types;
    int64_t bound;
    int64_t count;       /* what there is, of lengths and counts */
    const char *choices; /* "a|b" */
};

/** What is more than the operator allows; -ERR_INVALID_REQUEST with *f. */
int valid_check_limits(enum dialect d, const struct json *j,
                       const struct valid_limits *limits,
                       struct valid_fault *f);

/** The error in the dialect's words; -ERR_x. */
int valid_say(enum dialect d, const struct json *j,
              const struct valid_fault *f, struct arena *a, struct err *err);

#endif
