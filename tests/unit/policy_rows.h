/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Scripts for tests, from a file of tests/policies that returns a list of
 * { says, body }: what the error must say (false: see the test) and what
 * stands in a phase. Each is tried in a policy of its own.
 */
#ifndef PENSTOCK_POLICY_ROWS_H
#define PENSTOCK_POLICY_ROWS_H

#include "policy_unit.h"
#include "source.h"

#include <lauxlib.h>
#include <lua.h>

struct row {
    const char *says, *body;
};

enum { MAX_ROWS = 400 };

struct rows {
    lua_State *L; /* owns the text */
    struct row row[MAX_ROWS];
    size_t n;
};

static inline void rows_open(struct rows *r, const char *file)
{
    r->n = 0;
    r->L = luaL_newstate();
    if (luaL_dofile(r->L, source_path(file))) {
        printf("\n%s\n", lua_tostring(r->L, -1));
        CU_FAIL_FATAL("no rows");
    }
    while (lua_rawgeti(r->L, 1, (lua_Integer)r->n + 1) == LUA_TTABLE) {
        struct row *row = &r->row[r->n++];

        CU_ASSERT_FATAL(r->n < MAX_ROWS);
        lua_rawgeti(r->L, -1, 1);
        row->says = lua_tostring(r->L, -1);
        lua_rawgeti(r->L, -2, 2);
        row->body = lua_tostring(r->L, -1);
        lua_pop(r->L, 3);
    }
}

static inline void rows_close(struct rows *r)
{
    lua_close(r->L);
}

static const struct str row_models[] = { { "fast", 4 }, { "smart", 5 } };
static const struct conf_pair row_tags[] = {
    { { "team", 4 }, { "blue", 4 } }, { { "tier", 4 }, { "gold", 4 } } };
static const struct principal row_caller = {
    .id = { "ci", 2 }, .models = (struct str *)row_models, .n_models = 2,
    .tags = (struct conf_pair *)row_tags, .n_tags = 2 };

/**
 * A policy whose admit (fails closed) and log (fails open) are the body,
 * whose request always refuses, and whose validate needs 3 MB.
 */
static inline bool row_open(struct fake *f, const char *body)
{
    static char source[8192];

    fake_init(f);
    snprintf(source, sizeof source,
             "local function body(req, conf)\n%s\nend\n"
             "return { api = 1, admit = body, log = body,\n"
             "schema = { list = 'list', map = 'map' },\n"
             "request = function() return ps.deny('overloaded') end,\n"
             "validate = function() local t = {}\n"
             "for i = 1, 30 do t[i] = ('x'):rep(100000) .. i end end }",
             body);
    fake_policy(f, "p", source)->conf =
        STR("{\"list\": [1, 2, {\"a\": 1}], \"map\": {\"k\": \"v\"}}");
    f->run.principal = &row_caller;
    return fake_open(f, NULL);
}

/** It is as good as new: decides, and has its memory. */
static inline void row_usable(struct fake *f)
{
    f->notes[0] = '\0';
    fake_run(f, PHASE_REQUEST);
    UNIT_INT(f->out.err_code, ERR_OVERLOADED);
    for (int i = 0; i < 10; i++) { /* 50 ms may pass on a busy machine */
        f->notes[0] = '\0';
        fake_run(f, PHASE_VALIDATE);
        if (f->out.verdict == POLICY_NONE)
            break;
    }
    UNIT_INT(f->out.verdict, POLICY_NONE);
    UNIT_STR(f->notes, "");
    fake_run(f, PHASE_REQUEST);
    fake_run(f, PHASE_REQUEST);
    CU_ASSERT(policy_set_memory(f->set) < 6 << 20);
}

#endif
