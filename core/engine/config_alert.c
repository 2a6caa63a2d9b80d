/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The blocks `alert`, and the limits of a worker's memory. */
#include "engine/config_alert.h"

#include "engine/addresses.h"
#include "engine/alert.h"
#include "engine/config_open.h"
#include "engine/config_unit.h"
#include "engine/config_walk.h"

static int rule_alert(struct conf_walk *w, const json_t *v)
{
    const char *ca = json_string_value(json_object_get(v, "ca_file"));
    int rc;

    walk_member(w, "webhook");
    rc = walk_secret_at_hand(w, json_object_get(v, "webhook"), false);
    walk_leave(w);
    return rc ? rc : walk_ca_file(w, ca);
}

static int rule_memory(struct conf_walk *w, const json_t *server)
{
    int rc = 0;

    walk_member(w, "server");
    walk_member(w, "memory_hard");
    if (open_size(server, "memory_soft") > open_size(server, "memory_hard"))
        rc = walk_fail(w, "is less than memory_soft");
    walk_leave(w);
    walk_leave(w);
    return rc;
}

int walk_alerts(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "alert"), *v;
    const char *name;
    size_t n = 0;
    int rc = rule_memory(w, json_object_get(canonical, "server"));

    walk_member(w, "alert");
    json_object_foreach(all, name, v) {
        if (rc)
            break;
        walk_named(w, name);
        if (++n > ALERT_RECEIVERS)
            rc = walk_fail(w, "is one too many; there may be %d",
                           ALERT_RECEIVERS);
        else
            rc = rule_alert(w, v);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}

bool config_webhook_ok(struct str url)
{
    if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
        return false;
    for (size_t i = 0; i < url.n; i++) {
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return false;
    }
    return url_host(url).n != 0;
}

/** Unset: all of them. */
static uint32_t kinds_of(const json_t *on)
{
    uint32_t kinds = 0;
    const json_t *v;
    size_t i;

    json_array_foreach(on, i, v) {
        for (uint32_t k = 0; k < ALERT_KINDS; k++) {
            if (strcmp(json_string_value(v), alert_rows[k].name) == 0)
                kinds |= 1u << k;
        }
    }
    return on ? kinds : UINT32_MAX;
}

void open_alerts(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "alert"), *v;
    const json_t *server = json_object_get(o->root, "server");
    struct conf_alert *a;
    const char *name;

    c->server.memory.soft = open_size(server, "memory_soft");
    c->server.memory.hard = open_size(server, "memory_hard");
    a = open_array(o, json_object_size(all), sizeof *a, &c->alerts.n);
    c->alerts.list = a;
    json_object_foreach(all, name, v) {
        if (o->broken)
            return;
        a->name = open_dup(o, name);
        open_secret(o, &a->webhook, json_object_get(v, "webhook"));
        a->ca_file = open_text(o, v, "ca_file");
        a->kinds = kinds_of(json_object_get(v, "on"));
        a->quiet_ms = open_ms(v, "quiet");
        a++;
    }
}
