/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Answers and streams of Bedrock's Converse (events as SSE spells them: the
 * frames have a target of their own), and R: a chat request written for it;
 * see tests/fuzz/codec_fuzz.h. */
#include "codec_fuzz.h"

static const char *const ids[] = { "anthropic.claude-sonnet-4-5-v1:0",
                                   "us.anthropic.claude-opus-5-5",
                                   "amazon.nova-2-lite-v1:0",
                                   "openai.gpt-oss-20b-1:0", "meta.x", "arn" };

static void fuzz_written(struct str body)
{
    struct arena *a = arena_new(64 << 20);
    struct neutral_request r;
    struct json j = { 0 };
    struct err err = { 0 };

    if (json_scan(&j, body, NULL, NULL) == 0 &&
        codec_for(DIALECT_OPENAI_CHAT)->decode_request(&j, a, &r, &err) == 0) {
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
            write_request(&r, DIALECT_CONVERSE, ids[i], a);
    }
    json_clear(&j);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || data[0] != 'R')
        return fuzz_codec(DIALECT_CONVERSE, data, size);
    fuzz_written((struct str){ (const char *)data + 1, size - 1 });
    return 0;
}
