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
 * What RFC 8259 leaves open: numbers of any size and lone surrogates pass,
 * since they go on as they are; bytes that are no UTF-8 and a BOM do not.
 *
 * Cost: about 0.5 ns per byte of text and 20 ns per value, so 1.3 ns per byte
 * of tool schemas (tests/bench/json_bench); memory 24 bytes per node.
 * Source: docs/design/request-life.md, "Bytes".
 */
#ifndef PENSTOCK_BASE_JSON_H
#define PENSTOCK_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* jansson owns JSON_OBJECT and its kin; both headers may meet in a file */
enum json_type {
    JSON_T_NULL = 1,
    JSON_T_FALSE,
    JSON_T_TRUE,
    JSON_T_NUMBER,
    JSON_T_STRING, /* the span includes the quotes */
    JSON_T_ARRAY,
    JSON_T_OBJECT,
};

enum {
    JSON_F_ESCAPED = 1,     /* the string has a backslash */
    JSON_F_KEY_ESCAPED = 2, /* its name has one */
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
    uint32_t max_depth; /* nested containers; 0 = 128 */
    uint32_t max_nodes; /* 0 = 1,000,000 */
    bool dup_everywhere; /* refuse duplicates in every object */
    bool dup_nowhere;    /* refuse them in none */
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

/**
 * Member of an object by its (unescaped) name, or JSON_NONE; the last one
 * where the name stands twice, as the parsers behind us would take it.
 */
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

/** Exact integer, else false; "1e2", "1.0" and what passes int64 are none. */
bool json_int(const struct json *j, uint32_t node, int64_t *out);
/** False also for what a double cannot hold ("1e400"). */
bool json_double(const struct json *j, uint32_t node, double *out);

/** Pointer of a node ("/messages/3/content"), for messages. */
struct str json_pointer(const struct json *j, uint32_t node, struct arena *a);

/*
 * Edits of one scanned text. The text is never touched; json_edits_apply
 * writes the result, in which all that was not edited stands byte for byte
 * and in its order. Edits mean what they would mean one after the other: a
 * pointer sees renamed names, array elements behind a removed one move up,
 * and an edit may go into a value that an earlier edit put there.
 *
 * Index, text and arena must outlive them. Cost: a walk along the pointer,
 * no pass over the text; apply is one copy plus the edited containers.
 */
struct json_edits;

/** NULL when the text was not scanned well or memory is out. */
struct json_edits *json_edits_new(const struct json *j, struct arena *a);

/**
 * Replace a value, or add the member where it is missing, behind the others.
 *
 * Missing or null objects on the way are made ("/stream_options/x" adds
 * stream_options). In an array an index replaces; "-" or the array's length
 * appends.
 *
 *   value   JSON text; checked and copied into the arena
 *
 * Errors: SYNTAX (pointer or value), LIMIT (pointer over 128 deep), NOTFOUND
 *         (no such element; a string or number on the way), NOMEM
 */
int json_edit_set(struct json_edits *e, struct str pointer, struct str value,
                  struct err *err);

/** Remove a member or element; 0 also when there is none. Not the top. */
int json_edit_remove(struct json_edits *e, struct str pointer);

/**
 * Give a member another name in the same object; its place stays. A member
 * that had the new name goes. 0 also when there is no `from`.
 *
 * Errors: SYNTAX (pointers; other parent; an array element), LIMIT, NOMEM
 */
int json_edit_rename(struct json_edits *e, struct str from, struct str to,
                     struct err *err);

/** Value after the edits so far: raw JSON, borrowed until the next edit or
 * from the arena; p is NULL where there is none. */
struct str json_edits_get(const struct json_edits *e, struct str pointer);

/** Is there a value after the edits so far? 1, 0, or -ERR_NOMEM. */
int json_edits_has(const struct json_edits *e, struct str pointer);

/** Replace a node of the index itself, whatever its place; O(1) where nodes
 * come in their order. As json_edit_set, but for names that stand twice. */
int json_edit_set_node(struct json_edits *e, uint32_t node, struct str value,
                       struct err *err);

/** True while nothing was edited: then send the text itself. */
bool json_edits_empty(const struct json_edits *e);

/** Append the edited text to `out`; 0, -ERR_LIMIT or -ERR_NOMEM. */
int json_edits_apply(const struct json_edits *e, struct buf *out);

#endif
