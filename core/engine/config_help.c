/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock config help`: a directive, a table or a key of config.def in
 * words.
 */
#include "engine/config_help.h"

#include <string.h>

/* "auto", or a whole number, 1 to 256 */
void config_help_values(const struct conf_row *row, struct buf *out)
{
    struct str rest, word = conf_row_word(row, &rest);
    ptrdiff_t dots = rest.p ? str_find(rest, STR("..")) : -1;

    if (word.p)
        buf_printf(out, "\"" STR_FMT "\" or ", STR_ARG(word));
    if (row->form == CONF_LIST)
        buf_puts(out, "a list, each ");
    else if (row->form == CONF_MAP)
        buf_puts(out, "names, each with ");
    if (row->form == CONF_LIST && row->type == CONF_ENUM)
        buf_puts(out, "one of ");
    if (row->type == CONF_ENUM) {
        while (rest.p) {
            struct str part = str_split(&rest, '|');

            buf_printf(out, "\"" STR_FMT "\"%s", STR_ARG(part),
                       rest.p ? ", " : "");
        }
        return;
    }
    buf_puts(out, conf_type_name(row->type));
    if (dots > 0)
        buf_printf(out, ", %.*s to " STR_FMT, (int)dots, rest.p,
                   (int)(rest.n - (size_t)dots - 2), rest.p + dots + 2);
}

static void put_default(const struct conf_row *row, struct buf *out)
{
    if (row->def == conf_required)
        buf_puts(out, "required");
    else if (row->def == conf_inherit)
        buf_puts(out, "default: what `defaults` says");
    else if (row->def && *row->def)
        buf_printf(out, "default: %s", row->def);
    else
        buf_puts(out, "optional");
}

static void put_row(const struct conf_row *row, struct buf *out)
{
    buf_printf(out, "  %-18s ", row->key);
    config_help_values(row, out);
    buf_puts(out, "; ");
    put_default(row, out);
    buf_printf(out, "\n  %-18s %s\n", "", row->help);
}

/* How a scope is written. */
static void put_form(enum conf_scope_id scope, const struct conf_row *row,
                     struct buf *out)
{
    const struct conf_scope *s = &conf_scopes[scope];

    if (scope == SCOPE_top)
        return;
    if (s->name_type != CONF_NONE)
        buf_printf(out, "%s %s { ... }\n", s->name,
                   conf_type_example(s->name_type));
    else if (row && row->scope == SCOPE_top)
        buf_printf(out, "%s { ... }\n", row->key);
    if (s->positional)
        buf_printf(out, "Values without a name are its %s.\n", s->positional);
}

static void put_scope(enum conf_scope_id scope, const struct conf_row *row,
                      struct buf *out)
{
    put_form(scope, row, out);
    buf_printf(out, "%s\n\n", row ? row->help : conf_scopes[scope].help);
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == scope)
            put_row(&conf_rows[i], out);
    }
}

static void put_top(struct buf *out)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == SCOPE_top)
            buf_printf(out, "  %-12s %s\n", conf_rows[i].key,
                       conf_rows[i].help);
    }
    buf_puts(out, "  include      Reads more files: include "
                  "\"conf.d/*.conf\".\n\n"
                  "More: penstock config help KEY, for example "
                  "provider.timeouts; penstock.conf(5)\n");
}

static int unknown(struct str word, enum conf_scope_id scope, struct err *err)
{
    struct conf_near near;

    conf_near_init(&near, word);
    conf_near_keys(&near, scope);
    if (near.best.p)
        return err_set(err, ERR_NOTFOUND, "there is no '%.*s'; did you mean '"
                       STR_FMT "'?", word.n > 64 ? 64 : (int)word.n, word.p,
                       STR_ARG(near.best));
    return err_set(err, ERR_NOTFOUND, "there is no '%.*s'",
                   word.n > 64 ? 64 : (int)word.n, word.p);
}

static enum conf_scope_id scope_named(struct str name)
{
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (str_is(name, conf_scopes[i].name))
            return (enum conf_scope_id)i;
    }
    return SCOPE_COUNT;
}

int config_help(struct str path, struct buf *out, struct err *err)
{
    enum conf_scope_id scope = SCOPE_top;
    const struct conf_row *row = NULL;

    if (path.n == 0) {
        put_top(out);
        return 0;
    }
    while (path.p) {
        struct str part = str_split(&path, '.');

        row = scope == SCOPE_COUNT ? NULL : conf_row_find(scope, part);
        if (!row && scope == SCOPE_top &&
            scope_named(part) != SCOPE_COUNT) {
            scope = scope_named(part);
            continue;
        }
        if (!row)
            return unknown(part, scope == SCOPE_COUNT ? SCOPE_top : scope,
                           err);
        scope = row->type == CONF_OBJECT ? conf_row_scope(row) : SCOPE_COUNT;
    }
    if (scope != SCOPE_COUNT) {
        put_scope(scope, row, out);
        return 0;
    }
    buf_printf(out, "%s: ", row->key);
    config_help_values(row, out);
    buf_puts(out, "\n");
    put_default(row, out);
    buf_printf(out, "; applies: %s\n%s\n", conf_applies_name(row->applies),
               row->help);
    return 0;
}
