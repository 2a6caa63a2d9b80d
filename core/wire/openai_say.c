/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the gateway itself says in OpenAI's shape: a piece of held text, and
 * the end of an answer that a policy stopped. Events are made from the
 * envelope of one of the same stream (id, created, model and what a vendor
 * adds), so that a client sees no difference.
 */
#include "wire/openai_impl.h"

enum { DATA_MAX = 64 << 20 }; /* of an event; above what a text may be */

/* A delta around a JSON string; %u is the block. */
static const struct {
    const char *open, *close;
} shapes[OPENAI_PARTS] = {
    [OPENAI_PART_CONTENT] = { "{\"content\":", "}" },
    [OPENAI_PART_TEXT] = { "{\"content\":[{\"type\":\"text\",\"text\":",
                           "}]}" },
    [OPENAI_PART_REFUSAL] = { "{\"refusal\":", "}" },
    [OPENAI_PART_TRANSCRIPT] = { "{\"audio\":{\"transcript\":", "}}" },
    [OPENAI_PART_REASONING_CONTENT] = { "{\"reasoning_content\":", "}" },
    [OPENAI_PART_REASONING] = { "{\"reasoning\":", "}" },
    [OPENAI_PART_THINKING] = { "{\"content\":[{\"type\":\"thinking\","
                               "\"thinking\":[{\"type\":\"text\",\"text\":",
                               "}]}]}" },
    [OPENAI_PART_THINKING_TEXT] = { "{\"content\":[{\"type\":\"thinking\","
                                    "\"thinking\":", "}]}" },
    [OPENAI_PART_DETAIL] = { "{\"reasoning_details\":[{\"type\":"
                             "\"reasoning.text\",\"index\":%u,\"text\":",
                             "}]}" },
    [OPENAI_PART_SUMMARY] = { "{\"reasoning_details\":[{\"type\":"
                              "\"reasoning.summary\",\"index\":%u,"
                              "\"summary\":", "}]}" },
    [OPENAI_PART_ARGUMENTS] = { "{\"tool_calls\":[{\"index\":%u,"
                                "\"function\":{\"arguments\":", "}}]}" },
    [OPENAI_PART_INPUT] = { "{\"tool_calls\":[{\"index\":%u,"
                            "\"custom\":{\"input\":", "}}]}" },
    [OPENAI_PART_FUNCTION_CALL] = { "{\"function_call\":{\"arguments\":",
                                    "}}" },
};

/* The format is one of the table's own. */
static int put_shape(struct buf *out, const char *open, uint32_t block)
{
    struct str s = str_of(open), hole = STR("%u");
    ptrdiff_t at = str_find(s, hole);
    int rc;

    if (at < 0)
        return buf_put(out, s);
    rc = buf_put(out, (struct str){ s.p, (size_t)at });
    rc = rc ? rc : buf_printf(out, "%u", block);
    s.p += at + (ptrdiff_t)hole.n;
    s.n -= (size_t)at + hole.n;
    return rc ? rc : buf_put(out, s);
}

static int put_choice(struct buf *out, const struct wire_block *b,
                      struct str text)
{
    int rc = buf_printf(out, "{\"index\":%u,", b->choice);

    if (b->part == OPENAI_PART_COMPLETION) {
        rc = rc ? rc : buf_puts(out, "\"text\":");
        rc = rc ? rc : buf_json_str(out, text);
        rc = rc ? rc : buf_puts(out, ",\"logprobs\":null");
    } else {
        rc = rc ? rc : buf_puts(out, "\"delta\":");
        rc = rc ? rc : put_shape(out, shapes[b->part].open, b->block);
        rc = rc ? rc : buf_json_str(out, text);
        rc = rc ? rc : buf_puts(out, shapes[b->part].close);
    }
    return rc ? rc : buf_puts(out, ",\"finish_reason\":null}");
}

/* The same for the end of a choice. */
static int put_finish(struct buf *out, enum dialect d, uint32_t choice,
                      enum wire_finish finish)
{
    return buf_printf(out, "{\"index\":%u,%s,\"finish_reason\":\"%s\"}", choice,
                      d == DIALECT_OPENAI_COMPLETIONS
                          ? "\"text\":\"\",\"logprobs\":null"
                          : "\"delta\":{}",
                      openai_finish(finish));
}

/* One event: the envelope of `like` around other choices and usage. */
static int put_like(struct buf *out, struct str like, struct str choices,
                    struct str usage)
{
    struct wire_splice s[2] = { { 0 } };
    struct buf data = BUF_INIT(DATA_MAX);
    struct json j = { 0 };
    int rc = json_scan(&j, like, NULL, NULL);
    uint32_t c = rc ? JSON_NONE : wire_member(&j, 0, "choices");
    uint32_t u = rc ? JSON_NONE : wire_member(&j, 0, "usage");
    size_t n = 0;

    if (!rc && c == JSON_NONE)
        rc = -ERR_SYNTAX;
    if (!rc) {
        s[n++] = (struct wire_splice){ j.nodes[c].start, j.nodes[c].end,
                                       choices };
        if (u != JSON_NONE)
            s[n++] = (struct wire_splice){ j.nodes[u].start, j.nodes[u].end,
                                           usage };
        if (n == 2 && s[1].start < s[0].start) {
            struct wire_splice first = s[1];

            s[1] = s[0];
            s[0] = first;
        }
        rc = wire_put_spliced(&data, like, s, n);
    }
    rc = rc ? rc : wire_put_event(out, STR_NULL, buf_str(&data));
    buf_clear(&data);
    json_clear(&j);
    return rc;
}

