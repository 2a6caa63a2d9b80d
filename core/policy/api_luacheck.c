/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * sdk/lua/luacheckrc: luacheck's knowledge of policies, of their tests and of
 * penstock.conf. What Lua's own library has left is asked of a sandbox; ps is
 * from api.def; the directives are those of config.def.
 */
#include "policy/api_table.h"

#include "engine/config_table.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <string.h>

static const char head[] =
    "-- SPDX-License-Identifier: Apache-2.0\n"
    "-- Copyright The Penstock Authors\n"
    "--\n"
    "-- For policies, their tests and penstock.conf:\n"
    "--   luacheck --config /usr/share/penstock/sdk/lua/luacheckrc policies\n"
    "-- Made from core/policy/api.def by docs/generate; do not edit.\n";

static const char tail[] =
    "\n"
    "std = \"penstock\"\n"
    "files[\"**/*_test.lua\"] = { std = \"+penstock_test\" }\n"
    "files[\"**/*.conf*\"] = { std = \"penstock_conf\" }\n"
    "unused_args = false\n"
    "max_line_length = 120\n";

/* The sandbox's names but ps, sorted, as fields of luacheck. */
static const char walk[] =
    "local names, out = {}, {}\n"
    "for name in pairs(_ENV) do names[#names + 1] = name end\n"
    "table.sort(names)\n"
    "for _, name in ipairs(names) do\n"
    "  local v, inner = _ENV[name], {}\n"
    "  if type(v) == 'table' then\n"
    "    for k in pairs(v) do inner[#inner + 1] = k .. ' = {}' end\n"
    "    table.sort(inner)\n"
    "    v = '{ fields = {\\n      ' .. table.concat(inner, ',\\n      ')\n"
    "        .. ' } }'\n"
    "  else\n"
    "    v = '{}'\n"
    "  end\n"
    "  out[#out + 1] = '    ' .. name .. ' = ' .. v .. ',\\n'\n"
    "end\n"
    "return table.concat(out)\n";

/* Below lua_pcall: leaves the text of `walk`. */
static int names_of_sandbox(lua_State *L)
{
    sandbox_open(L);
    sandbox_close(L);
    if (luaL_loadbufferx(L, walk, sizeof walk - 1, "=luacheck", "t") != LUA_OK)
        return lua_error(L);
    sandbox_push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    return 1;
}

static int put_library(struct buf *out, struct err *err)
{
    lua_State *L = luaL_newstate();
    int rc = 0;

    if (!L)
        return err_set(err, ERR_NOMEM, "no memory");
    lua_pushcfunction(L, names_of_sandbox);
    if (lua_pcall(L, 0, 1, 0) == LUA_OK)
        buf_puts(out, lua_tostring(L, -1));
    else
        rc = err_set(err, ERR_BUG, "%s", lua_tostring(L, -1));
    lua_close(L);
    return rc;
}

/* Is `row` the first whose name begins with these n bytes? */
static bool is_first(const struct api_row *row, size_t n)
{
    for (const struct api_row *r = api_rows; r != row; r++) {
        if (strncmp(r->name, row->name, n) == 0)
            return false;
    }
    return true;
}

static bool is_for_tests(const struct api_row *row)
{
    return row->kind != API_ROW_CLASS && strcmp(row->phases, "test") == 0;
}

/* Members of ps: `prefix` is "ps." or "ps.keys.". */
static void put_members(struct buf *out, const char *prefix)
{
    size_t n = strlen(prefix);

    for (const struct api_row *r = api_rows; r->cls; r++) {
        const char *dot;

        if (strncmp(r->name, prefix, n) != 0 || is_for_tests(r))
            continue;
        dot = strchr(r->name + n, '.');
        if (!dot) {
            buf_printf(out, "      %s = {},\n", r->name + n);
        } else if (is_first(r, (size_t)(dot - r->name) + 1)) {
            char inner[64];

            snprintf(inner, sizeof inner, "%.*s.", (int)(dot - r->name),
                     r->name);
            buf_printf(out, "      %.*s = { fields = {\n",
                       (int)(dot - r->name - (ptrdiff_t)n), r->name + n);
            put_members(out, inner);
            buf_puts(out, "      } },\n");
        }
    }
}

static int put_policy(struct buf *out, struct err *err)
{
    int rc;

    buf_puts(out, "\nstds.penstock = {\n  read_globals = {\n"
                  "    ps = { fields = {\n");
    put_members(out, "ps.");
    buf_puts(out, "    } },\n");
    rc = put_library(out, err);
    buf_puts(out, "  },\n}\n");
    return rc;
}

static void put_test(struct buf *out)
{
    buf_puts(out, "\nstds.penstock_test = {\n"
                  "  read_globals = { ps = { fields = {");
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (strncmp(r->name, "ps.", 3) == 0 && is_for_tests(r))
            buf_printf(out, " %s = {},", api_row_short(r));
    }
    buf_puts(out, " } } },\n}\n");
}

static void put_conf(struct buf *out)
{
    buf_puts(out, "\nstds.penstock_conf = {\n  read_globals = {\n"
                  "    \"env\", \"file\", \"credential\", \"include\",\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == SCOPE_top)
            buf_printf(out, "    \"%s\",\n", conf_rows[i].key);
    }
    buf_puts(out, "  },\n}\n");
}

int api_help_luacheck(struct buf *out, struct err *err)
{
    int rc;

    buf_puts(out, head);
    rc = put_policy(out, err);
    put_test(out);
    put_conf(out);
    buf_puts(out, tail);
    if (rc == 0 && buf_len(out) >= out->max)
        rc = err_set(err, ERR_LIMIT, "the output is too long");
    return rc;
}
