/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests for vectors, written. Vectors of another size or of fewer inputs
 * would be another answer: where a target cannot make them it is not asked.
 * What they are for and who asks is left out where it cannot be said.
 *
 * Source: docs.mistral.ai/api (embeddings), docs.cohere.com/reference/embed,
 * ai.google.dev/api/embeddings, docs.ollama.com/api/embed,
 * docs.aws.amazon.com: model-parameters-titan-embed-text, embeddings-schema
 * (Nova), docs.cloud.google.com/vertex-ai: text-embeddings-api (read 2026-11).
 */
#include "wire/codec_embed.h"

#include "wire/codec_put.h"

enum { COHERE_INPUTS = 96, GEMINI_INPUTS = 100, PREDICT_INPUTS = 250 };

/* Write it: what differs between targets. */
typedef void put_fn(struct cw *c, const struct neutral_embed *e);

static void refuse(struct cw *c, const char *field, const char *why)
{
    if (!c->w.rc)
        c->w.rc = err_at(c->err, ERR_INVALID_REQUEST, field,
                         "The target " STR_FMT " %s.",
                         STR_ARG(c->t->model), why);
}

/* Leave out, by the name that OpenAI's clients know. */
static void drop(struct cw *c, const char *name)
{
    const struct neutral_extra **end = &c->report->members;
    struct neutral_extra *e = arena_alloc(c->a, sizeof *e);

    if (!e) {
        cw_fail(c, -ERR_NOMEM);
        return;
    }
    e->name = str_of(name);
    e->next = (struct neutral_extra *)(uintptr_t)*end;
    *end = e;
}

static void put_texts(struct cw *c, const struct neutral_embed *e)
{
    jw_open(&c->w, '[');
    for (const struct neutral_input *in = e->first; in; in = in->next)
        jw_jstr(&c->w, in->text);
    jw_close(&c->w, ']');
}

static void put_input(struct cw *c, const struct neutral_embed *e)
{
    jw_key(&c->w, "input");
    if (e->raw_ids.p)
        jw_raw(&c->w, e->raw_ids);
    else if (e->many)
        put_texts(c, e);
    else
        jw_jstr(&c->w, e->first->text);
}

static void no_tokens(struct cw *c, const struct neutral_embed *e)
{
    if (e->raw_ids.p)
        refuse(c, "input", "takes texts, not tokens");
}

static void one_text(struct cw *c, const struct neutral_embed *e)
{
    no_tokens(c, e);
    if (e->n > 1)
        refuse(c, "input", "takes one text at a time");
}

/* ---- OpenAI, Mistral ---------------------------------------------------- */

static void put_openai(struct cw *c, const struct neutral_embed *e)
{
    jw_member_text(&c->w, "model", c->t->model);
    put_input(c, e);
    jw_member_text(&c->w, "encoding_format",
                   e->base64 ? STR("base64") : STR("float"));
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "dimensions", e->dimensions);
    if (c->r->user.p)
        jw_member_text(&c->w, "user", c->r->user);
    if (e->purpose)
        drop(c, "input_type");
    if (e->title.p)
        drop(c, "title");
}

/* What a text is for, what it is called, and who asks. */
static void drop_words(struct cw *c, const struct neutral_embed *e)
{
    if (c->r->user.p)
        drop(c, "user");
    if (e->purpose)
        drop(c, "input_type");
    if (e->title.p)
        drop(c, "title");
}

/* It refuses members that it does not know, `dimensions` among them. */
static void put_mistral(struct cw *c, const struct neutral_embed *e)
{
    no_tokens(c, e);
    jw_member_text(&c->w, "model", c->t->model);
    put_input(c, e);
    jw_member_text(&c->w, "encoding_format",
                   e->base64 ? STR("base64") : STR("float"));
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "output_dimension", e->dimensions);
    drop_words(c, e);
}

/* ---- Google ------------------------------------------------------------- */

/* "models/x"; what has a folder of its own keeps it. */
static void put_model(struct cw *c)
{
    struct str m = c->t->model;
    bool whole = str_starts(m, STR("models/")) ||
                 str_starts(m, STR("tunedModels/"));

    jw_key(&c->w, "model");
    jw_sep(&c->w);
    jw_bytes(&c->w, whole ? STR("\"") : STR("\"models/"));
    if (!c->w.rc)
        c->w.rc = jstr_put_escaped(c->w.b, m);
    jw_bytes(&c->w, STR("\""));
}

