/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One issuer at a time is simple: wait for an address, call, read (or read a
 * file), wait for the next time. A timer limits each fetch from its begin to
 * its end, another begins it.
 */
#include "keeper/issuers.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/jws.h"
#include "engine/jwt_keys.h"
#include "keeper/errand.h"
#include "keeper/issuers_file.h"
#include "keeper/issuers_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FETCH_MS = 5000, FIRST_RETRY_MS = 1000, CLIENT_IDLE = 8 };

struct issuer {
    struct issuers *all;
    const struct conf_jwt *conf;
    struct buf set;         /* the newest good one */
    char why[160];          /* the last fetch failed; "" = it did not */
    uint64_t fetched_ms;    /* when it ended; 0 = never */
    uint64_t max_age_ms;    /* as the answer says; UINT64_MAX = it does not */
    uint32_t failures;      /* in a row */
    struct buf uri;         /* of the set, as discovered; empty: not yet */
    struct buf url;         /* that is asked now */
    struct errand errand;
    struct buf body;        /* of a file */
    bool fetching, discovering;
    struct loop_timer due, limit;
};

struct issuers {
    struct issuers_env env;
    struct errands errands;
    uint64_t generation;
    struct issuer *list;
    size_t n;
};

static void begin(struct issuer *i);

/* ---- what came of it --------------------------------------------------- */

static int add(struct snapshot_builder *b, const struct issuer *i,
               struct err *err)
{
    struct buf text = BUF_INIT(JWKS_BYTES_MAX + 512);
    char name[JWT_SOURCE_NAME];
    int rc = buf_printf(&text, "%llu %s\n", (unsigned long long)i->fetched_ms,
                        i->why);

    jwt_source_name(i->conf, name);
    if (!rc)
        rc = buf_put(&text, buf_str(&i->set));
    if (rc)
        err_set(err, ERR_NOMEM, "no memory");
    else
        rc = snapshot_builder_add(b, str_of(name), buf_str(&text), err);
    buf_clear(&text);
    return rc;
}

static void publish(struct issuers *s)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("jwks", ++s->generation,
                                                      &err);
    int fd = b ? 0 : -1;

    for (size_t k = 0; k < s->n && fd == 0; k++) {
        if (s->list[k].fetched_ms)
            fd = add(b, &s->list[k], &err);
    }
    if (fd == 0)
        fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    if (fd < 0) {
        log_event(EV_jwt_keys_failed, LOG_Z("why", err.msg));
        return;
    }
    s->env.publish(s->env.ud, fd);
    close(fd);
}

/* Sooner where the issuer says so, or nothing was had. */
static uint64_t next_ms(const struct issuer *i)
{
    const struct conf_jwt *c = i->conf;
    uint64_t ms = c->refresh_ms;

    if (i->failures) {
        uint32_t shift = i->failures < 16 ? i->failures - 1 : 15;

        ms = (uint64_t)FIRST_RETRY_MS << shift;
        return ms < c->refetch_ms ? ms : c->refetch_ms;
    }
    if (i->max_age_ms < ms)
        ms = i->max_age_ms;
    return ms < c->refetch_ms ? c->refetch_ms : ms;
}

static void end(struct issuer *i, const char *why)
{
    errand_stop(&i->errand);
    i->fetching = false;
    loop_timer_stop(&i->limit);
    buf_reset(&i->body);
    i->fetched_ms = clock_mono_ms();
    snprintf(i->why, sizeof i->why, "%s", why);
    for (char *p = i->why; *p; p++)
        *p = (unsigned char)*p < ' ' ? ' ' : *p; /* it is one line */
    if (*why) {
        if (i->failures++ == 0)
            log_event(EV_jwt_keys_failed, LOG_S("jwt", i->conf->name),
                      LOG_Z("why", i->why));
        buf_reset(&i->uri); /* it may have moved */
    } else {
        i->failures = 0;
    }
    loop_timer_set(&i->due, next_ms(i));
    publish(i->all);
}

static void take_set(struct issuer *i, struct str body)
{
    struct err err = { 0 };
    struct jwks *set = jwks_parse(body, &err);
    bool same = str_eq(body, buf_str(&i->set));

    if (set && !same) {
        buf_reset(&i->set);
        if (buf_put(&i->set, body))
            err_set(&err, ERR_NOMEM, "no memory");
        else
            log_event(EV_jwt_keys, LOG_S("jwt", i->conf->name),
                      LOG_I("keys", (int64_t)jwks_count(set)));
    }
    jwks_free(set);
    end(i, err.msg);
}

static void take_discovery(struct issuer *i, struct str body)
{
    char why[128];

    if (issuers_url_found(i->conf, body, &i->uri, why, sizeof why))
        begin(i);
    else
        end(i, why);
}

