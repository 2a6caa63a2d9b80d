/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Compiling and matching. One pool per Lua state holds PCRE2's contexts and
 * the room for a match; its memory comes from Lua's own allocator, so that it
 * counts, and ends with the state.
 */
#include "policy/re.h"

#include "policy/budget.h"

#include <lauxlib.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { CACHE = 256, NEST = 100, KEEP = 64 << 10, NO_CHARACTER = 0x1a };

struct re {
    pcre2_code *code;
    int captures;
    bool bytes;
};

struct pool {
    lua_Alloc alloc;
    void *alloc_ud;
    size_t used; /* bytes that PCRE2 has */
    pcre2_general_context *general;
    pcre2_compile_context *compile;
    pcre2_match_context *match;
    pcre2_match_data *data; /* NULL until it is used */
    unsigned cached;
};

static const char pool_key, cache_key; /* registry */

/* ---- memory --------------------------------------------------------- */

/* Lua's allocator wants to know the size of what it frees. */
struct block {
    _Alignas(16) size_t size;
};

static void *take(size_t n, void *ud)
{
    struct pool *p = ud;
    struct block *b = NULL;

    if (n < SIZE_MAX - sizeof *b)
        b = p->alloc(p->alloc_ud, NULL, 0, n + sizeof *b);
    if (!b)
        return NULL;
    b->size = n + sizeof *b;
    p->used += b->size;
    return b + 1;
}

static void give(void *q, void *ud)
{
    struct pool *p = ud;
    struct block *b = q;

    if (!b)
        return;
    b--;
    p->used -= b->size;
    p->alloc(p->alloc_ud, b, b->size, 0);
}

static int pool_gc(lua_State *L)
{
    struct pool *p = lua_touserdata(L, 1);

    pcre2_match_data_free(p->data);
    pcre2_match_context_free(p->match);
    pcre2_compile_context_free(p->compile);
    pcre2_general_context_free(p->general);
    return 0;
}

static struct pool *pool_of(lua_State *L)
{
    struct pool *p;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &pool_key);
    p = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return p;
}

static int on_callout(pcre2_callout_block *b, void *ud)
{
    (void)b;
    (void)ud;
    return budget_expired() ? PCRE2_ERROR_CALLOUT : 0;
}

/* Made with a state's first pattern. It stays in the registry to the end, and
 * its memory longer than the last finalizer: code is freed through it. */
static struct pool *pool_new(lua_State *L)
{
    struct pool *p = lua_newuserdatauv(L, sizeof *p, 0);
    memset(p, 0, sizeof *p);
    p->alloc = lua_getallocf(L, &p->alloc_ud);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, pool_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    p->general = pcre2_general_context_create(take, give, p);
    if (p->general) {
        p->compile = pcre2_compile_context_create(p->general);
        p->match = pcre2_match_context_create(p->general);
    }
    if (!p->compile || !p->match)
        luaL_error(L, "ps.re: not enough memory");
    pcre2_set_max_pattern_length(p->compile, RE_PATTERN);
    pcre2_set_parens_nest_limit(p->compile, NEST);
    pcre2_set_match_limit(p->match, RE_TRIES);
    pcre2_set_heap_limit(p->match, RE_STACK_KIB);
    pcre2_set_callout(p->match, on_callout, NULL);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &pool_key);
    return p;
}

/* ---- compiling ------------------------------------------------------ */

static int re_gc(lua_State *L)
{
    struct re *re = lua_touserdata(L, 1);

    pcre2_code_free(re->code);
    re->code = NULL;
    return 0;
}

static uint32_t options_of(lua_State *L, struct str flags)
{
    uint32_t o = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C | PCRE2_UTF;

    for (size_t i = 0; i < flags.n; i++) {
        switch (flags.p[i]) {
        case 'i': o |= PCRE2_CASELESS; break;
        case 'm': o |= PCRE2_MULTILINE; break;
        case 's': o |= PCRE2_DOTALL; break;
        case 'x': o |= PCRE2_EXTENDED; break;
        case 'b':
            o &= ~(uint32_t)PCRE2_UTF;
            o |= PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
            break;
        default: luaL_error(L, "ps.re: flags are letters of imsxb");
        }
    }
    return o;
}

static void compile(lua_State *L, struct pool *p, struct re *re,
                    struct str pattern, uint32_t options)
{
    uint32_t captures = 0;
    char text[160];
    size_t at = 0;
    int rc = 0;

    for (int i = 0; i < 2 && !re->code; i++) {
        re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options,
                                 &rc, &at, p->compile);
        if (!re->code && rc == PCRE2_ERROR_HEAP_FAILED)
            lua_gc(L, LUA_GCCOLLECT);
    }
    if (!re->code) {
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)text, sizeof text);
        luaL_error(L, "ps.re: %s (at byte %d of the pattern)", text,
                   (int)at + 1);
    }
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    if (captures > RE_CAPTURES)
        luaL_error(L, "ps.re: at most %d captures; (?: ) groups without one",
                   RE_CAPTURES);
    re->captures = (int)captures;
}

