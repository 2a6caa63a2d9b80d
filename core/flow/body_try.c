/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A body that `attempt` policies edited is of one try: the request's own is
 * put aside when the first of them edits, and takes its place again before
 * the next try is described. In between everything that reads the request
 * (the target's edits, translation, fields) sees the try's.
 */
#include "flow/policies.h"

struct kept_body {
    struct json json;
    struct buf edited;
    struct neutral_request *neutral; /* decoded from it, or NULL */
    int64_t max_tokens;
};

int body_try_begin(struct request *r)
{
    struct kept_body *k = r->kept_body;

    if (k)
        return 0;
    k = arena_alloc(r->arena, sizeof *k);
    if (!k)
        return -ERR_NOMEM;
    *k = (struct kept_body){ r->json, r->edited, r->neutral,
                             r->facts.max_tokens };
    r->json = (struct json){ 0 };
    r->edited = (struct buf)BUF_INIT(0);
    r->neutral = NULL;
    r->kept_body = k;
    return 0;
}

void body_try_end(struct request *r)
{
    const struct kept_body *k = r->kept_body;

    if (!k)
        return;
    json_clear(&r->json);
    buf_clear(&r->edited);
    r->json = k->json;
    r->edited = k->edited;
    r->neutral = k->neutral;
    r->facts.max_tokens = k->max_tokens;
    r->kept_body = NULL;
}
