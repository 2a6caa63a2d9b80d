/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tool call ids and tool names inside each vendor's limits, as functions of
 * the id or name alone: the client sends them back, maybe to another process
 * or for another provider.
 *
 * Source: docs/design/translation.md, "Ids and names without state".
 */
#ifndef PENSTOCK_WIRE_CODEC_NAMES_H
#define PENSTOCK_WIRE_CODEC_NAMES_H

#include "wire/codec_target.h"
#include "wire/jstr.h"

enum codec_name_kind {
    NAME_RENAMED, /* sent in another form */
    NAME_CUSTOM,  /* a tool of free text, sent as a function of "input" */
    NAME_FORMAT,  /* not the client's: its arguments are the answer */
};

struct codec_name {
    struct codec_name *next;
    enum codec_name_kind kind;
    struct str sent, name;
};

/** What one request's encoding changed; for the decoder of its answer. */
struct codec_names {
    struct codec_name *first;
};

/** The entry for a name as it was sent, or NULL: it went as it is. */
const struct codec_name *codec_names_find(const struct codec_names *n,
                                          struct str sent);
/** 0 or -ERR_NOMEM. */
int codec_names_add(struct codec_names *n, struct arena *a,
                    enum codec_name_kind kind, struct str sent,
                    struct str name);

/** 1 to 64 of [A-Za-z0-9_-]: a tool's name, and an id of Anthropic's. */
bool codec_name_legal(struct str s);

/** A legal name: itself, or one made of it and its hash. p NULL: NOMEM. */
struct str codec_name_to_wire(struct str name, struct arena *a);

/** An id that Anthropic's API and clients take; p NULL: NOMEM. */
struct str codec_id_to_anthropic(struct str id, struct arena *a);
/** The id that was made legal by that, or itself; p NULL: NOMEM. */
struct str codec_id_from_anthropic(struct str id, struct arena *a);

/** An id by an OpenAI-compatible vendor's rule; p NULL: NOMEM. */
struct str codec_id_to_chat(struct str id, enum codec_ids rule,
                            struct arena *a);

/** An id for the n-th call of an answer whose provider gave it none. */
struct str codec_id_made(const char *prefix, struct str unique, uint32_t n,
                         struct arena *a);

#endif
