/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock policy help`: a row of api.def or a phase in words. */
#include "policy/api_table.h"

#include "engine/config_table.h"

#include <string.h>

static void put_call(struct buf *out, const struct api_row *row)
{
    struct str rest = str_of(row->params);

    buf_printf(out, "%s(", row->name);
    while (rest.p && rest.n) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, STR_FMT "%s%s", STR_ARG(p.name),
                   p.optional ? "?" : "", rest.p ? ", " : "");
    }
    buf_putc(out, ')');
}

/* Its line in a list. */
static void put_line(struct buf *out, const struct api_row *row)
{
    size_t at = out->n;

    buf_puts(out, "  ");
    if (row->kind == API_ROW_FN)
        put_call(out, row);
    else
        buf_puts(out, row->name);
    while (out->n < at + 26)
        buf_putc(out, ' ');
    buf_printf(out, " %s\n", row->help);
}

static void put_where(struct buf *out, const char *phases)
{
    if (strcmp(phases, "load") == 0)
        buf_puts(out, "in any phase and at the file's top level\n");
    else if (strcmp(phases, "any") == 0)
        buf_puts(out, "in any phase\n");
    else if (strcmp(phases, "test") == 0)
        buf_puts(out, "in tests (NAME_test.lua)\n");
    else if (strstr(phases, ".."))
        buf_printf(out, "from %.*s on\n", (int)strlen(phases) - 2, phases);
    else
        buf_printf(out, "in %s\n", phases);
}

static void put_fn(struct buf *out, const struct api_row *row)
{
    struct str rest = str_of(row->params);

    put_call(out, row);
    if (*row->returns)
        buf_printf(out, " -> %s", row->returns);
    buf_printf(out, "\n\n%s\n\n", row->help);
    while (rest.p && rest.n) {
        struct api_param p = api_param_read(api_split(&rest));

        buf_printf(out, "  " STR_FMT ": " STR_FMT "%s\n", STR_ARG(p.name),
                   STR_ARG(p.type), p.optional ? "; may be left out" : "");
    }
    put_where(out, row->phases);
    if (row->waits)
        buf_puts(out, "it waits; other requests go on meanwhile\n");
}

static void put_phase(struct buf *out, enum policy_phase p)
{
    const struct phase_info *i = phase_info(p);
    char name[64];
    const struct api_row *row;

    snprintf(name, sizeof name, "policy.%s", i->name);
    row = api_row_find(str_of(name));
    buf_printf(out, "%s: %s\n", i->name, i->when);
    if (!i->called)
        buf_puts(out, "this version does not call it\n");
    else if (row)
        buf_printf(out, "\n%s\n\n%s = %s\n", row->help, i->name, row->type);
    buf_printf(out, "an error %s unless `fail` says otherwise\n",
               i->open ? "counts as no opinion" : "refuses the request");
}

static void put_class(struct buf *out, const struct api_row *cls)
{
    buf_printf(out, "%s\n", cls->help);
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (api_row_is_of(r, cls->name) && api_row_is_live(r))
            put_line(out, r);
    }
}

static void put_all(struct buf *out)
{
    buf_puts(out, "phases\n");
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (phase_info(p)->called)
            buf_printf(out, "  %-25s %s\n", phase_info(p)->name,
                       phase_info(p)->when);
    }
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (r->kind != API_ROW_CLASS)
            continue;
        buf_printf(out, "\n%s: ", r->name);
        put_class(out, r);
    }
}

static int unknown(struct str name, struct err *err)
{
    struct conf_near near;

    conf_near_init(&near, name);
    for (const struct api_row *r = api_rows; r->cls; r++)
        conf_near_offer(&near, str_of(r->name));
    for (int p = 0; p < PHASE_COUNT; p++)
        conf_near_offer(&near, str_of(phase_info(p)->name));
    if (near.best.p)
        return err_set(err, ERR_NOTFOUND, "there is no '" STR_FMT "'; did you "
                       "mean '" STR_FMT "'?", STR_ARG(name),
                       STR_ARG(near.best));
    return err_set(err, ERR_NOTFOUND, "there is no '" STR_FMT "'; `penstock "
                   "policy help` lists all", STR_ARG(name));
}

int api_help(struct str name, struct buf *out, struct err *err)
{
    const struct api_row *row = api_row_find(name);
    enum policy_phase p = phase_find(name);

    if (!name.n)
        put_all(out);
    else if (p != PHASE_COUNT)
        put_phase(out, p);
    else if (!row)
        return unknown(name, err);
    else if (row->kind == API_ROW_CLASS)
        put_class(out, row);
    else if (row->kind == API_ROW_FN)
        put_fn(out, row);
    else
        buf_printf(out, "%s: %s\n\n%s\n\n", row->name, row->type, row->help);
    if (row && row->kind == API_ROW_FIELD)
        put_where(out, row->phases);
    return buf_len(out) < out->max
               ? 0 : err_set(err, ERR_LIMIT, "the output is too long");
}
