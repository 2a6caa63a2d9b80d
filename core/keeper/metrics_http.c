/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Metrics over HTTP, on the same strict server as everything else. */
#include "keeper/metrics_http.h"

#include "net/http_server.h"

#include <stdlib.h>

#define TEXT_MAX (64u << 20)

struct metrics_http {
    struct http_server *server;
    const struct cells *cells;
};

static const struct http_header text_plain = { STR("content-type"),
                                               STR("text/plain; version=0.0.4; "
                                                   "charset=utf-8") };

static void reply_metrics(struct metrics_http *m, struct http_req *q)
{
    struct buf out = BUF_INIT(TEXT_MAX);

    if (cells_metrics_text(m->cells, &out) == 0)
        http_reply(q, 200, &text_plain, 1, buf_str(&out));
    else
        http_reply(q, 503, &text_plain, 1, STR("no memory\n"));
    buf_clear(&out);
}

static void on_head(void *ud, struct http_req *q)
{
    struct str path = http_req_path(q), method = http_req_method(q);

    if (!str_is(method, "GET") && !str_is(method, "HEAD"))
        http_reply(q, 405, &text_plain, 1, STR("only GET\n"));
    else if (str_is(path, "/metrics"))
        reply_metrics(ud, q);
    else if (str_is(path, "/healthz"))
        http_reply(q, 200, &text_plain, 1, STR("ok\n"));
    else
        http_reply(q, 404, &text_plain, 1, STR("there is /metrics\n"));
}

static void on_body(void *ud, struct http_req *q, int rc)
{
    (void)ud;
    (void)q;
    (void)rc;
}

static void on_drained(void *ud, struct http_req *q)
{
    (void)ud;
    (void)q;
}

static void on_end(void *ud, struct http_req *q, int rc)
{
    (void)ud;
    (void)q;
    (void)rc;
}

struct metrics_http *metrics_http_new(struct loop *l, const struct cells *c,
                                      int fd, struct err *err)
{
    static const struct http_handler handler = {
        .on_head = on_head,
        .on_body = on_body,
        .on_drained = on_drained,
        .on_end = on_end,
    };
    static const struct http_limits limits = {
        .head_bytes = 8192,
        .max_fields = 64,
        .max_connections = 64,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .idle_timeout_ms = 120000,
        .write_stall_ms = 30000,
        .high_water = 1u << 20,
        .low_water = 1u << 18,
    };
    struct metrics_http *m = calloc(1, sizeof *m);

    if (m) {
        m->cells = c;
        m->server = http_server_new(l, &limits, &handler, m);
    }
    if (m && m->server && http_server_listen(m->server, fd, NULL, NULL))
        return m;
    metrics_http_free(m);
    err_set(err, ERR_NOMEM, "no memory");
    return NULL;
}

void metrics_http_free(struct metrics_http *m)
{
    if (!m)
        return;
    if (m->server)
        http_server_free(m->server);
    free(m);
}
