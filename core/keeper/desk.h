/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The desk: what can be asked of the store, as a table of verbs. Both ways in,
 * the control socket and the admin listener, ask here; so each verb has one
 * meaning, one role and one line in the audit.
 *
 *   {"verb":"key.create","name":"ci","team":"search"}
 *     -> {"key":{...},"secret":"sk-ps-..."}      the only time it is shown
 *
 * A desk belongs to the store's thread.
 */
#ifndef PENSTOCK_KEEPER_DESK_H
#define PENSTOCK_KEEPER_DESK_H

#include "engine/config.h"
#include "keeper/key_book.h"
#include "keeper/store.h"

struct desk {
    struct store *store;     /* NULL: it cannot be read now */
    const struct config *config;
    struct key_book *book;
};

struct desk_ask {
    json_t *ask;     /* an object with "verb" */
    char who[160];   /* for the audit: "uid 0", "token grafana" */
    enum role role;
    int fd;          /* backup writes here; -1 = none */
};

struct desk_answer {
    json_t *reply;   /* the caller's; NULL where it failed */
    struct err err;
    bool changed;    /* the key table is to be published */
};

/** Is it a verb of the desk? */
bool desk_knows(const char *verb);

/** Do it. Errors: NOT_ALLOWED (the role), CONFIG (what was asked), NOTFOUND,
 * EXISTS, BUSY, AUTH_UNAVAILABLE (no store), IO, SYNTAX. */
void desk_do(struct desk *d, const struct desk_ask *q, struct desk_answer *a);

/** One digest's worth of what was asked for, for the desk's files. */
struct desk_verb {
    const char *name;
    enum role role;
    json_t *(*fn)(struct desk *d, const struct desk_ask *q, struct err *err);
    bool changes; /* run in a transaction, then published */
};

/* desk_keys.c, desk_teams.c: tables that end with a NULL name */
extern const struct desk_verb desk_keys[], desk_teams[];

/** A member's text, or NULL. */
const char *desk_text(const struct desk_ask *q, const char *name);
/** What was asked, less the words that are no fields. */
json_t *desk_fields(const struct desk_ask *q);
/** Is there a team of that name, here or in the configuration? 0 or -ERR_x. */
int desk_team_ok(struct desk *d, const char *name, struct err *err);

#endif
