/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of commands, sorted by name. */
#include "policy/redis_commands.h"

#include <stdlib.h>

enum rule { READ, TALKS, CHANGES, BETWEEN, BLOCKS, OPERATORS };

static const char *const reasons[] = {
    [TALKS] = "what it brings would be taken for other commands' replies",
    [CHANGES] = "it changes the connection, which all policies share",
    [BETWEEN] = "other policies' commands would come in between; use eval",
    [BLOCKS] = "it would keep all others waiting",
    [OPERATORS] = "it is for operators",
};

static const struct row {
    const char *name;
    enum rule rule;
} rows[] = {
#define REDIS_ROW(name, rule) { name, rule },
#include "policy/redis_commands.def"
#undef REDIS_ROW
};

static int by_name(const void *key, const void *row)
{
    struct str a = *(const struct str *)key;
    struct str b = str_of(((const struct row *)row)->name);
    int d = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

/* XREAD ... BLOCK ms ... STREAMS key id */
static bool has_block(const struct str *args, size_t n)
{
    for (size_t i = 1; i < n && !str_ieq(args[i], STR("streams")); i++) {
        if (str_ieq(args[i], STR("block")))
            return true;
    }
    return false;
}

struct redis_rule redis_rule(const struct str *args, size_t n)
{
    const struct row *r = bsearch(&args[0], rows, sizeof rows / sizeof rows[0],
                                  sizeof rows[0], by_name);
    struct redis_rule rule = { .read = r && r->rule == READ,
                               .never = r ? reasons[r->rule] : NULL };

    if ((str_is(args[0], "XREAD") || str_is(args[0], "XREADGROUP")) &&
        has_block(args, n))
        rule.never = reasons[BLOCKS];
    return rule;
}