int openai_carry(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out)
{
    struct buf choices = BUF_INIT(DATA_MAX);
    int rc = buf_putc(&choices, '[');

    (void)d;
    rc = rc ? rc : put_choice(&choices, b, text);
    rc = rc ? rc : buf_putc(&choices, ']');
    rc = rc ? rc : put_like(out, like, buf_str(&choices), STR("null"));
    buf_clear(&choices);
    return rc;
}

/* To OpenAI's inclusive counts; nothing where the provider told none. */
static int put_usage(struct buf *out, const struct usage *u, struct str like)
{
    int64_t cached = u->cache_read > 0 ? u->cache_read : 0;
    int64_t written = u->cache_write > 0 ? u->cache_write : 0;
    int64_t prompt = u->input + cached + written;
    struct buf b = BUF_INIT(1024);
    struct json j = { 0 };
    struct buf data = BUF_INIT(DATA_MAX);
    int rc;

    if (u->input < 0 || u->output < 0)
        return 0;
    rc = buf_printf(&b, "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,"
                        "\"total_tokens\":%lld,\"prompt_tokens_details\":"
                        "{\"cached_tokens\":%lld},\"completion_tokens_details"
                        "\":{\"reasoning_tokens\":%lld}}",
                    (long long)prompt, (long long)u->output,
                    (long long)(prompt + u->output), (long long)cached,
                    (long long)(u->reasoning > 0 ? u->reasoning : 0));
    rc = rc ? rc : json_scan(&j, like, NULL, NULL);
    if (!rc && wire_member(&j, 0, "usage") == JSON_NONE) {
        rc = buf_puts(&data, "{\"usage\":null,");
        rc = rc ? rc : buf_put(&data, (struct str){ like.p + 1, like.n - 1 });
        like = buf_str(&data);
    }
    rc = rc ? rc : put_like(out, like, STR("[]"), buf_str(&b));
    json_clear(&j);
    buf_clear(&data);
    buf_clear(&b);
    return rc;
}

int openai_stop_stream(enum dialect d, const struct wire_stop *stop,
                       struct buf *out)
{
    struct buf choices = BUF_INIT(DATA_MAX);
    int rc = buf_putc(&choices, '[');

    for (size_t i = 0; i < stop->n_open && !rc; i++) {
        if (stop->open[i].block != WIRE_ALL)
            continue;
        rc = buf_len(&choices) > 1 ? buf_putc(&choices, ',') : 0;
        rc = rc ? rc : put_finish(&choices, d, stop->open[i].choice,
                                  stop->finish);
    }
    if (!rc && buf_len(&choices) == 1)
        rc = put_finish(&choices, d, 0, stop->finish);
    rc = rc ? rc : buf_putc(&choices, ']');
    rc = rc ? rc : put_like(out, stop->like, buf_str(&choices), STR("null"));
    if (!rc && stop->usage_asked)
        rc = put_usage(out, stop->usage, stop->like);
    buf_clear(&choices);
    return rc ? rc : buf_puts(out, "data: [DONE]\n\n");
}

/* ---- a whole answer ----------------------------------------------------- */

/* What stands for a member of a stopped choice; p NULL: it stays. */
static struct str stopped(struct str name, struct str reason)
{
    if (str_is(name, "message"))
        return STR("{\"role\":\"assistant\",\"content\":\"\"}");
    if (str_is(name, "text"))
        return STR("\"\"");
    if (str_is(name, "logprobs"))
        return STR("null");
    return str_is(name, "finish_reason") ? reason : STR_NULL;
}

static int stop_choice(const struct json *j, uint32_t choice,
                       struct arena *names, struct str reason,
                       struct buf *out)
{
    const char *at = j->text + j->nodes[choice].start;
    int rc = 0;

    for (uint32_t m = json_first(j, choice); m != JSON_NONE && !rc;
         m = json_sibling(j, choice, m)) {
        struct str raw = json_raw(j, m);
        struct str with = stopped(json_name(j, m, names), reason);

        if (!with.p)
            continue;
        rc = buf_put(out, (struct str){ at, (size_t)(raw.p - at) });
        rc = rc ? rc : buf_put(out, with);
        at = raw.p + raw.n;
    }
    return rc ? rc : buf_put(out, (struct str){
        at, (size_t)(j->text + j->nodes[choice].end - at) });
}

int openai_stop_body(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out)
{
    uint32_t list = wire_member(body, 0, "choices"), i = 0;
    struct buf word = BUF_INIT(256);
    const char *at = body->text;
    bool from = false;
    int rc = buf_printf(&word, "\"%s\"", openai_finish(finish));

    (void)d;
    for (uint32_t c = json_first(body, list); c != JSON_NONE && !rc;
         c = json_sibling(body, list, c), i++) {
        struct str raw = json_raw(body, c);

        from |= openai_index(body, c, i) == choice;
        if (!from || body->nodes[c].type != JSON_T_OBJECT)
            continue;
        rc = buf_put(out, (struct str){ at, (size_t)(raw.p - at) });
        rc = rc ? rc : stop_choice(body, c, names, buf_str(&word), out);
        at = raw.p + raw.n;
    }
    buf_clear(&word);
    return rc ? rc : buf_put(out, (struct str){
        at, (size_t)(body->text + body->size - at) });
}
