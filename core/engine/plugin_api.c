/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which of a plugin's rows serves a dialect, and the table behind it. */
#include "engine/plugin.h"

static const struct plugin_api_row rows[] = {
#define API(dialect, op, ps_dialect, name) { dialect, op, ps_dialect, name },
#include "engine/plugin_api.def"
};

enum { N_ROWS = sizeof rows / sizeof *rows };

const struct plugin_api_row *plugin_api_row(enum dialect d)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].dialect == d)
            return &rows[i];
    }
    return NULL;
}

enum dialect plugin_api_dialect(const ps_api *api)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].op == api->op && rows[i].ps_dialect == api->dialect)
            return rows[i].dialect;
    }
    return DIALECT_NONE;
}

const char *plugin_dialect_name(int dialect)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].ps_dialect == dialect)
            return rows[i].name;
    }
    return "?";
}

bool plugin_serves(const struct plugin *p, int dialect, struct str model)
{
    const ps_provider *ops = plugin_ops(p);

    for (uint32_t i = 0; i < ops->n_serves; i++) {
        if (ops->serves[i].dialect == (uint32_t)dialect)
            return ps_globs(ps_z(ops->serves[i].models), ps_from_str(model));
    }
    return true;
}

const ps_api *plugin_api(const struct plugin *p, int op, int dialect,
                         bool stream)
{
    const ps_provider *ops = plugin_ops(p);
    const ps_api *first = NULL;

    for (uint32_t i = 0; i < ops->n_apis; i++) {
        const ps_api *a = &ops->apis[i];

        if (a->op != op || a->dialect != dialect)
            continue;
        if ((a->framing != PS_JSON) == stream)
            return a;
        first = first ? first : a;
    }
    return first;
}
