/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The reference of penstock-policy(7): phases, classes, functions. */
#include "policy/api_table.h"

#include "engine/mdoc.h"

#include <ctype.h>
#include <string.h>

static void put_upper(struct buf *out, const char *z)
{
    size_t at = out->n;

    mdoc_sentences(out, z);
    if (at < out->n)
        out->p[at] = (char)toupper((unsigned char)out->p[at]);
}

static void put_type(struct buf *out, struct str type)
{
    buf_puts(out, ".Li ");
    mdoc_argument(out, type);
}

/* Where it can be used; nothing where that is anywhere in a phase. */
static void put_phases(struct buf *out, const struct api_row *row)
{
    struct str p = str_of(row->phases);

    if (p.n > 2 && strcmp(p.p + p.n - 2, "..") == 0)
        buf_printf(out, "From\n.Ic %.*s\non.\n", (int)p.n - 2, p.p);
    else if (str_is(p, "load"))
        buf_puts(out, "Can be used at the file's top level, too.\n");
    else if (str_is(p, "test"))
        buf_puts(out, "In tests only.\n");
    else if (!str_is(p, "any"))
        buf_printf(out, "In\n.Ic " STR_FMT " .\n", STR_ARG(p));
}

/* ---- phases ------------------------------------------------------------ */

/* "nil|fun(a: T): R" is what the phase gives and may get back. */
static void put_signature(struct buf *out, const struct api_row *row)
{
    struct str t = str_of(row->type), args = STR_NULL, returns = STR_NULL;
    ptrdiff_t from = str_find(t, STR("fun(")), to = str_find(t, STR(")"));

    if (from < 0 || to < from)
        return;
    args = (struct str){ t.p + from + 4, (size_t)(to - from) - 4 };
    returns = (struct str){ t.p + to + 1, t.n - (size_t)to - 1 };
    buf_puts(out, "Gets\n");
    while (args.p) {
        struct api_param p = api_param_read(api_split(&args));

        buf_printf(out, ".Fa " STR_FMT "%s\n", STR_ARG(p.name),
                   args.p ? " ," : "");
    }
    if (!returns.n) {
        buf_puts(out, "and returns nothing.\n");
        return;
    }
    buf_puts(out, "and may return\n");
    put_type(out, str_trim((struct str){ returns.p + 1, returns.n - 1 }));
    buf_puts(out, " .\n");
}

static void put_phase(struct buf *out, enum policy_phase p)
{
    const struct phase_info *i = phase_info(p);
    char name[64];
    const struct api_row *row;

    if (!i->called)
        return;
    snprintf(name, sizeof name, "policy.%s", i->name);
    row = api_row_find(str_of(name));
    buf_printf(out, ".It Ic %s\n", i->name);
    put_upper(out, i->when);
    out->n--;
    buf_puts(out, ".\n");
    if (row) {
        mdoc_sentences(out, row->help);
        put_signature(out, row);
    }
    buf_puts(out, i->open ? "Fails open.\n" : "Fails closed.\n");
}

/* ---- classes and functions ---------------------------------------------- */

static bool is_phase(const struct api_row *row)
{
    return api_row_is_of(row, "policy") &&
           phase_find(str_of(api_row_short(row))) != PHASE_COUNT;
}

static void put_field(struct buf *out, const struct api_row *row)
{
    buf_printf(out, ".It Va %s\n", row->name);
    put_type(out, str_of(row->type));
    buf_puts(out, " .\n");
    mdoc_sentences(out, row->help);
    if (!api_row_is_of(row, "policy") && strcmp(row->phases, "test") != 0)
        put_phases(out, row);
}

static void put_fn(struct buf *out, const struct api_row *row)
{
    struct str rest = str_of(row->params), returns = str_of(row->returns);

    buf_printf(out, ".It Fn %s", row->name);
    while (rest.p && rest.n) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, " \"" STR_FMT "%s\"", STR_ARG(p.name),
                   p.optional ? "?" : "");
    }
    buf_putc(out, '\n');
    mdoc_sentences(out, row->help);
    for (rest = str_of(row->params); rest.p && rest.n;) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, ".Fa " STR_FMT " :\n", STR_ARG(p.name));
        put_type(out, p.type);
        buf_puts(out, rest.p ? " ,\n" : " .\n");
    }
    if (returns.n)
        buf_puts(out, "Returns\n");
    while (returns.p && returns.n) {
        put_type(out, api_split(&returns));
        buf_puts(out, returns.p ? " ,\n" : " .\n");
    }
    if (row->waits)
        buf_puts(out, "Waits: other requests go on meanwhile.\n");
    put_phases(out, row);
}

static bool belongs(const struct api_row *r, const char *cls)
{
    return api_row_is_of(r, cls) && !is_phase(r);
}

static void put_class(struct buf *out, const struct api_row *cls)
{
    bool any = false;

    buf_printf(out, ".Ss %s\n", cls->name);
    mdoc_sentences(out, cls->help);
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (!belongs(r, cls->name))
            continue;
        if (!any)
            buf_puts(out, ".Bl -tag -width Ds\n");
        any = true;
        if (r->kind == API_ROW_FN)
            put_fn(out, r);
        else
            put_field(out, r);
    }
    if (any)
        buf_puts(out, ".El\n");
}

int api_help_mdoc(struct buf *out)
{
    buf_puts(out, ".Ss Phases\n.Bl -tag -width Ds\n");
    for (int p = 0; p < PHASE_COUNT; p++)
        put_phase(out, (enum policy_phase)p);
    buf_puts(out, ".El\n");
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (r->kind == API_ROW_CLASS)
            put_class(out, r);
    }
    return buf_len(out) < out->max ? 0 : -ERR_LIMIT;
}
