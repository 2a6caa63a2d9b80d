/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Targets taken out and put back. The word lies in the target's shared cell,
 * so all workers heed it with their next choice, those of later generations
 * too; the master alone writes it.
 */
#include "app/control_impl.h"

#include "app/master.h"
#include "base/clock.h"
#include "base/log.h"

#include <string.h>

static int put_target(const struct master *m, const struct health_cell *c,
                      struct buf *out)
{
    uint64_t now = clock_mono_ms(), until = atomic_load(&c->rest.until_ms);
    struct str name = str_of(c->name);

    buf_puts(out, "{\"name\":");
    buf_json_str(out, name);
    buf_printf(out, ",\"switch\":\"%s\",\"breaker\":\"%s\"",
               target_off_name(atomic_load(&c->off)),
               breaker_state_name(breaker_state(&c->breaker, now)));
    if (until > now)
        buf_printf(out, ",\"cooling_ms\":%llu",
                   (unsigned long long)(until - now));
    if (autooff_why(&c->autooff))
        buf_printf(out, ",\"taken_out\":\"%s\",\"try_ms\":%llu",
                   autooff_name(autooff_why(&c->autooff)),
                   (unsigned long long)autooff_wait_ms(&c->autooff, now));
    if (trend_share(&c->trend, now) < 1000)
        buf_puts(out, ",\"degraded\":true");
    if (health_limit(c))
        buf_printf(out, ",\"limit\":%u", health_limit(c));
    return buf_printf(out, ",\"in_flight\":%llu}",
                      (unsigned long long)cells_at_target(m->cells, name));
}

int control_target_list(struct master *m, struct conn *c, json_t *request)
{
    const struct health_cell *t;
    uint32_t at = 0;
    int rc = 0, n = 0;

    (void)request;
    buf_puts(&c->out, "{\"targets\":[");
    while ((t = health_next(cells_health(m->cells), &at))) {
        if (n++)
            buf_putc(&c->out, ',');
        rc = put_target(m, t, &c->out);
    }
    return rc ? rc : buf_puts(&c->out, "]}");
}

/* Where no model block exists, whatever a provider serves is a target. */
static bool is_open_name(const struct config *c, struct str name)
{
    struct str provider = str_split(&name, '/');

    for (size_t i = 0; name.n && !c->n_models && i < c->n_providers; i++) {
        if (str_eq(c->providers[i].name, provider))
            return true;
    }
    return false;
}

static struct health_cell *find(struct master *m, struct str name)
{
    struct health *h = cells_health(m->cells);
    struct health_cell *t = health_named(h, name);

    if (!t && name.n < HEALTH_NAME - 1 && is_open_name(m->config, name))
        t = health_find(h, name, 0);
    return t;
}

static enum target_off wanted(const json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));

    if (strcmp(verb, "target.enable") == 0)
        return TARGET_ON;
    return strcmp(verb, "target.drain") == 0 ? TARGET_DRAINING
                                             : TARGET_DISABLED;
}

int control_target_switch(struct master *m, struct conn *c, json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    enum target_off to = wanted(request);
    struct health_cell *t = name ? find(m, str_of(name)) : NULL;
    bool audit = false;

    if (!t)
        return control_put_error(&c->out,
                                 "no target has that name; `penstock target "
                                 "list` shows them");
    if (to == TARGET_ON && autooff_served(&t->autooff))
        log_event(EV_target_put_back, LOG_Z("target", t->name),
                  LOG_Z("by", "operator"));
    if (atomic_exchange(&t->off, (uint32_t)to) != (uint32_t)to) {
        audit = control_audit(m, c, request);
        log_event(EV_target_switched, LOG_Z("target", t->name),
                  LOG_Z("to", target_off_name(to)), LOG_I("uid", c->uid),
                  LOG_Z("audit", audit ? "told" : "none"));
    }
    buf_puts(&c->out, "{\"target\":");
    put_target(m, t, &c->out);
    return buf_printf(&c->out, ",\"audit\":%s}", audit ? "true" : "false");
}
