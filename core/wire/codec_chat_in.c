/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, read: a whole body's messages and a stream's deltas
 * are the same members, so they go one way. What compatible vendors do
 * otherwise is taken as it comes: reasoning under four names, content as an
 * array, arguments as an object, usage in three places, errors inside a 200.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat (read 2026-11);
 * the vendors' references and recorded streams (read 2026-08).
 */
#include "wire/codec_chat.h"
#include "wire/codec_chat_in.h"

static struct chat_in *chat_of(struct codec_in *in)
{
    return (struct chat_in *)(void *)in;
}

static void on_free(void *ud)
{
    chat_free_choices(ud);
}

int chat_in_init(struct codec_in *in)
{
    return arena_defer(in->a, on_free, chat_of(in));
}

/* ---- reasoning ---------------------------------------------------------- */

/* thinking_blocks: in a stream whole, after the same text was readable. */
static int read_block(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr data = in_string(j, node, STR("data"));
    struct jstr sign = in_string(j, node, STR("signature"));
    struct chat_part *open = c->tail;
    int rc = 0;

    if (data.p)
        return chat_push(in, c, PART_REDACTED, -1, data);
    if (!open || open->kind != PART_THINKING || open->signed_off)
        rc = chat_push(in, c, PART_THINKING, -1,
                       in_string(j, node, STR("thinking")));
    return rc || !sign.n ? rc : chat_push_signature(in, c, sign);
}

/*
 * OpenRouter's details. A signature that is not Anthropic's, or data, has a
 * meaning only for the vendor that it came from: kept whole.
 */
static int read_detail(struct chat_in *in, struct chat_choice *c,
                       uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr text = in_string(j, node, STR("text"));
    struct jstr data = in_string(j, node, STR("data"));
    struct jstr sign = in_string(j, node, STR("signature"));
    struct jstr format = in_string(j, node, STR("format"));
    struct str raw = json_raw(j, node);
    bool ours = !format.p || str_starts((struct str){ format.p, format.n },
                                        STR("anthropic"));
    int64_t key = in_count(j, node, STR("index"));
    int rc;

    if (data.p && ours)
        return chat_push(in, c, PART_REDACTED, key, data);
    if (data.p)
        return chat_push(in, c, PART_OPAQUE, key,
                         (struct jstr){ raw.p, raw.n });
    if (!text.p)
        text = in_string(j, node, STR("summary"));
    rc = chat_push(in, c, PART_THINKING, key, text);
    return rc || !sign.n || !ours ? rc : chat_push_signature(in, c, sign);
}

static int read_array(struct chat_in *in, struct chat_choice *c,
                      uint32_t array,
                      int (*read)(struct chat_in *, struct chat_choice *,
                                  uint32_t))
{
    const struct json *j = &in->base.j;
    int rc = 0;

    if (array == JSON_NONE || j->nodes[array].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, array); n != JSON_NONE && !rc;
         n = json_sibling(j, array, n))
        rc = read(in, c, n);
    return rc;
}

static bool any_text(const struct json *j, uint32_t details)
{
    for (uint32_t n = json_first(j, details); n != JSON_NONE;
         n = json_sibling(j, details, n)) {
        if (in_string(j, n, STR("text")).n || in_string(j, n,
                                                        STR("summary")).n)
            return true;
    }
    return false;
}

static int read_reasoning(struct chat_in *in, struct chat_choice *c,
                          uint32_t message, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t blocks = in_member(j, message, STR("thinking_blocks"));
    uint32_t details = in_member(j, message, STR("reasoning_details"));
    struct jstr plain = in_string(j, message, STR("reasoning_content"));
    int rc = 0;

    if (!plain.n)
        plain = in_string(j, message, STR("reasoning"));
    if (json_first(j, details) != JSON_NONE) {
        if (!any_text(j, details)) /* then they do not say it again */
            rc = chat_push(in, c, PART_THINKING, -1, plain);
        return rc ? rc : read_array(in, c, details, read_detail);
    }
    if (!whole || json_first(j, blocks) == JSON_NONE)
        rc = chat_push(in, c, PART_THINKING, -1, plain);
    return rc ? rc : read_array(in, c, blocks, read_block);
}

