/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * sdk/lua/penstock.lua: what an editor with the Lua language server needs to
 * complete and check a policy.
 */
#include "policy/api_table.h"

#include <string.h>

static const char head[] =
    "---@meta penstock\n"
    "-- SPDX-License-Identifier: Apache-2.0\n"
    "-- Copyright The Penstock Authors\n"
    "--\n"
    "-- What policies can name, for lua-language-server. Put this folder into "
    "the\n"
    "-- workspace's library:\n"
    "--   \"workspace.library\": [\"/usr/share/penstock/sdk/lua\"]\n"
    "-- Made from core/policy/api.def by docs/generate; do not edit.\n";

/* "route" as " In route."; nothing where it can be used anywhere. */
static void put_phases(struct buf *out, const struct api_row *row)
{
    struct str p = str_of(row->phases);

    if (p.n > 2 && strcmp(p.p + p.n - 2, "..") == 0)
        buf_printf(out, " From %.*s on.", (int)p.n - 2, p.p);
    else if (str_is(p, "test"))
        buf_puts(out, " In NAME_test.lua only.");
    else if (!str_is(p, "any") && !str_is(p, "load"))
        buf_printf(out, " In " STR_FMT ".", STR_ARG(p));
}

static void put_field(struct buf *out, const struct api_row *row)
{
    const char *name = api_row_short(row);

    buf_printf(out, "---@field %s %s # %s", name, row->type, row->help);
    if (strcmp(row->phases, "test") != 0)
        put_phases(out, row);
    buf_putc(out, '\n');
}

static void put_method_table(struct buf *out, const char *cls)
{
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (r->kind == API_ROW_FN && api_row_is_of(r, cls)) {
            buf_printf(out, "local %s = {}\n", cls);
            return;
        }
    }
}

static void put_class(struct buf *out, const struct api_row *row)
{
    bool global = strcmp(row->name, "ps") == 0;

    buf_printf(out, "\n---%s\n---@class ", row->help);
    if (global)
        buf_puts(out, "ps");
    else
        api_class_name(out, row->name);
    if (strcmp(row->name, "refusal") == 0) /* a phase may return it */
        buf_puts(out, ": penstock.Decision");
    buf_putc(out, '\n');
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (r->kind == API_ROW_FIELD && api_row_is_of(r, row->name) &&
            api_row_is_live(r))
            put_field(out, r);
    }
    if (global)
        buf_puts(out, "ps = {}\n");
    else
        put_method_table(out, row->name);
}

/* "ps.keys.get" needs "ps.keys = {}", once. */
static void put_group(struct buf *out, const struct api_row *row)
{
    size_t n = (size_t)(api_row_short(row) - row->name);

    if (strncmp(row->name, "ps.", 3) != 0 || n <= strlen("ps."))
        return;
    for (const struct api_row *r = api_rows; r != row; r++) {
        if (r->kind == API_ROW_FN && strncmp(r->name, row->name, n) == 0)
            return;
    }
    buf_printf(out, "\n%.*s = {}\n", (int)n - 1, row->name);
}

static void put_fn(struct buf *out, const struct api_row *row)
{
    struct str rest = str_of(row->params), returns = str_of(row->returns);
    bool first = true;

    put_group(out, row);
    buf_printf(out, "\n---%s", row->help);
    put_phases(out, row);
    buf_puts(out, row->waits ? " Other requests go on meanwhile.\n" : "\n");
    while (rest.p && rest.n) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, "---@param " STR_FMT "%s " STR_FMT "\n",
                   STR_ARG(p.name), p.optional ? "?" : "", STR_ARG(p.type));
    }
    while (returns.p && returns.n) {
        struct str type = api_split(&returns);

        buf_printf(out, "---@return " STR_FMT "\n", STR_ARG(type));
    }
    buf_printf(out, "function %s(", row->name);
    for (rest = str_of(row->params); rest.p && rest.n; first = false) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, "%s" STR_FMT, first ? "" : ", ", STR_ARG(p.name));
    }
    buf_puts(out, ") end\n");
}

int api_help_stub(struct buf *out)
{
    buf_puts(out, head);
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (r->kind == API_ROW_CLASS)
            put_class(out, r);
        else if (r->kind == API_ROW_FN)
            put_fn(out, r);
    }
    return buf_len(out) < out->max ? 0 : -ERR_LIMIT;
}
