/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A call's edits of the request's body. They lie over the text until the call
 * is over: then they become the request's, all of them, or, where the script
 * failed, refused or only observes, none. Within the call each reading sees
 * them.
 */
#ifndef PENSTOCK_POLICY_EDIT_H
#define PENSTOCK_POLICY_EDIT_H

#include "policy/call.h"

/** What a call that reads or edits the body holds. */
struct call_edit {
    struct arena *arena;      /* of the edits and of texts; bounded by the
                                 body's size */
    const struct json *base;  /* what they are edits of: the request's index,
                                 or `own` */
    struct json_edits *edits;
    struct json own;          /* of `text` */
    struct buf text;          /* the body after earlier edits of this call */
    struct buf value;         /* a value that is made */
    uint32_t epoch;           /* changes with `base` */
    struct str model;         /* Google's clients', whose path says it; in the
                                 request's arena. p NULL: as it was */
};

/** The body as this call sees it; made at the first use. Raises where there
 * is none in this phase; `what` is for messages: "req.model". */
struct call_edit *edit_read(lua_State *L, struct policy_call *c,
                            const char *what);

/** The same, to be changed. Raises where the phase may not. */
struct call_edit *edit_write(lua_State *L, struct policy_call *c,
                             const char *what);

/** Make the edits so far the base of further ones, so that the index holds
 * what is there now. Raises. O(body) where there are any. */
void edit_settle(lua_State *L, struct call_edit *e);

/** Has the call changed anything? */
bool edit_made(const struct call_edit *e);

/** The call has come to its end without a refusal: hand its edits over. */
void edit_commit(lua_State *L, struct policy_call *c);

/** Free it; idempotent. */
void edit_drop(struct policy_call *c);

/** Where the script only observes: a note of what it would have done. */
void edit_note(struct policy_call *c, const char *verb, struct str what);

#endif
