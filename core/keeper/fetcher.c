/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Each key by itself: a timer begins a fetch, one limits it from its begin to
 * its end, one stands at the end of what it holds.
 */
#include "keeper/fetcher.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/fetched.h"
#include "keeper/errand.h"
#include "keeper/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    FETCH_MS = 15000, CONNECT_MS = 5000, NEAR_MS = 1000, CLIENT_IDLE = 4,
    ASK_MS = 30000, LOOK_AGAIN_MS = 300000, GRACE_MS = 1000,
    ANSWER_MAX = 64 << 10,
};

struct item {
    struct fetcher *all;
    const struct conf_fetch *conf;
    struct fetch_run run;
    struct buf secret; /* the newest that holds */
    uint64_t ends_ms;  /* of it, wall clock; 0: it does not end */
    uint64_t next_ms;  /* monotonic; 0: not fetched again */
    uint64_t asked_ms; /* by a worker; 0 = never */
    uint32_t failures; /* in a row */
    char why[FETCH_WHY]; /* of the last; "" = it did not fail */
    struct errand errand;
    struct program *program; /* NULL: none runs */
    bool fetching, tried;
    struct loop_timer due, limit, end;
};

struct fetcher {
    struct fetcher_env env;
    struct errands errands;
    struct programs programs;
    struct loop_timer first;
    size_t untried; /* what is published waits for them, for a while */
    uint64_t generation;
    struct item *list;
    size_t n;
};

static void go_on(struct item *i, enum fetch_next next);

/* ---- when --------------------------------------------------------------- */

static uint32_t dice(void)
{
    uint32_t d = 0;

    (void)!getrandom(&d, sizeof d, 0); /* without chance: no jitter */
    return d;
}

/* Where all workers see it; none of them can serve with it. */
static void park(struct item *i, uint64_t until_ms)
{
    struct health *h = i->all->env.health;
    struct health_cell *c = h ? health_find(h, i->conf->label, 0) : NULL;

    if (c && !buf_len(&i->secret))
        rest_hold(&c->rest, until_ms + GRACE_MS);
}

/* To the end of what is under way; one that is parked stays so. */
static void limit_in(struct item *i, uint64_t ms)
{
    loop_timer_set(&i->limit, ms);
    if (i->tried)
        park(i, clock_mono_ms() + ms);
}

static void next_in(struct item *i, uint64_t ms)
{
    i->next_ms = clock_mono_ms() + ms;
    loop_timer_set(&i->due, ms);
}

/* ---- what came of it ---------------------------------------------------- */

static int put_all(const struct fetcher *s, struct snapshot_builder *b,
                   struct err *err)
{
    int rc = 0;

    for (size_t k = 0; k < s->n && !rc; k++) {
        const struct item *i = &s->list[k];
        const struct fetched_news news = {
            .label = i->conf->label, .why = str_of(i->why),
            .secret = buf_str(&i->secret), .ends_ms = i->ends_ms,
            .next_ms = i->next_ms };

        rc = fetched_put(b, i->conf->id, &news, err);
    }
    return rc;
}

static void publish(struct fetcher *s)
{
    struct err err = { 0 };
    struct snapshot_builder *b;
    int fd;

    if (s->untried)
        return;
    b = snapshot_builder_new("fetched", ++s->generation, &err);
    fd = b ? put_all(s, b, &err) : -err.code;
    if (fd == 0)
        fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    if (fd < 0) {
        log_event(EV_credential_fetch_failed, LOG_Z("why", err.msg));
        return;
    }
    s->env.publish(s->env.ud, fd);
    close(fd);
}

static void on_first(void *ud)
{
    struct fetcher *s = ud;

    if (!s->untried)
        return;
    s->untried = 0;
    publish(s);
}

static void mark_tried(struct item *i)
{
    if (!i->tried && i->all->untried)
        i->all->untried--;
    i->tried = true;
}

static void unpark(struct item *i)
{
    struct health *h = i->all->env.health;
    struct health_cell *c = h ? health_find(h, i->conf->label, 0) : NULL;

    if (c && rest_state(&c->rest, clock_mono_ms()) == REST_PARKED)
        rest_mended(&c->rest);
}

static void over(struct item *i)
{
    errand_stop(&i->errand);
    program_cancel(i->program);
    i->program = NULL;
    i->fetching = false;
    loop_timer_stop(&i->limit);
    mark_tried(i);
}

static void failed(struct item *i, const char *why)
{
    bool news = i->failures++ == 0 || strcmp(i->why, why) != 0;

    snprintf(i->why, sizeof i->why, "%s", why);
    over(i);
    fetch_clear(&i->run);
    if (news)
        log_event(EV_credential_fetch_failed,
                  LOG_S("credential", i->conf->label), LOG_Z("why", i->why),
                  LOG_Z("holds", buf_len(&i->secret) ? "yes" : "no"));
    next_in(i, fetcher_backoff_ms(i->failures, dice()));
    park(i, i->next_ms);
    publish(i->all);
}

