/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Header fields that scripts may set: those of a try, and those of the answer
 * to the client. What frames a message, and what the gateway promises about
 * it, is the core's; a value that could begin another line is refused.
 */
#include "policy/edit.h"

#include "policy/api.h"

#include "net/http1_char.h"

enum { MAX_NAME = 128, MAX_VALUE = 4096 };
enum { OUT = 1 << HEAD_OUT, ANSWER = 1 << HEAD_ANSWER };

static const struct {
    struct str name;
    unsigned heads; /* in which it is the core's */
} cores[] = {
    { { "connection", 10 }, OUT | ANSWER },
    { { "content-encoding", 16 }, OUT | ANSWER },
    { { "content-length", 14 }, OUT | ANSWER },
    { { "content-type", 12 }, OUT | ANSWER },
    { { "keep-alive", 10 }, OUT | ANSWER },
    { { "proxy-connection", 16 }, OUT | ANSWER },
    { { "te", 2 }, OUT | ANSWER },
    { { "trailer", 7 }, OUT | ANSWER },
    { { "transfer-encoding", 17 }, OUT | ANSWER },
    { { "upgrade", 7 }, OUT | ANSWER },
    { { "host", 4 }, OUT },
    { { "expect", 6 }, OUT },
    { { "date", 4 }, ANSWER },
    { { "request-id", 10 }, ANSWER },
    { { "x-request-id", 12 }, ANSWER },
};

static bool is_cores(struct str name, enum api_head head)
{
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
        if ((cores[i].heads & 1u << head) && str_ieq(cores[i].name, name))
            return true;
    }
    return false;
}

static struct str check_name(lua_State *L, enum api_head head, int at)
{
    struct str name;

    name.p = luaL_checklstring(L, at, &name.n);
    if (!name.n || name.n > MAX_NAME || !http1_all(name, HTTP1_TOKEN))
        luaL_error(L, "not a header name");
    if (is_cores(name, head))
        luaL_error(L, "header '%s' is the core's", name.p);
    return name;
}

static struct str check_value(lua_State *L, int at)
{
    struct str value;

    if (lua_isnoneornil(L, at))
        return STR_NULL;
    if (!lua_isstring(L, at))
        luaL_error(L, "a header's value is a string; nil removes it");
    value.p = lua_tolstring(L, at, &value.n);
    value = str_trim(value);
    if (value.n > MAX_VALUE || !http1_all(value, HTTP1_VALUE))
        luaL_error(L, "a header's value has no line ends or control "
                      "characters, and at most %d bytes", MAX_VALUE);
    return value;
}

static struct str copied(lua_State *L, struct arena *a, struct str s)
{
    if (!s.p)
        return s;
    s = arena_dup(a, s);
    if (!s.p)
        luaL_error(L, "the request's memory is used up");
    return s;
}

static struct http_header *find(struct policy_headers *h, struct str name)
{
    for (size_t i = 0; i < h->n; i++) {
        if (str_ieq(h->at[i].name, name))
            return &h->at[i];
    }
    return NULL;
}

/* Remember them as they are before the first edit. */
static void save(lua_State *L, struct policy_call *c,
                 const struct policy_headers *h)
{
    if (c->headers_before)
        return;
    c->headers_before = arena_alloc(c->run->arena, sizeof *h);
    if (!c->headers_before)
        luaL_error(L, "the request's memory is used up");
    *c->headers_before = *h;
}

void api_header_set(lua_State *L, struct policy_headers *to, enum api_head head,
                    int name, int value)
{
    struct policy_call *c = api_call(L);
    struct http_header field = { check_name(L, head, name),
                                 check_value(L, value) };
    struct http_header *at = find(to, field.name);

    if (!at && to->n == sizeof to->at / sizeof to->at[0])
        luaL_error(L, "at most %d headers can be set", (int)to->n);
    save(L, c, to);
    edit_note(c, field.value.p ? "set header" : "remove header", field.name);
    field.name = copied(L, c->run->arena, field.name);
    field.value = copied(L, c->run->arena, field.value);
    *(at ? at : &to->at[to->n++]) = field;
}

void api_headers_restore(struct policy_call *c)
{
    struct policy_run *run = c->run;

    if (!c->headers_before)
        return;
    if (c->phase == PHASE_ATTEMPT)
        run->attempt->set = *c->headers_before;
    else
        run->response->set = *c->headers_before;
}
