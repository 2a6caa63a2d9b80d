/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What of a request that is over is counted: metrics, and what a generation
 * on trial is judged by. */
#include "flow/request.h"

#include "engine/fault.h"

static const char *side_of(const struct request *r)
{
    return r->answer.status >= 400 || r->cancelled ? r->side : "none";
}

static void count_tokens(const struct request *r, struct str provider,
                         struct str model)
{
    const struct usage *u = &r->usage;
    const struct {
        const char *kind;
        int64_t n;
    } kinds[] = {
        { "input", u->input },         { "cache_read", u->cache_read },
        { "cache_write", u->cache_write }, { "output", u->output },
        { "reasoning", u->reasoning },
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct str labels[3] = { provider, model, str_of(kinds[i].kind) };

        if (kinds[i].n > 0)
            metric_add(METRIC_TOKENS, labels, (uint64_t)kinds[i].n);
    }
    if (u->searches)
        metric_add(METRIC_SEARCHES, (struct str[]){ provider, model },
                   u->searches);
}

/* What is refused before it has a plan counts for its model, too. */
static struct str metric_model(const struct request *r)
{
    struct str name = STR_NULL;

    if (r->plan.n && r->plan.list[0].target->group)
        name = r->plan.list[0].target->group->name;
    else if (!r->plan.n && r->facts.model.n)
        name = engine_model_block(r->gen->engine, r->facts.model);
    return name.n ? name : STR("other");
}

static struct str status_text(char to[3], int status)
{
    if (status < 100 || status > 999)
        return STR("0");
    to[0] = (char)('0' + status / 100);
    to[1] = (char)('0' + status / 10 % 10);
    to[2] = (char)('0' + status % 10);
    return (struct str){ to, 3 };
}

static void judge_served(const struct request *r, struct process_cell *p,
                         bool denied)
{
    uint32_t broken = 0;

    for (uint32_t i = 0; i < r->n_attempts; i++)
        broken += r->records[i].cls &&
                  !fault_info(r->records[i].cls)->callers;
    cells_judge(p, denied, r->err.code == ERR_POLICY_FAILED);
    cells_judge_tries(p, r->n_attempts, broken);
}

/** For who watches a new generation: what of ours came of it. */
static void judge(const struct request *r)
{
    struct process_cell *p = r->flow->env.process;
    int status = r->answer.status;
    bool denied = (status == 401 || status == 403 || status == 429) &&
                  strcmp(side_of(r), "provider") != 0;

    if (p && r->gen->number == atomic_load_explicit(&p->generation,
                                                    memory_order_relaxed))
        judge_served(r, p, denied);
}

void account_count(const struct request *r, uint64_t now_ns)
{
    char status[3];
    struct str model = metric_model(r);
    struct str endpoint = str_of(r->endpoint ? r->endpoint->name : "none");
    struct str labels[5] = {
        endpoint,
        str_of(dialect_name(r->endpoint ? r->endpoint->dialect
                                        : DIALECT_NONE)),
        model, status_text(status, r->answer.status), str_of(side_of(r))
    };

    judge(r);
    metric_add(METRIC_REQUESTS, labels, 1);
    metric_observe(METRIC_OVERHEAD, NULL, r->busy_ns / 1000);
    metric_observe(METRIC_DURATION, &endpoint,
                   (now_ns - r->begun_ns) / 1000);
    if (r->n_attempts) {
        const struct attempt_record *t = &r->records[r->n_attempts - 1];
        struct str name = t->target;
        struct str pair[2] = { str_split(&name, '/'), model };

        if (t->first_ns)
            metric_observe(METRIC_TTFT, pair,
                           (t->first_ns - t->begin_ns) / 1000);
        count_tokens(r, pair[0], model);
    }
}
