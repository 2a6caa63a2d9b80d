/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/passthrough.h"

#include "wire/anthropic.h"
#include "wire/openai.h"
#include "wire/watch.h"

static int read_text(const struct json *b, const char *name, struct arena *a,
                     struct str *out, struct err *err)
{
    uint32_t node = json_member(b, 0, str_of(name));

    if (node == JSON_NONE || b->nodes[node].type == JSON_T_NULL)
        return 0;
    if (b->nodes[node].type != JSON_T_STRING)
        return err_at(err, ERR_INVALID_REQUEST, name,
                      "Invalid '%s': expected a string.", name);
    *out = json_text(b, node, a);
    return out->p ? 0 : err_set(err, ERR_NOMEM, "a request's text");
}

static int read_request(enum dialect d, const struct json *body,
                        struct arena *a, struct wire_request *out,
                        struct err *err)
{
    struct str format = STR_NULL;
    uint32_t stream;
    int rc;

    (void)d;
    *out = (struct wire_request){ .max_tokens = -1 };
    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    rc = read_text(body, "model", a, &out->model, err);
    if (!rc && out->model.n > 256)
        rc = err_at(err, ERR_INVALID_REQUEST, "model",
                    "Invalid 'model': expected 1 to 256 bytes.");
    if (!rc)
        rc = read_text(body, "stream_format", a, &format, err);
    stream = json_member(body, 0, STR("stream"));
    out->stream = str_is(format, "sse") ||
                  (stream != JSON_NONE &&
                   body->nodes[stream].type == JSON_T_TRUE);
    return rc;
}

static const struct str pointers[] = {
    [WIRE_MODEL] = { "/model", 6 },
    [WIRE_STREAM] = { "/stream", 7 },
    [WIRE_USER] = { "/user", 5 },
};

static struct str pointer(enum wire_field f)
{
    return f < sizeof pointers / sizeof *pointers ? pointers[f] : STR_NULL;
}

static struct str field(enum dialect d, enum wire_field f,
                        const struct json_edits *e)
{
    struct str at = pointer(f), raw = at.p ? json_edits_get(e, at) : STR_NULL;

    (void)d;
    return raw.p && !str_is(raw, "null") ? raw : STR_NULL;
}

static int set_field(enum dialect d, enum wire_field f, struct json_edits *e,
                     struct str value, struct err *err)
{
    struct str at = pointer(f);

    (void)d;
    if (!at.p)
        return -ERR_NOTFOUND;
    return value.p ? json_edit_set(e, at, value, err)
                   : json_edit_remove(e, at);
}

static int no_texts(enum dialect d, const struct json *body, wire_text_fn *fn,
                    void *ud)
{
    (void)d;
    (void)body;
    (void)fn;
    (void)ud;
    return 0;
}

/* Counts have two names, by the age of the endpoint; of a sum alone all is
 * input: rerank and moderation have no other. */
static void read_usage(const struct json *j, uint32_t u, struct usage *out)
{
    uint32_t details = json_member(j, u, STR("input_tokens_details"));
    int64_t in = watch_number(j, u, "input_tokens");

    out->output = watch_number(j, u, "output_tokens");
    if (out->output < 0)
        out->output = watch_number(j, u, "completion_tokens");
    if (in < 0)
        in = watch_number(j, u, "prompt_tokens");
    if (in < 0 && out->output < 0)
        in = watch_number(j, u, "total_tokens");
    out->cache_read = watch_number(j, details, "cached_tokens");
    if (in >= 0 && out->cache_read > 0)
        in = in > out->cache_read ? in - out->cache_read : 0;
    out->input = in;
}

/* Cohere's way: tokens that it saw, or those that it bills; of ranks it bills
 * searches. */
static void read_meta(const struct json *j, uint32_t meta, struct usage *out)
{
    static const char *const names[] = { "billed_units", "tokens" };
    int64_t n;

    if (meta == JSON_NONE || j->nodes[meta].type != JSON_T_OBJECT)
        return;
    n = watch_number(j, json_member(j, meta, str_of(names[0])),
                     "search_units");
    if (n > 0)
        out->searches = (uint32_t)(n < USAGE_SEARCHES_MAX
                                       ? n : USAGE_SEARCHES_MAX);
    for (size_t i = 0; i < 2 && out->input < 0; i++) {
        uint32_t node = json_member(j, meta, str_of(names[i]));

        out->input = watch_number(j, node, "input_tokens");
        out->output = watch_number(j, node, "output_tokens");
    }
}

/* Is the answer a thing that was made and counted before, and is looked up?
 * A response made in the background tells what it used in no other way. */
static bool is_memory(const struct json *j)
{
    uint32_t kind = json_member(j, 0, STR("object"));
    uint32_t background = json_member(j, 0, STR("background"));
    struct str raw = kind == JSON_NONE ? STR_NULL : json_raw(j, kind);

    if (str_is(raw, "\"batch\""))
        return true;
    return str_is(raw, "\"response\"") &&
           (background == JSON_NONE ||
            j->nodes[background].type != JSON_T_TRUE);
}

