/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/alert_post.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define BODY_MAX (256u << 10)

/* ---- what came of it ---------------------------------------------------- */

static uint32_t dice(void)
{
    uint32_t v = 0;

    if (getrandom(&v, sizeof v, GRND_NONBLOCK) != sizeof v)
        v = (uint32_t)clock_mono_ns();
    return v;
}

static void count(const struct alert_post *p, struct str result)
{
    const struct str labels[2] = { p->conf->name, result };

    metric_add(METRIC_ALERT_POSTS, labels, 1);
}

static void over(struct alert_post *p)
{
    p->x = NULL;
    loop_timer_stop(&p->limit);
    buf_reset(&p->body);
}

/* In words of our own: curl's may hold what is in the URL. */
static void failed(struct alert_post *p, const char *why)
{
    over(p);
    count(p, STR("failed"));
    if (p->failures++ == 0)
        log_event(EV_alert_failed, LOG_S("receiver", p->conf->name),
                  LOG_Z("why", why));
    p->next_ms = clock_mono_ms() + alert_wait_ms(p->failures, dice());
}

static void delivered(struct alert_post *p)
{
    struct alert_board *b = cells_alerts(p->env->cells);

    over(p);
    count(p, STR("ok"));
    for (size_t i = 0; i < p->n_notes; i++)
        alert_told(b, p->wish, &p->notes[i]);
    if (p->failures)
        log_event(EV_alert_delivered, LOG_S("receiver", p->conf->name),
                  LOG_I("failures", p->failures));
    p->failures = 0;
    p->next_ms = 0;
}

static const char *fail_text(enum http_fail f)
{
    static const char *const texts[] = {
        [HTTP_FAIL_ADDRESS] = "its name is not resolved",
        [HTTP_FAIL_CONNECT] = "no connection",
        [HTTP_FAIL_CONNECT_TIMEOUT] = "no connection in time",
        [HTTP_FAIL_TLS] = "TLS failed",
        [HTTP_FAIL_RESET] = "the connection ended before an answer",
        [HTTP_FAIL_CUT] = "the answer was cut",
        [HTTP_FAIL_PROTOCOL] = "the answer is not HTTP",
        [HTTP_FAIL_INTERNAL] = "the call failed",
    };

    return f < sizeof texts / sizeof *texts && texts[f] ? texts[f] : "failed";
}

/* ---- the call ----------------------------------------------------------- */

static void on_head(void *ud, const struct http_answer *a)
{
    struct alert_post *p = ud;

    p->status = a->status;
}

static void on_data(void *ud, struct str bytes)
{
    (void)ud; /* what a receiver says beside its status is its own */
    (void)bytes;
}

static void on_done(void *ud, const struct http_call_result *r)
{
    struct alert_post *p = ud;
    char why[64];

    p->x = NULL;
    if (r->fail != HTTP_OK) {
        failed(p, fail_text(r->fail));
    } else if (p->status < 200 || p->status > 299) {
        snprintf(why, sizeof why, "the answer is %d", p->status);
        failed(p, why);
    } else {
        delivered(p);
    }
}

static void on_limit(void *ud)
{
    struct alert_post *p = ud;

    if (p->x)
        http_call_cancel(p->x);
    failed(p, "no answer in time");
}

/* One line each, for receivers that show a text. */
static json_t *text_of(const struct alert_post *p)
{
    struct buf b = BUF_INIT(BODY_MAX / 4);
    json_t *v;

    for (size_t i = 0; i < p->n_notes; i++) {
        const struct alert_note *n = &p->notes[i];

        buf_printf(&b, "%s%s %s (%s): %s: %s", i ? "\n" : "",
                   alert_rows[n->kind].name, n->cleared ? "cleared" : "raised",
                   alert_severity_name(n->severity), n->where, n->what);
    }
    v = json_stringn(buf_str(&b).p, buf_len(&b));
    buf_clear(&b);
    return v ? v : json_string("alerts of penstock");
}

static int build(struct alert_post *p, uint64_t now_ms)
{
    uint64_t wall = clock_wall_ms();
    json_t *list = json_array(), *o;
    char host[256] = "", *text;
    int rc;

    gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < p->n_notes; i++)
        json_array_append_new(list, alert_json(&p->notes[i], now_ms, wall));
    o = json_pack("{s:s, s:s, s:s, s:o, s:o}", "source", "penstock",
                  "version", PS_VERSION, "host", host, "text", text_of(p),
                  "alerts", list);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    rc = text ? buf_put(&p->body, str_of(text)) : -ERR_NOMEM;
    free(text);
    json_decref(o);
    return rc;
}

static void post(struct alert_post *p, uint64_t now_ms)
{
    static const struct http_call_ops ops = { on_head, on_data, on_done };
    static const struct http_header fields[] = {
        { STR("content-type"), STR("application/json") },
        { STR("user-agent"), STR("penstock/" PS_VERSION) } };
    struct str url = secret_reveal(&p->conf->webhook);
    struct http_call_spec spec = {
        .method = STR("POST"), .url = url, .headers = fields, .n_headers = 2,
        .connect_timeout_ms = ALERT_POST_MS,
        .ca_file = p->conf->ca_file.n ? p->conf->ca_file.p : NULL,
    };
    struct err err = { 0 };
    const char *why = NULL;

    spec.addresses = addresses_find(p->env->addresses, url_host(url), &why);
    if (!spec.addresses && why)
        failed(p, "its name is not resolved");
    if (!spec.addresses)
        return; /* or not yet: with the next step */
    if (build(p, now_ms) == 0) {
        spec.body = buf_str(&p->body);
        p->status = 0;
        p->x = http_client_start(p->client, &spec, &ops, p, &err);
    }
    if (p->x)
        loop_timer_set(&p->limit, ALERT_POST_MS);
    else
        failed(p, "the call cannot be made");
}

void alert_post_step(struct alert_post *p, uint64_t now_ms)
{
    if (p->x || now_ms < p->next_ms)
        return;
    p->n_notes = alert_owed(cells_alerts(p->env->cells), p->wish, now_ms,
                            p->notes, ALERT_BATCH);
    if (p->n_notes)
        post(p, now_ms);
}

void alert_post_init(struct alert_post *p, const struct alerts_env *env,
                     struct http_client *client,
                     const struct conf_alert *conf,
                     const struct alert_wish *wish)
{
    *p = (struct alert_post){ .env = env, .client = client, .conf = conf,
                              .wish = wish };
    buf_init(&p->body, BODY_MAX);
    loop_timer_init(&p->limit, env->loop, on_limit, p);
}

void alert_post_clear(struct alert_post *p)
{
    if (p->x)
        http_call_cancel(p->x);
    loop_timer_stop(&p->limit);
    buf_clear(&p->body);
}
