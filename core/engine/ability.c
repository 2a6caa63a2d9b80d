/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/ability.h"

#include "engine/name_table.h"
#include "wire/needs.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct ability_table {
    struct name_table names;
    struct ability *all;
};

enum model_kind model_kind_named(const char *name)
{
    static const char *const names[] = { [KIND_CHAT] = "chat",
                                         [KIND_EMBED] = "embed",
                                         [KIND_RERANK] = "rerank" };

    for (int k = KIND_CHAT; name && k <= KIND_RERANK; k++) {
        if (strcmp(name, names[k]) == 0)
            return (enum model_kind)k;
    }
    return KIND_UNKNOWN;
}

static struct ability read_row(const json_t *row)
{
    const json_t *lacks = json_object_get(row, "not"), *v;
    struct ability a = {
        .context = json_integer_value(json_object_get(row, "context")),
        .kind = model_kind_named(
            json_string_value(json_object_get(row, "kind"))),
    };
    size_t i;

    json_array_foreach((json_t *)lacks, i, v) {
        if (json_is_string(v))
            a.lacks |= wire_need_of(str_of(json_string_value(v)));
    }
    return a;
}

static int fill(struct ability_table *t, json_t *rows)
{
    const char *name;
    size_t n = 0;
    json_t *row;
    int rc = 0;

    t->all = calloc(json_object_size(rows) + 1, sizeof *t->all);
    if (!t->all || name_table_init(&t->names) < 0)
        return -ERR_NOMEM;
    json_object_foreach(rows, name, row) {
        t->all[n] = read_row(row);
        if (rc == 0)
            rc = name_table_add(&t->names, str_of(name), &t->all[n++]);
    }
    return rc;
}

struct ability_table *ability_table_new(struct str section, struct err *err)
{
    struct ability_table *t = calloc(1, sizeof *t);
    json_t *root = json_loadb(section.p ? section.p : "{}",
                              section.p ? section.n : 2, 0, NULL);

    if (root && t && fill(t, root) == 0) {
        json_decref(root);
        return t;
    }
    if (!root)
        err_set(err, ERR_SYNTAX, "the abilities of models are no JSON");
    else
        err_set(err, ERR_NOMEM, "no memory for the abilities of models");
    json_decref(root);
    ability_table_free(t);
    return NULL;
}

void ability_table_free(struct ability_table *t)
{
    if (!t)
        return;
    name_table_clear(&t->names);
    free(t->all);
    free(t);
}

const struct ability *ability_find(const struct ability_table *t,
                                   struct str provider, struct str model)
{
    return t ? name_table_find(&t->names, provider, model) : NULL;
}
