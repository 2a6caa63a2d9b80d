/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Life of a call's edits: see edit.h. */
#include "policy/edit.h"

#include "policy/api.h"

#include <stdlib.h>

/* The cap of an edit arena: new values, and 100 bytes for each edit. How many
 * edits there can be, the CPU budget bounds. */
enum { ARENA_FLOOR = 32 << 20, ARENA_TIMES = 4 };
enum { VALUE_MAX = 16 << 20 }; /* a text that takes another's place, escaped */
enum { GROWTH = 16 << 20 }; /* that a call may add to the body */

static struct call_edit *edit_new(const struct json *body)
{
    struct call_edit *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->arena = arena_new(ARENA_FLOOR + (size_t)ARENA_TIMES * body->size);
    if (e->arena)
        e->edits = json_edits_new(body, e->arena);
    e->base = body;
    buf_init(&e->text, (size_t)body->size + GROWTH);
    buf_init(&e->value, VALUE_MAX);
    return e;
}

struct call_edit *edit_read(lua_State *L, struct policy_call *c,
                            const char *what)
{
    if (!c->run->body)
        luaL_error(L, "%s: the body is not %s in %s", what,
                   c->phase == PHASE_LOG ? "kept" : "read",
                   policy_phase_name(c->phase));
    if (!c->edit)
        c->edit = edit_new(c->run->body);
    if (!c->edit || !c->edit->edits)
        luaL_error(L, "not enough memory");
    return c->edit;
}

struct call_edit *edit_write(lua_State *L, struct policy_call *c,
                             const char *what)
{
    struct call_edit *e = edit_read(L, c, what);

    if (c->phase != PHASE_VALIDATE && c->phase != PHASE_ADMIT &&
        c->phase != PHASE_ATTEMPT)
        luaL_error(L, "%s can be changed in validate, admit and attempt, not "
                      "in %s", what, policy_phase_name(c->phase));
    return e;
}

/* Other edits than that of a path's model. */
static bool of_body(const struct call_edit *e)
{
    return e->base == &e->own || (e->edits && !json_edits_empty(e->edits));
}

bool edit_made(const struct call_edit *e)
{
    return e && (e->model.p || of_body(e));
}

/* Whatever comes of it, the call can be ended. */
static int settle(struct call_edit *e, struct err *err)
{
    struct buf text = BUF_INIT(e->text.max);
    struct json own = { 0 };
    int rc = json_edits_apply(e->edits, &text);

    if (rc == -ERR_LIMIT)
        err_set(err, ERR_LIMIT, "the edits make it too large");
    if (!rc)
        rc = json_scan(&own, buf_str(&text), NULL, err);
    if (rc) {
        json_clear(&own);
        buf_clear(&text);
        return rc;
    }
    json_clear(&e->own);
    buf_clear(&e->text);
    e->own = own;
    e->text = text;
    e->base = &e->own;
    e->epoch++;
    e->edits = json_edits_new(&e->own, e->arena);
    return e->edits ? 0 : -ERR_NOMEM;
}

static int refused(lua_State *L, int rc, const struct err *err)
{
    return luaL_error(L, "the edited body: %s",
                      err->code ? err->msg
                                : rc == -ERR_NOMEM ? "not enough memory"
                                                   : "it is no JSON");
}

void edit_settle(lua_State *L, struct call_edit *e)
{
    struct err err = { 0 };
    int rc;

    if (json_edits_empty(e->edits))
        return;
    rc = settle(e, &err);
    if (rc)
        refused(L, rc, &err);
}

static struct str raw_field(lua_State *L, const struct policy_run *run,
                            enum wire_field f, const struct json *body)
{
    struct json_edits *none = json_edits_new(body, run->arena);

    if (!none)
        luaL_error(L, "not enough memory");
    return dialect_ops(run->dialect)->field(run->dialect, f, none);
}

/* The targets were chosen by the model, and the answer's form is the
 * client's: a try has both from the request. */
static void check_try(lua_State *L, const struct policy_call *c)
{
    static const enum wire_field kept[] = { WIRE_MODEL, WIRE_STREAM };

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct str was = raw_field(L, c->run, kept[i], c->run->body);

        if (!str_eq(was, raw_field(L, c->run, kept[i], &c->edit->own)))
            luaL_error(L, "the edited body: %s stays as it is in attempt",
                       i ? "stream" : "model");
    }
}

static void commit_body(lua_State *L, struct policy_call *c)
{
    const struct policy_run *run = c->run;
    struct call_edit *e = c->edit;
    struct err err = { 0 };
    int rc;

    edit_settle(L, e);
    if (c->phase == PHASE_ATTEMPT)
        check_try(L, c);
    rc = run->view->rewrite
             ? run->view->rewrite(run->req, &e->text, &e->own, &err)
             : -ERR_BUG;
    if (rc)
        refused(L, rc, &err);
}

void edit_commit(lua_State *L, struct policy_call *c)
{
    const struct policy_run *run = c->run;
    struct call_edit *e = c->edit;

    if (!edit_made(e) || policy_call_observes(c) ||
        c->out->verdict != POLICY_NONE)
        return;
    if (of_body(e))
        commit_body(L, c);
    if (e->model.p && run->view->remodel)
        run->view->remodel(run->req, e->model);
    edit_drop(c);
}

void edit_drop(struct policy_call *c)
{
    struct call_edit *e = c->edit;

    if (!e)
        return;
    c->edit = NULL;
    json_clear(&e->own);
    buf_clear(&e->text);
    buf_clear(&e->value);
    arena_free(e->arena);
    free(e);
}

void edit_note(struct policy_call *c, const char *verb, struct str what)
{
    if (policy_call_observes(c))
        api_note(c, arena_fmt(c->run->arena, "would %s " STR_FMT, verb,
                              STR_ARG(what)));
}
