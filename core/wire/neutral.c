/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The neutral request's lists. */
#include "wire/neutral.h"

void neutral_request_init(struct neutral_request *r, enum dialect from)
{
    *r = (struct neutral_request){
        .from = from,
        .parallel = -1,
        .max_tokens = -1,
        .format.strict = -1,
        .reasoning.budget = -1,
    };
}

struct neutral_message *neutral_add_message(struct neutral_request *r,
                                            struct arena *a,
                                            enum neutral_role role)
{
    struct neutral_message *m = arena_alloc(a, sizeof *m);

    if (!m)
        return NULL;
    m->role = role;
    if (r->last)
        r->last->next = m;
    else
        r->first = m;
    r->last = m;
    r->n_messages++;
    return m;
}

struct neutral_block *neutral_add_block(struct neutral_request *r,
                                        struct neutral_message *m,
                                        struct arena *a,
                                        enum neutral_kind kind)
{
    struct neutral_block *b = arena_alloc(a, sizeof *b);

    if (!b)
        return NULL;
    b->kind = kind;
    if (m->last)
        m->last->next = b;
    else
        m->first = b;
    m->last = b;
    r->n_blocks++;
    return b;
}

struct neutral_tool *neutral_add_tool(struct neutral_request *r,
                                      struct arena *a)
{
    struct neutral_tool *t = arena_alloc(a, sizeof *t);

    if (!t)
        return NULL;
    t->strict = -1;
    if (r->last_tool)
        r->last_tool->next = t;
    else
        r->tools = t;
    r->last_tool = t;
    r->n_tools++;
    return t;
}

static const struct {
    const char *chat, *anthropic;
} names[] = {
#define PARAM(id, chat, anthropic, types) { chat, anthropic },
#include "wire/neutral_param.def"
#undef PARAM
};

const char *neutral_param_name(enum neutral_param p, enum dialect d)
{
    return d == DIALECT_ANTHROPIC ? names[p].anthropic : names[p].chat;
}
