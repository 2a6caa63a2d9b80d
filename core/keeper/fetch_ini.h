/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The shared credentials file of AWS (docs.aws.amazon.com/sdkref/latest/guide/
 * file-format.html, read 2026-11-26): "[profile]" and "key = value" lines;
 * '#' and ';' begin a comment, at the begin of a line; a line that begins
 * with a blank goes on with a nested value, which none of ours is.
 */
#ifndef PENSTOCK_KEEPER_FETCH_INI_H
#define PENSTOCK_KEEPER_FETCH_INI_H

#include "base/str.h"

/** Is there a section of that name? */
bool ini_has(struct str text, struct str section);
/** The value of a key in a section, borrowed; the last one said, in the case
 * as it is written; keys compare without it. n 0: none. O(text). */
struct str ini_get(struct str text, struct str section, const char *key);

#endif
