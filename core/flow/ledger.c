/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A try's row in the ledger, once it is over: what was asked, who answered,
 * the usage as it was reported, and what that costs. A try that no provider
 * answered and that nobody bills has no row.
 */
#include "flow/policies.h"

#include "engine/fault.h"
#include "flow/format.h"

enum { TAGS_MAX = 512, BYTES_PER_TOKEN = 4 };

static int64_t cost_of(const struct request *r, const struct target *t)
{
    return price_cost(price_find(r->gen->prices, t->provider->conf->name,
                                 t->model),
                      &r->usage);
}

/* The client left within an answer: the provider bills what it made, and has
 * not said how much. An event of a stream is about a token. */
static bool estimate(const struct request *r, struct usage *u)
{
    int64_t events = (int64_t)r->answer.events;

    if (!r->cancelled || r->answer.finish_seen || !r->answer.content_sent)
        return false;
    if (u->input < 0)
        u->input = (int64_t)(r->body_bytes + BYTES_PER_TOKEN - 1) /
                   BYTES_PER_TOKEN;
    if (u->output < events)
        u->output = events;
    return true;
}

static void put_tags(struct buf *b, const struct conf_pair *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = b->n;
        int rc = buf_putc(b, before > 1 ? ',' : ' ');

        if (before <= 1)
            b->n = before;
        rc = rc ? rc : buf_json_str(b, list[i].key);
        rc = rc ? rc : buf_putc(b, ':');
        rc = rc ? rc : buf_json_str(b, list[i].value);
        if (rc || b->n + 1 > TAGS_MAX) /* left out whole */
            b->n = before;
    }
}

/* The principal's, then the request's own, as one JSON object. */
static struct str tags_of(struct request *r)
{
    const struct principal *p = r->principal;
    struct buf *b = &r->flow->line;
    const struct conf_pair *own = NULL;
    size_t n = hints_tags(r, &own);

    if (n == 0 && (!p || p->n_tags == 0))
        return STR_NULL;
    buf_reset(b);
    buf_putc(b, '{');
    if (p)
        put_tags(b, p->tags, p->n_tags);
    put_tags(b, own, n);
    buf_putc(b, '}');
    return buf_str(b);
}

static uint32_t ms_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (uint32_t)((to_ns - from_ns) / 1000000) : 0;
}

static void fill(struct request *r, const struct attempt_record *t,
                 const char *ended, struct ledger_row *row)
{
    const struct principal *p = r->principal;
    struct str *text = row->text;

    row->time_ms = (int64_t)clock_wall_ms();
    row->ttft_ms = -1;
    if (t->first_ns)
        row->ttft_ms = ms_between(t->begin_ns, t->first_ns);
    row->ms = ms_between(t->begin_ns,
                         t->end_ns ? t->end_ns : clock_mono_ns());
    row->attempt = (uint32_t)(t - r->records) + 1;
    row->status = t->status;
    row->stream = r->facts.stream;
    text[LEDGER_ID] = str_of(r->id);
    if (p) {
        text[LEDGER_PRINCIPAL] = p->id;
        text[LEDGER_KEY] = p->key;
        text[LEDGER_TEAM] = p->team;
        text[LEDGER_USER] = p->user;
    }
    text[LEDGER_MODEL] = r->asked.n ? r->asked : r->facts.model;
    text[LEDGER_PROVIDER] = t->at->provider->conf->name;
    text[LEDGER_UPSTREAM] = t->at->model;
    text[LEDGER_CREDENTIAL] = t->credential;
    text[LEDGER_ENDPOINT] = str_of(r->endpoint->name);
    if (t->cls)
        text[LEDGER_CLASS] = str_of(fault_class_name(t->cls));
    text[LEDGER_ENDED] = str_of(ended);
    text[LEDGER_PRICE] = str_of(price_version(r->gen->prices));
}

static void count_cost(const struct request *r, const struct target *t,
                       int64_t nusd)
{
    struct str labels[2] = { t->provider->conf->name,
                             t->group ? t->group->name : STR("other") };

    if (nusd > 0)
        metric_add(METRIC_COST, labels, (uint64_t)nusd);
    else if (nusd < 0 && usage_reported(&r->usage))
        metric_add(METRIC_COST_UNKNOWN, labels, 1);
}

void ledger_try_over(struct request *r, const char *ended)
{
    struct attempt_record *t;
    struct ledger_row row = { .cost_nusd = -1 };

    if (r->n_attempts == 0)
        return;
    t = &r->records[r->n_attempts - 1];
    if (t->kept || !t->at || !r->endpoint)
        return;
    t->kept = true;
    row.estimated = estimate(r, &r->usage);
    if (t->status == 0 && !usage_reported(&r->usage))
        return;
    row.usage = r->usage;
    row.cost_nusd = cost_of(r, t->at);
    r->cost_nusd += row.cost_nusd > 0 ? row.cost_nusd : 0;
    r->cost_known |= row.cost_nusd >= 0;
    r->cost_unknown |= row.cost_nusd < 0 && usage_reported(&r->usage);
    count_cost(r, t->at, row.cost_nusd);
    if (!r->flow->env.ledger)
        return;
    row.text[LEDGER_TAGS] = tags_of(r);
    fill(r, t, ended, &row);
    if (!ledger_put(r->flow->env.ledger, &row)) {
        struct str lost = STR("lost");

        metric_add(METRIC_LEDGER_ROWS, &lost, 1);
    }
}

void ledger_ending(struct request *r)
{
    const struct attempt_record *t;

    if (!r->cell || r->n_attempts == 0)
        return;
    t = &r->records[r->n_attempts - 1];
    cells_request_used(r->cell, t->status, &r->usage, cost_of(r, t->at));
}

int64_t ledger_cost(const struct request *r)
{
    return r->cost_known && !r->cost_unknown ? r->cost_nusd : -1;
}

int64_t ledger_cost_now(const struct request *r)
{
    const struct target *t =
        r->n_attempts ? r->records[r->n_attempts - 1].at : NULL;
    int64_t now = t && !r->cost_unknown ? cost_of(r, t) : -1;

    return now < 0 ? -1 : r->cost_nusd + now;
}

void ledger_put_usd(struct buf *b, int64_t nusd)
{
    buf_printf(b, "%lld.%09lld", (long long)(nusd / 1000000000),
               (long long)(nusd % 1000000000));
}
