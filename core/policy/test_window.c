/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test of the output phase: one window, and what becomes of its text. */
#include "policy/test_case.h"

#include <lauxlib.h>
#include <stddef.h>

static const char *const kinds[] = { [WIRE_TEXT] = "text",
                                     [WIRE_TOOL_ARGS] = "tool_args",
                                     [WIRE_THINKING] = "thinking",
                                     NULL };

static void read_kind(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(enum wire_kind *)into =
        (enum wire_kind)luaL_checkoption(L, -1, NULL, kinds);
}

static void read_index(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(uint32_t *)into = (uint32_t)luaL_checkinteger(L, -1);
}

static void read_final(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    luaL_checktype(L, -1, LUA_TBOOLEAN);
    *(bool *)into = lua_toboolean(L, -1);
}

static const struct test_row rows[] = {
    { "text", test_read_str, offsetof(struct test_window, text) },
    { "kind", read_kind, offsetof(struct test_window, kind) },
    { "block", read_index, offsetof(struct test_window, block) },
    { "choice", read_index, offsetof(struct test_window, choice) },
    { "final", read_final, offsetof(struct test_window, final) },
    { NULL, NULL, 0 } };

void test_window_read(lua_State *L, struct test_case *t, void *into)
{
    struct test_window *w = into;

    w->final = true;
    test_members(L, t, "window", rows, w);
    if (!w->text.p)
        luaL_error(L, "window needs { text = }");
}

bool test_window_open(struct test_case *t, struct test_shown *s)
{
    const struct test_window *w = &t->call->window;

    if (!w->text.p) {
        test_line(t, '!', "window = { text = } is needed: what the policy "
                          "sees");
        return false;
    }
    output_text_init(&s->text, OUTPUT_MAX);
    output_text_set(&s->text, w->text);
    s->window = (struct policy_window){ .kind = w->kind, .choice = w->choice,
                                        .block = w->block, .final = w->final,
                                        .text = &s->text };
    return true;
}

void test_window_close(struct test_case *t, struct test_shown *s)
{
    const struct test_expect *e = &t->call->expect;

    if (e->text.p)
        test_item(t, "text", e->text, output_text_now(&s->text));
    output_text_clear(&s->text);
}
