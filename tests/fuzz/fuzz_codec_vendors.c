/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers of dialects that are spoken to providers alone. The first byte says
 * whose: C and c Cohere's, O and o Ollama's; a capital a whole answer. See
 * tests/fuzz/codec_fuzz.h.
 */
#include "codec_fuzz.h"

#include "wire/framing.h"

static int on_frame(void *ud, const struct frame *f)
{
    struct answer *s = ud;

    if (!f->data.p)
        return 0;
    return s->in->codec->decode_event(s->in, f->event, f->data, on_neutral,
                                      s, NULL);
}

static void fuzz_frames(enum dialect d, struct str text)
{
    struct arena *a = arena_new(64 << 20);
    struct framer framer;
    struct answer s;
    int rc;

    open_answer(&s, d, a);
    framer_init(&framer, d == DIALECT_OLLAMA ? FRAMING_NDJSON : FRAMING_SSE,
                1 << 20);
    rc = framer_feed(&framer, text, on_frame, &s, NULL);
    if (!rc)
        rc = framer_eof(&framer, on_frame, &s, NULL);
    if (!rc)
        rc = s.in->codec->decode_event(s.in, STR(""), STR_NULL, on_neutral,
                                       &s, NULL);
    MUST(rc || s.ended);
    framer_clear(&framer);
    check_written(&s);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data + 1, size - 1 };
    enum dialect d;

    if (size < 2)
        return 0;
    d = data[0] == 'O' || data[0] == 'o' ? DIALECT_OLLAMA : DIALECT_COHERE;
    if (data[0] == 'C' || data[0] == 'O')
        fuzz_answer(d, text, true);
    else
        fuzz_frames(d, text);
    return 0;
}
