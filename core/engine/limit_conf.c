/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/limit_conf.h"

#include "engine/config_unit.h"

/* What stands behind `"name":`, up to the next comma or brace. */
static struct str member(struct str json, struct str quoted)
{
    ptrdiff_t at = str_find(json, quoted);
    struct str rest;
    size_t n = 0;

    if (at < 0)
        return STR_NULL;
    rest = (struct str){ json.p + at + quoted.n,
                         json.n - (size_t)at - quoted.n };
    while (n < rest.n && rest.p[n] != ',' && rest.p[n] != '}')
        n++;
    return (struct str){ rest.p, n };
}

static struct str rate(struct str value)
{
    uint64_t count, period_ms;

    if (value.n < 2 || value.p[0] != '"')
        return STR_NULL;
    value.p++;
    value.n -= 2;
    return conf_rate(value, &count, &period_ms) ? value : STR_NULL;
}

struct conf_limits conf_limits_stored(struct str json)
{
    struct conf_limits l = { .concurrent = 0 };
    uint64_t n;

    if (!json.n)
        return l;
    l.requests = rate(member(json, STR("\"requests\":")));
    l.tokens = rate(member(json, STR("\"tokens\":")));
    if (str_u64(member(json, STR("\"concurrent\":")), &n) && n <= UINT32_MAX)
        l.concurrent = (uint32_t)n;
    return l;
}
