/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests for vectors, read. What vectors are for has no member of its own
 * in OpenAI's API; the names that vendors gave it there are all taken.
 *
 * Source: platform.openai.com/docs/api-reference/embeddings,
 * ai.google.dev/api/embeddings (read 2026-11).
 */
#include "wire/codec_embed.h"
#include "wire/codec_gemini.h"

static struct neutral_embed *begin(struct rd *rd, enum dialect from)
{
    neutral_request_init(rd->r, from);
    rd->r->embed = arena_alloc(rd->a, sizeof *rd->r->embed);
    if (rd->r->embed)
        rd->r->embed->dimensions = -1;
    return rd->r->embed;
}

static int add(struct rd *rd, uint32_t node)
{
    struct neutral_embed *e = rd->r->embed;
    struct neutral_input *in;

    if (rd->j->nodes[node].type != JSON_T_STRING)
        return rd_fault(rd, node, "a string");
    if (e->n >= EMBED_INPUTS_MAX)
        return rd_fault(rd, node, "at most 2048 inputs");
    in = arena_alloc(rd->a, sizeof *in);
    if (!in)
        return rd_nomem(rd);
    in->text = jstr_of_node(rd->j, node);
    if (e->last)
        e->last->next = in;
    else
        e->first = in;
    e->last = in;
    e->n++;
    return 0;
}

/* ---- OpenAI ------------------------------------------------------------- */

/* An array of texts; or tokens: one array of numbers, or arrays of them. */
static int read_inputs(struct rd *rd, uint32_t node)
{
    const struct json *j = rd->j;
    struct neutral_embed *e = rd->r->embed;
    uint32_t first;
    int rc = 0;

    if (j->nodes[node].type == JSON_T_STRING)
        return add(rd, node);
    first = json_first(j, node);
    if (first == JSON_NONE)
        return rd_fault(rd, node, "one input at least");
    e->many = true;
    if (j->nodes[first].type == JSON_T_NUMBER ||
        j->nodes[first].type == JSON_T_ARRAY) {
        e->raw_ids = json_raw(j, node);
        return 0;
    }
    for (uint32_t c = first; c != JSON_NONE && !rc;
         c = json_sibling(j, node, c))
        rc = add(rd, c);
    return rc;
}

/* A word that nobody knows stays what it is: a member of the client's own. */
static int read_purpose(struct rd *rd, uint32_t node, const char *name)
{
    struct neutral_embed *e = rd->r->embed;
    enum embed_purpose p;
    struct str word;
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_text(rd, node, &word);
    if (rc)
        return rc;
    p = embed_purpose_of(word);
    if (p == PURPOSE_UNSET || (e->purpose && e->purpose != p))
        return rd_extra(rd, node, str_of(name));
    e->purpose = p;
    return 0;
}

static int read_format(struct rd *rd, uint32_t node)
{
    struct str format;
    int rc = rd_text(rd, node, &format);

    if (rc || !format.p)
        return rc;
    rd->r->embed->base64 = str_is(format, "base64");
    return rd->r->embed->base64 || str_is(format, "float")
               ? 0 : rd_fault(rd, node, "\"float\" or \"base64\"");
}

int openai_embed_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out, struct err *err)
{
    enum { MODEL, INPUT, FORMAT, DIMENSIONS, DIMENSION, USER, TYPE, TASK_TYPE,
           TASK, COUNT };
    static const struct rd_field fields[] = {
        [MODEL] = RD_FIELD("model", RD_STRING),
        [INPUT] = RD_FIELD("input", RD_STRING | RD_ARRAY),
        [FORMAT] = RD_FIELD("encoding_format", RD_STRING),
        [DIMENSIONS] = RD_FIELD("dimensions", RD_NUMBER),
        [DIMENSION] = RD_FIELD("output_dimension", RD_NUMBER),
        [USER] = RD_FIELD("user", RD_STRING),
        [TYPE] = RD_FIELD("input_type", RD_STRING),
        [TASK_TYPE] = RD_FIELD("task_type", RD_STRING),
        [TASK] = RD_FIELD("task", RD_STRING),
    };
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t at[COUNT];
    int rc;

    if (!begin(&rd, DIALECT_OPENAI_EMBEDDINGS))
        return rd_nomem(&rd);
    rc = rd_object(&rd, 0, fields, COUNT, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[MODEL], &out->model);
    if (!rc && at[INPUT] == JSON_NONE)
        rc = err_at(rd.err, ERR_INVALID_REQUEST, "input",
                    "Missing required parameter: 'input'.");
    if (!rc)
        rc = read_inputs(&rd, at[INPUT]);
    if (!rc)
        rc = read_format(&rd, at[FORMAT]);
    if (!rc)
        rc = rd_count(&rd, at[at[DIMENSIONS] == JSON_NONE ? DIMENSION
                                                          : DIMENSIONS],
                      &out->embed->dimensions);
    if (!rc)
        rc = rd_text(&rd, at[USER], &out->user);
    if (!rc)
        rc = read_purpose(&rd, at[TYPE], "input_type");
    if (!rc)
        rc = read_purpose(&rd, at[TASK_TYPE], "task_type");
    return rc ? rc : read_purpose(&rd, at[TASK], "task");
}

