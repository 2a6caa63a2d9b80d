/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A key or team as an object of JSON, its rows in the store, and what is
 * checked before it goes there. A key's fields are those of the block `key`
 * in the configuration, checked by the same table, and `metadata`, which is
 * kept and shown and means nothing to us.
 *
 * Functions that return JSON return a new reference, or NULL with *err.
 */
#ifndef PENSTOCK_KEEPER_KEY_RECORD_H
#define PENSTOCK_KEEPER_KEY_RECORD_H

#include "engine/config.h"
#include "keeper/store_impl.h"

enum {
    RECORD_NAME_MAX = 128,
    RECORD_BODY_MAX = 16384, /* bytes of a record's lists, tags and so on */
    RECORD_PAGE = 200,       /* records of one answer */
};

/* key_check.c */

/**
 * Check a key's or team's fields and make them canonical.
 *
 *   kind    in  "key" or "team"
 *   fields  in  name and what belongs to it; borrowed
 * Errors: CONFIG, the text names the field and the right spelling
 */
json_t *record_check(const char *kind, const json_t *fields, struct err *err);

/** "2027-03-31T00:00:00Z"; "" for 0. */
void record_time(uint64_t ms, char out[32]);

/* key_rows.c */

/** The columns of a key, in this order, for record_of_row. */
#define KEY_COLUMNS                                                           \
    "id, name, team, user, body, disabled, expires_ms, created_ms, "          \
    "created_by, changed_ms, revoked_ms"

enum { COL_ID, COL_NAME, COL_TEAM, COL_USER, COL_BODY, COL_DISABLED,
       COL_EXPIRES, COL_CREATED, COL_BY, COL_CHANGED, COL_REVOKED };

/** A key by its id, or by its name among those that are not revoked, as it is
 * shown; NULL: NOTFOUND. */
json_t *key_find(struct store *s, const char *id_or_name, struct err *err);

/** Keys after that id (NULL: from the first), at most RECORD_PAGE;
 * {"keys": [...], "next": id or null}. */
json_t *key_list(struct store *s, const char *after, bool revoked,
                 struct err *err);

/** Add a key of canonical fields with one digest. EXISTS: name or digest. */
int key_insert(struct store *s, const char *id, const json_t *fields,
               const unsigned char sha256[32], const char *who,
               struct err *err);

/** Replace its fields. */
int key_change(struct store *s, const char *id, const json_t *fields,
               struct err *err);

/** One more digest; those before it end at `until_ms`, if not sooner. */
int key_add_secret(struct store *s, const char *id,
                   const unsigned char sha256[32], uint64_t until_ms,
                   struct err *err);

int key_revoke(struct store *s, const char *id, struct err *err);

/* team_rows.c */

json_t *team_find(struct store *s, const char *name, struct err *err);
json_t *team_list(struct store *s, struct err *err);
/** Add it, or replace its fields. */
int team_put(struct store *s, const json_t *fields, struct err *err);
/** BUSY: keys or teams refer to it. */
int team_delete(struct store *s, const char *name, struct err *err);
/** Is this team here? 1, 0, -ERR_x. *parent (may be NULL) is its parent. */
int team_parent(struct store *s, struct str name, char *parent, size_t size,
                struct err *err);

/* audit_rows.c */

/** Add a line. before and after: JSON, or NULL. */
int audit_add(struct store *s, const char *who, const char *action,
              const char *object, const json_t *before, const json_t *after,
              struct err *err);
/** Lines after that number, oldest first; {"audit": [...], "next": …}. */
json_t *audit_list(struct store *s, uint64_t after, struct err *err);

#endif
