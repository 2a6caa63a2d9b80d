/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* api.def and phases.def as arrays, and reading the small language of their
 * columns. */
#include "policy/api_table.h"

#include <ctype.h>
#include <string.h>

enum { NO, YES };
enum { CLOSED, OPEN };
enum { CALLED, LATER };

const struct api_row api_rows[] = {
#define API_CLASS(name, help)                                                  \
    { API_ROW_CLASS, name, name, NULL, NULL, NULL, NULL, help, NO },
#define API_FN(name, params, returns, phases, waits, help)                     \
    { API_ROW_FN, "", name, params, returns, NULL, phases, help, waits },
#define API_FIELD(cls, name, type, phases, help)                               \
    { API_ROW_FIELD, cls, cls "." name, NULL, NULL, type, phases, help, NO },
#include "policy/api.def"
    { API_ROW_CLASS, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO },
};

static const struct phase_info phases[PHASE_COUNT] = {
#define PHASE_ROW(id, name, fail, called, when)                                \
    [PHASE_##id] = { name, when, (fail) == OPEN, (called) == CALLED },
#include "policy/phases.def"
#undef PHASE_ROW
};

const struct phase_info *phase_info(enum policy_phase p)
{
    return &phases[p];
}

enum policy_phase phase_find(struct str name)
{
    int p = 0;

    while (p < PHASE_COUNT && !str_is(name, phases[p].name))
        p++;
    return (enum policy_phase)p;
}

const struct api_row *api_row_find(struct str name)
{
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (str_is(name, r->name))
            return r;
    }
    return NULL;
}

const char *api_row_short(const struct api_row *row)
{
    size_t at = strlen(row->name);

    while (at > 0 && row->name[at - 1] != '.' && row->name[at - 1] != ':')
        at--;
    return row->name + at;
}

bool api_row_is_of(const struct api_row *row, const char *cls)
{
    size_t n = strlen(cls);

    return row->kind != API_ROW_CLASS && strncmp(row->name, cls, n) == 0 &&
           (row->name[n] == '.' || row->name[n] == ':');
}

bool api_row_is_live(const struct api_row *row)
{
    enum policy_phase p;

    if (!api_row_is_of(row, "policy"))
        return true;
    p = phase_find(str_of(api_row_short(row)));
    return p == PHASE_COUNT || phases[p].called;
}

void api_class_name(struct buf *out, const char *cls)
{
    bool up = true;

    buf_puts(out, "penstock.");
    for (; *cls; cls++) {
        if (*cls == '_')
            up = true;
        else
            buf_putc(out, up ? (char)toupper((unsigned char)*cls) : *cls);
        up = *cls == '_';
    }
}

struct str api_split(struct str *rest)
{
    struct str part = *rest;
    bool quoted = false;
    int depth = 0;

    for (size_t i = 0; i < rest->n; i++) {
        char c = rest->p[i];

        quoted ^= c == '"';
        if (quoted)
            continue;
        depth += strchr("({[<", c) ? 1 : strchr(")}]>", c) ? -1 : 0;
        if (c != ',' || depth)
            continue;
        part.n = i;
        *rest = (struct str){ rest->p + i + 1, rest->n - i - 1 };
        return str_trim(part);
    }
    *rest = STR_NULL;
    return str_trim(part);
}

struct api_param api_param_read(struct str text)
{
    struct api_param p = { text, STR("any"), false };
    const char *colon = memchr(text.p, ':', text.n);

    if (colon) {
        p.name.n = (size_t)(colon - text.p);
        p.type = str_trim((struct str){ colon + 1, text.n - p.name.n - 1 });
    }
    p.name = str_trim(p.name);
    p.optional = p.name.n && p.name.p[p.name.n - 1] == '?';
    p.name.n -= p.optional;
    return p;
}
