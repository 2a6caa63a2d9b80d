/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "policy/window_trace.h"

#include "policy/call.h"
#include "policy/heap.h"
#include "policy/output.h"

/* The text that the policy which runs edits, or NULL. (Pattern functions also
 * run where there is no policy: in tests, and where a file is loaded.) */
static struct output_text *text_here(lua_State *L)
{
    const struct policy_call *c;
    void *ud;

    if (lua_getallocf(L, &ud) != policy_heap_alloc)
        return NULL;
    c = policy_state_of(L)->running;
    if (!c || c->phase != PHASE_OUTPUT || !c->run->window)
        return NULL;
    return c->run->window->text;
}

void window_trace_end(lua_State *L, struct window_trace *x, struct str text)
{
    struct output_text *t;
    struct output_spans spans = { x->at, x->n, WINDOW_TRACE_MAX };
    struct str to;

    if (!x->n || x->n > WINDOW_TRACE_MAX)
        return;
    t = text_here(L);
    if (!t)
        return;
    to.p = lua_tolstring(L, -1, &to.n);
    output_text_trace(t, text, to, &spans);
}
