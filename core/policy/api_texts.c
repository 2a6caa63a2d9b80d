/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * req:each_text: the conversation's texts, one after the other, whatever the
 * dialect. Where they stand is collected first (8 bytes each); then f is
 * called for each, by lua_callk, so that it may wait.
 *
 * A walk belongs to an index. Another walk may be begun within it; where that
 * one made the edits so far a new index, the first cannot go on.
 */
#include "policy/edit.h"

#include "policy/sandbox.h"

#include "base/json_name.h"
#include "policy/api.h"

static const char *const role_names[] = {
    [WIRE_ROLE_SYSTEM] = "system",
    [WIRE_ROLE_USER] = "user",
    [WIRE_ROLE_ASSISTANT] = "assistant",
    [WIRE_ROLE_TOOL] = "tool",
    NULL };
static const char *const kind_names[] = { [WIRE_TEXT] = "text",
                                          [WIRE_TOOL_ARGS] = "tool_args",
                                          [WIRE_THINKING] = "thinking",
                                          NULL };

/* In the arena of the edits. */
struct walk {
    struct policy_call *c;
    uint32_t epoch;
    unsigned roles, kinds; /* wanted: 1 << */
    struct wire_text *list;
    uint32_t n, at;
};

/* What is where on the stack. */
enum { REQ = 1, OPTIONS, F, TEXT, RESULT };

/* ---- options ------------------------------------------------------------ */

static int index_of(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

/* The list on top, as bits. */
static unsigned bits(lua_State *L, const char *option,
                     const char *const *names)
{
    unsigned set = 0;
    int list = lua_gettop(L);

    if (!lua_istable(L, list))
        luaL_error(L, "each_text: %s is a list", option);
    for (lua_Integer i = 1; i <= luaL_len(L, list); i++) {
        int at;

        lua_geti(L, list, i); /* conf's lists are views */
        at = index_of(names, lua_type(L, -1) == LUA_TSTRING
                                 ? lua_tostring(L, -1) : NULL);
        if (at < 0)
            luaL_error(L, "each_text: %s has no '%s'", option,
                       sandbox_tolstring(L, -1, NULL));
        set |= 1u << at;
        lua_pop(L, 1);
    }
    if (!set)
        luaL_error(L, "each_text: %s is empty; leave it out", option);
    return set;
}

static void read_options(lua_State *L, struct walk *w)
{
    if (lua_getmetatable(L, OPTIONS)) /* a view would look empty */
        luaL_error(L, "each_text: the options are a plain table");
    w->roles = (1u << WIRE_ROLES) - 1;
    w->kinds = 1u << WIRE_TEXT;
    for (lua_pushnil(L); lua_next(L, OPTIONS); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "(number)";

        if (strcmp(name, "from") == 0)
            w->roles = bits(L, "from", role_names);
        else if (strcmp(name, "kinds") == 0)
            w->kinds = bits(L, "kinds", kind_names);
        else
            luaL_error(L, "each_text has no option '%s'", name);
    }
}

/* ---- collecting --------------------------------------------------------- */

/* Counts while there is no list yet. */
static int collect(void *ud, const struct wire_text *t)
{
    struct walk *w = ud;

    if (!(w->roles & 1u << t->role) || !(w->kinds & 1u << t->kind))
        return 0;
    if (w->list)
        w->list[w->n] = *t;
    w->n++;
    return 0;
}

static void find_texts(lua_State *L, struct call_edit *e, struct walk *w)
{
    enum dialect d = w->c->run->dialect;
    const struct dialect_ops *ops = dialect_ops(d);

    ops->texts(d, e->base, collect, w);
    w->list = arena_alloc(e->arena, (w->n + 1) * sizeof *w->list);
    if (!w->list)
        luaL_error(L, "not enough memory for the texts");
    w->n = 0;
    ops->texts(d, e->base, collect, w);
}

/* ---- walking ------------------------------------------------------------ */

/* Also one that is larger than what ps.json takes. */
static void push_text(lua_State *L, const struct json *j, uint32_t node)
{
    struct str raw = json_raw(j, node);
    struct json_chars c = { { raw.p + 1, raw.n - 2 }, JSON_SPELL_STRING };
    luaL_Buffer b;
    char *to;

    if (!(j->nodes[node].flags & JSON_F_ESCAPED)) {
        lua_pushlstring(L, c.s.p, c.s.n);
        return;
    }
    to = sandbox_buffer(L, &b, c.s.n + 1);
    luaL_pushresultsize(&b, json_chars_put(c, to));
}

static void push_part(lua_State *L, const struct wire_text *t)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, role_names[t->role]);
    lua_setfield(L, -2, "role");
    lua_pushstring(L, kind_names[t->kind]);
    lua_setfield(L, -2, "kind");
}

