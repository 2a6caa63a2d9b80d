/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading requests by tables: an object's members against the names that its
 * dialect has for it, in one walk. Types are checked; what is not in the
 * table is listed as unread; null is the same as absent, as in both dialects.
 * For the codec_*.c files.
 */
#ifndef PENSTOCK_WIRE_CODEC_READ_H
#define PENSTOCK_WIRE_CODEC_READ_H

#include "base/err.h"
#include "wire/neutral.h"

enum rd_types {
    RD_STRING = 1 << JSON_T_STRING,
    RD_NUMBER = 1 << JSON_T_NUMBER,
    RD_BOOL = 1 << JSON_T_TRUE | 1 << JSON_T_FALSE,
    RD_ARRAY = 1 << JSON_T_ARRAY,
    RD_OBJECT = 1 << JSON_T_OBJECT,
    RD_ANY = 0xFFFF,
};

enum {
    RD_MESSAGES_MAX = 100000,
    RD_BLOCKS_MAX = 500000,
    RD_TOOLS_MAX = 2048,
    RD_NAMES_MAX = 2048, /* stop sequences, allowed tools */
    RD_EXTRAS_MAX = 256,
    RD_UNREAD_MAX = 32, /* more are the same again: not listed */
};

/** One request being read. */
struct rd {
    const struct json *j;
    struct arena *a;
    struct neutral_request *r;
    struct err *err;
    uint32_t n_extras;
    struct jstr signature; /* unsealed: of the call that comes next */
    const struct neutral_message *asked; /* the last assistant's */
};

struct rd_field {
    struct str name;
    uint32_t types; /* enum rd_types */
};

#define RD_FIELD(lit, types) { { "" lit, sizeof(lit) - 1 }, types }

/**
 * Find the fields of a table in an object: at[i] is the node, or JSON_NONE.
 *
 *   path   of the object in messages ("messages[]"), before unread names;
 *          NULL: the top object, whose unknown members are extras
 *
 * Errors: INVALID_REQUEST, NOMEM
 */
int rd_object(struct rd *rd, uint32_t object, const struct rd_field *fields,
              size_t n, const char *path, uint32_t *at);

/** INVALID_REQUEST at a node: "Invalid 'messages[0].role': expected ..." */
int rd_fault(struct rd *rd, uint32_t node, const char *expected);
int rd_nomem(struct rd *rd);

/** What a node that may be JSON_NONE says; absent where it is. */
struct jstr rd_jstr(struct rd *rd, uint32_t node);
struct str rd_raw(struct rd *rd, uint32_t node);
/** Characters; -ERR_NOMEM, or 0 with p == NULL for JSON_NONE. */
int rd_text(struct rd *rd, uint32_t node, struct str *out);
/** -1, 0 or 1. */
int rd_bool(struct rd *rd, uint32_t node);
/** A count: INVALID_REQUEST when it is not an integer from 0 on. */
int rd_count(struct rd *rd, uint32_t node, int64_t *out);

/** Note a member that is not read here; nothing is lost without a name. */
int rd_unread(struct rd *rd, const char *path, struct str name);

/** Keep a member of the top object that only its own dialect knows. */
int rd_extra(struct rd *rd, uint32_t node, struct str name);

/** Strings of an array (or one string) in their order. */
int rd_names(struct rd *rd, uint32_t node, struct neutral_name **out);

/** cache_control{type, ttl} or prompt_cache_breakpoint{mode, ttl}. */
int rd_cache(struct rd *rd, uint32_t node, struct neutral_cache *out);

/** Append with the caps. NULL: *rd->err says why; return -rd->err->code. */
struct neutral_message *rd_message(struct rd *rd, enum neutral_role role);
struct neutral_block *rd_block(struct rd *rd, struct neutral_message *m,
                               enum neutral_kind kind);

/** A block that only this dialect can say. */
int rd_unknown(struct rd *rd, struct neutral_message *m, uint32_t node,
               struct str type);

/** The schema of a tool and whether it says its type. */
void rd_schema(struct rd *rd, uint32_t node, struct neutral_tool *t);

/**
 * data:MIME;base64,DIGITS, or what else an address is: kind, source, data and
 * mime of *out. The digits stay where they are.
 */
int rd_address(struct rd *rd, uint32_t node, struct neutral_media *out);

#endif
