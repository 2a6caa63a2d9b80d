/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/watch.h"

#include "wire/texts.h"

#include <stdio.h>

#define SUM_MAX (INT64_MAX / 16) /* so that it can be added to others */

int64_t watch_number(const struct json *j, uint32_t object, const char *name)
{
    uint32_t node = wire_member(j, object, name);
    int64_t v;

    if (node == JSON_NONE || !json_int(j, node, &v) || v < 0)
        return -1;
    return v;
}

static uint32_t below(const struct json *j, uint32_t node, struct str names)
{
    while (names.n && node != JSON_NONE) {
        struct str name = str_split(&names, '.');

        node = j->nodes[node].type == JSON_T_OBJECT
                   ? json_member(j, node, name)
                   : JSON_NONE;
    }
    return node;
}

int64_t watch_sum(const struct json *j, uint32_t list, const char *names)
{
    int64_t sum = 0, n;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return -1;
    for (uint32_t c = json_first(j, list); c != JSON_NONE && sum >= 0;
         c = json_sibling(j, list, c)) {
        uint32_t node = below(j, c, str_of(names));
        bool counts = node != JSON_NONE && json_int(j, node, &n) && n >= 0;

        sum = counts && n <= SUM_MAX - sum ? sum + n : -1;
    }
    return sum;
}

struct str watch_text(const struct json *j, uint32_t object, const char *name,
                      struct arena *a)
{
    uint32_t node = wire_member(j, object, name);
    struct str s;

    if (wire_is_empty(j, node))
        return STR_NULL;
    s = json_text(j, node, a);
    return s.p ? s : json_raw(j, node);
}

bool watch_is(const struct json *j, uint32_t object, const char *name,
              const char *text)
{
    struct str raw = json_raw(j, wire_member(j, object, name));

    return raw.n >= 2 && raw.p[0] == '"' &&
           str_is((struct str){ raw.p + 1, raw.n - 2 }, text);
}

/* What follows the last `"name":`; p is NULL without one. */
static struct str behind_last(struct str s, const char *name)
{
    char text[64];
    ptrdiff_t at;
    struct str found = STR_NULL, needle;

    snprintf(text, sizeof text, "\"%s\":", name);
    needle = str_of(text);
    while ((at = str_find(s, needle)) >= 0) {
        s.p += at + (ptrdiff_t)needle.n;
        s.n -= (size_t)at + needle.n;
        found = s;
    }
    return found;
}

bool watch_last_object(struct str tail, const char *name, struct json *j)
{
    struct str s = behind_last(tail, name);

    for (; s.p && s.n > 1; s.n--) {
        if (s.p[s.n - 1] == '}' && json_scan(j, s, NULL, NULL) == 0)
            return j->nodes[0].type == JSON_T_OBJECT;
    }
    return false;
}

uint32_t watch_tier(const struct json *j, uint32_t object)
{
    for (uint32_t t = TIER_FLEX; t < USAGE_TIERS; t++) {
        if (watch_is(j, object, "service_tier", usage_tier_name((int)t)))
            return t;
    }
    return TIER_STANDARD;
}
