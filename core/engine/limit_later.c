/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rows that were refused and may be taken later. */
#include "engine/limit_claim.h"

static bool copy_row(struct arena *a, struct limit_row *row)
{
    bool named = row->name.n > 0;

    row->name = arena_dup(a, row->name);
    row->scope = arena_dup(a, row->scope);
    return row->scope.p && (row->name.p || !named);
}

int limit_claim_later(struct limit_claim *c, const struct limit_row *rows,
                      const bool *finish, size_t n,
                      const struct limit_refusal *why, const void *by)
{
    struct limit_wanted *w = arena_alloc(c->arena, sizeof *w);

    c->wanted = NULL;
    if (!w)
        return -ERR_NOMEM;
    w->rows = arena_alloc(c->arena, n * sizeof *w->rows);
    w->finish = arena_alloc(c->arena, n * sizeof *w->finish);
    if (!w->rows || !w->finish)
        return -ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        w->rows[i] = rows[i];
        w->finish[i] = finish && finish[i];
        if (!copy_row(c->arena, &w->rows[i]))
            return -ERR_NOMEM;
    }
    w->n = n;
    w->by = by;
    w->why = *why;
    if (why->row)
        w->why.row = &w->rows[why->row - rows];
    c->wanted = w;
    return 0;
}

int limit_claim_again(struct limit_claim *c, uint64_t now_ms,
                      struct limit_refusal *why)
{
    const struct limit_wanted *w = c->wanted;
    int rc = limit_claim_peek(c, w->rows, w->n, now_ms, NULL, why);

    /* a look is not counted as a refusal */
    return rc ? rc : limit_claim_take(c, w->rows, w->finish, w->n, now_ms,
                                      why);
}