/* ---- the call ---------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    struct issuer *i = ud;

    i->max_age_ms = UINT64_MAX;
    for (size_t k = 0; k < a->n_headers; k++) {
        if (str_ieq(a->headers[k].name, STR("cache-control")))
            i->max_age_ms = issuers_max_age_ms(a->headers[k].value);
    }
}

static void on_done(void *ud, const char *why, int status, struct str body)
{
    struct issuer *i = ud;
    char text[64];

    if (why) {
        end(i, why);
    } else if (status != 200) {
        snprintf(text, sizeof text, "the answer is %d", status);
        end(i, text);
    } else if (i->discovering) {
        i->discovering = false;
        take_discovery(i, body);
    } else {
        take_set(i, body);
    }
}

static void on_limit(void *ud)
{
    end(ud, "timeout");
}

static void read_file(struct issuer *i)
{
    const char *why = issuers_file(i->conf->jwks_file.p, &i->body);

    if (why)
        end(i, why);
    else
        take_set(i, buf_str(&i->body));
}

static const char *on_ask(void *ud, struct errand_ask *ask)
{
    struct issuer *i = ud;
    const struct conf_jwt *c = i->conf;

    buf_reset(&i->url);
    if (issuers_url(c, buf_str(&i->uri), &i->url, &i->discovering) != 0)
        return "no memory";
    ask->spec.method = STR("GET");
    ask->spec.url = buf_str(&i->url);
    ask->spec.connect_timeout_ms = FETCH_MS;
    ask->spec.ca_file = c->ca_file.n ? c->ca_file.p : NULL;
    return NULL;
}

static const struct errand_ops errand_ops = { on_ask, on_head, on_done };

static void begin(struct issuer *i)
{
    if (!i->fetching)
        loop_timer_set(&i->limit, FETCH_MS);
    i->fetching = true;
    loop_timer_stop(&i->due);
    if (i->conf->jwks_file.n)
        read_file(i);
    else
        errand_go(&i->errand);
}

static void on_due(void *ud)
{
    begin(ud);
}

/* ---- for the keeper ---------------------------------------------------- */

void issuers_ask(struct issuers *s, struct str name)
{
    for (size_t k = 0; k < s->n; k++) {
        struct issuer *i = &s->list[k];

        if (!str_eq(i->conf->name, name) || i->fetching)
            continue;
        if (!i->fetched_ms ||
            clock_mono_ms() - i->fetched_ms >= i->conf->refetch_ms)
            begin(i);
    }
}

struct str issuers_host(const struct conf_jwt *c)
{
    if (c->jwks_file.n || secret_reveal(&c->jwks).n)
        return STR_NULL;
    return url_host(c->jwks_url.n ? c->jwks_url : c->issuer);
}

static void add_issuer(struct issuers *s, const struct conf_jwt *c,
                       const struct snapshot *last)
{
    struct issuer *i = &s->list[s->n++];
    char name[JWT_SOURCE_NAME];
    struct str why, set;
    uint64_t at;

    jwt_source_name(c, name);
    i->all = s;
    i->conf = c;
    i->max_age_ms = UINT64_MAX;
    buf_init(&i->set, JWKS_BYTES_MAX);
    buf_init(&i->body, JWKS_BYTES_MAX);
    buf_init(&i->uri, ISSUERS_URL_MAX);
    buf_init(&i->url, ISSUERS_URL_MAX);
    errand_init(&i->errand, &s->errands, &errand_ops, i, JWKS_BYTES_MAX);
    loop_timer_init(&i->due, s->env.loop, on_due, i);
    loop_timer_init(&i->limit, s->env.loop, on_limit, i);
    if (last && jwt_section(snapshot_section(last, str_of(name)), &at, &why,
                            &set))
        buf_put(&i->set, set); /* without memory: fetched anew */
    loop_timer_set(&i->due, 0);
}

struct issuers *issuers_new(const struct issuers_env *env,
                            const struct snapshot *last, struct err *err)
{
    struct issuers *s = calloc(1, sizeof *s);

    if (s)
        s->list = calloc(env->config->n_jwts + 1, sizeof *s->list);
    if (!s || !s->list) {
        free(s);
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    s->env = *env;
    s->generation = last ? snapshot_generation(last) : 0;
    s->errands = (struct errands){ .addresses = env->addresses,
                                   .resolve = env->resolve, .ud = env->ud };
    if (errands_open(&s->errands, env->loop, CLIENT_IDLE, err) != 0) {
        issuers_free(s);
        return NULL;
    }
    for (size_t k = 0; k < env->config->n_jwts; k++) {
        if (secret_reveal(&env->config->jwts[k].jwks).n == 0)
            add_issuer(s, &env->config->jwts[k], last);
    }
    return s;
}

void issuers_free(struct issuers *s)
{
    if (!s)
        return;
    for (size_t k = 0; k < s->n; k++) {
        struct issuer *i = &s->list[k];

        errand_stop(&i->errand);
        loop_timer_stop(&i->due);
        loop_timer_stop(&i->limit);
        buf_clear(&i->set);
        buf_clear(&i->body);
        buf_clear(&i->uri);
        buf_clear(&i->url);
    }
    errands_close(&s->errands);
    free(s->list);
    free(s);
}
