/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Sources of the web that stand beside the choices of a chat answer, as
 * Perplexity has them: search_results with titles, or citations, which are
 * addresses alone; in a stream all of them in each chunk. They are of the
 * whole answer, so they are said of its text, once, before that ends.
 *
 * Source: recorded answers of Perplexity, 2025-06 and 2026-08 (read 2026-11).
 */
#include "wire/codec_chat_in.h"

#define SOURCES_MAX 256 /* of one answer */

static int copied(struct chat_in *in, struct jstr *s)
{
    struct str copy = arena_dup(in->base.a, (struct str){ s->p, s->n });

    if (!copy.p)
        return err_set(in->base.err, ERR_NOMEM, "out of memory");
    *s = (struct jstr){ copy.p, copy.n };
    return 0;
}

/* {"url", "title"}, or an address; 1: it is neither */
static int read_source(struct chat_in *in, uint32_t node,
                       struct chat_source *s)
{
    const struct json *j = &in->base.j;
    int rc;

    s->url = jstr_of_node(j, node);
    if (!s->url.p)
        s->url = in_string(j, node, STR("url"));
    s->title = in_string(j, node, STR("title"));
    if (!s->url.n)
        return 1;
    rc = copied(in, &s->url);
    if (!s->title.n)
        s->title = JSTR_NULL;
    return rc || !s->title.p ? rc : copied(in, &s->title);
}

static uint32_t list_of(const struct json *j)
{
    static const char *const names[] = { "search_results", "citations" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t list = in_member(j, 0, str_of(names[i]));

        if (list != JSON_NONE && j->nodes[list].type == JSON_T_ARRAY &&
            json_first(j, list) != JSON_NONE)
            return list;
    }
    return JSON_NONE;
}

int chat_take_sources(struct chat_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t list = list_of(j), count = 0;
    struct chat_source **end = &in->sources;
    int rc = 0;

    if (list == JSON_NONE)
        return 0;
    *end = NULL;
    for (uint32_t n = json_first(j, list); n != JSON_NONE && rc >= 0;
         n = json_sibling(j, list, n)) {
        struct chat_source s = { 0 };

        rc = count < SOURCES_MAX ? read_source(in, n, &s) : 1;
        if (rc > 0)
            in_lose(&in->base, LOSS_CITATIONS);
        if (rc)
            continue;
        *end = arena_alloc(in->base.a, sizeof **end);
        if (!*end)
            return err_set(in->base.err, ERR_NOMEM, "out of memory");
        **end = s;
        end = &(*end)->next;
        count++;
    }
    return rc < 0 ? rc : 0;
}

int chat_say_sources(struct chat_in *in, struct chat_choice *c)
{
    int rc;

    if (!in->sources || c->cited)
        return 0;
    c->cited = true;
    rc = chat_flush_content(in, c);
    if (rc)
        return rc;
    if (!c->tail || c->tail != c->head || c->tail->kind != PART_TEXT) {
        in_lose(&in->base, LOSS_CITATIONS);
        return 0;
    }
    for (const struct chat_source *s = in->sources; s && !rc; s = s->next) {
        struct neutral_event ev = { .type = NEUTRAL_CITATION,
                                    .choice = c->index,
                                    .text = s->url,
                                    .name = s->title };

        rc = in_emit(&in->base, &ev);
    }
    return rc;
}
