/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * From the store to the workers' key table: a base of all keys, then a delta
 * of those that changed since. A delta is cumulative, so that who missed one
 * has it with the next; when it has grown, a new base takes its place.
 */
#ifndef PENSTOCK_KEEPER_KEY_BOOK_H
#define PENSTOCK_KEEPER_KEY_BOOK_H

#include "engine/config.h"
#include "keeper/store.h"

struct key_book;

/** NULL: memory. The configuration is borrowed: its keys win. */
struct key_book *key_book_new(const struct config *c);
void key_book_free(struct key_book *b);

/** This key (its id) changed: it goes with the next delta. */
void key_book_note(struct key_book *b, const char *id);

/** Is a key of that name in the configuration? */
bool key_book_configured(const struct key_book *b, const char *name);

/**
 * The next snapshot: a base the first time and when the delta has grown, else
 * a delta. Returns its descriptor (the caller's), or -ERR_x.
 * Cost: a base reads all keys, about 4 us each
 */
int key_book_snapshot(struct key_book *b, struct store *s, bool *is_base,
                      struct err *err);

#endif
