/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Decisions: ps.deny and its kin make tables that carry a mark no script can
 * forge; what a phase returns is nil, such a table of a kind that the phase
 * takes, or (authenticate) a principal. Anything else is the script's
 * mistake, never "truthy".
 */
#include "policy/decision.h"

#include "engine/key_table.h"
#include "engine/limit_claim.h"

#include <math.h>

enum { MAX_ANSWER = 64 << 10 };
enum {
    MAX_MESSAGE = 1024,
    MAX_CODE = 64,
    MAX_RETRY_S = 2 * LIMIT_PERIOD_MS / 1000, /* what ps.take can say */
};

static const char *const kind_names[KINDS] = {
    "ps.deny()",  "ps.skip()", "ps.answer()",  "ps.stop()",
    "ps.again()", "ps.next()", "ps.give_up()", "ps.queue()",
};
static const char marks[KINDS]; /* registry: the marks, metatables */

enum { DENY_OR_ANSWER = 1 << KIND_DENY | 1 << KIND_ANSWER };
static const char deny_or_answer[] = ", ps.deny() or ps.answer()";

/* What a phase may return besides nil, and how an error tells it. A phase
 * without a row: ps.deny() alone. */
static const struct {
    bool set;
    unsigned kinds; /* 1 << enum decision_kind */
    const char *text;
} may[PHASE_COUNT] = {
    [PHASE_REQUEST] = { true, DENY_OR_ANSWER, deny_or_answer },
    [PHASE_VALIDATE] = { true, DENY_OR_ANSWER, deny_or_answer },
    [PHASE_ADMIT] = { true, DENY_OR_ANSWER | 1 << KIND_QUEUE,
                      ", ps.deny(), ps.answer() or ps.queue()" },
    [PHASE_AUTHENTICATE] = { true, 1 << KIND_DENY,
                             ", a principal or ps.deny()" },
    [PHASE_ATTEMPT] = { true, 1 << KIND_SKIP, " or ps.skip()" },
    [PHASE_UPSTREAM_ERROR] = { true, 1 << KIND_AGAIN | 1 << KIND_NEXT |
                                         1 << KIND_GIVE_UP,
                               ", ps.again(), ps.next() or ps.give_up()" },
    [PHASE_OUTPUT] = { true, 1 << KIND_DENY | 1 << KIND_STOP,
                       ", ps.stop() or ps.deny()" },
    [PHASE_LOG] = { true, 0, " only" },
    [PHASE_TICK] = { true, 0, " only" },
};

static bool takes(enum policy_phase p, enum decision_kind kind)
{
    return (may[p].set ? may[p].kinds : 1u << KIND_DENY) & 1u << kind;
}

static bool own_code(struct str code)
{
    if (!str_starts(code, STR("x_")) || code.n < 3 || code.n > MAX_CODE)
        return false;
    for (size_t i = 0; i < code.n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", code.p[i]))
            return false;
    }
    return true;
}

/* Options of ps.deny: every name must be known, so that a typo shows. */
static void check_options(lua_State *L, int idx, bool own)
{
    bool status = false;

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "?";
        lua_Number n = lua_tonumber(L, -1);

        if (strcmp(name, "retry_after") == 0) {
            if (!(n >= 0 && n <= MAX_RETRY_S))
                luaL_error(L, "ps.deny: retry_after is seconds, 0 to %d",
                           MAX_RETRY_S);
        } else if (strcmp(name, "status") == 0 && own) {
            if (!lua_isinteger(L, -1) || n < 400 || n > 599)
                luaL_error(L, "ps.deny: status is a number from 400 to 599");
            status = true;
        } else if (strcmp(name, "status") == 0) {
            luaL_error(L, "ps.deny: status is for codes of your own (x_...)");
        } else {
            luaL_error(L, "ps.deny has no option '%s'", name);
        }
    }
    if (own && !status)
        luaL_error(L, "ps.deny: a code of your own needs { status = }");
}

int decision_mark(lua_State *L, enum decision_kind kind)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &marks[kind]);
    lua_setmetatable(L, -2);
    return 1;
}

/* ps.deny(code, message, { retry_after =, status = }) */
int decision_deny(lua_State *L)
{
    struct str code;
    bool own;

    code.p = luaL_checklstring(L, 1, &code.n);
    own = own_code(code);
    if (!own && err_by_name(code) == ERR_NONE)
        return luaL_error(L, "ps.deny: unknown code '%s'; codes of your own "
                             "start with x_", code.p);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TSTRING);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    check_options(L, 3, own);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "code");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "message");
    lua_pushliteral(L, "retry_after");
    lua_pushliteral(L, "retry_after");
    lua_rawget(L, 3);
    lua_rawset(L, -3);
    lua_pushliteral(L, "status");
    lua_pushliteral(L, "status");
    lua_rawget(L, 3);
    lua_rawset(L, -3);
    return decision_mark(L, KIND_DENY);
}

static void set_text(lua_State *L, const char *name, struct str s)
{
    lua_pushlstring(L, s.p, s.n);
    lua_setfield(L, -2, name);
}

