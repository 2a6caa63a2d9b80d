/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * sdk/lua/penstock.conf.lua: what an editor with the Lua language server
 * needs to complete and check a penstock.conf.
 */
#include "engine/config_help.h"

#include <string.h>

/* The class of a scope: "penstock.conf.provider". */
static void put_class(struct buf *out, enum conf_scope_id scope)
{
    buf_printf(out, "penstock.conf.%s", conf_scopes[scope].name);
}

static void put_words(struct buf *out, struct str words)
{
    while (words.p) {
        struct str part = str_split(&words, '|');

        buf_printf(out, "\"" STR_FMT "\"%s", STR_ARG(part), words.p ? "|" : "");
    }
}

/* The Lua type of one value. */
static void put_plain(struct buf *out, const struct conf_row *row)
{
    struct str rest, word = conf_row_word(row, &rest);

    if (word.p && row->type != CONF_LOGTO)
        buf_printf(out, "\"" STR_FMT "\"|", STR_ARG(word));
    switch (row->type) {
    case CONF_BOOL:
        buf_puts(out, "boolean");
        break;
    case CONF_INT:
        buf_puts(out, "integer");
        break;
    case CONF_ANY:
        buf_puts(out, "table");
        break;
    case CONF_SECRET:
        buf_puts(out, "penstock.conf.reference");
        break;
    case CONF_ENUM:
        put_words(out, rest);
        break;
    case CONF_OBJECT:
        put_class(out, conf_row_scope(row));
        if (conf_scopes[conf_row_scope(row)].positional)
            buf_puts(out, "|string|penstock.conf.reference");
        break;
    default:
        buf_puts(out, "string|penstock.conf.reference");
    }
}

static void put_type(struct buf *out, const struct conf_row *row)
{
    if (row->form == CONF_LIST)
        buf_puts(out, "(");
    if (row->form == CONF_MAP)
        buf_puts(out, "table<string, ");
    put_plain(out, row);
    if (row->form == CONF_LIST) {
        buf_puts(out, ")[]|");
        put_plain(out, row);
    }
    if (row->form == CONF_MAP)
        buf_puts(out, ">");
}

static void put_fields(struct buf *out, enum conf_scope_id scope)
{
    const struct conf_scope *s = &conf_scopes[scope];

    buf_printf(out, "\n---%s.\n---@class ", s->help);
    put_class(out, scope);
    buf_puts(out, "\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        bool needed = row->def == conf_required &&
                      (!s->positional || strcmp(s->positional, row->key) != 0);

        if (row->scope != scope)
            continue;
        buf_printf(out, "---@field %s%s ", row->key, needed ? "" : "?");
        put_type(out, row);
        buf_printf(out, " # %s\n", row->help);
        if (s->positional && strcmp(s->positional, row->key) == 0) {
            buf_puts(out, "---@field [integer] ");
            put_plain(out, row);
            buf_printf(out, " # %s\n", row->help);
        }
    }
}

static void put_directive(struct buf *out, const struct conf_row *row)
{
    buf_printf(out, "\n---%s\n", row->help);
    if (row->form == CONF_NAMED) {
        buf_puts(out, "---@param name string\n---@return fun(block: ");
        put_class(out, conf_row_scope(row));
        buf_printf(out, ")\nfunction %s(name) end\n", row->key);
        return;
    }
    buf_puts(out, "---@param value ");
    put_type(out, row);
    buf_printf(out, "\nfunction %s(value) end\n", row->key);
}

int config_help_stub(struct buf *out)
{
    static const char head[] =
        "-- SPDX-License-Identifier: Apache-2.0\n"
        "-- Copyright The Penstock Authors\n"
        "--\n"
        "-- penstock.conf for the Lua language server. Made from\n"
        "-- core/engine/config.def by docs/generate; do not edit.\n"
        "---@meta penstock.conf\n"
        "\n"
        "---@class penstock.conf.reference\n"
        "\n"
        "---An environment variable.\n"
        "---@param name string\n"
        "---@param default string? # taken where it is not set\n"
        "---@return penstock.conf.reference\n"
        "function env(name, default) end\n"
        "\n"
        "---The content of a file, without line ends after it.\n"
        "---@param path string\n"
        "---@return penstock.conf.reference\n"
        "function file(path) end\n"
        "\n"
        "---A credential of systemd's LoadCredential=.\n"
        "---@param name string\n"
        "---@return penstock.conf.reference\n"
        "function credential(name) end\n"
        "\n"
        "---Reads more files, in the order of their names.\n"
        "---@param pattern string\n"
        "function include(pattern) end\n";

    buf_puts(out, head);
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (i != SCOPE_top)
            put_fields(out, (enum conf_scope_id)i);
    }
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == SCOPE_top)
            put_directive(out, &conf_rows[i]);
    }
    return buf_len(out) < out->max ? 0 : -ERR_LIMIT;
}
