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
#include "net/http_client.h"

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
    struct http_call *x;
    struct buf body;
    int status;
    bool fetching, tried;
    struct loop_timer due, limit, end;
};

struct fetcher {
    struct fetcher_env env;
    struct http_client *client;
    struct addresses_watch watch;
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

/* Where all workers see it; none of them can serve with it. */
static void park(struct item *i)
{
    struct health *h = i->all->env.health;
    struct health_cell *c = h ? health_find(h, i->conf->label, 0) : NULL;

    if (c && !buf_len(&i->secret))
        rest_hold(&c->rest, i->next_ms + GRACE_MS);
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
    if (i->x)
        http_call_cancel(i->x);
    i->x = NULL;
    i->fetching = false;
    loop_timer_stop(&i->limit);
    secret_wipe(&i->body);
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
    park(i);
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
    park(i);
    publish(i->all);
}

/* ---- the call ----------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    ((struct item *)ud)->status = a->status;
}

static void on_data(void *ud, struct str bytes)
{
    struct item *i = ud;

    if (buf_put(&i->body, bytes) != 0)
        failed(i, "the answer is too large");
}

static void on_done(void *ud, const struct http_call_result *r)
{
    struct item *i = ud;

    i->x = NULL;
    if (r->fail != HTTP_OK)
        go_on(i, fetch_no_answer(&i->run, r->text));
    else
        go_on(i, fetch_answer(&i->run, i->status, buf_str(&i->body)));
}

static const struct http_call_ops call_ops = { on_head, on_data, on_done };

static const char *start(struct item *i, struct err *err)
{
    struct http_header fields[FETCH_FIELDS + 2] = {
        { STR("accept"), STR("application/json") },
        { STR("user-agent"), STR("penstock/" PS_VERSION) } };
    struct str url = buf_str(&i->run.url);
    struct http_call_spec spec = {
        .method = str_of(i->run.method),
        .url = url,
        .headers = fields,
        .n_headers = 2,
        .body = buf_str(&i->run.body),
        .connect_timeout_ms = i->run.near ? NEAR_MS : CONNECT_MS,
    };
    const char *why = NULL;

    for (size_t k = 0; k < i->run.n_fields; k++)
        fields[spec.n_headers++] =
            (struct http_header){ str_of(i->run.fields[k].name),
                                  buf_str(&i->run.fields[k].value) };
    spec.addresses = addresses_find(i->all->env.addresses, url_host(url),
                                    &why);
    if (!spec.addresses)
        return why;
    secret_wipe(&i->body);
    i->x = http_client_start(i->all->client, &spec, &call_ops, i, err);
    return i->x ? NULL : err->msg;
}

/* Where the address is not known yet, on_addresses goes on. */
static void call(struct item *i)
{
    struct err err = { 0 };
    const char *why = start(i, &err);

    if (!why && !i->x &&
        i->all->env.resolve(i->all->env.ud,
                            url_host(buf_str(&i->run.url))) != 0)
        why = "too many host names";
    if (why)
        go_on(i, fetch_no_answer(&i->run, why));
}

static void go_on(struct item *i, enum fetch_next next)
{
    if (next == FETCH_CALL)
        call(i);
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
    loop_timer_set(&i->limit, FETCH_MS);
    go_on(i, fetch_begin(&i->run));
}

static void on_due(void *ud)
{
    begin(ud);
}

static void on_addresses(void *ud)
{
    struct fetcher *s = ud;

    for (size_t k = 0; k < s->n; k++) {
        if (s->list[k].fetching && !s->list[k].x)
            call(&s->list[k]);
    }
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
    buf_init(&i->body, ANSWER_MAX);
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
    s->client = http_client_new(env->loop, CLIENT_IDLE, err);
    if (!s->client) {
        fetcher_free(s);
        return NULL;
    }
    loop_timer_init(&s->first, env->loop, on_first, s);
    loop_timer_set(&s->first, FETCHER_FIRST_MS);
    add_all(s, env->config, last);
    s->watch = (struct addresses_watch){ .fn = on_addresses, .ud = s };
    addresses_watch(env->addresses, &s->watch);
    return s;
}

void fetcher_free(struct fetcher *s)
{
    if (!s)
        return;
    addresses_unwatch(&s->watch);
    for (size_t k = 0; k < s->n; k++) {
        struct item *i = &s->list[k];

        if (i->x)
            http_call_cancel(i->x);
        loop_timer_stop(&i->due);
        loop_timer_stop(&i->limit);
        loop_timer_stop(&i->end);
        fetch_clear(&i->run);
        plugin_close(i->run.plugin);
        secret_wipe(&i->secret);
        secret_wipe(&i->body);
    }
    if (s->client) {
        loop_timer_stop(&s->first);
        http_client_free(s->client);
    }
    free(s->list);
    free(s);
}
