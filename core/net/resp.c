/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making and freeing values of Redis's protocol. */
#include "net/resp.h"

#include <stdlib.h>

struct resp *resp_new(void)
{
    return calloc(1, sizeof(struct resp));
}

/* As deep as the reader lets values be (redis.h). */
static void clear(struct resp *r)
{
    if (r->type == RESP_LIST) {
        for (size_t i = 0; i < r->n; i++)
            clear(&r->list[i]);
        free(r->list);
    } else if (r->type != RESP_NIL && r->type != RESP_INT) {
        free(r->text);
    }
}

void resp_free(struct resp *r)
{
    if (!r)
        return;
    clear(r);
    free(r);
}

void resp_set_int(struct resp *r, int64_t i)
{
    r->type = RESP_INT;
    r->i = i;
}

bool resp_set_text(struct resp *r, enum resp_type type, struct str s)
{
    char *text = str_dup(s);

    if (!text)
        return false;
    r->type = type;
    r->text = text;
    r->n = s.n;
    return true;
}

bool resp_set_list(struct resp *r, size_t n)
{
    struct resp *list = calloc(n ? n : 1, sizeof *list);

    if (!list)
        return false;
    r->type = RESP_LIST;
    r->list = list;
    r->n = n;
    return true;
}