/* ---- content ------------------------------------------------------------ */

/* Mistral's {thinking: [{text}]}, Databricks' {summary: [{text, signature}]} */
static int read_inner(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr sign = in_string(j, node, STR("signature"));
    int rc = chat_push(in, c, PART_THINKING, -1,
                       in_string(j, node, STR("text")));

    return rc || !sign.n ? rc : chat_push_signature(in, c, sign);
}

static int read_part(struct chat_in *in, struct chat_choice *c, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t thinking = in_member(j, node, STR("thinking"));

    if (thinking == JSON_NONE)
        thinking = in_member(j, node, STR("summary"));
    if (thinking == JSON_NONE)
        return chat_push(in, c, PART_TEXT, -1,
                         in_string(j, node, STR("text")));
    if (j->nodes[thinking].type == JSON_T_STRING)
        return chat_push(in, c, PART_THINKING, -1,
                         jstr_of_node(j, thinking));
    return read_array(in, c, thinking, read_inner);
}

static int read_content(struct chat_in *in, struct chat_choice *c,
                        uint32_t message)
{
    const struct json *j = &in->base.j;
    uint32_t content = in_member(j, message, STR("content"));

    if (content == JSON_NONE)
        return 0;
    if (j->nodes[content].type == JSON_T_STRING)
        return chat_push(in, c, PART_TEXT, -1, jstr_of_node(j, content));
    return read_array(in, c, content, read_part);
}

static int read_citation(struct chat_in *in, struct chat_choice *c,
                         uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t url = in_member(j, node, STR("url_citation"));
    struct neutral_event ev = {
        .type = NEUTRAL_CITATION,
        .choice = c->index,
        .text = in_string(j, url, STR("url")),
        .name = in_string(j, url, STR("title")),
        .raw = json_raw(j, node),
        .from = DIALECT_OPENAI_CHAT,
    };

    if (!ev.text.p || !c->tail || c->tail != c->head ||
        c->tail->kind != PART_TEXT)
        return 0;
    return in_emit(&in->base, &ev);
}

/* ---- calls -------------------------------------------------------------- */

static struct str plain(struct chat_in *in, uint32_t object, struct str name)
{
    uint32_t node = in_member(&in->base.j, object, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

/* Arguments as a string, or (with some) as an object. */
static int read_args(struct chat_in *in, uint32_t object, struct str name,
                     struct jstr *out)
{
    const struct json *j = &in->base.j;
    uint32_t node = in_member(j, object, name);

    *out = jstr_of_node(j, node);
    if (out->p || node == JSON_NONE)
        return 0;
    *out = jstr_escape(json_raw(j, node), in->base.tmp);
    return out->p ? 0 : err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int read_call(struct chat_in *in, struct chat_choice *c, uint32_t node,
                     bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t function = in_member(j, node, STR("function"));
    uint32_t custom = in_member(j, node, STR("custom"));
    uint32_t google = in_member(j, in_member(j, node, STR("extra_content")),
                                STR("google"));
    struct chat_piece x = {
        .index = in_count(j, node, STR("index")),
        .whole = whole,
        .id = plain(in, node, STR("id")),
        .custom = function == JSON_NONE && custom != JSON_NONE,
        .signature = in_string(j, google, STR("thought_signature")),
    };
    uint32_t named = x.custom ? custom : function;
    int rc;

    x.name = plain(in, named, STR("name"));
    rc = read_args(in, named, x.custom ? STR("input") : STR("arguments"),
                   &x.args);
    return rc ? rc : chat_push_call(in, c, &x);
}

static int read_piece(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    return read_call(in, c, node, false);
}

static int read_whole(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    return read_call(in, c, node, true);
}

/* The old form: one call, without an id. */
static int read_function_call(struct chat_in *in, struct chat_choice *c,
                              uint32_t message)
{
    uint32_t node = in_member(&in->base.j, message, STR("function_call"));
    struct chat_piece x = { .index = 0 };
    int rc;

    if (node == JSON_NONE)
        return 0;
    x.name = plain(in, node, STR("name"));
    rc = read_args(in, node, STR("arguments"), &x.args);
    return rc ? rc : chat_push_call(in, c, &x);
}

/* ---- choices ------------------------------------------------------------ */

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "length", FINISH_LENGTH },        { "tool_calls", FINISH_TOOL },
    { "function_call", FINISH_TOOL },   { "content_filter", FINISH_FILTER },
    { "model_length", FINISH_CONTEXT }, { "max_tokens", FINISH_LENGTH },
    { "sensitive", FINISH_FILTER },     { "refusal", FINISH_FILTER },
    { "safety", FINISH_FILTER },
};

static enum neutral_finish finish_of(struct jstr word)
{
    struct str s = { word.p, word.n };

    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(s, finishes[i].word))
            return finishes[i].finish;
    }
    return FINISH_STOP;
}

