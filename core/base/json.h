/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The span scanner: one pass over a JSON text makes an index of where things
 * stand; no tree, no copies, no numbers converted. The bytes stay the truth,
 * so what is not edited goes out exactly as it came in.
 *
 * Nodes lie in pre-order: a container's children follow it, and `next` skips
 * a node with all below it. Node 0 is the top value.
 *
 * Checked in that pass: the whole grammar of RFC 8259 (numbers, literals,
 * escapes, commas), UTF-8, depth, node count. A duplicate member name is a
 * fault in the top object and in everything below "messages"; elsewhere (a
 * JSON schema, say) it passes.
 *
 * Cost: <= 1.5 ns per byte on long strings; memory 24 bytes per node.
 * Source: docs/design/request-life.md, "Bytes".
 */
#ifndef PENSTOCK_BASE_JSON_H
#define PENSTOCK_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_type {
    JSON_NULL = 1,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING, /* the span includes the quotes */
    JSON_ARRAY,
    JSON_OBJECT,
};

enum {
    JSON_F_ESCAPED = 1, /* the string has a backslash */
    JSON_F_KEY_ESCAPED = 2
};

struct json_node {
    uint32_t start, end; /* span of the value in the text */
    uint32_t next;       /* index of the node after this one's subtree */
    uint32_t key;        /* offset of the member name's opening quote, or 0 */
    uint32_t key_end;    /* one past its closing quote */
    uint16_t depth;
    uint8_t type, flags;
};

struct json {
    const char *text; /* borrowed; must outlive the index */
    uint32_t size;
    uint32_t count;
    struct json_node *nodes; /* malloc'd, reused by the next json_scan */
    uint32_t cap;
};

struct json_limits {
    uint32_t max_depth; /* 0 = 128 */
    uint32_t max_nodes; /* 0 = 1,000,000 */
    bool dup_everywhere; /* refuse duplicates in every object */
};

#define JSON_NONE UINT32_MAX

/**
 * Scan `text` into *j (zeroed before its first use).
 *
 * Errors:  SYNTAX (err->at "byte N"; msg says what was expected), LIMIT,
 *          NOMEM. Texts of 4 GiB and more are LIMIT.
 */
int json_scan(struct json *j, struct str text, const struct json_limits *lim,
              struct err *err);
void json_clear(struct json *j);

/** Raw span of a node. */
struct str json_raw(const struct json *j, uint32_t node);

/** Member of an object by its (unescaped) name, or JSON_NONE. */
uint32_t json_member(const struct json *j, uint32_t object, struct str name);

/** Node at a JSON Pointer ("" = top, "/messages/0/role"), or JSON_NONE. */
uint32_t json_at(const struct json *j, struct str pointer);

/** First child or JSON_NONE; next sibling within `parent` or JSON_NONE. */
uint32_t json_first(const struct json *j, uint32_t container);
uint32_t json_sibling(const struct json *j, uint32_t parent, uint32_t node);

/** Children of a container. O(children). */
uint32_t json_length(const struct json *j, uint32_t container);

/**
 * A string's text: a borrowed span when it has no escapes, else unescaped
 * into the arena (lone surrogates become U+FFFD). p is NULL when the node is
 * JSON_NONE, not a string, or memory is out.
 */
struct str json_text(const struct json *j, uint32_t node, struct arena *a);

/** The member name of a node, like json_text. */
struct str json_name(const struct json *j, uint32_t node, struct arena *a);

/** Exact integer; false when it is none ("1e2", "1.0") or out of range. */
bool json_int(const struct json *j, uint32_t node, int64_t *out);
bool json_real(const struct json *j, uint32_t node, double *out);

/** Pointer of a node ("/messages/3/content"), for messages. */
struct str json_pointer(const struct json *j, uint32_t node, struct arena *a);

/*
 * Edits: a list of span replacements against one scanned text. The text is
 * never touched; json_edits_apply writes the result. Later edits of the same
 * place win; an edit inside a removed or replaced span is dropped.
 */
struct json_edits;

struct json_edits *json_edits_new(const struct json *j, struct arena *a);

/** All take a JSON Pointer; `value` is JSON text, copied into the arena. */
int json_edit_set(struct json_edits *e, struct str pointer, struct str value,
                  struct err *err); /* adds the member where it is missing */
int json_edit_remove(struct json_edits *e, struct str pointer);
int json_edit_rename(struct json_edits *e, struct str from, struct str to,
                     struct err *err); /* same parent: the name only */

/** Value after the edits so far: raw JSON, or p NULL. */
struct str json_edits_get(const struct json_edits *e, struct str pointer);

bool json_edits_empty(const struct json_edits *e);
int json_edits_apply(const struct json_edits *e, struct buf *out);

#endif
