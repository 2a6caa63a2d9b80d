/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a row of ps.take means for a request: whose it is, how much, and what
 * the request will want of it.
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
    bool kept; /* they last as long as the request */
} subjects[] = {
    { "key", of_key, false, true },
    { "user", of_user, false, true },
    { "team", of_team, false, true },
    { "model", of_model, false, false },
    { "provider", of_provider, false, true },
    { "endpoint", of_endpoint, false, true },
    { "ip", of_ip, true, false },
};

int limit_subject(struct str per)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        if (str_is(per, subjects[i].word))
            return (int)i;
    }
    return LIMIT_OF_TEXT;
}

/* False: the request has no such thing. A text of the script's own has a
 * colon, so that a mistyped word is none. */
static bool subject(lua_State *L, struct policy_call *c,
                    const struct limit_spec *x, struct limit_rows *rows,
                    struct limit_row *row)
{
    if (x->subject != LIMIT_OF_TEXT) {
        row->scope = x->per;
        row->scope.p = subjects[x->subject].word; /* which lasts */
        row->open = subjects[x->subject].open;
        row->kept = subjects[x->subject].kept;
        return subjects[x->subject].fn(L, c, rows, &row->name);
    }
    if (!memchr(x->per.p, ':', x->per.n))
        luaL_error(L, "per = \"%s\": key, user, team, model, provider, "
                      "endpoint, ip, or a text of your own with a colon",
                   x->per.p);
    row->scope = STR("custom");
    row->name = x->per;
    row->open = true;
    return true;
}

/* ---- how much ----------------------------------------------------------- */

static bool given(const struct limit_amount *a)
{
    return a->rate.p || a->is_number;
}

/* What the principal carries of a kind; false: nothing. */
static bool carried(const struct conf_limits *l, enum limit_kind kind,
                    struct limit_amount *a)
{
    const struct str *rate = kind == LIMIT_REQUESTS ? &l->requests
                                                    : &l->tokens;

    if (kind == LIMIT_CONCURRENT ? !l->concurrent : !rate->n)
        return false;
    if (kind == LIMIT_CONCURRENT)
        *a = (struct limit_amount){ .is_number = true,
                                    .number = l->concurrent };
    else
        *a = (struct limit_amount){ .rate = *rate };
    return true;
}

/* limit = "own" is what the key or its team has, or `default`. False: there
 * is none, which is most rows' answer. */
static bool amount_of(const struct policy_call *c, const struct limit_spec *x,
                      struct limit_amount *a)
{
    const struct principal *p = c->run->principal;
    const struct limit_amount *said = x->own ? &x->other : &x->limit;

    if (x->own && p &&
        carried(x->team ? &p->team_limits : &p->limits, x->kind, a))
        return true;
    if (!given(said))
        return false;
    *a = *said;
    return true;
}

/* A row that is used for many requests meets few rates: the last one is
 * known. */
static bool read_rate(struct limit_spec *x, struct str rate,
                      struct limit_row *row)
{
    struct limit_rate *last = &x->last;

    if (rate.n == last->n && rate.n &&
        memcmp(rate.p, last->text, rate.n) == 0) {
        row->limit = last->count;
        row->period_ms = last->period_ms;
        return true;
    }
    if (!conf_rate(rate, &row->limit, &row->period_ms))
        return false;
    if (rate.n <= sizeof last->text) {
        last->n = (uint8_t)rate.n;
        memcpy(last->text, rate.p, rate.n);
        last->count = row->limit;
        last->period_ms = row->period_ms;
    }
    return true;
}

static void set_limit(lua_State *L, struct limit_spec *x,
                      const struct limit_amount *a, struct limit_row *row)
{
    const char *kind;

    if (x->kind == LIMIT_CONCURRENT) {
        if (!a->is_number || a->number < 1 || a->number > 1000000)
            luaL_error(L, "concurrent: limit is a number from 1 to 1000000");
        row->limit = (uint64_t)a->number;
        return;
    }
    kind = limit_kind_name(x->kind);
    if (!a->rate.p)
        luaL_error(L, "%s: limit is a rate, \"600/min\"", kind);
    if (!read_rate(x, a->rate, row))
        luaL_error(L, "%s: \"%s\" is not a rate; write \"600/min\" or "
                      "\"400k/min\" (per s, min, h or day)", kind,
                   a->rate.p);
}

static void set_burst(lua_State *L, const struct limit_spec *x,
                      struct limit_row *row)
{
    if (!x->burst)
        return;
    if (row->limit && (x->burst < 1 || (uint64_t)x->burst > row->limit))
        luaL_error(L, "burst is a number from 1 to the limit");
    row->burst = (uint64_t)x->burst;
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

/* Nothing for what is charged nothing. The same for all rows of a take. */
static uint64_t tokens_wanted(lua_State *L, struct policy_call *c,
                              struct limit_rows *out)
{
    const struct policy_run *run = c->run;
    struct limit_wish wish = { .dialect = run->dialect,
                               .endpoint = run->endpoint,
                               .body = run->body };

    if (out->wants)
        return out->tokens;
    text_field(c, FIELD_MODEL, &wish.model);
    wish.max_tokens = max_tokens(L, c);
    out->wants = true;
    out->tokens = limit_claim_want(run->claim, &wish);
    return out->tokens;
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

/* What its name needs stays on the stack. */
static void add_row(lua_State *L, struct policy_call *c, struct limit_spec *x,
                    const struct limit_amount *a, struct limit_rows *out)
{
    struct limit_row *row = &out->at[out->n];

    *row = (struct limit_row){ .kind = x->kind, .want = 1 };
    set_limit(L, x, a, row);
    set_burst(L, x, row);
    if (!subject(L, c, x, out, row))
        return;
    if (row->kind == LIMIT_TOKENS)
        row->want = tokens_wanted(L, c, out);
    if (row->want == 0)
        return;
    if (x->finish)
        row->least = least_of(L, c, row->want);
    out->finish[out->n] = x->finish;
    out->from[out->n++] = out->given;
}

void limit_rows_read(lua_State *L, struct policy_call *c,
                     struct limit_rows *out)
{
    struct limit_specs *known = limit_specs_at(L, 1);
    size_t n = known ? known->n : limit_rows_count(L, 1);

    luaL_checkstack(L, 3 * LIMIT_ROWS, "ps.take");
    out->n = 0;
    out->given = 0;
    out->wants = false;
    for (size_t i = 0; i < n; i++) {
        struct limit_spec own, *x = known ? &known->at[i] : &own;
        struct limit_amount a;

        out->given++;
        if (!known) {
            lua_rawgeti(L, 1, (lua_Integer)i + 1);
            limit_spec_read(L, x);
        }
        if (amount_of(c, x, &a))
            add_row(L, c, x, &a, out);
    }
}
