/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which pages in browsers may read a listener's answers: its `cors` block.
 * Origins are compared whole, byte for byte: what a browser sends has one
 * spelling, and any rule on parts of it is one that somebody registers a
 * domain for.
 */
#ifndef PENSTOCK_ENGINE_CORS_H
#define PENSTOCK_ENGINE_CORS_H

#include "base/str.h"

enum { CORS_NAMES_MAX = 1024 }; /* bytes of a list of header names */

/** Of a listener; no origins = none may. */
struct conf_cors {
    struct str *origins;
    size_t n_origins;
    bool any;         /* the one origin is "*" */
    bool credentials; /* requests may carry cookies and certificates */
    uint32_t max_age_s;
};

/** "https://chat.example.com", "http://localhost:3000", "null": as a browser
 * sends it? Else *why says what to write. */
bool cors_origin_ok(struct str origin, const char **why);

/** May this origin read answers? An empty one may not. O(origins). */
bool cors_allows(const struct conf_cors *c, struct str origin);

/** A list of header names, at most CORS_NAMES_MAX bytes, that can be said
 * back? */
bool cors_names_ok(struct str names);

#endif
