/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The `cors` block of a listener: its rule, its struct. */
#include "engine/config_open.h"
#include "engine/config_unit.h"
#include "engine/config_walk.h"

#include <string.h>

static bool is_any(const json_t *origin)
{
    const char *text = json_string_value(origin);

    return text && strcmp(text, "*") == 0;
}

static int one_origin(struct conf_walk *w, const json_t *cors,
                      const json_t *origin)
{
    const char *text = json_string_value(origin), *why;

    if (!text)
        return 0;
    if (!is_any(origin))
        return cors_origin_ok(str_of(text), &why)
                   ? 0 : walk_fail(w, "\"%.80s\" is no origin; %s", text, why);
    if (json_array_size(json_object_get(cors, "origins")) > 1)
        return walk_fail(w, "\"*\" stands for every origin; write it alone, "
                         "or the others without it");
    if (json_is_true(json_object_get(cors, "credentials")))
        return walk_fail(w, "\"*\" with credentials would let every page act "
                         "as its visitor; list the origins");
    return 0;
}

int walk_cors(struct conf_walk *w, const json_t *cors)
{
    const json_t *list = json_object_get(cors, "origins");
    json_t *origin;
    int rc = 0;
    size_t i;

    if (!cors)
        return 0;
    walk_member(w, "cors");
    walk_member(w, "origins");
    if (json_array_size(list) == 0)
        rc = walk_fail(w, "is empty; write the origins of the pages that may "
                       "call, or leave cors out");
    json_array_foreach(list, i, origin) {
        if (rc < 0)
            break;
        walk_item(w, i);
        rc = one_origin(w, cors, origin);
        walk_leave(w);
    }
    walk_leave(w);
    walk_leave(w);
    return rc;
}

void open_cors(struct opener *o, struct conf_cors *c, const json_t *v)
{
    c->origins = open_list(o, v, "origins", &c->n_origins);
    c->any = c->n_origins == 1 && str_is(c->origins[0], "*");
    c->credentials = json_is_true(json_object_get(v, "credentials"));
    c->max_age_s = open_ms(v, "max_age") / 1000;
}
