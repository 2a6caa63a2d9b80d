/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The key list of penstock.conf(5), in mdoc: a subsection a table, an item a
 * key.
 */
#include "engine/config_help.h"
#include "engine/mdoc.h"

#include <ctype.h>
#include <string.h>

static void put_item(struct buf *out, const struct conf_row *row)
{
    struct buf values = BUF_INIT(4096);

    buf_printf(out, ".It Ic %s\n", row->key);
    config_help_values(row, &values);
    buf_putc(&values, '\0');
    if (isalpha((unsigned char)values.p[0]))
        values.p[0] = (char)toupper((unsigned char)values.p[0]);
    mdoc_text(out, values.p);
    buf_clear(&values);
    if (row->def == conf_required)
        buf_puts(out, "; required.\n");
    else if (row->def == conf_inherit)
        buf_puts(out, "; what\n.Ic defaults\nsays unless set.\n");
    else if (row->def && *row->def) {
        buf_puts(out, "; the default is\n.Ql ");
        mdoc_argument(out, str_of(row->def));
        buf_puts(out, " .\n");
    } else {
        buf_puts(out, ".\n");
    }
    mdoc_sentences(out, row->help);
    if (row->type == CONF_OBJECT && row->scope != SCOPE_top)
        buf_printf(out, "See\n.Sx %s .\n",
                   conf_scopes[conf_row_scope(row)].name);
}

static void put_scope(struct buf *out, enum conf_scope_id scope)
{
    const struct conf_scope *s = &conf_scopes[scope];

    buf_printf(out, ".Ss %s\n", s->name);
    mdoc_sentences(out, s->help);
    out->n--; /* the sentence ends here */
    buf_puts(out, ".\n");
    if (s->name_type != CONF_NONE) {
        buf_printf(out, "Written\n.Ic %s\n.Ar name\n.Li { ... } .\n",
                   s->name);
    }
    if (s->positional)
        buf_printf(out, "Values without a name are its\n.Ic %s .\n",
                   s->positional);
    buf_puts(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == scope)
            put_item(out, &conf_rows[i]);
    }
    buf_puts(out, ".El\n");
}

int config_help_mdoc(struct buf *out)
{
    buf_puts(out, ".Ss Directives\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == SCOPE_top)
            put_item(out, &conf_rows[i]);
    }
    buf_puts(out, ".It Ic include\nA path or a pattern.\n"
                  "Reads more files, in the order of their names; a relative "
                  "path starts at the\nfile that includes.\n.El\n");
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (i != SCOPE_top)
            put_scope(out, (enum conf_scope_id)i);
    }
    return buf_len(out) < out->max ? 0 : -ERR_LIMIT;
}
