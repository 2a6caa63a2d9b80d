/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Errors between the dialects: a provider's error as a status and a type, and
 * those in the words of another dialect. What a provider calls it is looked
 * up by type and code; the status decides what it is called elsewhere.
 */
#include "wire/codec_stream.h"
#include "wire/error_detail.h"

/* What providers say, and the HTTP status that it stands for. */
static const struct {
    const char *word;
    int status;
} words[] = {
    { "invalid_request_error", 400 },  { "authentication_error", 401 },
    { "invalid_api_key", 401 },        { "billing_error", 402 },
    { "permission_error", 403 },       { "not_found_error", 404 },
    { "model_not_found", 404 },        { "conflict_error", 409 },
    { "request_too_large", 413 },      { "insufficient_quota", 429 },
    { "rate_limit_error", 429 },       { "rate_limit_exceeded", 429 },
    { "requests", 429 },               { "tokens", 429 },
    { "too_many_requests_error", 429 }, { "server_error", 500 },
    { "api_error", 500 },              { "internal_server_error", 500 },
    { "upstream_error", 502 },         { "timeout_error", 504 },
    { "overloaded_error", 529 },       { "overloaded", 529 },
    { "service_unavailable", 503 },    { "BadRequestError", 400 },
    { "context_length_exceeded", 400 }, { "content_filter", 400 },
    { "tool_use_failed", 400 },
};

static const struct {
    int status; /* this one and above, up to the next row */
    const char *anthropic, *chat;
} types[] = {
    { 400, "invalid_request_error", "invalid_request_error" },
    { 401, "authentication_error", "invalid_request_error" },
    { 402, "billing_error", "insufficient_quota" },
    { 403, "permission_error", "invalid_request_error" },
    { 404, "not_found_error", "invalid_request_error" },
    { 405, "invalid_request_error", "invalid_request_error" },
    { 413, "request_too_large", "invalid_request_error" },
    { 414, "invalid_request_error", "invalid_request_error" },
    { 429, "rate_limit_error", "rate_limit_error" },
    { 430, "invalid_request_error", "invalid_request_error" },
    { 500, "api_error", "server_error" },
    { 503, "overloaded_error", "server_error" },
    { 504, "timeout_error", "server_error" },
    { 505, "api_error", "server_error" },
    { 529, "overloaded_error", "server_error" },
    { 530, "api_error", "server_error" },
};

static int status_of_word(struct str s)
{
    uint64_t v;

    if (str_u64(s, &v) && v >= 400 && v < 600)
        return (int)v;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_is(s, words[i].word))
            return words[i].status;
    }
    return 0;
}

int codec_status_of(const struct neutral_error *e)
{
    int status = e->status;

    if (status < 400 || status > 599)
        status = status_of_word(e->type);
    if (!status)
        status = status_of_word(e->code);
    return status ? status : 500;
}

static size_t row_of(int status)
{
    size_t i = sizeof types / sizeof types[0] - 1;

    while (i && types[i].status > status)
        i--;
    return i;
}

void anthropic_put_error(struct jw *w, const struct neutral_error *e,
                         bool same)
{
    const char *type = types[row_of(codec_status_of(e))].anthropic;

    jw_open(w, '{');
    jw_member_text(w, "type", STR("error"));
    jw_key(w, "error");
    jw_open(w, '{');
    jw_member_text(w, "type", same && e->type.n ? e->type : str_of(type));
    jw_member_text(w, "message", e->message);
    jw_close(w, '}');
    jw_close(w, '}');
}

static void put_or_null(struct jw *w, const char *name, struct str s)
{
    jw_key(w, name);
    if (s.n)
        jw_text(w, s);
    else
        jw_raw(w, STR("null"));
}

void chat_put_error(struct jw *w, const struct neutral_error *e, bool same)
{
    const char *type = types[row_of(codec_status_of(e))].chat;

    jw_open(w, '{');
    jw_key(w, "error");
    jw_open(w, '{');
    jw_member_text(w, "message", e->message);
    jw_member_text(w, "type", same && e->type.n ? e->type : str_of(type));
    put_or_null(w, "param", e->param);
    put_or_null(w, "code", e->code.n ? e->code : same ? STR_NULL : e->type);
    jw_close(w, '}');
    jw_close(w, '}');
}

/* A status above 529 is no dialect's: an edge's own, which means no answer. */
int codec_error_status(enum dialect d, const struct neutral_error *e)
{
    int status = codec_status_of(e);

    if (dialect_is_anthropic(d))
        return status == 503 ? 529 : status;
    return status == 529 ? 503 : status;
}

/* A string member, or a number as its digits. */
static struct str word_of(struct codec_in *in, uint32_t object,
                          struct str name)
{
    uint32_t node = in_member(&in->j, object, name);

    if (node == JSON_NONE)
        return STR_NULL;
    if (in->j.nodes[node].type == JSON_T_STRING)
        return json_text(&in->j, node, in->tmp);
    return in->j.nodes[node].type == JSON_T_NUMBER ? json_raw(&in->j, node)
                                                   : STR_NULL;
}

/* Where the text stands, with those who have no error object. */
static struct str message_of(struct codec_in *in, uint32_t object)
{
    uint32_t detail = in_member(&in->j, object, STR("detail"));
    struct str s = word_of(in, object, STR("message"));

    if (!s.n)
        s = error_detail(&in->j, object, in->tmp);
    if (s.n || detail == JSON_NONE)
        return s;
    s = word_of(in, object, STR("detail"));
    return s.n ? s : json_raw(&in->j, detail);
}

int in_error_node(struct codec_in *in, uint32_t node)
{
    struct neutral_error e = { .status = in->opts.http_status };
    int64_t status;

    if (in->j.nodes[node].type != JSON_T_OBJECT) {
        e.message = json_text(&in->j, node, in->tmp);
    } else {
        e.type = word_of(in, node, STR("type"));
        e.code = word_of(in, node, STR("code"));
        e.message = message_of(in, node);
        e.param = word_of(in, node, STR("param"));
        status = in_count(&in->j, node, STR("status_code"));
        if (e.status < 400 && status >= 400 && status < 600)
            e.status = (int)status;
    }
    if (!e.message.n)
        e.message = STR("The provider reported an error.");
    if (str_is(e.type, "null") || str_is(e.type, "error"))
        e.type = STR_NULL;
    e.status = codec_status_of(&e);
    return in_error(in, &e);
}

int in_error_body(struct codec_in *in, struct str body)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct neutral_error e = { .status = in->opts.http_status };
    int rc = json_scan(&in->j, body, &lim, NULL);
    uint32_t node;

    if (rc == -ERR_NOMEM)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    if (!rc && in->j.nodes[0].type == JSON_T_OBJECT) {
        node = in_member(&in->j, 0, STR("error"));
        return in_error_node(in, node == JSON_NONE ? 0 : node);
    }
    e.message = arena_fmt(in->tmp, "The provider answered with status %d.",
                          e.status);
    if (!e.message.p)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    return in_error(in, &e);
}
