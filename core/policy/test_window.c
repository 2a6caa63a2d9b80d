/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test of the output phase: one window, or a block in chunks behind the
 * window of production, and what becomes of the text. */
#include "policy/output_window.h"
#include "policy/test_rows.h"

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
}

/* chunks = { "ab", "cd" }: a block as it comes. */
void test_chunks_read(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;
    size_t n = test_list_length(L, "chunks", TEST_CHUNKS);

    if (n == 0)
        luaL_error(L, "chunks: at least one is needed");
    c->chunks = test_need(L, arena_alloc(t->arena, n * sizeof *c->chunks));
    for (; c->n_chunks < n; c->n_chunks++) {
        lua_rawgeti(L, -1, (lua_Integer)c->n_chunks + 1);
        test_read_str(L, t, &c->chunks[c->n_chunks]);
        lua_pop(L, 1);
    }
}

/* One answer's text on its way through the policy. */
struct passage {
    struct test_case *t;
    struct policy_set *s;
    struct policy_run *run;
    struct policy_output wants;
    struct output_text text;
    struct policy_window shown;
    struct output_window held;
    struct buf left; /* what has left */
};

static void show(struct passage *p, struct str text, bool final,
                 struct policy_result *r)
{
    output_text_set(&p->text, text);
    p->shown.final = final;
    p->run->window = &p->shown;
    policy_run(p->s, PHASE_OUTPUT, p->run, r); /* it cannot wait */
}

/* The window as the test says it is. */
static void show_window(struct passage *p, struct policy_result *r)
{
    const struct test_window *w = &p->t->call->window;

    show(p, w->text, w->final, r);
    buf_put(&p->left, output_text_now(&p->text));
}

/* More of the block came: what policies hold back stays. */
static void show_chunk(struct passage *p, struct str chunk, bool final,
                       struct policy_result *r)
{
    uint32_t hold = p->wants.hold[p->shown.kind];
    struct buf raw = BUF_INIT(OUTPUT_MAX);
    int rc = buf_json_str(&raw, chunk);

    if (rc == 0)
        rc = output_window_add(&p->held, buf_str(&raw));
    buf_clear(&raw);
    if (rc == 0 && final)
        rc = output_window_close(&p->held);
    if (rc)
        test_line(p->t, '!', "chunks: too long");
    if (rc || (p->wants.all && !final))
        return;
    show(p, output_window_text(&p->held), final, r);
    if (r->verdict == POLICY_NONE)
        buf_put(&p->left, final ? output_window_end(&p->held, &p->text, 0)
                                : output_window_release(&p->held, &p->text,
                                                        hold));
}

static void show_chunks(struct passage *p, struct policy_result *r)
{
    const struct test_call *c = p->t->call;

    output_window_init(&p->held, 2 * OUTPUT_MAX);
    for (size_t i = 0; i < c->n_chunks && r->verdict == POLICY_NONE; i++)
        show_chunk(p, c->chunks[i], i + 1 == c->n_chunks, r);
    output_window_clear(&p->held);
}

void test_window_run(struct test_case *t, struct policy_set *s,
                     struct policy_run *run, struct policy_result *r)
{
    const struct test_call *c = t->call;
    struct passage p = { .t = t, .s = s, .run = run,
                         .left = BUF_INIT(2 * OUTPUT_MAX) };

    *r = (struct policy_result){ .verdict = POLICY_NONE };
    if (!c->window.text.p && !c->n_chunks) {
        test_line(t, '!', "window = { text = } or chunks = { ... } is needed: "
                          "what the policy sees");
        return;
    }
    policy_output_wants(s, run->endpoint, &p.wants);
    output_text_init(&p.text, OUTPUT_MAX);
    p.shown = (struct policy_window){ .kind = c->window.kind,
                                      .choice = c->window.choice,
                                      .block = c->window.block,
                                      .text = &p.text };
    run->wake = NULL;
    if (c->n_chunks)
        show_chunks(&p, r);
    else
        show_window(&p, r);
    if (c->expect.text.p)
        test_item(t, "text", c->expect.text, buf_str(&p.left));
    output_text_clear(&p.text);
    buf_clear(&p.left);
}
