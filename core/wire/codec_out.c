/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The table of codecs, and what encoders of answers have in common. */
#include "wire/codec_anthropic.h"
#include "wire/codec_anthropic_in.h"
#include "wire/codec_anthropic_out.h"
#include "wire/codec_chat.h"
#include "wire/codec_chat_in.h"
#include "wire/codec_chat_out.h"
#include "wire/codec_cohere.h"
#include "wire/codec_completions.h"
#include "wire/codec_converse.h"
#include "wire/codec_count.h"
#include "wire/codec_embed.h"
#include "wire/codec_gemini_out.h"
#include "wire/codec_mistral.h"
#include "wire/codec_ollama.h"
#include "wire/codec_responses.h"
#include "wire/codec_responses_in.h"
#include "wire/codec_responses_out.h"

#define MAX_HELD (16u << 20)

static const struct codec codecs[] = {
    {
        .dialect = DIALECT_OPENAI_CHAT,
        .in_size = sizeof(struct chat_in),
        .out_size = sizeof(struct chat_out),
        .decode_request = chat_decode_request,
        .encode_request = chat_encode_request,
        .decode_body = chat_decode_body,
        .decode_event = chat_decode_event,
        .encode = chat_encode,
        .in_init = chat_in_init,
        .out_init = chat_out_init,
    },
    {
        .dialect = DIALECT_ANTHROPIC,
        .in_size = sizeof(struct anthropic_in),
        .out_size = sizeof(struct anthropic_out),
        .decode_request = anthropic_decode_request,
        .encode_request = anthropic_encode_request,
        .decode_body = anthropic_decode_body,
        .decode_event = anthropic_decode_event,
        .encode = anthropic_encode,
        .in_init = anthropic_in_init,
        .out_init = anthropic_out_init,
    },
    {
        .dialect = DIALECT_CONVERSE, /* a target's: no client speaks it */
        .in_size = sizeof(struct converse_in),
        .encode_request = converse_encode_request,
        .decode_body = converse_decode_body,
        .decode_event = converse_decode_event,
        .in_init = converse_in_init,
    },
    {
        .dialect = DIALECT_GEMINI,
        .in_size = sizeof(struct gemini_in),
        .out_size = sizeof(struct gemini_out),
        .decode_request = gemini_decode_request,
        .encode_request = gemini_encode_request,
        .decode_body = gemini_decode_body,
        .decode_event = gemini_decode_event,
        .encode = gemini_encode,
        .in_init = gemini_in_init,
        .out_init = gemini_out_init,
    },
    {
        .dialect = DIALECT_COHERE, /* to providers only, as those below */
        .in_size = sizeof(struct cohere_in),
        .encode_request = cohere_encode_request,
        .decode_body = cohere_decode_body,
        .decode_event = cohere_decode_event,
        .in_init = cohere_in_init,
    },
    {
        .dialect = DIALECT_OLLAMA,
        .in_size = sizeof(struct ollama_in),
        .encode_request = ollama_encode_request,
        .decode_body = ollama_decode_body,
        .decode_event = ollama_decode_event,
    },
    {
        .dialect = DIALECT_MISTRAL,
        .in_size = sizeof(struct chat_in),
        .encode_request = mistral_encode_request,
        .decode_body = chat_decode_body,
        .decode_event = chat_decode_event,
        .in_init = chat_in_init,
    },
    {
        .dialect = DIALECT_RESPONSES,
        .in_size = sizeof(struct responses_in),
        .out_size = sizeof(struct responses_out),
        .decode_request = responses_decode_request,
        .encode_request = responses_encode_request,
        .decode_body = responses_decode_body,
        .decode_event = responses_decode_event,
        .encode = responses_encode,
        .in_init = responses_in_init,
        .out_init = responses_out_init,
    },
    {
        .dialect = DIALECT_OPENAI_COMPLETIONS, /* of clients only */
        .out_size = sizeof(struct completions_out),
        .decode_request = completions_decode_request,
        .encode = completions_encode,
        .out_init = completions_out_init,
    },
    {
        .dialect = DIALECT_ANTHROPIC_COUNT,
        .in_size = sizeof(struct codec_in),
        .out_size = sizeof(struct codec_out),
        .decode_request = anthropic_decode_request,
        .encode_request = anthropic_count_encode_request,
        .decode_body = count_decode_body,
        .decode_event = count_decode_event,
        .encode = count_encode,
        .out_init = count_out_init,
    },
    {
        .dialect = DIALECT_RESPONSES_COUNT, /* of clients only */
        .out_size = sizeof(struct codec_out),
        .decode_request = responses_decode_request,
        .encode = count_encode,
        .out_init = count_out_init,
    },
    {
        .dialect = DIALECT_GEMINI_COUNT,
        .in_size = sizeof(struct codec_in),
        .out_size = sizeof(struct codec_out),
        .decode_request = gemini_count_decode_request,
        .encode_request = gemini_count_encode_request,
        .decode_body = count_decode_body,
        .decode_event = count_decode_event,
        .encode = count_encode,
        .out_init = count_out_init,
    },
    {
        .dialect = DIALECT_CONVERSE_COUNT,
        .in_size = sizeof(struct codec_in),
        .encode_request = converse_count_encode_request,
        .decode_body = count_decode_body,
        .decode_event = count_decode_event,
    },
    {
        .dialect = DIALECT_OPENAI_EMBEDDINGS,
        .in_size = sizeof(struct codec_in),
        .out_size = sizeof(struct embed_out),
        .decode_request = openai_embed_decode_request,
        .encode_request = openai_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
        .encode = openai_embed_encode,
        .out_init = embed_out_init,
    },
    {
        .dialect = DIALECT_GEMINI_EMBED,
        .in_size = sizeof(struct codec_in),
        .out_size = sizeof(struct embed_out),
        .decode_request = gemini_embed_decode_request,
        .encode_request = gemini_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
        .encode = gemini_embed_encode,
        .out_init = embed_out_init,
    },
    {
        .dialect = DIALECT_GEMINI_BATCH,
        .in_size = sizeof(struct codec_in),
        .out_size = sizeof(struct embed_out),
        .decode_request = gemini_batch_decode_request,
        .encode_request = gemini_batch_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
        .encode = gemini_embed_encode,
        .out_init = embed_out_init,
    },
    {
        .dialect = DIALECT_MISTRAL_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = mistral_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
    {
        .dialect = DIALECT_COHERE_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = cohere_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
    {
        .dialect = DIALECT_OLLAMA_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = ollama_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
    {
        .dialect = DIALECT_TITAN_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = titan_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
    {
        .dialect = DIALECT_NOVA_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = nova_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
    {
        .dialect = DIALECT_PREDICT_EMBED,
        .in_size = sizeof(struct codec_in),
        .encode_request = predict_embed_encode_request,
        .decode_body = embed_decode_body,
        .decode_event = embed_decode_event,
    },
};

const struct codec *codec_for(enum dialect d)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        if (codecs[i].dialect == d)
            return &codecs[i];
    }
    return NULL;
}

struct codec_out *codec_out_new(const struct codec *c, struct arena *a,
                                const struct codec_out_opts *opts)
{
    struct codec_out *out = arena_alloc(a, c->out_size);

    if (!out)
        return NULL;
    out->codec = c;
    out->a = a;
    out->opts = *opts;
    if (!out->opts.max_held)
        out->opts.max_held = MAX_HELD;
    out->usage = USAGE_NONE;
    return c->out_init(out) ? NULL : out;
}

uint32_t codec_out_number(const struct codec_out *out)
{
    return out->number;
}

int codec_out_note(struct codec_out *out, const struct neutral_event *ev)
{
    bool start = ev->type == NEUTRAL_START;

    if (start && out->started)
        return -ERR_BUG;
    if (!start && !out->started && ev->type != NEUTRAL_ERROR &&
        ev->type != NEUTRAL_PING)
        return -ERR_BUG;
    if (start || ev->type == NEUTRAL_USAGE)
        usage_merge(&out->usage, &ev->usage);
    out->started |= start;
    out->ended = ev->type == NEUTRAL_END || ev->type == NEUTRAL_ERROR;
    return 0;
}

void out_lose_event(struct codec_out *out, const struct neutral_event *ev)
{
    enum codec_loss l = codec_loss_of(ev->type);

    if (l != LOSS_COUNT)
        out_lose(out, l);
}

const char *out_tier(struct codec_out *out, uint32_t words)
{
    uint32_t tier = out->usage.tier;

    if (tier == TIER_STANDARD)
        return NULL;
    if (words >> tier & 1)
        return usage_tier_name((int)tier);
    out_lose(out, LOSS_TIER);
    return NULL;
}

int codec_pipe(void *ud, const struct neutral_event *ev)
{
    struct codec_pipe *pipe = ud;

    return pipe->out->codec->encode(pipe->out, ev, pipe->to);
}
