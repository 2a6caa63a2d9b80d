/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Running the output phase; see output.h. */
#include "policy/output.h"

static bool bit(const uint64_t *set, size_t n)
{
    return set[n / 64] >> n % 64 & 1;
}

static void set_bit(uint64_t *set, size_t n)
{
    set[n / 64] |= (uint64_t)1 << n % 64;
}

/* Those that act say how much is held; those that observe are content with
 * it, and have their own wish only among themselves. */
static void wish(const struct policy_state *st, struct policy_output *out)
{
    bool acts = !st->conf->observe;

    for (int k = 0; k < WIRE_KINDS; k++) {
        uint8_t kind = (uint8_t)(1u << k);

        if (!(st->window.of & kind))
            continue;
        if (acts && !(out->acting & kind))
            out->hold[k] = 0;
        if ((acts || !(out->acting & kind)) && st->window.hold > out->hold[k])
            out->hold[k] = st->window.hold;
        out->kinds |= kind;
        if (acts)
            out->acting |= kind;
    }
    if (acts)
        out->all |= st->window.all;
    else
        out->all_seen |= st->window.all;
}

bool policy_output_wants(struct policy_set *s, struct str endpoint,
                         struct policy_output *out)
{
    const struct policy_state *st;

    *out = (struct policy_output){ 0 };
    for (size_t i = 0; (st = policy_set_state(s, PHASE_OUTPUT, i)); i++) {
        if (policy_applies(st, endpoint))
            wish(st, out);
    }
    return out->kinds != 0;
}

bool policy_output_enter(const struct policy_state *st, struct policy_run *run,
                         size_t n)
{
    struct policy_window *w = run->window;

    if (!w) /* the call raises: there is nothing to look at */
        return true;
    if (bit(w->out, n) || !(st->window.of >> w->kind & 1))
        return false;
    w->at = n;
    w->text->reach = st->window.hold;
    output_text_mark(w->text);
    return true;
}

void policy_output_leave(const struct policy_state *st, struct policy_run *run,
                         enum call_result r, const struct policy_result *out)
{
    static const struct str would = { "would replace text", 18 };
    struct policy_window *w = run->window;
    size_t n;

    if (!w)
        return;
    n = w->at;
    if (st->conf->observe && output_text_changed(w->text) &&
        r != CALL_ERROR && !bit(w->noted, n)) {
        set_bit(w->noted, n);
        if (run->view->note)
            run->view->note(run->req, st->conf->name, would);
    }
    if (r == CALL_ERROR || st->conf->observe)
        output_text_revert(w->text);
    if (r == CALL_ERROR || (st->conf->observe && out->verdict != POLICY_NONE))
        set_bit(w->out, n);
}

void policy_output_fail(struct policy_set *s, struct policy_run *run,
                        const char *why, struct policy_result *out)
{
    struct policy_state *st;

    *out = (struct policy_result){ .verdict = POLICY_NONE };
    for (size_t i = 0; (st = policy_set_state(s, PHASE_OUTPUT, i)); i++) {
        if (!policy_applies(st, run->endpoint) || bit(run->window->out, i))
            continue;
        set_bit(run->window->out, i);
        policy_decide(st, PHASE_OUTPUT, run, CALL_ERROR, str_of(why), out);
        if (out->verdict != POLICY_NONE)
            return;
    }
}

/* ---- window = { hold = 64 | "all", of = { "text" }, when = "key" } ---- */

static const char *const kinds[WIRE_KINDS] = {
    [WIRE_TEXT] = "text",
    [WIRE_TOOL_ARGS] = "tool_args",
    [WIRE_THINKING] = "thinking",
};

static void take_hold(struct policy_state *st, lua_State *L)
{
    st->window.held = true;
    if (lua_type(L, -1) == LUA_TSTRING &&
        strcmp(lua_tostring(L, -1), "all") == 0) {
        st->window.all = true;
        st->window.hold = OUTPUT_HOLD_MAX;
        return;
    }
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0 ||
        lua_tointeger(L, -1) > OUTPUT_HOLD_MAX)
        luaL_error(L, "window.hold: \"all\", or characters from 0 to %d",
                   OUTPUT_HOLD_MAX);
    st->window.hold = (uint32_t)lua_tointeger(L, -1);
}

static void take_of(struct policy_state *st, lua_State *L)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "window.of: a list is needed, as in { \"text\" }");
    st->window.of = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        int k = 0;

        while (k < WIRE_KINDS &&
               (lua_type(L, -1) != LUA_TSTRING ||
                strcmp(lua_tostring(L, -1), kinds[k]) != 0))
            k++;
        if (k == WIRE_KINDS)
            luaL_error(L, "window.of: \"text\", \"tool_args\" and "
                          "\"thinking\" are known");
        st->window.of |= (uint8_t)(1u << k);
    }
    if (!st->window.of)
        luaL_error(L, "window.of is empty");
}

static void take_when(struct policy_state *st, lua_State *L)
{
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "window.when: the name of a key of conf is needed");
    st->window.when = lua_tostring(L, -1); /* the file's table keeps it */
}

void policy_output_when(struct policy_state *st, lua_State *L, int schema)
{
    const char *key = st->window.when;

    if (!key)
        return;
    lua_pushstring(L, key);
    if (lua_rawget(L, schema) != LUA_TSTRING ||
        strcmp(lua_tostring(L, -1), "bool") != 0)
        luaL_error(L, "window.when: the schema has no %s = \"bool\"", key);
    lua_pop(L, 1);
    st->window.when = NULL;
    if (json_is_true(json_object_get(st->conf_tree, key)))
        return;
    luaL_unref(L, LUA_REGISTRYINDEX, st->fn[PHASE_OUTPUT]);
    st->fn[PHASE_OUTPUT] = LUA_NOREF;
}

void policy_output_loaded(struct policy_state *st, lua_State *L)
{
    if (st->window.said && st->fn[PHASE_OUTPUT] == LUA_NOREF)
        luaL_error(L, "window is for the phase output, which is not there");
    if (!st->window.of)
        st->window.of = (1u << WIRE_KINDS) - 1;
    if (!st->window.held)
        st->window.hold = OUTPUT_HOLD;
}

void policy_output_load(struct policy_state *st, lua_State *L)
{
    st->window.said = true;
    if (!lua_istable(L, -1))
        luaL_error(L, "window: a table is needed, as in { hold = 64 }");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                         : "a number";

        if (strcmp(key, "hold") == 0)
            take_hold(st, L);
        else if (strcmp(key, "of") == 0)
            take_of(st, L);
        else if (strcmp(key, "when") == 0)
            take_when(st, L);
        else
            luaL_error(L, "window has no '%s' (hold, of, when)", key);
    }
}
