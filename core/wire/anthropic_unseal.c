/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A client's own bytes, on their way to a provider that speaks its dialect:
 * thinking that came from a provider of another dialect has our seal where a
 * signature stands (codec_anthropic_seal.c), and nobody else takes it. What
 * Anthropic signed gets its signature back, the rest is left out.
 */
#include "wire/anthropic_impl.h"
#include "wire/codec_anthropic.h"

/* A block that may not stay as it is; a list of them, the last one first. */
struct sealed {
    struct sealed *next;
    uint32_t message, block;
    bool all;        /* the message has nothing else: it goes */
    struct jstr own; /* the signature to put back; absent: remove */
};

struct unsealing {
    const struct json *j;
    struct arena *a;
    struct err *err;
    struct sealed *last;
};

static int no_memory(struct unsealing *u)
{
    return err_set(u->err, ERR_NOMEM, "out of memory");
}

static struct jstr seal_in(const struct json *j, uint32_t block)
{
    struct jstr s = jstr_of_node(j, json_member(j, block, STR("signature")));

    if (!s.p)
        s = jstr_of_node(j, json_member(j, block, STR("data")));
    return anthropic_is_sealed(s) ? s : JSTR_NULL;
}

static int note(struct unsealing *u, struct jstr seal, uint32_t message,
                uint32_t block)
{
    struct sealed *s = arena_alloc(u->a, sizeof *s);
    struct anthropic_seal in;

    if (!s || anthropic_open_seal(seal, u->a, &in))
        return no_memory(u);
    *s = (struct sealed){ u->last, message, block, false, in.own };
    u->last = s;
    return 0;
}

static int look_at(struct unsealing *u, uint32_t node, uint32_t message)
{
    uint32_t content = json_member(u->j, node, STR("content")), n = 0;
    struct sealed *before = u->last;
    bool all = true;
    int rc = 0;

    if (content == JSON_NONE || u->j->nodes[content].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t b = json_first(u->j, content); b != JSON_NONE && !rc;
         b = json_sibling(u->j, content, b), n++) {
        struct jstr seal = seal_in(u->j, b);

        if (seal.p)
            rc = note(u, seal, message, n);
        all = all && seal.p && !u->last->own.n;
    }
    if (!rc && n && all) { /* no turn may be empty */
        u->last->all = true;
        u->last->next = before;
    }
    return rc;
}

static int put_back(struct unsealing *u, struct json_edits *e,
                    const struct sealed *s)
{
    struct str value = arena_fmt(u->a, "\"" STR_FMT "\"",
                                 STR_ARG(((struct str){ s->own.p,
                                                        s->own.n })));
    struct str at = arena_fmt(u->a, "/messages/%u/content/%u/signature",
                              s->message, s->block);

    return at.p && value.p ? json_edit_set(e, at, value, u->err)
                           : no_memory(u);
}

static int take_out(struct unsealing *u, struct json_edits *e,
                    const struct sealed *s)
{
    struct str at = s->all ? arena_fmt(u->a, "/messages/%u", s->message)
                           : arena_fmt(u->a, "/messages/%u/content/%u",
                                       s->message, s->block);
    int rc = at.p ? json_edit_remove(e, at) : -ERR_NOMEM;

    return rc == -ERR_NOMEM ? no_memory(u) : rc;
}

int anthropic_unseal(const struct json *body, struct json_edits *e,
                     struct arena *a, struct err *err)
{
    struct unsealing u = { body, a, err, NULL };
    struct str text = { body->text, body->size };
    uint32_t array, n = 0;
    int rc = 0;

    if (str_find(text, STR(ANTHROPIC_SEAL)) < 0)
        return 0;
    array = json_member(body, 0, STR("messages"));
    if (array == JSON_NONE || body->nodes[array].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t m = json_first(body, array); m != JSON_NONE && !rc;
         m = json_sibling(body, array, m), n++)
        rc = look_at(&u, m, n);
    /* from the end on: a number counts what is left by then */
    for (const struct sealed *s = u.last; s && !rc; s = s->next)
        rc = s->own.n ? put_back(&u, e, s) : take_out(&u, e, s);
    return rc;
}
