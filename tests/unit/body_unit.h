/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A fake request that has a body, for policies that read and edit it. */
#ifndef PENSTOCK_BODY_UNIT_H
#define PENSTOCK_BODY_UNIT_H

#include "policy_unit.h"

struct body_fake {
    struct fake f; /* first: the view's req */
    struct buf text; /* what it is now */
    struct json index;
    int rewrites;
    const char *refuse; /* what is said of a new text; NULL: taken */
};

static inline int body_rewritten(void *req, struct buf *text,
                                 struct json *index, struct err *err)
{
    struct body_fake *b = req;
    struct wire_request facts;

    if (b->refuse)
        return err_set(err, ERR_INVALID_REQUEST, "%s", b->refuse);
    if (dialect_ops(b->f.run.dialect)
            ->read(b->f.run.dialect, index, b->f.arena, &facts, err))
        return -ERR_INVALID_REQUEST;
    b->f.fields[FIELD_MODEL] =
        (struct policy_value){ VALUE_STRING,
                               arena_dup(b->f.arena, facts.model), 0 };
    json_clear(&b->index);
    buf_clear(&b->text);
    b->index = *index;
    b->text = *text;
    *index = (struct json){ 0 };
    *text = (struct buf)BUF_INIT(0);
    b->rewrites++;
    return 0;
}

static const struct policy_view body_view = { .field = fake_field,
                                              .header = fake_header,
                                              .note = fake_note,
                                              .rewrite = body_rewritten };

static inline void body_init(struct body_fake *b, const char *text)
{
    memset(b, 0, sizeof *b);
    fake_init(&b->f);
    buf_init(&b->text, 64 << 20);
    buf_puts(&b->text, text);
    CU_ASSERT_FATAL(json_scan(&b->index, buf_str(&b->text), NULL, NULL) == 0);
    b->f.run.req = b;
    b->f.run.view = &body_view;
    b->f.run.dialect = DIALECT_OPENAI_CHAT;
    b->f.run.body = &b->index;
}

static inline void body_clear(struct body_fake *b)
{
    fake_clear(&b->f);
    json_clear(&b->index);
    buf_clear(&b->text);
}

static inline bool body_is(const struct body_fake *b, const char *want)
{
    bool same = str_is(buf_str(&b->text), want);

    if (!same)
        printf("\nbody is " STR_FMT, STR_ARG(buf_str(&b->text)));
    return same;
}

#endif
