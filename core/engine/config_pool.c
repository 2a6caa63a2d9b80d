/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/config_pool.h"

#include "engine/config_open.h"

#include <string.h>

void open_health(struct opener *o, struct conf_health *h, const json_t *v)
{
    const json_t *t = json_object_get(v, "health");
    const char *probe = json_string_value(json_object_get(t, "probe"));

    if (probe && strcmp(probe, "idle") == 0)
        h->probe = PROBE_IDLE;
    else if (probe && strcmp(probe, "open") == 0)
        h->probe = PROBE_OPEN;
    h->interval_ms = open_ms(t, "interval");
    h->timeout_ms = open_ms(t, "timeout");
    h->path = open_text(o, t, "path");
    h->auto_disable = json_is_true(json_object_get(t, "auto_disable"));
}

struct conf_pool open_pool(const json_t *v)
{
    const json_t *t = json_object_get(v, "pool");

    return (struct conf_pool){ .max = open_u32(t, "max"),
                               .warm = open_u32(t, "warm"),
                               .idle_ms = open_ms(t, "idle"),
                               .lifetime_ms = open_ms(t, "lifetime") };
}
