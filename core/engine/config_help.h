/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * config.def for readers and tools: help on the terminal, the key list of
 * penstock.conf(5), the LuaLS stub, JSON Schema. Nothing about a key is
 * written anywhere else.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_HELP_H
#define PENSTOCK_ENGINE_CONFIG_HELP_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/config_table.h"

#include <jansson.h>

/**
 * Help for "" (all directives), "provider", "provider.timeouts",
 * "provider.timeouts.connect", or from any scope on: "timeouts.connect".
 *
 * Errors: NOTFOUND (msg names a near one), or those of the buffer.
 */
int config_help(struct str path, struct buf *out, struct err *err);

/** The part of penstock.conf(5) that lists the keys, in mdoc. */
int config_help_mdoc(struct buf *out);

/** sdk/lua/penstock.conf.lua: annotations for the Lua language server. */
int config_help_stub(struct buf *out);

/** JSON Schema (2020-12) of the canonical form; a new reference. */
json_t *config_schema(void);

/** What may be written for a key, in words: "a duration, 1ms to 24h". */
void config_help_values(const struct conf_row *row, struct buf *out);

#endif
