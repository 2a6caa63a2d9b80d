/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Cohere's answers, read: why they ended, what they took, what they rest on.
 * Tokens are those that the model saw and made; what of them is billed (less:
 * not the vendor's own preamble) is the plugin's to report.
 */
#include "wire/codec_cohere.h"

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "COMPLETE", FINISH_STOP },
    { "STOP_SEQUENCE", FINISH_STOP_SEQUENCE },
    { "MAX_TOKENS", FINISH_LENGTH },
    { "TOOL_CALL", FINISH_TOOL },
    { "ERROR_TOXIC", FINISH_FILTER },
    { "ERROR_LIMIT", FINISH_CONTEXT },
};

static int tell_finish(struct cohere_in *in, struct str word)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH };
    enum neutral_finish said = FINISH_STOP;

    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(word, finishes[i].word))
            said = finishes[i].finish;
    }
    ev.finish = neutral_finish_seen(said, in->any_call);
    return in_emit(&in->base, &ev);
}

static int tell_usage(struct cohere_in *in, uint32_t usage)
{
    const struct json *j = &in->base.j;
    uint32_t seen = in_member(j, usage, STR("tokens"));
    struct usage more = USAGE_NONE;

    if (seen == JSON_NONE)
        seen = in_member(j, usage, STR("billed_units"));
    if (seen == JSON_NONE)
        return 0;
    more.input = in_count(j, seen, STR("input_tokens"));
    more.output = in_count(j, seen, STR("output_tokens"));
    more.reasoning = in_count(j, seen, STR("reasoning_tokens"));
    more.cache_read = in_count(j, usage, STR("cached_tokens"));
    if (more.input >= more.cache_read && more.cache_read > 0)
        more.input -= more.cache_read;
    return in_usage(&in->base, &more);
}

static int broken_off(struct cohere_in *in, uint32_t object, bool timeout)
{
    struct jstr text = in_string(&in->base.j, object, STR("error"));
    struct neutral_error e = {
        .status = timeout ? 504 : 502,
        .type = timeout ? STR("timeout_error") : STR("upstream_error"),
        .code = timeout ? STR("timeout") : STR("upstream_error"),
        .message = jstr_text(text, in->base.tmp),
    };

    if (!e.message.n)
        e.message = STR("The provider broke off its answer.");
    return in_error(&in->base, &e);
}

int cohere_read_end(struct cohere_in *in, uint32_t object)
{
    const struct json *j = &in->base.j;
    struct jstr s = in_string(j, object, STR("finish_reason"));
    struct str word = { s.p, s.n };
    int rc;

    if (str_is(word, "ERROR") || str_is(word, "TIMEOUT") ||
        in_member(j, object, STR("error")) != JSON_NONE)
        return broken_off(in, object, str_is(word, "TIMEOUT"));
    in->told = true;
    if (json_first(j, in_member(j, object, STR("logprobs"))) != JSON_NONE)
        in_lose(&in->base, LOSS_LOGPROBS); /* of texts, not of tokens */
    rc = tell_finish(in, word);
    return rc ? rc : tell_usage(in, in_member(j, object, STR("usage")));
}

/* ---- citations ---------------------------------------------------------- */

/* Clients' citations are of pages: those of a document that came without an
 * address, and of what a tool answered, have no form there. */
int cohere_read_citation(struct cohere_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t sources = in_member(j, node, STR("sources"));
    int rc = 0;

    if (sources == JSON_NONE || j->nodes[sources].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, sources); n != JSON_NONE && !rc;
         n = json_sibling(j, sources, n)) {
        uint32_t document = in_member(j, n, STR("document"));
        struct neutral_event ev = {
            .type = NEUTRAL_CITATION,
            .from = DIALECT_COHERE,
            .raw = json_raw(j, n),
            .text = in_string(j, document, STR("url")),
            .name = in_string(j, document, STR("title")),
        };

        if (ev.text.n && in->open == COHERE_TEXT)
            rc = in_emit(&in->base, &ev);
        else
            in_lose(&in->base, LOSS_CITATIONS);
    }
    return rc;
}
