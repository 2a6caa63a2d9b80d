/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/fetch_ini.h"

static struct str line_of(struct str *rest)
{
    struct str line = str_split(rest, '\n');

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* The name of "[name]", with a comment behind or none; p NULL: no header. */
static struct str header(struct str line)
{
    struct str rest = { line.p + 1, line.n ? line.n - 1 : 0 };

    if (!line.n || line.p[0] != '[' || !memchr(rest.p, ']', rest.n))
        return STR_NULL;
    return str_trim(str_split(&rest, ']'));
}

bool ini_has(struct str text, struct str section)
{
    while (text.p) {
        struct str name = header(line_of(&text));

        if (name.p && str_eq(name, section))
            return true;
    }
    return false;
}

struct str ini_get(struct str text, struct str section, const char *key)
{
    struct str found = STR_NULL;
    bool inside = false;

    while (text.p) {
        struct str line = line_of(&text), name = header(line), rest = line;

        if (name.p)
            inside = str_eq(name, section);
        if (!inside || !line.n || name.p || memchr("#; \t", line.p[0], 4))
            continue;
        name = str_trim(str_split(&rest, '='));
        if (rest.p && str_ieq(name, str_of(key)))
            found = str_trim(rest);
    }
    return found;
}
