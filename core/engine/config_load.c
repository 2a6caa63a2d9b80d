/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/config_open.h"
#include "engine/config_unit.h"

static uint32_t percent(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));
    uint64_t n = 0;

    if (s)
        conf_percent(str_of(s), &n);
    return (uint32_t)n;
}

static void open_places(struct conf_provider *p, const json_t *v)
{
    const json_t *a = json_object_get(v, "adaptive");

    p->max_concurrent = open_u32(v, "max_concurrent");
    if (!a)
        return;
    p->adaptive.min = open_u32(a, "min");
    p->adaptive.max = open_u32(a, "max");
}

void open_load(struct opener *o, struct config *c)
{
    const json_t *queue = json_object_get(o->root, "queue");
    const json_t *shed = json_object_get(o->root, "shed");
    json_t *all = json_object_get(o->root, "provider"), *v;
    const char *name;
    size_t i = 0;

    c->queue = (struct conf_queue){
        .length = open_u32(queue, "length"),
        .memory = open_size(queue, "memory"),
        .max_wait_ms = open_ms(queue, "max_wait"),
        .delay = { open_ms(queue, "target"), open_ms(queue, "interval") },
    };
    c->shed = (struct conf_shed){
        .lag_ms = open_ms(shed, "lag"),
        .memory = open_size(shed, "memory"),
        .connections = percent(shed, "connections"),
    };
    json_object_foreach(all, name, v) {
        if (i < c->n_providers)
            open_places(&c->providers[i++], v);
    }
}