void decision_push_refusal(lua_State *L, const struct limit_refusal *why)
{
    lua_Number after = (lua_Number)why->retry_ms / 1000;

    lua_createtable(L, 0, 5);
    set_text(L, "code", str_of(err_info(why->code)->name));
    set_text(L, "message", str_of(why->text));
    lua_pushnumber(L, after < MAX_RETRY_S ? after : MAX_RETRY_S);
    lua_setfield(L, -2, "retry_after");
    if (why->row) {
        set_text(L, "limit", str_of(limit_kind_name(why->row->kind)));
        set_text(L, "per", why->row->scope);
    }
    decision_mark(L, KIND_DENY);
}

/* ps.skip(why) */
static int fn_skip(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "message");
    return decision_mark(L, KIND_SKIP);
}

static const char *const finishes[] = {
    [WIRE_FINISH_STOP] = "stop",
    [WIRE_FINISH_LENGTH] = "length",
    [WIRE_FINISH_FILTER] = "content_filter",
};

/* WIRE_FINISH_x of a name, or -1. */
static int finish_of(struct str name)
{
    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(name, finishes[i]))
            return (int)i;
    }
    return -1;
}

/* ps.answer{ text =, finish = "stop" } */
static int fn_answer(lua_State *L)
{
    struct str s;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_createtable(L, 0, 2);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "(number)";

        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "ps.answer: %s is a string", name);
        s.p = lua_tolstring(L, -1, &s.n);
        if (strcmp(name, "text") == 0 && s.n > MAX_ANSWER)
            luaL_error(L, "ps.answer: text has at most %d bytes", MAX_ANSWER);
        else if (strcmp(name, "finish") == 0 && finish_of(s) < 0)
            luaL_error(L, "ps.answer: finish is stop, length or "
                          "content_filter");
        else if (strcmp(name, "text") != 0 && strcmp(name, "finish") != 0)
            luaL_error(L, "ps.answer has no option '%s'", name);
        lua_pushvalue(L, -1);
        lua_setfield(L, 2, name);
    }
    lua_pushliteral(L, "text");
    if (lua_rawget(L, 2) == LUA_TNIL)
        luaL_error(L, "ps.answer needs { text = }");
    lua_settop(L, 2);
    return decision_mark(L, KIND_ANSWER);
}

/* ps.stop("content_filter") */
static int fn_stop(lua_State *L)
{
    const char *why = luaL_optstring(L, 1, "content_filter");

    if (finish_of(str_of(why)) < 0)
        return luaL_error(L, "ps.stop: stop, length or content_filter");
    lua_createtable(L, 0, 1);
    lua_pushstring(L, why);
    lua_setfield(L, -2, "finish");
    return decision_mark(L, KIND_STOP);
}

/* ps.queue{ max_wait_ms = } */
static int fn_queue(lua_State *L)
{
    decision_queue_new(L);
    return decision_mark(L, KIND_QUEUE);
}

/* Of which kind is the decision at idx? KINDS: it is none. */
static enum decision_kind kind_of(lua_State *L, int idx)
{
    int kind = 0;

    if (lua_type(L, idx) != LUA_TTABLE || !lua_getmetatable(L, idx))
        return KINDS;
    for (; kind < KINDS; kind++) {
        bool yes;

        lua_rawgetp(L, LUA_REGISTRYINDEX, &marks[kind]);
        yes = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (yes)
            break;
    }
    lua_pop(L, 1);
    return (enum decision_kind)kind;
}

struct str decision_text(lua_State *L, struct arena *a, int idx,
                         const char *name, size_t max)
{
    struct str s = STR_NULL;

    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TSTRING) {
        s.p = lua_tolstring(L, -1, &s.n);
        s.n = s.n < max ? s.n : max;
        s = arena_dup(a, s);
    }
    lua_pop(L, 1);
    return s;
}

lua_Number decision_number(lua_State *L, int idx, const char *name)
{
    lua_Number n;

    lua_pushstring(L, name);
    lua_rawget(L, idx);
    n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return n;
}

/* The table may have been changed since it was made: nothing is trusted. */
static void read_deny(lua_State *L, struct policy_call *c, int idx)
{
    struct policy_result *out = c->out;
    struct arena *a = c->run->arena;
    lua_Number after = decision_number(L, idx, "retry_after");
    lua_Number status = decision_number(L, idx, "status");

    out->code = decision_text(L, a, idx, "code", MAX_CODE);
    out->err_code = err_by_name(out->code);
    out->message = decision_text(L, a, idx, "message", MAX_MESSAGE);
    if (out->err_code == ERR_NONE) {
        if (!own_code(out->code) || !(status >= 400 && status <= 599))
            luaL_error(L, "a denial without a known code");
        out->status = (int)status;
    }
    if (!out->message.p)
        out->message = str_of(out->err_code ? err_info(out->err_code)->text
                                            : "Refused by a policy.");
    if (after > 0 && after <= MAX_RETRY_S)
        out->retry_after_ms = (uint64_t)ceil(after * 1000);
    out->verdict = POLICY_DENY;
}

