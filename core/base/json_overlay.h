/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What edits are made of: a sorted list of touched nodes laid over an index.
 * An edit that goes into a value which an earlier edit put there is kept with
 * that value, as edits of its own text: so edits mean what they would mean
 * one after the other. For json_place.c, json_edit.c and json_apply.c.
 */
#ifndef PENSTOCK_BASE_JSON_OVERLAY_H
#define PENSTOCK_BASE_JSON_OVERLAY_H

#include "base/json_name.h"

/** A value put in; raw.p is NULL while there is none. All in the arena. */
struct json_value {
    struct str raw;
    struct json_edits *inner; /* edits of raw; NULL until one comes */
};

/** A member or element behind the container's own ones. */
struct json_added {
    struct json_added *next;
    struct str name; /* unescaped; p is NULL in arrays */
    struct json_value value;
};

/** One touched node of the text. */
struct json_edit {
    uint32_t node;
    bool removed;
    bool lost_child; /* a child of it was removed */
    struct str name; /* the new name, unescaped; p is NULL for the old one */
    struct json_value value;
    struct json_added *added, *added_last;
};

struct json_edits {
    const struct json *j;
    struct arena *a;
    struct json_edit **at; /* by node, ascending */
    uint32_t n, cap;
    bool hides; /* some node was removed or renamed */
};

/** Where a pointer leads. */
struct json_place {
    struct json_edits *e;     /* the edits whose text holds it */
    uint32_t parent;          /* its container, or JSON_NONE for the top */
    uint32_t node;            /* itself, or JSON_NONE when it was added */
    struct json_added *added; /* itself, or NULL */
    struct str rest;          /* tokens that lead nowhere; `node` is the
                                 last container or scalar on the way */
};

/** 0 or -ERR_NOMEM; found when rest.n is 0. */
int json_place_find(struct json_edits *e, struct str pointer,
                    struct json_place *place);

/** The edit of a node, or NULL; `for` makes it (NULL when memory is out). */
struct json_edit *json_edit_of(const struct json_edits *e, uint32_t node);
struct json_edit *json_edit_for(struct json_edits *e, uint32_t node);

/** Index in e->at of the first edit at or behind a node. */
uint32_t json_edit_from(const struct json_edits *e, uint32_t node);

/** The value put at a place, or NULL while it is the text's own. */
struct json_value *json_place_value(const struct json_place *place);

/** Was this child removed? Does it stand there under this name? */
bool json_is_removed(const struct json_edits *e, uint32_t child);
bool json_is_named(const struct json_edits *e, uint32_t child,
                   struct json_chars name);

/** Sets place->node or ->added to the member of `object` in place->e. */
void json_find_member(struct json_place *place, uint32_t object,
                      struct json_chars name);

/** Values may hold what the text may: duplicates pass. */
extern const struct json_limits json_value_limits;

#endif
