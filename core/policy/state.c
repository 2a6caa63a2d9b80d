/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making and ending a policy's state: sandbox, file, conf. */
#include "policy/state.h"

#include "base/clock.h"
#include "policy/api.h"
#include "policy/call.h"
#include "policy/probe.h"
#include "policy/sandbox.h"

#include <stdio.h>
#include <stdlib.h>

/* Per cent of the live heap (some 35 KB) at which a collection begins: a
 * request leaves half a KB of garbage, and marking is what collections cost. */
enum { GC_PAUSE = 400 };

/* A policy that keeps nearly 8 MiB is not collected for each request. */
enum { TIDY_LEAST = POLICY_MEMORY / 8 };

enum { MAX_ERROR = 1024 };

uint64_t policy_mono_ms(const struct policy_env *env)
{
    return env->clock.mono_ms ? env->clock.mono_ms(env->clock.ud)
                              : clock_mono_ms();
}

uint64_t policy_wall_ms(const struct policy_env *env)
{
    return env->clock.wall_ms ? env->clock.wall_ms(env->clock.ud)
                              : clock_wall_ms();
}

struct str policy_error_text(lua_State *L)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING) {
        s = str_of(lua_typename(L, lua_type(L, -1)));
        return str_is(s, "nil") ? STR("nil was raised")
                                : STR("a value that is no text was raised");
    }
    s.p = lua_tolstring(L, -1, &s.n); /* a string already: no allocation */
    if (s.n > MAX_ERROR) {
        s.n = MAX_ERROR;
        while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
            s.n--; /* not within a character */
    }
    return s;
}

/* Build the sandbox; below lua_pcall. */
static int build(lua_State *L)
{
    lua_gc(L, LUA_GCSTOP); /* there is little garbage before the end of it */
    sandbox_open(L);
    api_open(L);
    sandbox_close(L);
    lua_gc(L, LUA_GCRESTART);
    return 0;
}

/* Compile and run the file, take its table; below lua_pcall. */
static int load_file(lua_State *L)
{
    struct policy_state *st = policy_state_of(L);
    char chunk[160];

    snprintf(chunk, sizeof chunk, "@" STR_FMT,
             STR_ARG(st->conf->path.n ? st->conf->path : st->conf->name));
    if (chunk_file(L, st->conf->source, chunk) != LUA_OK)
        return lua_error(L);
    sandbox_push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    policy_load_table(st, L);
    return 0;
}

/* "path:7: text" becomes at = "path:7", msg = "text". */
static int say(const struct policy_state *st, struct str msg, struct err *err)
{
    struct str path = st->conf->path.n ? st->conf->path : st->conf->name;
    size_t n = path.n + 1;
    char at[128];

    if (!str_starts(msg, path) || n >= msg.n || msg.p[path.n] != ':') {
        snprintf(at, sizeof at, STR_FMT, STR_ARG(path));
        return err_at(err, ERR_CONFIG, at, "policy " STR_FMT ": " STR_FMT,
                      STR_ARG(st->conf->name), STR_ARG(msg));
    }
    while (n < msg.n && msg.p[n] >= '0' && msg.p[n] <= '9')
        n++;
    snprintf(at, sizeof at, "%.*s", (int)n, msg.p);
    while (n < msg.n && (msg.p[n] == ':' || msg.p[n] == ' '))
        n++;
    return err_at(err, ERR_CONFIG, at, "policy " STR_FMT ": %.*s",
                  STR_ARG(st->conf->name), (int)(msg.n - n), msg.p + n);
}

static int parse_conf(struct policy_state *st, struct err *err)
{
    struct str conf = st->conf->conf;
    json_error_t je;

    if (conf.n == 0)
        conf = STR("{}");
    st->conf_tree = json_loadb(conf.p, conf.n, JSON_REJECT_DUPLICATES, &je);
    if (json_is_object(st->conf_tree))
        return 0;
    return err_set(err, ERR_CONFIG, "policy " STR_FMT ": conf is no object",
                   STR_ARG(st->conf->name));
}

void policy_state_tidy(struct policy_state *st)
{
    size_t room;

    if (st->heap.used < st->tidy_at)
        return;
    lua_gc(st->L, LUA_GCCOLLECT);
    room = (st->heap.cap - st->heap.used) / 2;
    st->tidy_at = st->heap.used + (room > TIDY_LEAST ? room : TIDY_LEAST);
}

static int load(struct policy_state *st, struct err *err)
{
    struct budget b;
    int rc = parse_conf(st, err);

    if (rc)
        return rc;

    lua_pushcfunction(st->L, build);
    rc = lua_pcall(st->L, 0, 0, 0);
    if (rc == LUA_OK) {
        budget_init(&b, st->L, POLICY_LOAD_MS);
        budget_enter(&b);
        lua_pushcfunction(st->L, load_file);
        rc = lua_pcall(st->L, 0, 0, 0);
        budget_leave(&b);
    }
    json_decref(st->conf_tree);
    st->conf_tree = NULL;
    if (rc == LUA_ERRMEM)
        return say(st, STR("memory budget of 8 MiB used up"), err);
    if (rc != LUA_OK)
        return say(st, policy_error_text(st->L), err);
    policy_state_tidy(st);
    lua_gc(st->L, LUA_GCINC, GC_PAUSE, 0, 0);
    return 0;
}

struct policy_state *policy_state_new(struct policy_env *env,
                                      const struct conf_policy *conf,
                                      struct err *err)
{
    struct policy_state *st = calloc(1, sizeof *st);

    if (st) {
        st->env = env;
        st->conf = conf;
        st->heap.cap = POLICY_MEMORY;
        st->L = lua_newstate(policy_heap_alloc, &st->heap);
    }
    if (!st || !st->L) {
        free(st);
        err_set(err, ERR_NOMEM, "no memory for policy " STR_FMT,
                STR_ARG(conf->name));
        return NULL;
    }
    for (int p = 0; p < PHASE_COUNT; p++)
        st->fn[p] = LUA_NOREF;
    *(struct policy_state **)lua_getextraspace(st->L) = st;
    if (env->probe)
        env->probe->open(env->probe, st);
    if (load(st, err) == 0)
        return st;
    policy_state_free(st);
    return NULL;
}

void policy_state_free(struct policy_state *st)
{
    if (!st)
        return;
    policy_calls_free(st);
    json_decref(st->conf_tree);
    lua_close(st->L);
    policy_heap_clear(&st->heap);
    free(st);
}