static void plan_next(struct item *i)
{
    uint64_t now = i->all->env.world->wall_ms(i->all->env.world->ud);
    uint64_t life = i->ends_ms > now ? i->ends_ms - now : 0;

    loop_timer_stop(&i->end);
    i->next_ms = 0;
    if (i->ends_ms) {
        loop_timer_set(&i->end, life);
        next_in(i, fetcher_ahead_ms(life, dice()));
    } else if (i->run.look_again) {
        next_in(i, LOOK_AGAIN_MS);
    }
}

static void got(struct item *i)
{
    bool news = !str_eq(buf_str(&i->secret), buf_str(&i->run.secret));

    over(i);
    i->failures = 0;
    *i->why = '\0';
    i->ends_ms = i->run.ends_ms;
    secret_wipe(&i->secret);
    if (buf_put(&i->secret, buf_str(&i->run.secret))) {
        fetch_clear(&i->run);
        failed(i, "no memory");
        return;
    }
    plan_next(i);
    if (news)
        log_event(EV_credential_fetched, LOG_S("credential", i->conf->label),
                  LOG_Z("source", i->run.source->name),
                  LOG_I("next_ms", i->next_ms ? (int64_t)(i->next_ms -
                                                          clock_mono_ms())
                                              : 0));
    fetch_clear(&i->run);
    if (news)
        unpark(i);
    publish(i->all);
}

static void on_end(void *ud)
{
    struct item *i = ud;

    secret_wipe(&i->secret);
    i->ends_ms = 0;
    if (!*i->why)
        snprintf(i->why, sizeof i->why, "it ended, and another is on its way");
    log_event(EV_credential_ended, LOG_S("credential", i->conf->label),
              LOG_Z("why", i->why));
    park(i, i->next_ms);
    publish(i->all);
}

/* ---- the call ----------------------------------------------------------- */

static const char *on_ask(void *ud, struct errand_ask *ask)
{
    const struct item *i = ud;
    struct http_call_spec *spec = &ask->spec;

    spec->method = str_of(i->run.method);
    spec->url = buf_str(&i->run.url);
    spec->body = buf_str(&i->run.body);
    spec->connect_timeout_ms = i->run.near ? NEAR_MS : CONNECT_MS;
    for (size_t k = 0; k < i->run.n_fields; k++)
        ask->fields[spec->n_headers++] =
            (struct http_header){ str_of(i->run.fields[k].name),
                                  buf_str(&i->run.fields[k].value) };
    return NULL;
}

static void on_done(void *ud, const char *why, int status, struct str body)
{
    struct item *i = ud;

    if (!why)
        go_on(i, fetch_answer(&i->run, status, body));
    else if (status)
        failed(i, why);
    else
        go_on(i, fetch_no_answer(&i->run, why));
}

static const struct errand_ops errand_ops = { on_ask, NULL, on_done };

/* ---- the program -------------------------------------------------------- */

static void on_ran(void *ud, const char *why, int status, struct str output)
{
    struct item *i = ud;

    i->program = NULL;
    go_on(i, why ? fetch_no_answer(&i->run, why)
                 : fetch_answer(&i->run, status, output));
}

static void run_program(struct item *i)
{
    const struct program_spec spec = {
        .words = buf_str(&i->run.words),
        .settings = buf_str(&i->run.settings),
        .limit_ms = i->run.program_ms,
        .output_max = ANSWER_MAX, .on_done = on_ran, .ud = i };
    const char *why;

    i->program = program_start(&i->all->programs, &spec, &why);
    if (i->program)
        limit_in(i, FETCH_MS + i->run.program_ms);
    else
        failed(i, why);
}

static void go_on(struct item *i, enum fetch_next next)
{
    if (next == FETCH_CALL)
        errand_go(&i->errand);
    else if (next == FETCH_PROGRAM)
        run_program(i);
    else if (next == FETCH_GOT)
        got(i);
    else
        failed(i, i->run.why);
}

static void on_limit(void *ud)
{
    struct item *i = ud;
    char why[FETCH_WHY];

    snprintf(why, sizeof why, "%s: no answer in time",
             i->run.source && i->run.source->name ? i->run.source->name : "");
    failed(i, why);
}

static void begin(struct item *i)
{
    i->fetching = true;
    loop_timer_stop(&i->due);
    limit_in(i, FETCH_MS);
    go_on(i, fetch_begin(&i->run));
}

static void on_due(void *ud)
{
    begin(ud);
}

/* ---- for the keeper ----------------------------------------------------- */

void fetcher_ask(struct fetcher *s, struct str id)
{
    uint64_t now = clock_mono_ms();

    for (size_t k = 0; k < s->n; k++) {
        struct item *i = &s->list[k];

        if (!str_eq(i->conf->id, id) || i->fetching ||
            (i->asked_ms && now - i->asked_ms < ASK_MS))
            continue;
        i->asked_ms = now;
        begin(i);
    }
}

