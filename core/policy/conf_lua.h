/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * penstock.conf to a tree. The language is the part of Lua that is data: calls
 * of directives, tables, texts, numbers, booleans. It is read by a parser of
 * its own and never run: so a mistake has a file and a line down to a single
 * key, a duplicate or a hole is seen, and nothing needs a budget. Whatever is
 * accepted is Lua: editors, formatters and LuaLS work on it.
 * Source: docs/design/configuration.md, "Read, not run".
 *
 * The tree, for config_check:
 *   kind "name" { ... }   tree[kind][name] = table
 *   kind { ... }          tree[kind] = table
 *   kind "value"          tree[kind] = value
 *   a table               object; or array when all its values are unnamed;
 *                         or an object with the unnamed ones under ""
 *   env "X", file "/p", credential "x"   {"$env": "X"}, ... see secret.h
 *   tree["@"]             where things stand: see config.h, "Marks"
 */
#ifndef PENSTOCK_POLICY_CONF_LUA_H
#define PENSTOCK_POLICY_CONF_LUA_H

#include "base/err.h"

#include <jansson.h>

/**
 * Read a file and what it includes. JSON (first character '{') is taken as
 * it is, without marks.
 *
 *   path    in   the file; messages call it by its last part
 *   returns      a new reference, or NULL
 *
 * Errors:  CONFIG (err->at is "file:line"), IO, NOMEM. 4 MiB a file, 16 MiB
 *          and 256 files in all, includes 8 deep, tables 32 deep.
 * Cost:    blocks on the disk: loader and command line only
 */
json_t *conf_load(const char *path, struct err *err);

/** As conf_load, of a text called `name`; `include` is refused. */
json_t *conf_load_text(struct str text, const char *name, struct err *err);

#endif
