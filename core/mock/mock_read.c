/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What reading a request has in common, whatever its dialect. */
#include "mock/mock_read.h"

uint32_t mock_at(const struct mock_req *r, const char *pointer)
{
    return json_at(&r->m->doc, str_of(pointer));
}

uint8_t mock_type(const struct mock_req *r, uint32_t node)
{
    return node == JSON_NONE ? 0 : r->m->doc.nodes[node].type;
}

int mock_bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID_REQUEST, "%s", what);
}

int mock_number(struct mock_req *r, const char *pointer, int64_t max,
                int64_t *out, struct err *err)
{
    uint32_t node = mock_at(r, pointer);

    if (node == JSON_NONE || mock_type(r, node) == JSON_T_NULL)
        return 0;
    if (!json_int(&r->m->doc, node, out) || *out < 1 || *out > max)
        return err_at(err, ERR_INVALID_REQUEST, pointer,
                      "%s is not a number from 1 to %lld", pointer + 1,
                      (long long)max);
    return 0;
}

struct str mock_content(struct mock_req *r, uint32_t node)
{
    const struct json *j = &r->m->doc;
    struct str all = STR_NULL;
    uint32_t i;

    if (mock_type(r, node) == JSON_T_STRING)
        return json_text(j, node, r->a);
    if (mock_type(r, node) != JSON_T_ARRAY)
        return STR_NULL;
    for (i = json_first(j, node); i != JSON_NONE;
         i = json_sibling(j, node, i)) {
        struct str t = json_text(j, json_member(j, i, STR("text")), r->a);

        if (!t.p)
            continue;
        all = all.p ? arena_fmt(r->a, STR_FMT " " STR_FMT, STR_ARG(all),
                                STR_ARG(t))
                    : t;
    }
    return all;
}

struct str mock_schema_text(struct mock_req *r, uint32_t node)
{
    struct buf b = BUF_INIT(1 << 20);
    struct str s = STR_NULL;

    if (mock_from_schema(&r->m->doc, node, &b) == 0)
        s = arena_dup(r->a, buf_str(&b));
    buf_clear(&b);
    return s;
}

bool mock_calls(const struct mock_req *r, bool forced)
{
    return r->ask.model == MOCK_TOOLS || (r->ask.model == MOCK_JSON && forced);
}

uint32_t mock_tool(struct mock_req *r, const char *list, const char *in,
                   const char *named)
{
    const struct json *j = &r->m->doc;
    uint32_t all = mock_at(r, list), i, first = JSON_NONE;
    struct str want = json_raw(j, mock_at(r, named));

    if (mock_type(r, all) != JSON_T_ARRAY)
        return JSON_NONE;
    for (i = json_first(j, all); i != JSON_NONE; i = json_sibling(j, all, i)) {
        uint32_t tool = in ? json_member(j, i, str_of(in)) : i;
        uint32_t name = tool == JSON_NONE ? tool
                                          : json_member(j, tool, STR("name"));

        if (first == JSON_NONE)
            first = tool;
        if (want.n && name != JSON_NONE && str_eq(json_raw(j, name), want))
            return tool;
    }
    return first;
}

int mock_json_answer(struct mock_req *r, const char *schema_at)
{
    uint32_t schema = mock_at(r, schema_at);
    struct buf b = BUF_INIT(MOCK_BODY_MAX);
    int rc = 0;

    if (r->ask.model != MOCK_JSON)
        return 0;
    if (schema != JSON_NONE) {
        r->ask.json = mock_schema_text(r, schema);
        return r->ask.json.p ? 0 : -ERR_NOMEM;
    }
    rc = buf_puts(&b, "{\"answer\":");
    if (rc == 0)
        rc = buf_json_str(&b, r->ask.text);
    if (rc == 0)
        rc = buf_putc(&b, '}');
    r->ask.json = rc ? STR_NULL : arena_dup(r->a, buf_str(&b));
    buf_clear(&b);
    return r->ask.json.p ? 0 : -ERR_NOMEM;
}

int mock_know_model(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;

    ask->model = mock_model_of(ask->name);
    if (r->m->o.lenient)
        ask->model = r->op == MOCK_EMBEDDINGS ? MOCK_EMBED : MOCK_ECHO;
    if (ask->model != MOCK_UNKNOWN)
        return 0;
    /* each in its provider's words, which adapters go by */
    return err_at(err, ERR_MODEL_NOT_FOUND, "/model",
                  r->d == &mock_anthropic ? "model: %.*s"
                                          : "The model `%.*s` does not exist",
                  (int)(ask->name.n > 100 ? 100 : ask->name.n), ask->name.p);
}