/* Words of an answer are nobody's here: one that is no JSON passes, and an
 * "error" member may be a job's, which is no fault of the answer. */
static void watch(struct str text, struct json *j, struct wire_watch *out)
{
    uint32_t usage;

    out->content = out->finish = true;
    if (json_scan(j, text, NULL, NULL) ||
        j->nodes[0].type != JSON_T_OBJECT || is_memory(j))
        return;
    usage = json_member(j, 0, STR("usage"));
    if (usage != JSON_NONE && j->nodes[usage].type == JSON_T_OBJECT)
        read_usage(j, usage, &out->usage);
    else
        read_meta(j, json_member(j, 0, STR("meta")), &out->usage);
}

static int watch_event(enum dialect d, struct str event, struct str data,
                       struct json *scratch, struct arena *a,
                       struct wire_watch *out, struct err *err)
{
    (void)d;
    (void)event;
    (void)a;
    (void)err;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    out->done = str_is(str_trim(data), "[DONE]");
    if (!out->done)
        watch(data, scratch, out);
    return 0;
}

static int watch_body(enum dialect d, struct str body, struct json *scratch,
                      struct arena *a, struct wire_watch *out,
                      struct err *err)
{
    (void)d;
    (void)a;
    (void)err;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    watch(body, scratch, out);
    return 0;
}

static void usage_in_tail(struct str tail, struct arena *a, struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usage", &j))
        read_usage(&j, 0, out);
    json_clear(&j);
}

static bool answers(enum dialect d)
{
    (void)d;
    return false;
}

static int answer(enum dialect d, const struct wire_answer *a,
                  struct buf *out)
{
    (void)d;
    (void)a;
    (void)out;
    return -ERR_NOTFOUND;
}

static int status(const struct err_info *info)
{
    return openai_dialect.status(info);
}

static int put_error(struct buf *out, const struct wire_error *e)
{
    return openai_dialect.error(out, e);
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    return openai_dialect.error_event(out, e);
}

static int anthropic_status(const struct err_info *info)
{
    return anthropic_dialect.status(info);
}

static int put_anthropic(struct buf *out, const struct wire_error *e)
{
    return anthropic_dialect.error(out, e);
}

static int put_anthropic_event(struct buf *out, const struct wire_error *e)
{
    return anthropic_dialect.error_event(out, e);
}

static const char *const max_tokens[] = { NULL };
static const char *const forwarded[] = { "openai-", "range", "if-none-match",
                                         NULL };
static const char *const passed[] = { "openai-", "x-ratelimit-",
                                      "content-disposition", "content-range",
                                      "accept-ranges", "etag",
                                      "last-modified", NULL };
static const char *const to_anthropic[] = { "anthropic-version",
                                            "anthropic-beta", "range",
                                            "if-none-match", NULL };
static const char *const of_anthropic[] = { "anthropic-ratelimit-",
                                            "content-disposition",
                                            "content-range", "accept-ranges",
                                            "etag", "last-modified", NULL };

/* Whatever the vendor. */
#define PASSED                                                                \
    .read = read_request, .field = field, .set_field = set_field,             \
    .texts = no_texts, .watch_event = watch_event, .watch_body = watch_body,  \
    .usage_in_tail = usage_in_tail, .answers = answers, .answer = answer,     \
    .keepalive = ": keep-alive\n\n", .max_tokens = max_tokens,                \
    .passes_query = true

const struct dialect_ops passthrough_dialect = {
    PASSED,
    .status = status,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "x-request-id",
    .forwarded = forwarded,
    .passed = passed,
};

const struct dialect_ops anthropic_paths_dialect = {
    PASSED,
    .status = anthropic_status,
    .error = put_anthropic,
    .error_event = put_anthropic_event,
    .request_id = "request-id",
    .forwarded = to_anthropic,
    .passed = of_anthropic,
};

/* A byte that stands in a path for itself. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("-._~:@,=+!$&'()*", c));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_segment(struct str s)
{
    if (!s.n || str_is(s, ".") || str_is(s, ".."))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int high, low, c;

        if (is_plain(s.p[i]))
            continue;
        if (s.p[i] != '%' || s.n - i < 3)
            return false;
        high = hex(s.p[i + 1]);
        low = hex(s.p[i + 2]);
        c = high * 16 + low;
        if (high < 0 || low < 0 || c < 0x20 || c == 0x7f || c == '/' ||
            c == '\\' || c == '.' || c == '%')
            return false;
        i += 2;
    }
    return true;
}

bool passthrough_below(struct str path, struct str *below)
{
    ptrdiff_t at = str_find(path, STR("/v1/"));
    struct str rest;

    if (at < 0)
        at = str_find(path, STR("/v2/"));
    if (at < 0 || path.n > 1024)
        return false;
    *below = (struct str){ path.p + at + 3, path.n - (size_t)at - 3 };
    rest = (struct str){ below->p + 1, below->n - 1 };
    while (rest.p) {
        if (!is_segment(str_split(&rest, '/')))
            return false;
    }
    return true;
}
