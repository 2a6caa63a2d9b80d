/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A row of ps.take: { "tokens", per = "team", limit = "400k/min" }. Whose it
 * is, how much, and what the request will want of it.
 */
#include "policy/api_limit.h"

#include "engine/config_unit.h"

enum { LEAST_OUTPUT = 64 }; /* tokens of a stream that may be ended */

/* ---- whose -------------------------------------------------------------- */

typedef bool subject_fn(lua_State *L, struct policy_call *c,
                        struct limit_rows *rows, struct str *name);

static bool of_key(lua_State *L, struct policy_call *c, struct limit_rows *rows,
                   struct str *name)
{
    const struct principal *p = c->run->principal;

    (void)L;
    (void)rows;
    *name = p && p->key.n ? p->key : p ? p->id : STR_NULL;
    return name->n != 0;
}

static bool of_user(lua_State *L, struct policy_call *c,
                    struct limit_rows *rows, struct str *name)
{
    (void)L;
    (void)rows;
    *name = c->run->principal ? c->run->principal->user : STR_NULL;
    return name->n != 0;
}

static bool of_team(lua_State *L, struct policy_call *c,
                    struct limit_rows *rows, struct str *name)
{
    (void)L;
    (void)rows;
    *name = c->run->principal ? c->run->principal->team : STR_NULL;
    return name->n != 0;
}

static bool text_field(struct policy_call *c, enum policy_field f,
                       struct str *name)
{
    struct policy_value v = { .type = VALUE_NIL };

    c->run->view->field(c->run->req, f, &v);
    *name = v.type == VALUE_STRING ? v.s : STR_NULL;
    return name->n != 0;
}

/* As the policy has edited it so far; the string stays on the stack. */
static bool of_model(lua_State *L, struct policy_call *c,
                     struct limit_rows *rows, struct str *name)
{
    (void)rows;
    if (!api_field_edited(L, c, FIELD_MODEL))
        return text_field(c, FIELD_MODEL, name);
    name->p = lua_tolstring(L, -1, &name->n);
    return name->n != 0;
}

static bool of_provider(lua_State *L, struct policy_call *c,
                        struct limit_rows *rows, struct str *name)
{
    const struct policy_run *run = c->run;
    const struct target *t = run->attempt ? run->attempt->target : NULL;

    (void)rows;
    for (size_t i = 0; !t && run->plan && i < run->plan->n; i++) {
        if (!run->plan->list[i].dropped)
            t = run->plan->list[i].target;
    }
    if (!t && !run->plan)
        luaL_error(L, "per = \"provider\": no provider is chosen yet; take "
                      "it in route or attempt");
    *name = t ? t->provider->conf->name : STR_NULL;
    return name->n != 0;
}

static bool of_endpoint(lua_State *L, struct policy_call *c,
                        struct limit_rows *rows, struct str *name)
{
    (void)L;
    (void)rows;
    *name = c->run->endpoint;
    return name->n != 0;
}

static bool of_ip(lua_State *L, struct policy_call *c, struct limit_rows *rows,
                  struct str *name)
{
    (void)L;
    if (!text_field(c, FIELD_CLIENT_IP, name))
        return false;
    *name = limit_address(*name, rows->address);
    return true;
}

static const struct {
    const char *word;
    subject_fn *fn;
    bool open; /* names that anybody can make up */
} subjects[] = {
    { "key", of_key, false },         { "user", of_user, false },
    { "team", of_team, false },       { "model", of_model, false },
    { "provider", of_provider, false }, { "endpoint", of_endpoint, false },
    { "ip", of_ip, true },
};

/* False: the request has no such thing. A text of the script's own has a
 * colon, so that a mistyped word is none. */
static bool subject(lua_State *L, struct policy_call *c, struct str per,
                    struct limit_rows *rows, struct limit_row *row)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        if (!str_is(per, subjects[i].word))
            continue;
        row->scope = str_of(subjects[i].word);
        row->open = subjects[i].open;
        return subjects[i].fn(L, c, rows, &row->name);
    }
    if (!memchr(per.p, ':', per.n))
        luaL_error(L, "per = \"%s\": key, user, team, model, provider, "
                      "endpoint, ip, or a text of your own with a colon",
                   per.p);
    row->scope = STR("custom");
    row->name = per;
    row->open = true;
    return true;
}

/* ---- how much ----------------------------------------------------------- */

static int kind_of(lua_State *L, struct str name)
{
    for (int k = 0; k < LIMIT_KINDS; k++) {
        if (str_is(name, limit_kind_name((enum limit_kind)k)))
            return k;
    }
    return luaL_error(L, "a row's first is requests, tokens or concurrent, "
                         "not '%s'", name.p ? name.p : "(nothing)");
}

/* The limit on top; false where it is nil: no limit. */
static bool read_limit(lua_State *L, struct limit_row *row)
{
    const char *kind = limit_kind_name(row->kind);
    int ok = 0;
    struct str s;

    if (lua_isnil(L, -1))
        return false;
    if (row->kind == LIMIT_CONCURRENT) {
        lua_Integer n = lua_tointegerx(L, -1, &ok);

        if (!ok || n < 1 || n > 1000000)
            luaL_error(L, "concurrent: limit is a number from 1 to 1000000");
        row->limit = (uint64_t)n;
        return true;
    }
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s: limit is a rate, \"600/min\"", kind);
    s.p = lua_tolstring(L, -1, &s.n);
    if (!conf_rate(s, &row->limit, &row->period_ms))
        luaL_error(L, "%s: \"%s\" is not a rate; write \"600/min\" or "
                      "\"400k/min\" (per s, min, h or day)", kind, s.p);
    return true;
}

