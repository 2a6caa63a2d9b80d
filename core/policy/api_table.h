/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The rows of api.def and phases.def, and what is made from them: help, the
 * editor's stub, the reference of penstock-policy(7), luacheck's settings.
 * No script is run by any of it, but luacheck's list asks a fresh sandbox.
 */
#ifndef PENSTOCK_POLICY_API_TABLE_H
#define PENSTOCK_POLICY_API_TABLE_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/policy.h"

enum api_row_kind { API_ROW_CLASS, API_ROW_FN, API_ROW_FIELD };

struct api_row {
    enum api_row_kind kind;
    const char *cls;  /* of a class or a field: "req" */
    const char *name; /* whole: "req.id", "plan:keep", "ps.keys.get", "req" */
    const char *params, *returns; /* of a function */
    const char *type;             /* of a field */
    const char *phases, *help;
    bool waits;
};

/** In the order of the file; ended by a row whose cls is NULL. */
extern const struct api_row api_rows[];

/** The row of that whole name, or NULL. */
const struct api_row *api_row_find(struct str name);

/** The last part of a name: "keep", "get", "id". */
const char *api_row_short(const struct api_row *row);

/** Is it a field or a function of the class? ("ps" has all of ps.) */
bool api_row_is_of(const struct api_row *row, const char *cls);

/** Does this version have it? Not a phase of "policy" that nothing calls. */
bool api_row_is_live(const struct api_row *row);

struct phase_info {
    const char *name, *when;
    bool open;   /* an error counts as "no opinion" unless the file says else */
    bool called; /* by a step of this version */
};

const struct phase_info *phase_info(enum policy_phase p);

/** The phase of that name, or PHASE_COUNT. */
enum policy_phase phase_find(struct str name);

/** Name of the class in Lua: "req" is "penstock.Req". */
void api_class_name(struct buf *out, const char *cls);

/**
 * Cut the next part off a list that commas separate; commas in brackets and
 * quotes do not count. As str_split: p is NULL after the last.
 */
struct str api_split(struct str *rest);

/** "name?: type" in its parts. */
struct api_param {
    struct str name, type;
    bool optional;
};
struct api_param api_param_read(struct str text);

/* What is made of them. 0 or -ERR_LIMIT: the buffer is too small. */
int api_help_stub(struct buf *out);
int api_help_mdoc(struct buf *out);
int api_help_luacheck(struct buf *out, struct err *err);

/**
 * What `penstock policy help NAME` prints: a function, a field, a class, a
 * phase, or "" for the list. Errors: NOTFOUND, with the nearest name.
 */
int api_help(struct str name, struct buf *out, struct err *err);

#endif
