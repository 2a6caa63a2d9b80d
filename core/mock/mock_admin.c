/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What tests ask of the mock itself, below /__mock/: set the faults, read
 * what was counted, see the last request as it came.
 */
#include "mock/mock_impl.h"

static const char *const op_names[MOCK_OPS] = {
    [MOCK_NOTHING] = "other",           [MOCK_CHAT] = "chat",
    [MOCK_TEXT] = "completions",        [MOCK_EMBEDDINGS] = "embeddings",
    [MOCK_MODELS] = "models",           [MOCK_MESSAGES] = "messages",
    [MOCK_COUNT] = "count_tokens",      [MOCK_GENERATE] = "generate",
    [MOCK_RESPONSES] = "responses",
};

void mock_note_last(struct mock *m, const struct http_req *q)
{
    size_t n;
    const struct http_header *h = http_req_headers(q, &n);
    struct buf *b = &m->last_head;
    int rc;

    buf_reset(b);
    buf_reset(&m->last_body);
    rc = buf_put(b, http_req_method(q));
    rc = rc ? rc : buf_putc(b, ' ');
    rc = rc ? rc : buf_put(b, http_req_path(q));
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = buf_putc(b, '\n');
        rc = rc ? rc : buf_put(b, h[i].name);
        rc = rc ? rc : buf_putc(b, ':');
        rc = rc ? rc : buf_put(b, h[i].value);
    }
    if (rc == 0)
        buf_put(&m->last_body, http_req_body(q)); /* or too long: none */
}

static int put_last(struct mock *m, struct buf *out)
{
    struct str rest = buf_str(&m->last_head);
    struct str line = str_split(&rest, '\n');
    struct str method = str_split(&line, ' ');
    int rc = buf_puts(out, "{\"method\":");
    const char *sep = "";

    rc = rc ? rc : buf_json_str(out, method);
    rc = rc ? rc : buf_puts(out, ",\"path\":");
    rc = rc ? rc : buf_json_str(out, line);
    rc = rc ? rc : buf_puts(out, ",\"headers\":[");
    while (rest.p && rc == 0) {
        struct str name, value = str_split(&rest, '\n');

        name = str_split(&value, ':');
        rc = buf_printf(out, "%s[", sep);
        rc = rc ? rc : buf_json_str(out, name);
        rc = rc ? rc : buf_putc(out, ',');
        rc = rc ? rc : buf_json_str(out, value);
        rc = rc ? rc : buf_putc(out, ']');
        sep = ",";
    }
    rc = rc ? rc : buf_puts(out, "],\"body\":");
    rc = rc ? rc : buf_json_str(out, buf_str(&m->last_body));
    return rc ? rc : buf_puts(out, "}\n");
}

static int put_stats(struct mock *m, struct buf *out)
{
    const struct mock_stats *s = &m->stats;
    int rc = buf_printf(out, "{\"requests\":%llu,\"by_endpoint\":{",
                        (unsigned long long)s->requests);

    for (int i = 0; i < MOCK_OPS && rc == 0; i++)
        rc = buf_printf(out, "%s\"%s\":%llu", i ? "," : "", op_names[i],
                        (unsigned long long)s->by_op[i]);
    if (rc)
        return rc;
    return buf_printf(out,
                      "},\"in_flight\":%zu,\"connections\":%zu,"
                      "\"closed_by_peer\":%llu,\"faults\":%llu}\n",
                      m->n_live - 1, http_server_connections(m->http) - 1,
                      (unsigned long long)s->closed_by_peer,
                      (unsigned long long)s->faults);
}

static void answer(struct mock_req *r, int (*put)(struct mock *, struct buf *))
{
    static const struct http_header h = { STR("content-type"),
                                          STR("application/json") };
    struct buf b = BUF_INIT(16 << 20);

    if (put && put(r->m, &b))
        mock_refuse(r, 500, NULL, NULL);
    else
        http_reply(r->q, 200, &h, 1, put ? buf_str(&b) : STR("{}\n"));
    r->over = true;
    buf_clear(&b);
}

static void set_faults(struct mock_req *r)
{
    struct err err = { 0 };

    if (mock_set_faults(r->m, http_req_body(r->q), &err))
        mock_refuse(r, 400, "faults",
                    arena_fmt(r->a, "%s%s%s", err.at, err.at[0] ? ": " : "",
                              err.msg)
                        .p);
    else
        answer(r, NULL);
}

static void get_stats(struct mock_req *r)
{
    answer(r, put_stats);
}

static void get_last(struct mock_req *r)
{
    answer(r, put_last);
}

static void no_faults(struct mock_req *r)
{
    mock_set_faults(r->m, STR("[]"), NULL);
    answer(r, NULL);
}

static void no_stats(struct mock_req *r)
{
    r->m->stats = (struct mock_stats){ .requests = 0 };
    answer(r, NULL);
}

bool mock_admin(struct mock_req *r)
{
    static const struct {
        const char *method, *path;
        void (*answer)(struct mock_req *r);
    } doors[] = {
        { "PUT", "/__mock/faults", set_faults },
        { "DELETE", "/__mock/faults", no_faults },
        { "GET", "/__mock/stats", get_stats },
        { "DELETE", "/__mock/stats", no_stats },
        { "GET", "/__mock/last", get_last },
    };
    struct str path = http_req_path(r->q), method = http_req_method(r->q);

    if (!str_starts(path, STR("/__mock/")))
        return false;
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        if (!str_is(path, doors[i].path) || !str_is(method, doors[i].method))
            continue;
        doors[i].answer(r);
        return true;
    }
    mock_refuse(r, 404, NULL, NULL);
    return true;
}
