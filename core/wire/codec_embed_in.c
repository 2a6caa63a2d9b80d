/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers with vectors, read: vectors come out by the number of their input,
 * whatever the order in the answer. Usage is of the input alone.
 */
#include "wire/codec_embed.h"
#include "wire/watch.h"

/* Where what counts stands in an answer: names from the top, or from an
 * element of the list, parted by '.'. */
struct shape {
    enum dialect from;
    const char *one;    /* the sole vector; NULL: there is always a list */
    const char *list;   /* of vectors; NULL: there is but one */
    const char *vector; /* in an element of the list; "": the element */
    const char *each;   /* a count of tokens there; NULL: none */
    const char *tokens[2]; /* of all; the first that is a count */
};

static const struct shape shapes[] = {
    { DIALECT_OPENAI_EMBEDDINGS, NULL, "data", "embedding", NULL,
      { "usage.prompt_tokens", "usage.total_tokens" } },
    { DIALECT_MISTRAL_EMBED, NULL, "data", "embedding", NULL,
      { "usage.prompt_tokens", "usage.total_tokens" } },
    { DIALECT_GEMINI_EMBED, "embedding.values", "embeddings", "values", NULL,
      { "usageMetadata.promptTokenCount" } },
    { DIALECT_GEMINI_BATCH, "embedding.values", "embeddings", "values", NULL,
      { "usageMetadata.promptTokenCount" } },
    { DIALECT_COHERE_EMBED, NULL, "embeddings.float", "", NULL,
      { "meta.billed_units.input_tokens" } },
    { DIALECT_OLLAMA_EMBED, NULL, "embeddings", "", NULL,
      { "prompt_eval_count" } },
    { DIALECT_TITAN_EMBED, "embedding", NULL, NULL, NULL,
      { "inputTextTokenCount" } },
    { DIALECT_NOVA_EMBED, NULL, "embeddings", "embedding", NULL, { NULL } },
    { DIALECT_PREDICT_EMBED, NULL, "predictions", "embeddings.values",
      "embeddings.statistics.token_count", { NULL } },
};

static const struct shape *shape_of(enum dialect from)
{
    const struct shape *s = shapes;

    while (s->from != from) /* the table of codecs has no other */
        s++;
    return s;
}

static void begin(struct codec_in *in, neutral_sink sink, void *ud,
                  struct err *err)
{
    in->sink = sink;
    in->ud = ud;
    in->err = err;
    arena_reset(in->tmp);
}

int embed_decode_event(struct codec_in *in, struct str event,
                       struct str data, neutral_sink sink, void *ud,
                       struct err *err)
{
    (void)event;
    begin(in, sink, ud, err);
    return data.p ? err_set(err, ERR_SYNTAX, "vectors are never streamed")
                  : in_cut(in);
}

static int no_vectors(struct codec_in *in)
{
    return err_set(in->err, ERR_SYNTAX, "this is no answer with vectors");
}

/* The node behind names below another, or JSON_NONE. */
static uint32_t below(const struct json *j, uint32_t node, const char *names)
{
    struct str rest = str_of(names);

    while (rest.n && node != JSON_NONE)
        node = in_member(j, node, str_split(&rest, '.'));
    return node;
}

static int64_t count_below(const struct json *j, uint32_t node,
                           const char *names)
{
    struct str rest = str_of(names), name = str_split(&rest, '.');

    for (; rest.p; name = str_split(&rest, '.'))
        node = in_member(j, node, name);
    return in_count(j, node, name);
}

/* ---- vectors ------------------------------------------------------------ */

/* An array of numbers, or base64. */
static bool is_vector(const struct json *j, uint32_t node)
{
    if (node == JSON_NONE)
        return false;
    if (j->nodes[node].type == JSON_T_STRING)
        return true;
    if (j->nodes[node].type != JSON_T_ARRAY)
        return false;
    for (uint32_t n = node + 1; n < j->nodes[node].next; n++) {
        if (j->nodes[n].type != JSON_T_NUMBER)
            return false;
    }
    return true;
}

static int put_vector(struct codec_in *in, uint32_t i, uint32_t node)
{
    struct neutral_event ev = { .type = NEUTRAL_VECTOR, .choice = i };

    if (!is_vector(&in->j, node))
        return no_vectors(in);
    ev.raw = json_raw(&in->j, node);
    return in_emit(in, &ev);
}

/* The list's nodes by their index; one that says none is where it stands. */
static uint32_t *by_index(struct codec_in *in, uint32_t list, uint32_t n)
{
    uint32_t *at = arena_alloc(in->tmp, (n + 1) * sizeof *at), i = 0;

    if (!at)
        err_set(in->err, ERR_NOMEM, "out of memory");
    for (uint32_t k = 0; at && k < n; k++)
        at[k] = JSON_NONE;
    for (uint32_t c = json_first(&in->j, list); at && c != JSON_NONE;
         c = json_sibling(&in->j, list, c), i++) {
        int64_t index = in_count(&in->j, c, STR("index"));

        if (index < 0)
            index = i;
        if (index >= n || at[index] != JSON_NONE) {
            no_vectors(in);
            return NULL;
        }
        at[index] = c;
    }
    return at;
}

static int put_list(struct codec_in *in, uint32_t list, const char *vector)
{
    uint32_t n, *at;
    int rc = 0;

    if (list == JSON_NONE || in->j.nodes[list].type != JSON_T_ARRAY)
        return no_vectors(in);
    n = json_length(&in->j, list);
    at = by_index(in, list, n);
    if (!at)
        return -(int)in->err->code;
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = put_vector(in, i, below(&in->j, at[i], vector));
    return rc;
}

static int put_all(struct codec_in *in, const struct shape *s)
{
    uint32_t one = s->one ? below(&in->j, 0, s->one) : JSON_NONE;

    if (one != JSON_NONE || !s->list)
        return put_vector(in, 0, one);
    return put_list(in, below(&in->j, 0, s->list), s->vector);
}

/* ---- the answer --------------------------------------------------------- */

static int put_usage(struct codec_in *in, const struct shape *s)
{
    struct usage u = USAGE_NONE;

    for (size_t i = 0; i < 2 && s->tokens[i] && u.input < 0; i++)
        u.input = count_below(&in->j, 0, s->tokens[i]);
    if (s->each)
        u.input = watch_sum(&in->j, below(&in->j, 0, s->list), s->each);
    return u.input < 0 ? 0 : in_usage(in, &u);
}

static struct str text_of(struct codec_in *in, const char *name)
{
    return json_text(&in->j, in_member(&in->j, 0, str_of(name)), in->tmp);
}

int embed_decode_body(struct codec_in *in, struct str body, neutral_sink sink,
                      void *ud, struct err *err)
{
    const struct shape *s = shape_of(in->codec->dialect);
    struct err own = { 0 };
    uint32_t error;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    if (in->opts.http_status >= 400)
        return in_error_body(in, body);
    rc = in_scan(in, body);
    error = rc ? JSON_NONE : in_member(&in->j, 0, STR("error"));
    if (error != JSON_NONE)
        return in_error_node(in, error); /* in a 200, too */
    if (!rc)
        rc = in_start(in, text_of(in, "id"), text_of(in, "model"), 0);
    if (!rc)
        rc = put_all(in, s);
    if (!rc)
        rc = put_usage(in, s);
    return rc ? rc : in_end(in);
}