static void read_burst(lua_State *L, struct limit_row *row)
{
    lua_Integer n;
    int ok;

    if (lua_isnil(L, -1))
        return;
    n = lua_tointegerx(L, -1, &ok);
    if (row->kind != LIMIT_REQUESTS)
        luaL_error(L, "burst is for requests alone");
    if (!ok || n < 1 || (uint64_t)n > row->limit)
        luaL_error(L, "burst is a number from 1 to the limit");
    row->burst = (uint64_t)n;
}

static bool read_stream(lua_State *L, const struct limit_row *row)
{
    const char *word;

    if (lua_isnil(L, -1))
        return false;
    word = lua_tostring(L, -1);
    if (row->kind != LIMIT_TOKENS || !word || strcmp(word, "finish") != 0)
        luaL_error(L, "stream = \"finish\", and for tokens alone");
    return true;
}

/* ---- what the request will want ----------------------------------------- */

static int64_t max_tokens(lua_State *L, struct policy_call *c)
{
    struct policy_value v = { .type = VALUE_NIL };
    lua_Integer n;

    if (!api_field_edited(L, c, FIELD_MAX_TOKENS)) {
        c->run->view->field(c->run->req, FIELD_MAX_TOKENS, &v);
        return v.type == VALUE_INT ? v.i : 0;
    }
    n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

/* Nothing for what is charged nothing. */
static uint64_t tokens_wanted(lua_State *L, struct policy_call *c)
{
    const struct policy_run *run = c->run;
    struct limit_wish wish = { .dialect = run->dialect,
                               .endpoint = run->endpoint,
                               .body = run->body };

    text_field(c, FIELD_MODEL, &wish.model);
    wish.max_tokens = max_tokens(L, c);
    return limit_claim_want(run->claim, &wish);
}

/* A stream that may be ended where its tokens are used up may begin with less
 * than it wants. */
static uint64_t least_of(lua_State *L, struct policy_call *c, uint64_t want)
{
    struct policy_value v = { .type = VALUE_NIL };
    uint64_t least = c->run->claim->input + LEAST_OUTPUT;
    bool stream;

    if (api_field_edited(L, c, FIELD_STREAM)) {
        stream = lua_toboolean(L, -1);
        lua_pop(L, 1);
    } else {
        c->run->view->field(c->run->req, FIELD_STREAM, &v);
        stream = v.type == VALUE_BOOL && v.i;
    }
    return !stream ? 0 : least < want ? least : want;
}

/* ---- a row -------------------------------------------------------------- */

static void check_names(lua_State *L)
{
    static const char *const known[] = { "per", "limit", "burst", "stream" };
    int row = lua_gettop(L);

    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        bool ok = lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1;
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";

        for (size_t i = 0; i < sizeof known / sizeof known[0] && !ok; i++)
            ok = strcmp(name, known[i]) == 0;
        if (!ok)
            luaL_error(L, "a row has per, limit, burst and stream, not '%s'",
                       name);
    }
}

/* A member of the row at idx, without metamethods. */
static struct str text_of(lua_State *L, int idx, const char *name)
{
    struct str s = STR_NULL;

    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TSTRING)
        s.p = lua_tolstring(L, -1, &s.n); /* lasts: it is in the row */
    lua_pop(L, 1);
    return s;
}

static void push_member(lua_State *L, int idx, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, idx);
}

/* The row on top; popped but for what its name needs. */
static void read_row(lua_State *L, struct policy_call *c,
                     struct limit_rows *out, int number)
{
    struct limit_row *row = &out->at[out->n];
    int idx = lua_gettop(L);
    struct str kind = STR_NULL, per;
    bool limited, finish;

    luaL_checktype(L, idx, LUA_TTABLE);
    check_names(L);
    *row = (struct limit_row){ .want = 1 };
    if (lua_rawgeti(L, idx, 1) == LUA_TSTRING)
        kind.p = lua_tolstring(L, -1, &kind.n);
    row->kind = (enum limit_kind)kind_of(L, kind);
    per = text_of(L, idx, "per");
    if (!per.n)
        luaL_error(L, "a row needs per = \"key\", or another");
    push_member(L, idx, "limit");
    limited = read_limit(L, row);
    push_member(L, idx, "burst");
    if (limited)
        read_burst(L, row);
    push_member(L, idx, "stream");
    finish = read_stream(L, row);
    lua_settop(L, idx);
    if (!limited || !subject(L, c, per, out, row))
        return;
    if (row->kind == LIMIT_TOKENS)
        row->want = tokens_wanted(L, c);
    if (row->want == 0)
        return;
    if (finish)
        row->least = least_of(L, c, row->want);
    out->finish[out->n] = finish;
    out->from[out->n++] = number;
}

void limit_rows_read(lua_State *L, struct policy_call *c,
                     struct limit_rows *out)
{
    lua_Unsigned n;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkstack(L, 3 * LIMIT_ROWS, "ps.take");
    n = lua_rawlen(L, 1);
    if (n > LIMIT_ROWS)
        luaL_error(L, "ps.take: at most %d rows", LIMIT_ROWS);
    out->n = 0;
    out->given = (int)n;
    for (int i = 1; i <= (int)n; i++) {
        lua_rawgeti(L, 1, i);
        read_row(L, c, out, i);
    }
}
