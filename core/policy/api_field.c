/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The fields of a request that mean the same in every dialect: read under the
 * call's edits, assigned as edits. What a value must be is checked here; where
 * it stands is the dialect's business.
 */
#include "policy/edit.h"

#include "policy/api.h"
#include "policy/json_text.h"

enum { MAX_MODEL = 256, MAX_USER = 512 };

/* The largest whole number that every reader of JSON takes exactly. */
#define MAX_WHOLE (INT64_C(1) << 53)

/* The value is at 3, as in __newindex; `what` is the field's name. */
enum { VALUE = 3 };

static struct str text_of(lua_State *L, const char *what, size_t max)
{
    struct str s = STR_NULL;

    if (lua_type(L, VALUE) == LUA_TSTRING)
        s.p = lua_tolstring(L, VALUE, &s.n);
    if (!s.n || s.n > max || !str_utf8_valid(s))
        luaL_error(L, "%s: a string of 1 to %d bytes is needed", what,
                   (int)max);
    return s;
}

static int put_model(lua_State *L, const char *what, struct buf *out)
{
    return buf_json_str(out, text_of(L, what, MAX_MODEL));
}

static int put_user(lua_State *L, const char *what, struct buf *out)
{
    return buf_json_str(out, text_of(L, what, MAX_USER));
}

static int put_stream(lua_State *L, const char *what, struct buf *out)
{
    if (lua_type(L, VALUE) != LUA_TBOOLEAN)
        luaL_error(L, "%s: true or false is needed", what);
    return buf_puts(out, lua_toboolean(L, VALUE) ? "true" : "false");
}

static int put_count(lua_State *L, const char *what, struct buf *out)
{
    int ok = 0;
    lua_Integer n = lua_type(L, VALUE) == LUA_TNUMBER
                        ? lua_tointegerx(L, VALUE, &ok) : 0;

    if (!ok || n < 1 || n > MAX_WHOLE)
        luaL_error(L, "%s: a whole number above 0 is needed", what);
    return buf_printf(out, "%lld", (long long)n);
}

static int put_number(lua_State *L, const char *what, struct buf *out)
{
    struct str text;

    if (lua_type(L, VALUE) != LUA_TNUMBER || !(lua_tonumber(L, VALUE) >= 0))
        luaL_error(L, "%s: a number, 0 or more, is needed", what);
    json_text_push(L, VALUE, what); /* not an infinite one */
    text.p = lua_tolstring(L, -1, &text.n);
    return buf_put(out, text);
}

static const struct row {
    enum policy_field field;
    enum wire_field wire;
    int type; /* LUA_Tx */
    int (*put)(lua_State *L, const char *what, struct buf *out);
} rows[] = {
    { FIELD_MODEL, WIRE_MODEL, LUA_TSTRING, put_model },
    { FIELD_STREAM, WIRE_STREAM, LUA_TBOOLEAN, put_stream },
    { FIELD_MAX_TOKENS, WIRE_MAX_TOKENS, LUA_TNUMBER, put_count },
    { FIELD_TEMPERATURE, WIRE_TEMPERATURE, LUA_TNUMBER, put_number },
    { FIELD_USER, WIRE_USER, LUA_TSTRING, put_user },
};

static const struct row *row_of(int field)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].field == (enum policy_field)field)
            return &rows[i];
    }
    return NULL;
}

/* What is of another type than the field counts as not given. */
static void push_typed(lua_State *L, const struct row *r, struct str raw)
{
    bool good;

    if (!raw.p || !json_text_read(L, raw))
        lua_pushnil(L);
    good = r->wire == WIRE_MAX_TOKENS ? lua_isinteger(L, -1)
                                      : lua_type(L, -1) == r->type;
    if (!good && r->wire == WIRE_STREAM)
        lua_pushboolean(L, 0);
    else if (!good)
        lua_pushnil(L);
}

/* The fields of Google's clients that stand in their path. */
static bool is_of_path(const struct policy_call *c, const struct row *r)
{
    return dialect_is_gemini(c->run->dialect) &&
           (r->wire == WIRE_MODEL || r->wire == WIRE_STREAM);
}

bool api_field_edited(lua_State *L, struct policy_call *c, int field)
{
    const struct row *r = row_of(field);
    struct call_edit *e = c->edit;

    if (!r || !edit_made(e))
        return false;
    if (is_of_path(c, r)) { /* whatever the body is */
        if (r->wire == WIRE_MODEL && e->model.p)
            api_push_str(L, e->model);
        return r->wire == WIRE_MODEL && e->model.p;
    }
    push_typed(L, r, dialect_ops(c->run->dialect)
                         ->field(c->run->dialect, r->wire, e->edits));
    return true;
}

static void note(lua_State *L, struct policy_call *c, const struct row *r,
                 const char *what)
{
    struct str to;

    edit_note(c, "set", str_of(what));
    if (r->wire != WIRE_MODEL || policy_call_observes(c))
        return;
    to.p = lua_tolstring(L, VALUE, &to.n);
    api_note(c, arena_fmt(c->run->arena, "model: " STR_FMT, STR_ARG(to)));
}

static void assign_to_path(lua_State *L, struct policy_call *c,
                           struct call_edit *e, const char *what)
{
    struct str model = text_of(L, what, MAX_MODEL);

    e->model = arena_dup(c->run->arena, model);
    if (!e->model.p)
        luaL_error(L, "%s: not enough memory", what);
}

int api_field_assign(lua_State *L, struct policy_call *c, int field,
                     const char *what)
{
    const struct row *r = row_of(field);
    enum dialect d = c->run->dialect;
    struct call_edit *e;
    struct err err = { 0 };
    struct str value = STR_NULL;
    int rc = 0;

    if (!r)
        return luaL_error(L, "%s cannot be changed", what);
    if (r->wire == WIRE_MODEL && c->phase == PHASE_ROUTE)
        return luaL_error(L, "%s: in route it is plan:use(model)", what);
    if (c->phase == PHASE_ATTEMPT &&
        (r->wire == WIRE_MODEL || r->wire == WIRE_STREAM))
        return luaL_error(L, "%s stays as it is in attempt", what);
    e = edit_write(L, c, what);
    if (r->wire == WIRE_MODEL && is_of_path(c, r)) {
        assign_to_path(L, c, e, what);
        note(L, c, r, what);
        return 0;
    }
    buf_reset(&e->value);
    if (!lua_isnil(L, VALUE) || r->wire == WIRE_MODEL) {
        rc = r->put(L, what, &e->value);
        value = buf_str(&e->value);
    }
    if (!rc)
        rc = dialect_ops(d)->set_field(d, r->wire, e->edits, value, &err);
    if (rc == -ERR_NOTFOUND && !err.code)
        return luaL_error(L, "%s: %s has no such field", what,
                          dialect_name(d));
    if (rc)
        return luaL_error(L, "%s: %s", what,
                          err.code ? err.msg : "not enough memory");
    note(L, c, r, what);
    return 0;
}