/* ---- Google ------------------------------------------------------------- */

enum { G_MODEL, G_CONTENT, G_TASK, G_TITLE, G_DIMENSIONS, G_COUNT };

static const struct rd_field google[] = {
    GEMINI_FIELD(G_MODEL, "model", "model", RD_STRING),
    GEMINI_FIELD(G_CONTENT, "content", "content", RD_OBJECT),
    GEMINI_FIELD(G_TASK, "taskType", "task_type", RD_STRING),
    GEMINI_FIELD(G_TITLE, "title", "title", RD_STRING),
    GEMINI_FIELD(G_DIMENSIONS, "outputDimensionality",
                 "output_dimensionality", RD_NUMBER),
};

/* What is made of several parts is the model's own secret. */
static int read_content(struct rd *rd, uint32_t content)
{
    const struct json *j = rd->j;
    uint32_t parts = json_member(j, content, STR("parts")), part, text;

    if (parts == JSON_NONE)
        return rd_fault(rd, content, "parts");
    part = j->nodes[parts].type == JSON_T_ARRAY ? json_first(j, parts)
                                                : parts;
    if (part == JSON_NONE || j->nodes[part].type != JSON_T_OBJECT ||
        (part != parts && json_sibling(j, parts, part) != JSON_NONE))
        return rd_fault(rd, parts, "one part, which is a text");
    text = json_member(j, part, STR("text"));
    return text == JSON_NONE ? rd_fault(rd, part, "a text") : add(rd, text);
}

static int read_google(struct rd *rd, uint32_t object, const char *path,
                       struct neutral_embed *said)
{
    uint32_t at[G_COUNT];
    struct str task;
    int rc = gemini_object(rd, object, google, G_COUNT, path, at);

    *said = (struct neutral_embed){ .dimensions = -1 };
    if (!rc && at[G_CONTENT] == JSON_NONE)
        rc = rd_fault(rd, object, "content");
    if (!rc)
        rc = read_content(rd, at[G_CONTENT]);
    if (!rc)
        rc = rd_text(rd, at[G_TASK], &task);
    if (!rc)
        rc = rd_count(rd, at[G_DIMENSIONS], &said->dimensions);
    if (rc)
        return rc;
    said->title = rd_jstr(rd, at[G_TITLE]);
    said->purpose = task.p ? embed_purpose_of(task) : PURPOSE_UNSET;
    if (!task.p || said->purpose ||
        str_is(task, "TASK_TYPE_UNSPECIFIED"))
        return 0;
    return rd_unread(rd, path ? path : "embedContent", STR("taskType"));
}

static void take(struct neutral_embed *e, const struct neutral_embed *said)
{
    e->dimensions = said->dimensions;
    e->purpose = said->purpose;
    e->title = said->title;
}

int gemini_embed_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    struct neutral_embed said;
    int rc;

    if (!begin(&rd, DIALECT_GEMINI_EMBED))
        return rd_nomem(&rd);
    rc = read_google(&rd, 0, NULL, &said);
    if (!rc)
        take(out->embed, &said);
    return rc;
}

static bool is_alike(const struct neutral_embed *a,
                     const struct neutral_embed *b)
{
    return a->dimensions == b->dimensions && a->purpose == b->purpose &&
           a->title.n == b->title.n &&
           (!a->title.n || memcmp(a->title.p, b->title.p, a->title.n) == 0);
}

/* Others have one purpose for all: requests that differ are not mapped. */
static int read_each(struct rd *rd, uint32_t list)
{
    struct neutral_embed *e = rd->r->embed, said;
    int rc = 0;

    for (uint32_t c = json_first(rd->j, list); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, list, c)) {
        bool first = e->n == 0;

        rc = read_google(rd, c, "requests[]", &said);
        if (!rc && first)
            take(e, &said);
        else if (!rc && !is_alike(e, &said))
            rc = rd_fault(rd, c, "the same taskType, title and "
                                 "outputDimensionality in all requests, "
                                 "since the target is no Gemini");
    }
    return rc;
}

int gemini_batch_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out, struct err *err)
{
    static const struct rd_field top[] = { RD_FIELD("requests", RD_ARRAY) };
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t list;
    int rc;

    if (!begin(&rd, DIALECT_GEMINI_BATCH))
        return rd_nomem(&rd);
    out->embed->many = true;
    rc = rd_object(&rd, 0, top, 1, NULL, &list);
    if (!rc && (list == JSON_NONE || json_first(body, list) == JSON_NONE))
        rc = err_at(rd.err, ERR_INVALID_REQUEST, "requests",
                    "requests is not specified");
    return rc ? rc : read_each(&rd, list);
}