static void put_one(struct cw *c, const struct neutral_embed *e,
                    const struct neutral_input *in)
{
    struct jw *w = &c->w;

    put_model(c);
    jw_key(w, "content");
    jw_open(w, '{');
    jw_key(w, "parts");
    jw_open(w, '[');
    jw_open(w, '{');
    jw_member_jstr(w, "text", in->text);
    jw_close(w, '}');
    jw_close(w, ']');
    jw_close(w, '}');
    if (e->purpose)
        jw_member_text(w, "taskType",
                       str_of(embed_purpose_gemini(e->purpose)));
    if (e->title.p)
        jw_member_jstr(w, "title", e->title);
    if (e->dimensions >= 0)
        jw_member_int(w, "outputDimensionality", e->dimensions);
}

static void put_gemini(struct cw *c, const struct neutral_embed *e)
{
    one_text(c, e);
    if (!c->w.rc)
        put_one(c, e, e->first);
    if (c->r->user.p)
        drop(c, "user");
}

static void put_batch(struct cw *c, const struct neutral_embed *e)
{
    no_tokens(c, e);
    if (e->n > GEMINI_INPUTS)
        refuse(c, "input", "takes at most 100 texts at a time");
    jw_key(&c->w, "requests");
    jw_open(&c->w, '[');
    for (const struct neutral_input *in = e->first; in; in = in->next) {
        jw_open(&c->w, '{');
        put_one(c, e, in);
        jw_close(&c->w, '}');
    }
    jw_close(&c->w, ']');
    if (c->r->user.p)
        drop(c, "user");
}

/* ---- Cohere ------------------------------------------------------------- */

/* It wants to be told; texts to be found later are the usual reason. */
static void put_input_type(struct cw *c, enum embed_purpose p)
{
    const char *word = embed_purpose_cohere(p);

    if (p && !word)
        drop(c, "input_type");
    jw_member_text(&c->w, "input_type",
                   str_of(word ? word : "search_document"));
}

static void put_cohere(struct cw *c, const struct neutral_embed *e)
{
    bool old = str_find(c->t->model, STR("-v3")) >= 0 ||
               str_find(c->t->model, STR("-v2")) >= 0;

    no_tokens(c, e);
    if (e->n > COHERE_INPUTS)
        refuse(c, "input", "takes at most 96 texts at a time");
    if (e->dimensions >= 0 && old)
        refuse(c, "dimensions", "makes vectors of one size only");
    jw_member_text(&c->w, "model", c->t->model);
    jw_key(&c->w, "texts");
    put_texts(c, e);
    put_input_type(c, e->purpose);
    jw_member_raw(&c->w, "embedding_types", STR("[\"float\"]"));
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "output_dimension", e->dimensions);
    if (c->r->user.p)
        drop(c, "user");
    if (e->title.p)
        drop(c, "title");
}

/* ---- Ollama ------------------------------------------------------------- */

static void put_ollama(struct cw *c, const struct neutral_embed *e)
{
    no_tokens(c, e);
    jw_member_text(&c->w, "model", c->t->model);
    put_input(c, e);
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "dimensions", e->dimensions);
    drop_words(c, e);
}

/* ---- Amazon ------------------------------------------------------------- */

static bool is_first_titan(struct str model)
{
    return str_find(model, STR("-v2")) < 0;
}

static void put_titan(struct cw *c, const struct neutral_embed *e)
{
    one_text(c, e);
    if (e->dimensions >= 0 && is_first_titan(c->t->model))
        refuse(c, "dimensions", "makes vectors of one size only");
    if (c->w.rc)
        return;
    jw_member_jstr(&c->w, "inputText", e->first->text);
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "dimensions", e->dimensions);
    drop_words(c, e);
}

/* It wants to be told a purpose, and what to do with a text that is too long:
 * nobody asked for less of it. */
static void put_nova(struct cw *c, const struct neutral_embed *e)
{
    const char *word = embed_purpose_nova(e->purpose);

    one_text(c, e);
    if (c->w.rc)
        return;
    jw_member_text(&c->w, "taskType", STR("SINGLE_EMBEDDING"));
    jw_key(&c->w, "singleEmbeddingParams");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "embeddingPurpose",
                   str_of(word ? word : "GENERIC_INDEX"));
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "embeddingDimension", e->dimensions);
    jw_key(&c->w, "text");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "truncationMode", STR("NONE"));
    jw_member_jstr(&c->w, "value", e->first->text);
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
    if (c->r->user.p)
        drop(c, "user");
    if (e->purpose && !word)
        drop(c, "input_type");
    if (e->title.p)
        drop(c, "title");
}

