/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What models can not do. Facts are data (plugins/catalogue/models.json, and
 * the configuration's `capability` blocks over them); the loader puts those
 * of the configured providers into the bundle's section "abilities". What
 * nobody says is not known, and then a model is taken to be able.
 */
#ifndef PENSTOCK_ENGINE_ABILITY_H
#define PENSTOCK_ENGINE_ABILITY_H

#include "base/err.h"
#include "base/str.h"

/** What a model is for; one that nobody knows may be asked for anything. */
enum model_kind { KIND_UNKNOWN, KIND_CHAT, KIND_EMBED, KIND_RERANK };

struct ability {
    int64_t context; /* tokens of input and output together; 0 = not known */
    uint32_t lacks;  /* bits of wire/needs.h */
    enum model_kind kind;
};

enum { ABILITY_KEY_MAX = 255 };

struct ability_table;

/** From the section's JSON ({"provider/model": {"kind": "embed", "context": n,
 * "not": […]}});
 * an absent section is an empty table. NULL with *err: SYNTAX, NOMEM. */
struct ability_table *ability_table_new(struct str section, struct err *err);
void ability_table_free(struct ability_table *t);

/** "chat", "embed", "rerank"; others, and NULL, are UNKNOWN. */
enum model_kind model_kind_named(const char *name);

/** Of an upstream model at a configured provider: by its name, else by the
 * longest "prefix*"; NULL = nothing is known. O(lengths of prefixes). */
const struct ability *ability_find(const struct ability_table *t,
                                   struct str provider, struct str model);

#endif
