/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The whole story of a request, for who asked to hear it (`explain -f`): the
 * access line, which is written when the answer is out, then what policies did
 * after it, and the plan with its reasons.
 *
 *     {"line": {...}, "notes": [...], "policies": [...], "plan": [...]}
 */
#include "flow/request.h"

enum { STORY_MAX = 4 << 20 };

void story_begin(struct request *r, struct str line)
{
    if (r->flow->env.story)
        r->story = arena_dup(r->arena, line);
}

static void put_notes(struct buf *b, const struct request *r)
{
    buf_putc(b, '[');
    for (uint32_t i = 0; i < r->n_notes; i++) {
        if (i)
            buf_putc(b, ',');
        buf_json_str(b, r->notes[i]);
    }
    buf_putc(b, ']');
}

static void put_candidate(struct buf *b, const struct candidate *c)
{
    buf_puts(b, "{\"target\":");
    buf_json_str(b, c->target->name);
    if (c->dropped)
        buf_puts(b, ",\"dropped\":true");
    if (c->why.n) {
        buf_puts(b, ",\"why\":");
        buf_json_str(b, c->why);
    }
    if (c->prefer)
        buf_printf(b, ",\"prefer\":%d", (int)c->prefer);
    buf_putc(b, '}');
}

void story_end(struct request *r)
{
    const struct flow_env *env = &r->flow->env;
    struct buf b = BUF_INIT(STORY_MAX);

    if (!env->story)
        return;
    buf_puts(&b, "{\"line\":");
    buf_put(&b, r->story.n ? r->story : STR("{}"));
    buf_puts(&b, ",\"notes\":");
    put_notes(&b, r);
    buf_puts(&b, ",\"policies\":");
    ran_write(&r->ran, &b);
    buf_puts(&b, ",\"plan\":[");
    for (size_t i = 0; i < r->plan.n; i++) {
        if (i)
            buf_putc(&b, ',');
        put_candidate(&b, &r->plan.list[i]);
    }
    buf_puts(&b, "]}");
    env->story(env->story_ud, buf_str(&b));
    buf_clear(&b);
}
