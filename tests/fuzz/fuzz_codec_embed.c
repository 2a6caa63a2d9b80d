/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Codecs of vectors, counts and completions over any bytes. The first byte
 * says what the rest is: a capital a request (O OpenAI's, G and B Google's,
 * P of completions, N and A of counts), a small letter an answer, which is
 * written for each client of its kind. What is written must be JSON.
 */
#include "codec_fuzz.h"

#include "wire/embed.h"

static const enum dialect vectors[] = {
    DIALECT_OPENAI_EMBEDDINGS, DIALECT_GEMINI_EMBED, DIALECT_GEMINI_BATCH,
    DIALECT_MISTRAL_EMBED,     DIALECT_COHERE_EMBED, DIALECT_OLLAMA_EMBED,
    DIALECT_TITAN_EMBED,       DIALECT_NOVA_EMBED,   DIALECT_PREDICT_EMBED,
};
static const enum dialect counts[] = { DIALECT_ANTHROPIC_COUNT,
                                       DIALECT_GEMINI_COUNT };

static const struct {
    char letter;
    enum dialect d;
} kinds[] = {
    { 'O', DIALECT_OPENAI_EMBEDDINGS }, { 'G', DIALECT_GEMINI_EMBED },
    { 'B', DIALECT_GEMINI_BATCH },      { 'M', DIALECT_MISTRAL_EMBED },
    { 'C', DIALECT_COHERE_EMBED },      { 'L', DIALECT_OLLAMA_EMBED },
    { 'T', DIALECT_TITAN_EMBED },       { 'V', DIALECT_NOVA_EMBED },
    { 'D', DIALECT_PREDICT_EMBED },
    { 'A', DIALECT_ANTHROPIC_COUNT },   { 'N', DIALECT_GEMINI_COUNT },
    { 'P', DIALECT_OPENAI_COMPLETIONS },
};

static void write_all(const struct neutral_request *r, const enum dialect *to,
                      size_t n, struct arena *a)
{
    for (size_t i = 0; i < n; i++)
        write_request(r, to[i], "claude-sonnet-4-5", a);
}

static void fuzz_ask(enum dialect d, struct str body)
{
    struct arena *a = arena_new(64 << 20);
    struct neutral_request r;
    struct json j = { 0 };
    struct err err = { 0 };
    int rc = json_scan(&j, body, NULL, NULL);

    if (!rc) {
        rc = codec_for(d)->decode_request(&j, a, &r, &err);
        MUST(rc == -err.code);
        if (!rc && r.embed)
            write_all(&r, vectors, sizeof vectors / sizeof *vectors, a);
        else if (!rc && d != DIALECT_OPENAI_COMPLETIONS)
            write_all(&r, counts, 2, a);
        else if (!rc)
            write_request(&r, DIALECT_OPENAI_CHAT, "gpt-4o", a);
    }
    json_clear(&j);
    arena_free(a);
}

static void fuzz_told(enum dialect d, struct str body, enum dialect to,
                      bool base64)
{
    struct arena *a = arena_new(64 << 20);
    struct codec_in_opts in = { .unique = STR("u") };
    struct codec_out_opts opts = { .model = STR("m"), .base64 = base64 };
    struct codec_in *from = codec_in_new(codec_for(d), a, &in);
    struct buf out = BUF_INIT(OUT_MAX);
    struct codec_pipe pipe = { codec_out_new(codec_for(to), a, &opts), &out };
    struct err err = { 0 };
    int rc = from->codec->decode_body(from, body, codec_pipe, &pipe, &err);

    if (!rc)
        must_be_json(buf_str(&out));
    buf_clear(&out);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data + 1, size - 1 };
    size_t i = 0;

    if (size < 2)
        return 0;
    while (i < sizeof kinds / sizeof *kinds &&
           (kinds[i].letter | 0x20) != (data[0] | 0x20))
        i++;
    if (i == sizeof kinds / sizeof *kinds)
        return 0;
    if (!(data[0] & 0x20)) {
        if (codec_for(kinds[i].d)->decode_request)
            fuzz_ask(kinds[i].d, text);
        return 0;
    }
    if (kinds[i].letter == 'A' || kinds[i].letter == 'N') {
        fuzz_told(kinds[i].d, text, DIALECT_ANTHROPIC_COUNT, false);
        fuzz_told(kinds[i].d, text, DIALECT_GEMINI_COUNT, false);
    } else if (kinds[i].letter != 'P') {
        fuzz_told(kinds[i].d, text, DIALECT_OPENAI_EMBEDDINGS, false);
        fuzz_told(kinds[i].d, text, DIALECT_OPENAI_EMBEDDINGS, true);
        fuzz_told(kinds[i].d, text, DIALECT_GEMINI_EMBED, false);
        fuzz_told(kinds[i].d, text, DIALECT_GEMINI_BATCH, false);
    }
    return 0;
}