/* What its team may do is not known yet, so neither is what it may. */
static void deny_for_now(struct policy_result *out)
{
    out->err_code = ERR_AUTH_UNAVAILABLE;
    out->code = STR("auth_unavailable");
    out->message = str_of(err_info(out->err_code)->text);
    out->retry_after_ms = 1000;
    out->verdict = POLICY_DENY;
}

static void read_principal(lua_State *L, struct policy_call *c, int idx)
{
    const struct policy_env *env = c->st->env;
    int rc = 0;

    if (lua_type(L, idx) == LUA_TTABLE) {
        c->out->principal = principal_read(L, c->run->arena, idx);
        rc = key_table_join(env->keys, env->config, c->run->arena,
                            c->out->principal);
    } else { /* made by ps.keys.get in this run's arena */
        c->out->principal =
            (struct principal *)api_check(L, idx, API_PRINCIPAL)->thing;
    }
    if (rc == -ERR_NOMEM)
        luaL_error(L, "the request's memory is used up");
    c->out->verdict = POLICY_PRINCIPAL;
    if (rc)
        deny_for_now(c->out);
}

static void read_skip(lua_State *L, struct policy_call *c, int idx)
{
    c->out->message = decision_text(L, c->run->arena, idx, "message",
                                    MAX_MESSAGE);
    c->out->verdict = POLICY_SKIP;
}

static void read_answer(lua_State *L, struct policy_call *c, int idx)
{
    enum dialect d = c->run->dialect;
    int finish = finish_of(decision_text(L, c->run->arena, idx, "finish",
                                         MAX_CODE));

    if (!dialect_ops(d)->answers(d))
        luaL_error(L, "ps.answer: %s has no text to answer with",
                   dialect_name(d));
    c->out->message = decision_text(L, c->run->arena, idx, "text", MAX_ANSWER);
    c->out->finish = finish < 0 ? WIRE_FINISH_STOP : (enum wire_finish)finish;
    c->out->verdict = POLICY_ANSWER;
}

static void read_stop(lua_State *L, struct policy_call *c, int idx)
{
    int finish = finish_of(decision_text(L, c->run->arena, idx, "finish",
                                         MAX_CODE));

    if (finish < 0)
        luaL_error(L, "a stop without a known reason");
    c->out->finish = (enum wire_finish)finish;
    c->out->code = str_of(finishes[finish]);
    c->out->verdict = POLICY_STOP;
}

/* Push "path:line: " of the phase's function: it has returned, so that Lua
 * knows no place any more. */
static void where(lua_State *L, const struct policy_call *c)
{
    lua_Debug ar;

    lua_rawgeti(L, LUA_REGISTRYINDEX, c->st->fn[c->phase]);
    lua_getinfo(L, ">S", &ar);
    lua_pushfstring(L, "%s:%d: ",
                    *ar.source == '@' ? ar.source + 1 : ar.short_src,
                    ar.linedefined);
}

void decision_read(lua_State *L, struct policy_call *c, int idx)
{
    static void (*const readers[KINDS])(lua_State *, struct policy_call *,
                                        int) = {
        [KIND_DENY] = read_deny,
        [KIND_SKIP] = read_skip,
        [KIND_ANSWER] = read_answer,
        [KIND_STOP] = read_stop,
        [KIND_AGAIN] = decision_read_again,
        [KIND_NEXT] = decision_read_next,
        [KIND_GIVE_UP] = decision_read_give_up,
        [KIND_QUEUE] = decision_queue_read,
    };
    enum decision_kind kind;

    if (lua_isnil(L, idx))
        return;
    kind = kind_of(L, idx);
    if (kind != KINDS && takes(c->phase, kind)) {
        readers[kind](L, c, idx);
        return;
    }
    if (kind == KINDS && c->phase == PHASE_AUTHENTICATE &&
        (lua_type(L, idx) == LUA_TTABLE || api_is(L, idx, API_PRINCIPAL))) {
        read_principal(L, c, idx);
        return;
    }
    where(L, c);
    luaL_error(L, "%s%s returned a %s; it may return nil%s",
               lua_tostring(L, -1), policy_phase_name(c->phase),
               kind == KINDS ? luaL_typename(L, idx) : kind_names[kind],
               may[c->phase].set ? may[c->phase].text : " or ps.deny()");
}

void decision_open(lua_State *L)
{
    static const luaL_Reg ps[] = { { "deny", decision_deny },
                                   { "skip", fn_skip },
                                   { "answer", fn_answer },
                                   { "stop", fn_stop },
                                   { "queue", fn_queue },
                                   { NULL, NULL } };

    for (int kind = 0; kind < KINDS; kind++) {
        lua_createtable(L, 0, 1);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_rawsetp(L, LUA_REGISTRYINDEX, &marks[kind]);
    }
    luaL_setfuncs(L, ps, 0);
    decision_retry_open(L);
}
