/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Verbs about a candidate that runs beside the live policies. */
#include "app/control_impl.h"

#include "app/master.h"
#include "flow/shadow.h"

#include <stdio.h>

static bool is_wished(const struct reload *r)
{
    for (size_t i = 0; i < r->n_wishes; i++) {
        if (r->wishes[i].shadow)
            return true;
    }
    return false;
}

int control_shadow(struct master *m, struct conn *c, json_t *request)
{
    const char *dir = json_string_value(json_object_get(request, "dir"));
    json_int_t rate = json_integer_value(json_object_get(request, "rate"));
    struct shadowing *s = &m->reload.shadow;
    struct reload_wish w = { .shadow = true };

    if (!dir || *dir != '/' || strlen(dir) >= sizeof s->dir || rate < 1 ||
        rate > SHADOW_ALL)
        return control_put_error(&c->out, "shadow wants a folder and a rate");
    if (is_wished(&m->reload))
        return control_put_error(&c->out, "another candidate is just being "
                                          "loaded; try again");
    control_wait(m, c);
    w.ticket = c->ticket;
    if (!reload_want(m, &w)) {
        c->ticket = 0;
        return control_put_error(&c->out, "it starts or ends just now, or too "
                                          "many reloads wait; try again");
    }
    shadow_end(m);
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    s->asked_rate = (uint32_t)rate;
    return 0;
}

int control_shadow_show(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    shadow_put(m, &c->out);
    return 0;
}

int control_shadow_stop(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    if (!m->reload.shadow.loaded.bundle)
        return control_put_error(&c->out, "no candidate runs beside the live "
                                          "policies");
    shadow_put(m, &c->out); /* the last word */
    shadow_end(m);
    return 0;
}
