/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_openai_put.h"

#define USER_MAX 64

void openai_put_data_url(struct cw *c, const struct neutral_media *m)
{
    jw_sep(&c->w);
    jw_bytes(&c->w, STR("\"data:"));
    if (!c->w.rc)
        c->w.rc = jstr_put_escaped(c->w.b, m->mime);
    jw_bytes(&c->w, STR(";base64,"));
    jw_bytes(&c->w, (struct str){ m->data.p, m->data.n });
    jw_bytes(&c->w, STR("\""));
}

void openai_put_user(struct cw *c)
{
    struct str user = c->r->user;

    if (user.p && !cw_can(c, CAN_USER)) {
        cw_note(c, FATE_DROPPED, FEATURE_USER);
        return;
    }
    user = cw_user(c, USER_MAX);
    if (user.p)
        jw_member_text(&c->w, "user", user);
}

/* ---- tools -------------------------------------------------------------- */

static bool has_place(const struct cw *c, const struct neutral_tool *t)
{
    return !t->raw_unknown.p || cw_same(c) || t->raw_schema.p;
}

static bool any_tool(const struct cw *c)
{
    const struct neutral_tool *t = c->r->tools;

    while (t && !has_place(c, t))
        t = t->next;
    return t != NULL;
}

static void put_tool(struct cw *c, const struct openai_tools *how,
                     const struct neutral_tool *t)
{
    if (!has_place(c, t)) {
        cw_note(c, FATE_DROPPED, FEATURE_SERVER_TOOLS);
    } else if (t->raw_unknown.p && cw_same(c)) {
        jw_raw(&c->w, t->raw_unknown);
    } else {
        if (t->raw_unknown.p)
            cw_note(c, FATE_MAPPED, FEATURE_SERVER_TOOLS);
        how->put_tool(c, t);
    }
}

void openai_put_tools(struct cw *c, const struct openai_tools *how)
{
    bool any = any_tool(c);

    if (any) {
        jw_key(&c->w, "tools");
        jw_open(&c->w, '[');
    }
    for (const struct neutral_tool *t = c->r->tools; t; t = t->next)
        put_tool(c, how, t);
    if (any)
        jw_close(&c->w, ']');
    if (c->r->parallel < 0 || (!any && !cw_same(c)))
        return;
    if (cw_can(c, CAN_PARALLEL))
        jw_member_bool(&c->w, "parallel_tool_calls", c->r->parallel == 1);
    else if (c->r->parallel == 0)
        cw_note(c, FATE_DROPPED, FEATURE_PARALLEL);
}

void openai_put_choice(struct cw *c, const struct openai_tools *how)
{
    static const char *const words[] = { [CHOICE_AUTO] = "auto",
                                         [CHOICE_NONE] = "none",
                                         [CHOICE_REQUIRED] = "required" };
    const struct neutral_choice *choice = &c->r->choice;
    bool forced = choice->kind == CHOICE_REQUIRED ||
                  choice->kind == CHOICE_NAMED;

    if (choice->kind == CHOICE_UNSET || (!any_tool(c) && !cw_same(c)))
        return;
    jw_key(&c->w, "tool_choice");
    if (forced && !cw_can(c, CAN_FORCE_TOOL)) {
        cw_note(c, FATE_DROPPED, FEATURE_TOOL_CHOICE);
        jw_text(&c->w, STR("auto"));
    } else if (choice->kind == CHOICE_NAMED) {
        how->put_named(c, choice->name);
    } else if (choice->allowed) {
        how->put_allowed(c, choice);
    } else {
        jw_text(&c->w, str_of(words[choice->kind]));
    }
}