const char *fetcher_why(const struct fetcher *s, struct str label,
                        bool *holds)
{
    for (size_t k = 0; s && k < s->n; k++) {
        const struct item *i = &s->list[k];

        *holds = buf_len(&i->secret) != 0;
        if (str_eq(i->conf->label, label))
            return *i->why ? i->why : NULL;
    }
    return NULL;
}

/* What another keeper had, unless it has ended. */
static void restore(struct item *i, const struct snapshot *last)
{
    uint64_t now = i->all->env.world->wall_ms(i->all->env.world->ud);
    struct str text = last ? snapshot_section(last, i->conf->id) : STR_NULL;
    struct fetched_news n;

    if (!text.p || !fetched_read(text, &n) || !n.secret.n ||
        (n.ends_ms && n.ends_ms <= now) || buf_put(&i->secret, n.secret))
        return;
    i->ends_ms = n.ends_ms;
    snprintf(i->why, sizeof i->why, STR_FMT, STR_ARG(n.why));
    if (n.ends_ms)
        loop_timer_set(&i->end, n.ends_ms - now);
    now = clock_mono_ms();
    i->next_ms = n.next_ms;
    loop_timer_set(&i->due, n.next_ms > now ? n.next_ms - now : 0);
    mark_tried(i);
}

/* Without one the fetch says that it cannot be done. */
static void open_plugin(struct item *i, const struct conf_provider *p)
{
    const struct fetcher_env *env = &i->all->env;
    struct str url = p->n_base_urls ? p->base_urls[0] : STR("");
    struct err err = { 0 };
    const struct plugin *plugin =
        i->conf->kind == FETCH_EXCHANGE ? env->plugin(env->ud, p, &err)
                                        : NULL;

    if (plugin)
        i->run.plugin = plugin_open(plugin, p->name, url, p->settings, &err);
    if (err.code)
        log_event(EV_credential_fetch_failed,
                  LOG_S("credential", i->conf->label), LOG_Z("why", err.msg));
}

static void add(struct fetcher *s, const struct conf_provider *p,
                const struct conf_fetch *conf, const struct snapshot *last)
{
    struct item *i = &s->list[s->n++];

    i->all = s;
    i->conf = conf;
    fetch_init(&i->run, conf, s->env.world);
    open_plugin(i, p);
    buf_init(&i->secret, FETCH_SECRET_MAX);
    errand_init(&i->errand, &s->errands, &errand_ops, i, ANSWER_MAX);
    loop_timer_init(&i->due, s->env.loop, on_due, i);
    loop_timer_init(&i->limit, s->env.loop, on_limit, i);
    loop_timer_init(&i->end, s->env.loop, on_end, i);
    s->untried++;
    loop_timer_set(&i->due, 0);
    restore(i, last);
}

static void add_all(struct fetcher *s, const struct config *c,
                    const struct snapshot *last)
{
    for (size_t i = 0; i < c->n_providers; i++) {
        for (size_t k = 0; k < c->providers[i].n_keys; k++) {
            if (c->providers[i].keys[k].fetch)
                add(s, &c->providers[i], c->providers[i].keys[k].fetch, last);
        }
    }
}

struct fetcher *fetcher_new(const struct fetcher_env *env,
                            const struct snapshot *last, struct err *err)
{
    struct fetcher *s = calloc(1, sizeof *s);

    if (s)
        s->list = calloc(fetcher_count(env->config) + 1, sizeof *s->list);
    if (!s || !s->list) {
        free(s);
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    s->env = *env;
    s->generation = last ? snapshot_generation(last) : 0;
    s->programs = (struct programs){ .loop = env->loop };
    s->errands = (struct errands){ .addresses = env->addresses,
                                   .resolve = env->resolve, .ud = env->ud };
    loop_timer_init(&s->first, env->loop, on_first, s);
    if (errands_open(&s->errands, env->loop, CLIENT_IDLE, err) != 0) {
        fetcher_free(s);
        return NULL;
    }
    loop_timer_set(&s->first, FETCHER_FIRST_MS);
    add_all(s, env->config, last);
    return s;
}

void fetcher_free(struct fetcher *s)
{
    if (!s)
        return;
    for (size_t k = 0; k < s->n; k++) {
        struct item *i = &s->list[k];

        errand_stop(&i->errand);
        loop_timer_stop(&i->due);
        loop_timer_stop(&i->limit);
        loop_timer_stop(&i->end);
        fetch_clear(&i->run);
        plugin_close(i->run.plugin);
        secret_wipe(&i->secret);
    }
    loop_timer_stop(&s->first);
    programs_close(&s->programs);
    errands_close(&s->errands);
    free(s->list);
    free(s);
}
