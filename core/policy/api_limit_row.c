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

/* A rate or a number; neither: it was not given. */
struct amount {
    struct str rate;
    bool is_number;
    lua_Integer number;
};

/* A row as the script wrote it; texts are borrowed from it. */
struct said {
    struct str kind, per, stream;
    struct amount limit, other; /* other: where "own" is none */
    lua_Integer burst;          /* 0 = not given */
};

static bool given(const struct amount *a)
{
    return a->rate.p || a->is_number;
}

/* What the principal carries of a kind. */
static struct amount carried(const struct conf_limits *l, enum limit_kind kind)
{
    struct amount a = { .rate = kind == LIMIT_REQUESTS ? l->requests
                              : kind == LIMIT_TOKENS   ? l->tokens
                                                       : STR_NULL };

    if (kind == LIMIT_CONCURRENT && l->concurrent) {
        a.is_number = true;
        a.number = l->concurrent;
    }
    if (a.rate.n == 0)
        a.rate = STR_NULL;
    return a;
}

/* limit = "own" becomes what the key or its team has, or `default`. */
static void find_own(lua_State *L, struct policy_call *c, struct said *x,
                     enum limit_kind kind)
{
    const struct principal *p = c->run->principal;
    bool own = x->limit.rate.p && str_is(x->limit.rate, "own");

    if (!own && given(&x->other))
        luaL_error(L, "default is for limit = \"own\"");
    if (!own)
        return;
    if (!str_is(x->per, "key") && !str_is(x->per, "team"))
        luaL_error(L, "limit = \"own\" is for per = \"key\" and \"team\"");
    x->limit = (struct amount){ .number = 0 };
    if (p)
        x->limit = carried(str_is(x->per, "key") ? &p->limits
                                                 : &p->team_limits, kind);
    if (!given(&x->limit))
        x->limit = x->other;
}

/* False: no limit. */
static bool set_limit(lua_State *L, const struct said *x,
                      struct limit_row *row)
{
    const char *kind = limit_kind_name(row->kind);

    if (!given(&x->limit))
        return false;
    if (row->kind == LIMIT_CONCURRENT) {
        lua_Integer n = x->limit.number;

        if (!x->limit.is_number || n < 1 || n > 1000000)
            luaL_error(L, "concurrent: limit is a number from 1 to 1000000");
        row->limit = (uint64_t)n;
        return true;
    }
    if (!x->limit.rate.p)
        luaL_error(L, "%s: limit is a rate, \"600/min\"", kind);
    if (!conf_rate(x->limit.rate, &row->limit, &row->period_ms))
        luaL_error(L, "%s: \"%s\" is not a rate; write \"600/min\" or "
                      "\"400k/min\" (per s, min, h or day)", kind,
                   x->limit.rate.p);
    return true;
}

static void set_burst(lua_State *L, const struct said *x,
                      struct limit_row *row)
{
    if (!x->burst)
        return;
    if (row->kind != LIMIT_REQUESTS)
        luaL_error(L, "burst is for requests alone");
    if (row->limit && (x->burst < 1 || (uint64_t)x->burst > row->limit))
        luaL_error(L, "burst is a number from 1 to the limit");
    row->burst = (uint64_t)x->burst;
}

static bool is_finish(lua_State *L, const struct said *x,
                      const struct limit_row *row)
{
    if (!x->stream.p)
        return false;
    if (row->kind != LIMIT_TOKENS || !str_is(x->stream, "finish"))
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

/* The value on top, as a text. */
static struct str text_at(lua_State *L, const char *name)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a row's %s is a text, not a %s", name,
                   luaL_typename(L, -1));
    s.p = lua_tolstring(L, -1, &s.n);
    return s;
}

static lua_Integer whole(lua_State *L, const char *name, const char *more)
{
    lua_Integer n = 0;
    int ok = 0;

    if (lua_type(L, -1) == LUA_TNUMBER)
        n = lua_tointegerx(L, -1, &ok);
    if (!ok)
        luaL_error(L, "a row's %s is a whole number%s", name, more);
    return n;
}

static void read_amount(lua_State *L, const char *name, struct amount *a)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        a->rate = text_at(L, name);
        return;
    }
    a->number = whole(L, name, ", or a rate: \"600/min\"");
    a->is_number = true;
}

static void read_burst(lua_State *L, struct said *x)
{
    x->burst = whole(L, "burst", " above 0");
    if (x->burst == 0)
        luaL_error(L, "a row's burst is a whole number above 0");
}

/* One member, its name and value on top. */
static void read_member(lua_State *L, struct said *x)
{
    const char *name = "?";

    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) {
        x->kind = text_at(L, "first");
        return;
    }
    if (lua_type(L, -2) == LUA_TSTRING)
        name = lua_tostring(L, -2);
    if (strcmp(name, "per") == 0)
        x->per = text_at(L, name);
    else if (strcmp(name, "limit") == 0)
        read_amount(L, name, &x->limit);
    else if (strcmp(name, "default") == 0)
        read_amount(L, name, &x->other);
    else if (strcmp(name, "burst") == 0)
        read_burst(L, x);
    else if (strcmp(name, "stream") == 0)
        x->stream = text_at(L, name);
    else
        luaL_error(L, "a row has per, limit, default, burst and stream, "
                      "not '%s'", name);
}

/* The row on top, which stays; so does what its name needs. */
static void read_row(lua_State *L, struct policy_call *c,
                     struct limit_rows *out, int number)
{
    struct limit_row *row = &out->at[out->n];
    struct said x = { .burst = 0 };
    bool limited, finish;

    if (!lua_istable(L, -1))
        luaL_error(L, "a row is a table, not a %s", luaL_typename(L, -1));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        read_member(L, &x);
    *row = (struct limit_row){ .kind = (enum limit_kind)kind_of(L, x.kind),
                               .want = 1 };
    if (!x.per.n)
        luaL_error(L, "a row needs per = \"key\", or another");
    find_own(L, c, &x, row->kind);
    limited = set_limit(L, &x, row);
    set_burst(L, &x, row);
    finish = is_finish(L, &x, row);
    if (!limited || !subject(L, c, x.per, out, row))
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