/* A new object, left on top. */
static struct re *make(lua_State *L, struct str pattern, struct str flags,
                       const char *class)
{
    uint32_t options = options_of(L, flags);
    struct pool *p = pool_of(L);
    struct re *re;

    if (!p)
        p = pool_new(L);
    re = lua_newuserdatauv(L, sizeof *re, 0);
    *re = (struct re){ .bytes = !(options & PCRE2_UTF) };
    luaL_setmetatable(L, class);
    compile(L, p, re, pattern, options);
    return re;
}

struct re *re_push(lua_State *L, struct str pattern, struct str flags,
                   const char *class)
{
    struct re *re;
    struct pool *p;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_pushlstring(L, flags.p, flags.n);
    lua_pushlstring(L, "", 1);
    lua_pushlstring(L, pattern.p, pattern.n);
    lua_concat(L, 3);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TUSERDATA) {
        lua_replace(L, -3);
        lua_pop(L, 1);
        return lua_touserdata(L, -1);
    }
    lua_pop(L, 1);
    re = make(L, pattern, flags, class);
    p = pool_of(L);
    if (p->cached++ >= CACHE) { /* those in use live on */
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
        lua_replace(L, -4);
        p->cached = 1;
    }
    lua_insert(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    lua_remove(L, -2);
    return re;
}

void re_open(lua_State *L, const char *class)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
    luaL_getmetatable(L, class);
    lua_pushcfunction(L, re_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

bool re_name(const struct re *re, int i, struct str *name, int *capture)
{
    const unsigned char *table = NULL;
    uint32_t count = 0, size = 0;

    pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
    if ((uint32_t)i >= count)
        return false;
    table += (size_t)i * size;
    *capture = table[0] << 8 | table[1];
    *name = str_of((const char *)table + 2);
    return true;
}

/* ---- matching ------------------------------------------------------- */

static bool is_more(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Length of the character at s.p, or 0 where there is none. */
static size_t character(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (n > s.n || !str_utf8_valid((struct str){ s.p, n }))
        return 0;
    return n;
}

/* A copy in which each byte that is no part of a character is one. */
static const char *mended(lua_State *L, struct str s)
{
    char *copy = lua_newuserdatauv(L, s.n, 0), *to = copy;

    for (uint32_t i = 1; s.n; i++) {
        size_t n = character(s);

        if (i % 65536 == 0)
            budget_check(L);
        if (n)
            memcpy(to, s.p, n);
        else
            *to = NO_CHARACTER;
        n = n ? n : 1;
        to += n;
        s.p += n;
        s.n -= n;
    }
    return copy;
}

struct re_text re_text(lua_State *L, const struct re *re, struct str s)
{
    struct re_text t = { s, s.p };

    if (re->bytes || str_utf8_valid(s))
        lua_pushnil(L);
    else
        t.seen = mended(L, s);
    return t;
}

static void give_up(lua_State *L, int rc)
{
    budget_check(L);
    switch (rc) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
        luaL_error(L, "ps.re: the pattern tries too much on this text");
        break;
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY:
        luaL_error(L, "ps.re: the pattern needs too much memory on this text");
        break;
    default: luaL_error(L, "ps.re: matching failed (%d)", rc);
    }
}

static int match(struct pool *p, const struct re *re, const struct re_text *t,
                 size_t from, int how)
{
    uint32_t options = PCRE2_NO_UTF_CHECK;

    if (!p->data)
        p->data = pcre2_match_data_create(RE_CAPTURES + 1, p->general);
    if (!p->data)
        return PCRE2_ERROR_NOMEMORY;
    if (how & RE_NOT_EMPTY_AT_START)
        options |= PCRE2_NOTEMPTY_ATSTART;
    return pcre2_match(re->code, (PCRE2_SPTR)t->seen, t->s.n, from, options,
                       p->data, p->match);
}

bool re_exec(lua_State *L, const struct re *re, const struct re_text *t,
             size_t from, int how, struct re_match *m)
{
    struct pool *p = pool_of(L);
    size_t before = p->used;
    int rc;

    while (!re->bytes && from < t->s.n && is_more(t->seen[from]))
        from++;
    rc = match(p, re, t, from, how);
    if (rc == PCRE2_ERROR_NOMEMORY) {
        lua_gc(L, LUA_GCCOLLECT);
        rc = match(p, re, t, from, how);
    }
    if (rc > 0) {
        m->n = re->captures + 1;
        for (int i = 0; i < 2 * m->n; i++)
            m->at[i] = i < 2 * rc ? pcre2_get_ovector_pointer(p->data)[i]
                                  : RE_UNSET;
    }
    if (p->used > before + KEEP) { /* what a hard match left there */
        pcre2_match_data_free(p->data);
        p->data = NULL;
    }
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        give_up(L, rc);
    return rc > 0;
}
