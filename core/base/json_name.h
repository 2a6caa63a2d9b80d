/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Names and texts as the characters they mean: JSON escapes and JSON Pointer
 * escapes undone while comparing, without a copy. For the json_*.c files.
 */
#ifndef PENSTOCK_BASE_JSON_NAME_H
#define PENSTOCK_BASE_JSON_NAME_H

#include "base/json.h"

enum json_spelling {
    JSON_SPELL_PLAIN,   /* bytes mean themselves */
    JSON_SPELL_STRING,  /* inside of a JSON string, well-formed */
    JSON_SPELL_POINTER, /* one token of a JSON Pointer: ~0 is ~, ~1 is / */
};

/** Bytes with the way they are spelled. */
struct json_chars {
    struct str s;
    enum json_spelling spelling;
};

/** Same characters? Lone surrogates are U+FFFD, here as in json_text. */
bool json_chars_eq(struct json_chars a, struct json_chars b);

/** A member's name without its quotes; s.p is NULL for array elements. */
struct json_chars json_name_chars(const struct json *j, uint32_t node);

/** Undo the spelling into `out` (s.n bytes always suffice); bytes written. */
size_t json_chars_put(struct json_chars c, char *out);

/** The first token of a pointer that starts with '/'; *pointer loses it. */
struct json_chars json_token(struct str *pointer);

/** "" or a '/' first, and each '~' followed by 0 or 1. */
bool json_pointer_valid(struct str pointer);

/** An array index: digits, no leading zero; false for all else. */
bool json_token_index(struct json_chars token, uint32_t *index);

/**
 * 0, or the fault that two members of `object` have one name. All below the
 * object must be complete. Linear in the members, whatever they are called.
 *
 *   most   in   it has no more members than that
 */
int json_check_names(const struct json *j, uint32_t object, uint32_t most,
                     struct err *err);

#endif
