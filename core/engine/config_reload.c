/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The block `reload`: its rules, and its struct. */
#include "engine/config_reload.h"

#include "engine/config_open.h"
#include "engine/config_unit.h"
#include "engine/config_walk.h"

#include <stdlib.h>

uint32_t conf_times(const char *text)
{
    char *end;
    double v;

    if (!text || *text != 'x' || text[1] < '0' || text[1] > '9')
        return 0;
    v = strtod(text + 1, &end);
    return *end || v < 1 || v > 1000 ? 0 : (uint32_t)(v * 10 + 0.5);
}

int walk_reload(struct conf_walk *w, json_t *canonical)
{
    const json_t *reload = json_object_get(canonical, "reload");
    const json_t *rule = json_object_get(reload, "rollback_if");
    const char *text = json_string_value(json_object_get(rule, "denials"));
    int rc = 0;

    walk_member(w, "reload");
    walk_member(w, "rollback_if");
    walk_member(w, "denials");
    if (text && conf_times(text) == 0)
        rc = walk_fail(w, "\"%.80s\" is no factor of 1 to 1000; write \"x3\"",
                       text);
    walk_leave(w);
    walk_leave(w);
    walk_leave(w);
    return rc;
}

struct conf_reload open_reload(const json_t *v)
{
    const json_t *rule = json_object_get(v, "rollback_if");
    const char *errors =
        json_string_value(json_object_get(rule, "policy_errors"));
    uint64_t percent = 100;

    if (errors)
        conf_percent(str_of(errors), &percent);
    return (struct conf_reload){
        .watch = json_is_true(json_object_get(v, "watch")),
        .tests = json_is_true(json_object_get(v, "tests")),
        .bake_ms = open_ms(v, "bake"),
        .canary_ms = open_ms(v, "canary"),
        .judged = rule != NULL,
        .errors = (uint32_t)percent,
        .min = rule ? open_u32(rule, "min") : 0,
        .denials =
            conf_times(json_string_value(json_object_get(rule, "denials"))),
    };
}
