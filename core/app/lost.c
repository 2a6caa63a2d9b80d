/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The access line of a request whose worker died: shorter than flow's, with
 * the same names. What is read here was written by a process that went wrong,
 * so every text is taken with its bound.
 */
#include "app/lost.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/format.h"

#include <stdio.h>

static struct str bounded(const char *p, size_t size)
{
    return (struct str){ p, strnlen(p, size) };
}

static void put_field(struct buf *b, bool json, const char *name,
                      struct str value)
{
    if (value.n == 0)
        return;
    if (json)
        buf_printf(b, "%s\"%s\":", buf_len(b) > 1 ? "," : "", name);
    else
        buf_printf(b, "%s%s=", buf_len(b) ? " " : "", name);
    buf_json_str(b, value);
}

static void put_line(struct buf *b, bool json, const struct request_cell *r)
{
    uint64_t start = atomic_load(&r->start_ns), now = clock_mono_ns();
    char time[40];

    format_time(time, sizeof time, clock_wall_ms());
    if (json)
        buf_putc(b, '{');
    put_field(b, json, "time", str_of(time));
    put_field(b, json, "event", STR("request"));
    put_field(b, json, "id", bounded(r->id, sizeof r->id));
    put_field(b, json, "principal", bounded(r->principal, sizeof r->principal));
    put_field(b, json, "endpoint", bounded(r->endpoint, sizeof r->endpoint));
    put_field(b, json, "target", bounded(r->target, sizeof r->target));
    put_field(b, json, "ended", STR("worker_lost"));
    put_field(b, json, "side", STR("gateway"));
    buf_puts(b, json ? ",\"ms\":" : " ms=");
    format_ms(b, now > start ? now - start : 0);
    if (json)
        buf_putc(b, '}');
}

/* What is known of the try that was under way. Where its row was written
 * before, that one stays. */
static void put_row(struct ledger_ring *ring, const struct request_cell *r)
{
    uint64_t start = atomic_load(&r->start_ns), now = clock_mono_ns();
    struct str model = bounded(r->target, sizeof r->target);
    struct ledger_row row = {
        .time_ms = (int64_t)clock_wall_ms(), .cost_nusd = -1,
        .usage = USAGE_NONE, .ttft_ms = -1,
        .ms = now > start ? (uint32_t)((now - start) / 1000000) : 0,
        .attempt = atomic_load(&r->attempt),
        .status = (int32_t)atomic_load(&r->status),
    };

    if (row.status) { /* it was through with its answer */
        row.usage = r->usage;
        row.cost_nusd = r->cost_nusd;
    }
    row.text[LEDGER_ID] = bounded(r->id, sizeof r->id);
    row.text[LEDGER_PRINCIPAL] = bounded(r->principal, sizeof r->principal);
    row.text[LEDGER_KEY] = bounded(r->key, sizeof r->key);
    row.text[LEDGER_TEAM] = bounded(r->team, sizeof r->team);
    row.text[LEDGER_USER] = bounded(r->user, sizeof r->user);
    row.text[LEDGER_MODEL] = bounded(r->model, sizeof r->model);
    row.text[LEDGER_ENDPOINT] = bounded(r->endpoint, sizeof r->endpoint);
    row.text[LEDGER_PROVIDER] = str_split(&model, '/');
    row.text[LEDGER_UPSTREAM] = model;
    row.text[LEDGER_ENDED] = STR("worker_lost");
    ledger_put(ring, &row);
}

void lost_request(void *ud, const struct request_cell *r)
{
    struct lost *lost = ud;
    struct buf b = BUF_INIT(4096);
    struct str labels[5] = {
        bounded(r->endpoint, sizeof r->endpoint), STR("none"), STR("other"),
        STR("lost"), STR("gateway"),
    };

    lost->n++;
    if (lost->suspect.n && str_eq(lost->suspect, bounded(r->id, sizeof r->id)))
        snprintf(lost->principal, sizeof lost->principal, STR_FMT,
                 STR_ARG(bounded(r->principal, sizeof r->principal)));
    put_row(lost->ring, r);
    put_line(&b, true, r);
    explain_put(bounded(r->id, sizeof r->id), buf_str(&b));
    if (!lost->json) {
        buf_reset(&b);
        put_line(&b, false, r);
    }
    log_line(buf_str(&b));
    buf_clear(&b);
    metric_add(METRIC_REQUESTS, labels, 1);
}
