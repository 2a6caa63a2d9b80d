/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * req.ctx, see ctx.h. A text that is assigned again takes the old one's room
 * where it fits, and twice what it needs where not: an output phase that
 * counts in it for each event takes no memory that grows.
 */
#include "policy/ctx.h"

#include "base/err.h"
#include "policy/api.h"

enum { BUCKETS = 256, SHOWN = 40 };

struct entry {
    struct entry *next;
    const void *owner;
    struct str key, text; /* text.p NULL: removed */
    char *room;
    size_t cap;
    uint32_t hash;
};

struct policy_ctx {
    struct entry *buckets[BUCKETS];
    size_t n, bytes;
};

static uint32_t hash_of(struct str key)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 16777619u;
    return h;
}

static struct entry *find(const struct policy_ctx *x, const void *owner,
                          struct str key, uint32_t hash)
{
    struct entry *e = x ? x->buckets[hash % BUCKETS] : NULL;

    while (e && (e->hash != hash || e->owner != owner ||
                 !str_eq(e->key, key)))
        e = e->next;
    return e;
}

struct str ctx_get(const struct policy_run *run, const void *owner,
                   struct str key)
{
    const struct entry *e = find(run->ctx, owner, key, hash_of(key));

    return e ? e->text : STR_NULL;
}

static struct policy_ctx *made(struct policy_run *run)
{
    if (!run->ctx)
        run->ctx = arena_alloc(run->arena, sizeof *run->ctx);
    return run->ctx;
}

/* Room for `n` bytes, which are counted for good: an arena frees nothing. */
static int give_room(struct policy_run *run, struct entry *e, size_t n)
{
    size_t cap = e->room ? 2 * n : n;
    char *room;

    if (n <= e->cap)
        return 0;
    if (run->ctx->bytes + cap > CTX_BYTES)
        return -ERR_LIMIT;
    room = arena_alloc(run->arena, cap);
    if (!room)
        return -ERR_NOMEM;
    run->ctx->bytes += cap;
    e->room = room;
    e->cap = cap;
    return 0;
}

static int add(struct policy_run *run, const struct entry *like,
               struct str text)
{
    struct policy_ctx *x = made(run);
    struct entry *e;
    int rc;

    if (!x)
        return -ERR_NOMEM;
    if (x->n == CTX_ENTRIES || x->bytes + like->key.n + text.n > CTX_BYTES)
        return -ERR_LIMIT;
    e = arena_alloc(run->arena, sizeof *e);
    if (!e)
        return -ERR_NOMEM;
    *e = *like;
    e->key = arena_dup(run->arena, like->key);
    if (!e->key.p)
        return -ERR_NOMEM;
    rc = give_room(run, e, text.n + 1);
    if (rc)
        return rc;
    memcpy(e->room, text.p, text.n);
    e->text = (struct str){ e->room, text.n };
    e->next = x->buckets[e->hash % BUCKETS];
    x->buckets[e->hash % BUCKETS] = e;
    x->bytes += e->key.n;
    x->n++;
    return 0;
}

int ctx_set(struct policy_run *run, const void *owner, struct str key,
            struct str text)
{
    const struct entry like = { .owner = owner, .key = key,
                                .hash = hash_of(key) };
    struct entry *e = find(run->ctx, owner, key, like.hash);
    int rc;

    if (!e)
        return text.p ? add(run, &like, text) : 0;
    if (!text.p) {
        e->text = STR_NULL;
        return 0;
    }
    rc = give_room(run, e, text.n);
    if (rc)
        return rc;
    if (text.n)
        memcpy(e->room, text.p, text.n);
    e->text = (struct str){ e->room, text.n };
    return 0;
}

/* ---- for scripts ---------------------------------------------------- */

static struct str key_at(lua_State *L, int arg)
{
    struct str key;

    if (lua_type(L, arg) != LUA_TSTRING)
        luaL_error(L, "req.ctx: names are strings, not a %s",
                   luaL_typename(L, arg));
    key.p = lua_tolstring(L, arg, &key.n);
    if (key.n > CTX_KEY_MAX)
        luaL_error(L, "req.ctx: a name is limited to %d bytes", CTX_KEY_MAX);
    return key;
}

static int ctx_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_CTX)->call;
    struct str text = ctx_get(c->run, c->st, key_at(L, 2));

    if (!text.p)
        return 0;
    lua_pushlstring(L, text.p, text.n);
    return 1;
}

static int ctx_newindex(lua_State *L)
{
    struct policy_call *c = api_self(L, API_CTX)->call;
    struct str key = key_at(L, 2), text = STR_NULL, shown = str_cut(key, SHOWN);
    int rc;

    if (lua_type(L, 3) == LUA_TSTRING)
        text.p = lua_tolstring(L, 3, &text.n);
    else if (!lua_isnil(L, 3))
        return luaL_error(L, "req.ctx.%s: a text is needed, not a %s "
                             "(tostring, or ps.json.encode)",
                          lua_pushlstring(L, shown.p, shown.n),
                          luaL_typename(L, 3));
    rc = ctx_set(c->run, c->st, key, text);
    if (rc == -ERR_LIMIT)
        return luaL_error(L, "req.ctx: a request keeps %d texts, %d KiB, at "
                             "most", CTX_ENTRIES, CTX_BYTES >> 10);
    if (rc)
        return luaL_error(L, "the request's memory is used up");
    return 0;
}

void api_ctx_open(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__index", ctx_index },
                                     { "__newindex", ctx_newindex },
                                     { NULL, NULL } };

    lua_newtable(L);
    luaL_setfuncs(L, meta, 0);
    api_metatable(L, API_CTX, "req.ctx");
}
