/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.metric(name, value, labels): counters of a policy's own, all in one
 * family: penstock_policy_count_total{policy, name, ...}. What a client sends
 * may end up in a label, so the series of a policy are bounded: beyond them
 * the values of its labels are "other".
 */
#include "policy/api.h"

#include "engine/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

struct own {
    struct str policy, name;
    struct metric_pair pairs[METRIC_PAIRS_MAX];
    size_t n;
};

/* [a-z_][a-z0-9_]*, as Prometheus has names of labels */
static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_BYTES || isdigit((unsigned char)s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!islower((unsigned char)s.p[i]) &&
            !isdigit((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    }
    return true;
}

static bool is_taken(struct str s)
{
    return str_is(s, "policy") || str_is(s, "name") ||
           str_starts(s, STR("__"));
}

static int by_name(const void *a, const void *b)
{
    struct str x = ((const struct metric_pair *)a)->name;
    struct str y = ((const struct metric_pair *)b)->name;
    int c = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

    return c ? c : (x.n > y.n) - (x.n < y.n);
}

/* A label's value as text that stays on the stack. */
static struct str label_value(lua_State *L, int idx)
{
    struct str s = STR("");

    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN:
        return lua_toboolean(L, idx) ? STR("true") : STR("false");
    case LUA_TSTRING:
    case LUA_TNUMBER: s.p = lua_tolstring(L, idx, &s.n); break;
    default:
        luaL_error(L, "ps.metric: labels are strings, numbers or booleans");
    }
    return s; /* the column cuts it */
}

/* The table at 3; names and values stay on the stack. */
static void read_labels(lua_State *L, struct own *o)
{
    if (lua_isnoneornil(L, 3))
        return;
    luaL_checktype(L, 3, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 3); o->n++) {
        struct metric_pair *p = &o->pairs[o->n];

        if (o->n == METRIC_PAIRS_MAX)
            luaL_error(L, "ps.metric: at most %d labels", METRIC_PAIRS_MAX);
        p->name = STR("");
        if (lua_type(L, -2) == LUA_TSTRING)
            p->name.p = lua_tolstring(L, -2, &p->name.n);
        if (!is_name(p->name) || is_taken(p->name))
            luaL_error(L, "ps.metric: names of labels are a to z, 0 to 9 and "
                          "'_', and neither policy nor name");
        p->value = label_value(L, -1);
        lua_pushvalue(L, -2); /* the key again, for lua_next */
    }
    qsort(o->pairs, o->n, sizeof o->pairs[0], by_name);
}

/* At the policy's bound: the values, then the name too, become "other". */
static void count(struct policy_state *st, struct own *o, uint64_t v)
{
    uint32_t max = st->series_full ? 0 : METRIC_OWN_MAX;

    if (metric_add_own(o->policy, o->name, o->pairs, o->n, max, v))
        return;
    st->series_full = true;
    for (size_t i = 0; i < o->n; i++)
        o->pairs[i].value = STR("other");
    if (metric_add_own(o->policy, o->name, o->pairs, o->n,
                       METRIC_OWN_MAX + METRIC_OWN_MAX / 4, v))
        return;
    metric_add_own(o->policy, STR("other"), NULL, 0, UINT32_MAX, v);
}

/* ps.metric(name, value, labels) */
static int fn_metric(lua_State *L)
{
    struct policy_call *c = api_call(L);
    struct own o = { .policy = c->st->conf->name };
    lua_Integer v = luaL_optinteger(L, 2, 1);
    char text[NAME_MAX_BYTES + 48];

    o.name.p = luaL_checklstring(L, 1, &o.name.n);
    luaL_argcheck(L, is_name(o.name), 1,
                  "a name of a to z, 0 to 9 and '_' is needed");
    luaL_argcheck(L, v >= 0, 2, "counters do not go back");
    lua_settop(L, 3);
    read_labels(L, &o);
    if (!c->st->conf->observe) {
        count(c->st, &o, (uint64_t)v);
        return 0;
    }
    snprintf(text, sizeof text, "would count " STR_FMT " by %lld",
             STR_ARG(o.name), (long long)v);
    api_record(c, str_of(text));
    return 0;
}

void api_metric_open(lua_State *L)
{
    lua_pushcfunction(L, fn_metric);
    lua_setfield(L, -2, "metric");
}
