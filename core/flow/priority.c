/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/priority.h"

#include "flow/policies.h"

static bool says_batch(const struct conf_pair *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(tags[i].key, "priority"))
            return str_is(tags[i].value, "batch");
    }
    return false;
}

bool priority_is_batch(struct request *r)
{
    const struct principal *p = r->principal;
    const struct conf_pair *tags;
    size_t n;

    if (p && says_batch(p->tags, p->n_tags))
        return true;
    n = hints_tags(r, &tags);
    return says_batch(tags, n);
}