/* Reasons that say that there is no answer. */
static bool is_failure(struct jstr word)
{
    struct str s = { word.p, word.n };

    return str_is(s, "error") || str_is(s, "abort") ||
           str_is(s, "network_error") ||
           str_is(s, "insufficient_system_resource");
}

static int finish(struct chat_in *in, struct chat_choice *c,
                  enum neutral_finish said, struct jstr stop)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH, .choice = c->index };
    int rc = chat_drain(in, c);

    c->finished = true;
    ev.finish = neutral_finish_seen(said, c->any_call);
    if (ev.finish == FINISH_STOP && stop.n) {
        ev.finish = FINISH_STOP_SEQUENCE;
        ev.text = stop;
    }
    return rc ? rc : in_emit(&in->base, &ev);
}

static int read_finish(struct chat_in *in, struct chat_choice *c,
                       uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr word = in_string(j, node, STR("finish_reason"));

    if (!word.n || str_is((struct str){ word.p, word.n }, "null"))
        return 0;
    if (is_failure(word)) {
        struct neutral_error e = {
            .status = 502,
            .type = STR("upstream_error"),
            .code = { word.p, word.n },
            .message = STR("The provider broke off its answer."),
        };

        return in_error(&in->base, &e);
    }
    return finish(in, c, finish_of(word),
                  in_string(j, node, STR("stop_reason")));
}

static int read_logprobs(struct chat_in *in, struct chat_choice *c,
                         uint32_t node)
{
    uint32_t probs = in_member(&in->base.j, node, STR("logprobs"));
    struct neutral_event ev = { .type = NEUTRAL_LOGPROBS, .choice = c->index,
                                .raw = json_raw(&in->base.j, probs),
                                .from = DIALECT_OPENAI_CHAT };

    return probs == JSON_NONE ? 0 : in_emit(&in->base, &ev);
}

static int read_message(struct chat_in *in, struct chat_choice *c,
                        uint32_t message, bool whole)
{
    const struct json *j = &in->base.j;
    int rc = read_reasoning(in, c, message, whole);

    if (!rc)
        rc = read_content(in, c, message);
    if (!rc)
        rc = read_array(in, c, in_member(j, message, STR("annotations")),
                        read_citation);
    if (!rc)
        rc = chat_push(in, c, PART_REFUSAL, -1,
                       in_string(j, message, STR("refusal")));
    if (!rc)
        rc = read_array(in, c, in_member(j, message, STR("tool_calls")),
                        whole ? read_whole : read_piece);
    return rc ? rc : read_function_call(in, c, message);
}

static int read_choice(struct chat_in *in, uint32_t node, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t message = in_member(j, node, STR("delta"));
    uint32_t error = in_member(j, node, STR("error"));
    int64_t index = in_count(j, node, STR("index"));
    struct chat_choice *c;
    int rc;

    if (error != JSON_NONE && json_raw(j, error).n > 2)
        return in_error_node(&in->base, error);
    if (message == JSON_NONE || whole)
        message = in_member(j, node, STR("message"));
    c = chat_choice(in, index > 0 ? (uint32_t)(index & INT32_MAX) : 0);
    if (!c)
        return -in->base.err->code;
    if (c->finished)
        return 0;
    rc = read_message(in, c, message, whole);
    if (!rc)
        rc = read_logprobs(in, c, node);
    return rc ? rc : read_finish(in, c, node);
}