static void replace(lua_State *L, struct walk *w, uint32_t node)
{
    struct call_edit *e = edit_write(L, w->c, "each_text: a text");
    struct err err = { 0 };
    struct str text;
    int rc;

    text.p = lua_tolstring(L, RESULT, &text.n);
    buf_reset(&e->value);
    rc = buf_json_str(&e->value, text);
    if (!rc)
        rc = json_edit_set_node(e->edits, node, buf_str(&e->value), &err);
    if (rc)
        luaL_error(L, "each_text: not enough memory for the new text");
    edit_note(w->c, "replace a text of",
              str_of(role_names[w->list[w->at].role]));
}

/* f has come back: nil leaves the text, a string takes its place. */
static void take(lua_State *L, struct walk *w)
{
    if (w->epoch != w->c->edit->epoch)
        luaL_error(L, "each_text: the texts were edited and walked through "
                      "anew within it");
    if (lua_type(L, RESULT) == LUA_TSTRING) {
        if (!lua_rawequal(L, TEXT, RESULT))
            replace(L, w, w->list[w->at].node);
    } else if (!lua_isnil(L, RESULT)) {
        luaL_error(L, "each_text: the function returned a %s; it may return "
                      "nil or the new text", luaL_typename(L, RESULT));
    }
    lua_settop(L, F);
    w->at++;
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int walk(lua_State *L, struct walk *w)
{
    while (w->at < w->n) {
        const struct wire_text *t = &w->list[w->at];

        budget_check(L); /* f may be a function of C */
        push_text(L, w->c->edit->base, t->node);
        lua_pushvalue(L, F);
        lua_pushvalue(L, TEXT);
        push_part(L, t);
        lua_callk(L, 2, 1, (lua_KContext)w, go_on);
        take(L, w);
    }
    return 0;
}

static int go_on(lua_State *L, int status, lua_KContext ctx)
{
    struct walk *w = (struct walk *)ctx;

    (void)status;
    take(L, w);
    return walk(L, w);
}

/* req:each_text({ from =, kinds = }, f) or req:each_text(f) */
static int each_text(lua_State *L)
{
    struct policy_call *c = api_check(L, REQ, API_REQ)->call;
    struct call_edit *e = edit_read(L, c, "req:each_text");
    struct walk *w;

    if (lua_isfunction(L, OPTIONS)) {
        lua_settop(L, OPTIONS);
        lua_newtable(L);
        lua_insert(L, OPTIONS);
    }
    luaL_checktype(L, OPTIONS, LUA_TTABLE);
    luaL_checktype(L, F, LUA_TFUNCTION);
    lua_settop(L, F);
    w = arena_alloc(e->arena, sizeof *w);
    if (!w)
        return luaL_error(L, "not enough memory for the texts");
    w->c = c;
    read_options(L, w);
    edit_settle(L, e);
    w->epoch = e->epoch;
    find_texts(L, e, w);
    return walk(L, w);
}

void api_texts_push(lua_State *L)
{
    lua_pushcfunction(L, each_text);
}