/* ---- Vertex AI ---------------------------------------------------------- */

static void put_instance(struct cw *c, const struct neutral_embed *e,
                         const struct neutral_input *in)
{
    jw_open(&c->w, '{');
    jw_member_jstr(&c->w, "content", in->text);
    if (e->purpose)
        jw_member_text(&c->w, "task_type",
                       str_of(embed_purpose_gemini(e->purpose)));
    if (e->title.p)
        jw_member_jstr(&c->w, "title", e->title);
    jw_close(&c->w, '}');
}

/* Gemini's models take one instance; all cut what is too long unless they are
 * told not to. */
static void put_predict(struct cw *c, const struct neutral_embed *e)
{
    no_tokens(c, e);
    if (e->n > 1 && str_find(c->t->model, STR("gemini-")) >= 0)
        refuse(c, "input", "takes one text at a time");
    if (e->n > PREDICT_INPUTS)
        refuse(c, "input", "takes at most 250 texts at a time");
    jw_key(&c->w, "instances");
    jw_open(&c->w, '[');
    for (const struct neutral_input *in = e->first; in; in = in->next)
        put_instance(c, e, in);
    jw_close(&c->w, ']');
    jw_key(&c->w, "parameters");
    jw_open(&c->w, '{');
    jw_key(&c->w, "autoTruncate");
    jw_raw(&c->w, STR("false"));
    if (e->dimensions >= 0)
        jw_member_int(&c->w, "outputDimensionality", e->dimensions);
    jw_close(&c->w, '}');
    if (c->r->user.p)
        drop(c, "user");
}

/* ---- all of them -------------------------------------------------------- */

/* Members of OpenAI's clients that mean the same to the target. */
static const char *const to_mistral[] = { "output_dtype", "metadata",
                                          NULL };
static const char *const to_cohere[] = { "truncate", "max_tokens",
                                         "priority", NULL };
static const char *const to_ollama[] = { "truncate", "options", "keep_alive",
                                         NULL };

static const char *const to_titan[] = { "normalize", NULL };

struct kind {
    enum dialect to;
    put_fn *put;
    const char *const *passes;
};

static int encode(const struct kind *k, struct cw *c)
{
    struct codec_target t = *c->t;
    const struct neutral_embed *e = c->r->embed;

    *c->report = (struct codec_report){ 0 };
    *c->names = (struct codec_names){ 0 };
    if (!e)
        return err_set(c->err, ERR_INVALID_REQUEST,
                       "The request asks for no vectors.");
    c->to = k->to;
    if (k->to != DIALECT_TITAN_EMBED || !is_first_titan(t.model))
        t.passes = k->passes;
    c->t = &t;
    jw_open(&c->w, '{');
    cw_extras(c);
    k->put(c, e);
    return cw_finish(c, true);
}

/* Rule zero: a macro that makes code, for nine signatures of one body: a
 * codec's function is told no more than these. */
#define ENCODER(name, to, put, passes)                                        \
    int name(const struct neutral_request *r,                                 \
             const struct codec_target *target, struct arena *a,              \
             struct buf *out, struct codec_report *report,                    \
             struct codec_names *names, struct err *err)                      \
    {                                                                         \
        static const struct kind kind = { to, put, passes };                  \
        struct err own = { 0 };                                               \
        struct cw c = { { out, 0, false }, r,      target, to,                \
                        a,                 report, names,  err ? err : &own };\
                                                                              \
        return encode(&kind, &c);                                             \
    }

ENCODER(openai_embed_encode_request, DIALECT_OPENAI_EMBEDDINGS, put_openai,
        NULL)
ENCODER(mistral_embed_encode_request, DIALECT_MISTRAL_EMBED, put_mistral,
        to_mistral)
ENCODER(gemini_embed_encode_request, DIALECT_GEMINI_EMBED, put_gemini, NULL)
ENCODER(gemini_batch_encode_request, DIALECT_GEMINI_BATCH, put_batch, NULL)
ENCODER(cohere_embed_encode_request, DIALECT_COHERE_EMBED, put_cohere,
        to_cohere)
ENCODER(ollama_embed_encode_request, DIALECT_OLLAMA_EMBED, put_ollama,
        to_ollama)
ENCODER(titan_embed_encode_request, DIALECT_TITAN_EMBED, put_titan, to_titan)
ENCODER(nova_embed_encode_request, DIALECT_NOVA_EMBED, put_nova, NULL)
ENCODER(predict_embed_encode_request, DIALECT_PREDICT_EMBED, put_predict,
        NULL)
