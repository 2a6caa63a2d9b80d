/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers with vectors, read: vectors come out by the number of their input,
 * whatever the order in the answer. Usage is of the input alone.
 */
#include "wire/codec_embed.h"
#include "wire/upstream_dialects.h"

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

/* An array whose elements are vectors, or where `name` is given have one. */
static int put_list(struct codec_in *in, uint32_t list, const char *name)
{
    const struct json *j = &in->j;
    uint32_t i = 0;
    int rc = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return no_vectors(in);
    for (uint32_t c = json_first(j, list); c != JSON_NONE && !rc;
         c = json_sibling(j, list, c))
        rc = put_vector(in, i++, name ? in_member(j, c, str_of(name)) : c);
    return rc;
}

/* The answer's top; an error's body, and an error in a 200, end it here. */
static int open_body(struct codec_in *in, struct str body, bool *done)
{
    uint32_t error;
    int rc;

    *done = true;
    if (in->opts.http_status >= 400)
        return in_error_body(in, body);
    rc = in_scan(in, body);
    error = rc ? JSON_NONE : in_member(&in->j, 0, STR("error"));
    if (!rc && error != JSON_NONE)
        return in_error_node(in, error);
    *done = rc != 0;
    return rc;
}

static struct str text_of(struct codec_in *in, const char *name)
{
    return json_text(&in->j, in_member(&in->j, 0, str_of(name)), in->tmp);
}

static int finish(struct codec_in *in, int rc, int64_t tokens)
{
    struct usage u = USAGE_NONE;

    u.input = tokens;
    if (!rc && tokens >= 0)
        rc = in_usage(in, &u);
    return rc ? rc : in_end(in);
}

/* ---- OpenAI, Mistral ---------------------------------------------------- */

/* Nodes of data by their index; one that says none is where it stands. */
static uint32_t *by_index(struct codec_in *in, uint32_t data, uint32_t n)
{
    uint32_t *at = arena_alloc(in->tmp, (n + 1) * sizeof *at), i = 0;

    for (uint32_t k = 0; at && k < n; k++)
        at[k] = JSON_NONE;
    for (uint32_t c = json_first(&in->j, data); at && c != JSON_NONE;
         c = json_sibling(&in->j, data, c), i++) {
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

static int put_data(struct codec_in *in, uint32_t data)
{
    uint32_t n, *at;
    int rc = 0;

    if (data == JSON_NONE || in->j.nodes[data].type != JSON_T_ARRAY)
        return no_vectors(in);
    n = json_length(&in->j, data);
    at = by_index(in, data, n);
    if (!at)
        return in->err->code ? -(int)in->err->code
                             : err_set(in->err, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = put_vector(in, i, in_member(&in->j, at[i], STR("embedding")));
    return rc;
}

int openai_embed_decode_body(struct codec_in *in, struct str body,
                             neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    uint32_t usage;
    int64_t tokens;
    bool done;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    rc = open_body(in, body, &done);
    if (done)
        return rc;
    usage = in_member(&in->j, 0, STR("usage"));
    tokens = in_count(&in->j, usage, STR("prompt_tokens"));
    if (tokens < 0)
        tokens = in_count(&in->j, usage, STR("total_tokens"));
    rc = in_start(in, text_of(in, "id"), text_of(in, "model"), 0);
    if (!rc)
        rc = put_data(in, in_member(&in->j, 0, STR("data")));
    return finish(in, rc, tokens);
}

/* ---- Google ------------------------------------------------------------- */

int gemini_embed_decode_body(struct codec_in *in, struct str body,
                             neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    uint32_t one, usage;
    bool done;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    rc = open_body(in, body, &done);
    if (done)
        return rc;
    one = in_member(&in->j, 0, STR("embedding"));
    usage = in_member(&in->j, 0, STR("usageMetadata"));
    rc = in_start(in, STR_NULL, STR_NULL, 0);
    if (!rc && one != JSON_NONE)
        rc = put_vector(in, 0, in_member(&in->j, one, STR("values")));
    else if (!rc)
        rc = put_list(in, in_member(&in->j, 0, STR("embeddings")), "values");
    return finish(in, rc,
                  in_count(&in->j, usage, STR("promptTokenCount")));
}

/* ---- Cohere, Ollama ----------------------------------------------------- */

int cohere_embed_decode_body(struct codec_in *in, struct str body,
                             neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    uint32_t lists;
    bool done;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    rc = open_body(in, body, &done);
    if (done)
        return rc;
    lists = in_member(&in->j, 0, STR("embeddings"));
    rc = in_start(in, text_of(in, "id"), STR_NULL, 0);
    if (!rc)
        rc = put_list(in, in_member(&in->j, lists, STR("float")), NULL);
    return finish(in, rc, cohere_billed_input(&in->j));
}

int ollama_embed_decode_body(struct codec_in *in, struct str body,
                             neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    bool done;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    rc = open_body(in, body, &done);
    if (done)
        return rc;
    rc = in_start(in, STR_NULL, text_of(in, "model"), 0);
    if (!rc)
        rc = put_list(in, in_member(&in->j, 0, STR("embeddings")), NULL);
    return finish(in, rc, in_count(&in->j, 0, STR("prompt_eval_count")));
}
