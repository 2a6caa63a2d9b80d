/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/auth_limit.h"

#include "engine/limit_claim.h"
#include "engine/metrics.h"

/* The row of the caller's address; false where nothing is to be counted. */
static bool row_of(const struct request *r, char text[64],
                   struct limit_row *row)
{
    const struct conf_server *s = &r->gen->config->server;

    if (!r->credential.p || !r->flow->env.limiter || !s->auth_failures ||
        r->client.ss_family == AF_UNIX)
        return false;
    *row = (struct limit_row){ .kind = LIMIT_REQUESTS,
                               .open = true,
                               .scope = STR("auth_failures"),
                               .name = limit_address(r->client_ip, text),
                               .limit = s->auth_failures,
                               .period_ms = s->auth_failures_ms,
                               .burst = s->auth_failures };
    return true;
}

/* After so long without any wrong credential no address has too many. */
static bool is_quiet(const struct request *r, uint64_t now_ms)
{
    const struct limiter *l = r->flow->env.limiter;
    uint64_t last = l ? limit_marked(l) : 0;

    return !last ||
           now_ms > last + r->gen->config->server.auth_failures_ms;
}

bool auth_limit_admits(struct request *r)
{
    const struct str labels[] = { STR("auth_failures"), STR("ip") };
    struct limit_state state;
    struct limit_row row;
    uint64_t now = clock_mono_ms();
    char text[64];

    if (is_quiet(r, now) || !row_of(r, text, &row) ||
        limit_peek(r->flow->env.limiter, &row, 1, now, &state, NULL) !=
            -ERR_RATE_LIMITED)
        return true;
    metric_add(METRIC_LIMIT_DENIED, labels, 1);
    r->retry_after_ms = state.retry_ms ? state.retry_ms : 1;
    err_set(&r->err, ERR_RATE_LIMITED,
            "Too many wrong API keys came from your address; wait before you "
            "send another.");
    return false;
}

void auth_limit_failed(struct request *r)
{
    struct limit_state state;
    limit_hold hold = 0;
    struct limit_row row;
    uint64_t now = clock_mono_ms();
    char text[64];

    if (!row_of(r, text, &row))
        return;
    limit_mark(r->flow->env.limiter, now);
    if (limit_take(r->flow->env.limiter, &row, 1, now, &state, &hold) == 0)
        limit_settle(r->flow->env.limiter, hold, 1, now);
}
