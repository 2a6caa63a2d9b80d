/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Usage as providers count it, in disjoint parts. OpenAI's prompt includes
 * what the cache held, Anthropic's does not; reasoning is in the output with
 * both, but not with some who speak OpenAI's dialect.
 *
 * Source: the vendors' references; xAI's and Perplexity's counts as their
 * totals show them (read 2026-08).
 */
#include "wire/codec_stream.h"
#include "wire/watch.h"

static int64_t first_of(int64_t a, int64_t b)
{
    return a >= 0 ? a : b;
}

static int64_t cached_tokens(const struct json *j, uint32_t node,
                             uint32_t details)
{
    int64_t n = in_count(j, details, STR("cached_tokens"));

    n = first_of(n, in_count(j, node, STR("prompt_cache_hit_tokens")));
    n = first_of(n, in_count(j, node, STR("num_cached_tokens")));
    n = first_of(n, in_count(j, node, STR("cache_read_input_tokens")));
    return first_of(n, in_count(j, node, STR("cached_tokens")));
}

/* Providers that count reasoning beside the output: only then do the parts
 * add up to the total. */
static int64_t with_reasoning(int64_t prompt, int64_t output,
                              int64_t reasoning, int64_t total)
{
    if (output < 0 || reasoning <= 0 || prompt < 0)
        return output;
    return total == prompt + output + reasoning ? output + reasoning : output;
}

void chat_read_usage(const struct json *j, uint32_t node, struct usage *out)
{
    uint32_t in = in_member(j, node, STR("prompt_tokens_details"));
    uint32_t reply = in_member(j, node, STR("completion_tokens_details"));
    int64_t prompt = in_count(j, node, STR("prompt_tokens"));
    int64_t known;

    *out = USAGE_NONE;
    out->cache_read = cached_tokens(j, node, in);
    out->cache_write =
        first_of(in_count(j, in, STR("cache_write_tokens")),
                 in_count(j, node, STR("cache_creation_input_tokens")));
    out->reasoning = first_of(in_count(j, reply, STR("reasoning_tokens")),
                              in_count(j, node, STR("reasoning_tokens")));
    out->output = with_reasoning(prompt,
                                 in_count(j, node, STR("completion_tokens")),
                                 out->reasoning,
                                 in_count(j, node, STR("total_tokens")));
    out->input = prompt;
    known = (out->cache_read > 0 ? out->cache_read : 0) +
            (out->cache_write > 0 ? out->cache_write : 0);
    if (prompt >= known) /* else they stand beside it already */
        out->input = prompt - known;
}

void anthropic_read_usage(const struct json *j, uint32_t node,
                          struct usage *out)
{
    uint32_t created = in_member(j, node, STR("cache_creation"));
    uint32_t details = in_member(j, node, STR("output_tokens_details"));

    *out = (struct usage){
        .tier = watch_tier(j, node),
        .input = in_count(j, node, STR("input_tokens")),
        .cache_read = in_count(j, node, STR("cache_read_input_tokens")),
        .cache_write = in_count(j, node, STR("cache_creation_input_tokens")),
        .output = in_count(j, node, STR("output_tokens")),
        .reasoning = in_count(j, details, STR("thinking_tokens")),
        .cache_write_1h = in_count(j, created,
                                   STR("ephemeral_1h_input_tokens")),
    };
}
