/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers with vectors, written as they come: the head with the start, the
 * usage at the end. What a provider did not count is 0 to OpenAI's clients,
 * whose types want a number, and not said to Google's.
 */
#include "wire/codec_embed.h"
#include "wire/codec_gemini.h"

static struct embed_out *embed_of(struct codec_out *out)
{
    return (struct embed_out *)(void *)out;
}

int embed_out_init(struct codec_out *out)
{
    embed_of(out)->base64 = out->opts.base64;
    return 0;
}

static void put_vector(struct embed_out *out, struct jw *w,
                       const struct neutral_event *ev)
{
    jw_sep(w);
    if (!w->rc)
        w->rc = embed_put_vector(w->b, ev->raw, out->base64);
}

/* What was not counted, or nothing: a count of the input. */
static int64_t input_of(const struct usage *u)
{
    int64_t n = u->input > 0 ? u->input : 0;

    return n + (u->cache_read > 0 ? u->cache_read : 0);
}

/* ---- OpenAI ------------------------------------------------------------- */

static void put_datum(struct embed_out *out, struct jw *w,
                      const struct neutral_event *ev)
{
    w->comma = out->n++ > 0;
    jw_open(w, '{');
    jw_member_text(w, "object", STR("embedding"));
    jw_member_int(w, "index", ev->choice);
    jw_key(w, "embedding");
    put_vector(out, w, ev);
    jw_close(w, '}');
}

static void put_end(struct codec_out *out, struct jw *w,
                    const struct neutral_event *ev)
{
    int64_t n = input_of(&out->usage);

    (void)ev;
    jw_bytes(w, STR("],\"model\":"));
    jw_text(w, out->opts.model);
    jw_key(w, "usage");
    jw_open(w, '{');
    jw_member_int(w, "prompt_tokens", n);
    jw_member_int(w, "total_tokens", n);
    jw_close(w, '}');
    jw_close(w, '}');
}

int openai_embed_encode(struct codec_out *out, const struct neutral_event *ev,
                        struct buf *to)
{
    struct jw w = { .b = to };
    int rc = codec_out_note(out, ev);

    if (rc)
        return rc;
    if (ev->type == NEUTRAL_START)
        jw_bytes(&w, STR("{\"object\":\"list\",\"data\":["));
    else if (ev->type == NEUTRAL_VECTOR)
        put_datum(embed_of(out), &w, ev);
    else if (ev->type == NEUTRAL_END)
        put_end(out, &w, ev);
    else if (ev->type == NEUTRAL_ERROR)
        chat_put_error(&w, ev->error, ev->from == DIALECT_OPENAI_EMBEDDINGS);
    return w.rc;
}

/* ---- Google ------------------------------------------------------------- */

static void put_values(struct embed_out *out, struct jw *w,
                       const struct neutral_event *ev)
{
    w->comma = out->n++ > 0;
    jw_open(w, '{');
    jw_key(w, "values");
    put_vector(out, w, ev);
    jw_close(w, '}');
}

static void put_google_end(struct codec_out *out, struct jw *w, bool many)
{
    int64_t n = input_of(&out->usage);

    jw_bytes(w, many ? STR("]") : STR(""));
    w->comma = true;
    if (out->usage.input >= 0) {
        jw_key(w, "usageMetadata");
        jw_open(w, '{');
        jw_member_int(w, "promptTokenCount", n);
        jw_member_int(w, "totalTokenCount", n);
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

int gemini_embed_encode(struct codec_out *out, const struct neutral_event *ev,
                        struct buf *to)
{
    bool many = out->codec->dialect == DIALECT_GEMINI_BATCH;
    struct embed_out *o = embed_of(out);
    struct jw w = { .b = to };
    int rc = codec_out_note(out, ev);

    if (rc)
        return rc;
    if (ev->type == NEUTRAL_START)
        jw_bytes(&w, many ? STR("{\"embeddings\":[")
                          : STR("{\"embedding\":"));
    else if (ev->type == NEUTRAL_VECTOR && (many || !o->n))
        put_values(o, &w, ev);
    else if (ev->type == NEUTRAL_END && !many && !o->n)
        return -ERR_SYNTAX; /* the provider gave none */
    else if (ev->type == NEUTRAL_END)
        put_google_end(out, &w, many);
    else if (ev->type == NEUTRAL_ERROR)
        gemini_put_error(&w, ev->error, dialect_is_gemini(ev->from));
    return w.rc;
}
