/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/shedding.h"

#include "base/log.h"
#include "engine/shed.h"
#include "flow/priority.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 500 };

struct shedding {
    struct flow *flow;
    struct shed shed;
    struct loop_timer look;
    uint64_t due_ms;  /* the next look is, unless the loop is late */
    int statm;        /* what the kernel says of our memory */
    uint64_t machine; /* its memory, bytes */
};

static uint64_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* Resident bytes; 0 where the kernel does not tell. */
static uint64_t resident(const struct shedding *s)
{
    unsigned long long all, pages = 0;
    char text[128];
    ssize_t n = s->statm < 0 ? -1 : pread(s->statm, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%llu %llu", &all, &pages) != 2)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t workers(const struct flow *f)
{
    const struct process_cell *p;
    uint32_t at = 0;
    uint64_t n = 0;

    while (f->env.cells && (p = cells_next(f->env.cells, &at)))
        n += atomic_load(&p->kind) == PROC_WORKER;
    return n ? n : 1;
}

static struct shed_values limits(const struct shedding *s)
{
    const struct config *c = s->flow->gen->config;

    return (struct shed_values){ {
        [SHED_LAG] = c->shed.lag_ms,
        [SHED_MEMORY] = c->shed.memory
                            ? c->shed.memory
                            : s->machine / 5 * 4 / workers(s->flow),
        [SHED_CONNECTIONS] = (uint64_t)c->server.max_connections *
                             c->shed.connections / 100,
    } };
}

static void tell(const struct shedding *s, const struct shed_values *limit,
                 const struct shed_values *value)
{
    enum shed_sign why = s->shed.why;

    if (s->shed.level == SHED_NOBODY) {
        log_event(EV_load_normal, LOG_I("worker", s->flow->env.worker));
        return;
    }
    log_event(EV_load_shedding, LOG_I("worker", s->flow->env.worker),
              LOG_Z("class", shed_level_name(s->shed.level)),
              LOG_Z("reason", shed_sign_name(why)),
              LOG_I("value", (int64_t)value->at[why]),
              LOG_I("limit", (int64_t)limit->at[why]));
}

static void on_look(void *ud)
{
    struct shedding *s = ud;
    struct flow *f = s->flow;
    uint64_t now = loop_now_ms(f->env.loop);
    struct shed_values limit = limits(s), value = { {
        [SHED_LAG] = now > s->due_ms ? now - s->due_ms : 0,
        [SHED_MEMORY] = resident(s),
        [SHED_CONNECTIONS] = atomic_load(&f->env.process->connections),
    } };

    if (shed_look(&s->shed, &limit, &value, now)) {
        f->shed_level = s->shed.level;
        atomic_store(&f->env.process->shedding, s->shed.level);
        tell(s, &limit, &value);
    }
    s->due_ms = now + LOOK_MS;
    loop_timer_set(&s->look, LOOK_MS);
}

struct shedding *shedding_new(struct flow *f)
{
    struct shedding *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->flow = f;
    s->machine = machine_memory();
    s->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    loop_timer_init(&s->look, f->env.loop, on_look, s);
    s->due_ms = loop_now_ms(f->env.loop) + LOOK_MS;
    loop_timer_set(&s->look, LOOK_MS);
    return s;
}

void shedding_free(struct shedding *s)
{
    if (!s)
        return;
    loop_timer_stop(&s->look);
    if (s->statm >= 0)
        close(s->statm);
    free(s);
}

bool shedding_refuses(struct request *r)
{
    return r->flow->shed_level == SHED_ALL || priority_is_batch(r);
}

enum step shedding_refuse(struct request *r)
{
    const struct shed *s = &r->flow->shedding->shed;
    struct str why = str_of(shed_sign_name(s->why));
    struct str labels[2] = { why, priority_is_batch(r) ? STR("batch")
                                                       : STR("interactive") };

    metric_add(METRIC_SHED, labels, 1);
    r->retry_after_ms = shed_retry_ms(s, loop_now_ms(r->flow->env.loop));
    err_set(&r->err, ERR_OVERLOADED,
            "The gateway has too much to do (" STR_FMT
            "). Try again in %.0f s.", STR_ARG(why),
            (double)((r->retry_after_ms + 999) / 1000));
    return request_fail(r, ERR_OVERLOADED, "gateway");
}