/* ---- events and bodies -------------------------------------------------- */

static int read_usage(struct chat_in *in, uint32_t first_choice)
{
    const struct json *j = &in->base.j;
    uint32_t node = in_member(j, 0, STR("usage"));
    struct usage more;

    if (node == JSON_NONE)
        node = in_member(j, in_member(j, 0, STR("x_groq")), STR("usage"));
    if (node == JSON_NONE)
        node = in_member(j, first_choice, STR("usage"));
    if (node == JSON_NONE || j->nodes[node].type != JSON_T_OBJECT ||
        !in->base.started)
        return 0;
    chat_read_usage(j, node, &more);
    return in_usage(&in->base, &more);
}

/* An error that is one: not null, false, {}, "" or []. */
static uint32_t error_in(const struct json *j)
{
    uint32_t node = in_member(j, 0, STR("error"));

    if (node == JSON_NONE)
        node = in_member(j, in_member(j, 0, STR("x_groq")), STR("error"));
    if (node == JSON_NONE || j->nodes[node].type == JSON_T_FALSE)
        return JSON_NONE;
    return json_raw(j, node).n > 2 ? node : JSON_NONE;
}

static int read_object(struct chat_in *in, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t choices = in_member(j, 0, STR("choices"));
    uint32_t first = json_first(j, choices), error = error_in(j);
    int64_t created = in_count(j, 0, STR("created"));
    int rc = 0;

    if (first != JSON_NONE)
        rc = in_start(&in->base, plain(in, 0, STR("id")),
                      plain(in, 0, STR("model")), created > 0 ? created : 0);
    for (uint32_t n = first; n != JSON_NONE && !rc && !in->base.ended;
         n = json_sibling(j, choices, n))
        rc = read_choice(in, n, whole);
    if (!rc && error != JSON_NONE)
        return in_error_node(&in->base, error);
    return rc ? rc : read_usage(in, first);
}

/* The end: choices that gave no reason ended all the same, if that was said. */
static int end(struct chat_in *in, bool said)
{
    int rc = 0;

    if (!in->base.started)
        return in_cut(&in->base);
    for (struct chat_choice *c = in->choices; c && !rc; c = c->next) {
        if (c->finished)
            continue;
        if (!said)
            return in_cut(&in->base);
        rc = finish(in, c, FINISH_NONE, JSTR_NULL);
    }
    return rc ? rc : in_end(&in->base);
}

int chat_decode_event(struct codec_in *base, struct str event,
                      struct str data, neutral_sink sink, void *ud,
                      struct err *err)
{
    struct chat_in *in = chat_of(base);
    struct err own = { 0 };
    int rc;

    base->sink = sink;
    base->ud = ud;
    base->err = err ? err : &own;
    arena_reset(base->tmp);
    if (base->ended)
        return 0;
    if (!data.p)
        return end(in, false);
    data = str_trim(data);
    if (str_is(data, "[DONE]"))
        return end(in, true);
    rc = in_scan(base, data);
    if (!rc && str_is(event, "error") && error_in(&base->j) == JSON_NONE)
        return in_error_node(base, 0);
    return rc ? rc : read_object(in, false);
}

int chat_decode_body(struct codec_in *base, struct str body,
                     neutral_sink sink, void *ud, struct err *err)
{
    struct chat_in *in = chat_of(base);
    struct err own = { 0 };
    uint32_t choices;
    int rc;

    base->sink = sink;
    base->ud = ud;
    base->err = err ? err : &own;
    arena_reset(base->tmp);
    rc = in_scan(base, body);
    if (rc)
        return rc;
    choices = in_member(&base->j, 0, STR("choices"));
    if (choices == JSON_NONE && error_in(&base->j) == JSON_NONE) {
        if (in_string(&base->j, 0, STR("message")).p)
            return in_error_node(base, 0); /* some wrap theirs in nothing */
        return err_set(base->err, ERR_SYNTAX, "this is no chat completion");
    }
    rc = read_object(in, true);
    return rc || base->ended ? rc : end(in, true);
}
