/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * config.def as arrays, and questions about it. Everything that knows a key
 * of the configuration asks here: the readers, the checker, the writers.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_TABLE_H
#define PENSTOCK_ENGINE_CONFIG_TABLE_H

#include "base/str.h"

enum conf_scope_id {
#define CONF_SCOPE(id, positional, name_type, name_unit, help) SCOPE_##id,
#include "engine/config.def"
    SCOPE_COUNT
};

enum conf_form {
    CONF_ONE,
    CONF_LIST,
    CONF_MAP,   /* name = value */
    CONF_NAMED, /* kind "name" { ... } */
};

enum conf_type {
    CONF_NONE, /* no name */
    CONF_BOOL,
    CONF_INT,
    CONF_TEXT,  /* 1..1024 bytes without control characters */
    CONF_TEXT0, /* as TEXT; may be empty */
    CONF_NAME,  /* letters, digits, '_', '-', '.' */
    CONF_PATTERN, /* a name with at most one '*' */
    CONF_ENUM,
    CONF_DURATION,
    CONF_SIZE,
    CONF_RATE, /* "600/min" */
    CONF_PERCENT, /* "10%" */
    CONF_PATH, /* absolute */
    CONF_LOGTO,
    CONF_ADDRESS, /* ip:port or unix:/path */
    CONF_URL,
    CONF_PROXY,
    CONF_REDIS, /* redis://, rediss://, unix:// */
    CONF_CIDR,
    CONF_DATE,
    CONF_SHA256,
    CONF_HEADER,
    CONF_TARGET, /* provider/model */
    CONF_SECRET, /* a reference */
    CONF_ANY,    /* any object */
    CONF_OBJECT, /* of the scope that `unit` names */
    CONF_TYPE_COUNT
};

enum conf_applies { CONF_LIVE, CONF_WORKERS, CONF_RESTART };

struct conf_scope {
    const char *name;
    const char *positional; /* key that unnamed values stand for, or NULL */
    enum conf_type name_type;
    const char *name_unit;
    const char *help;
};

struct conf_row {
    enum conf_scope_id scope;
    const char *key;
    enum conf_form form;
    enum conf_type type;
    const char *unit; /* range, choices, scope; or NULL */
    const char *def;  /* text, conf_required, conf_inherit, or NULL */
    enum conf_applies applies;
    const char *help;
};

extern const struct conf_scope conf_scopes[SCOPE_COUNT];
extern const struct conf_row conf_rows[];
extern const size_t conf_row_count;

/* The two defaults that are no text: compare by address. */
extern const char conf_required[];
extern const char conf_inherit[];

/** Row of a key in a scope, or NULL. O(rows). */
const struct conf_row *conf_row_find(enum conf_scope_id scope, struct str key);

/** Scope of an OBJECT row. */
enum conf_scope_id conf_row_scope(const struct conf_row *row);

/** The word that may stand in place of the value ("auto", "client"), or
 * STR_NULL; `*rest` (or NULL) is the unit without it. */
struct str conf_row_word(const struct conf_row *row, struct str *rest);

/** How the value of a row is called in a message: "a duration". */
const char *conf_type_name(enum conf_type type);
/** A right spelling, as in a file: "\"30s\"". */
const char *conf_type_example(enum conf_type type);
const char *conf_applies_name(enum conf_applies applies);

/**
 * The nearest of the offered words, for "did you mean": feed each candidate,
 * then read `best` (p NULL: nothing near enough).
 */
struct conf_near {
    struct str word; /* what was written */
    struct str best;
    size_t distance;
};

void conf_near_init(struct conf_near *n, struct str word);
void conf_near_offer(struct conf_near *n, struct str candidate);
/** Offer all keys of a scope. */
void conf_near_keys(struct conf_near *n, enum conf_scope_id scope);
/** Offer the words of "a|b|c". */
void conf_near_words(struct conf_near *n, struct str words);

#endif
