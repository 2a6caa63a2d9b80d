/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * An answer that no provider gave, as a Responses endpoint would give it: the
 * events that a provider's answer would have been, through the encoder.
 */
#include "wire/codec.h"
#include "wire/responses_impl.h"

static const enum neutral_finish finishes[] = {
    [WIRE_FINISH_STOP] = FINISH_STOP,
    [WIRE_FINISH_LENGTH] = FINISH_LENGTH,
    [WIRE_FINISH_FILTER] = FINISH_FILTER,
};

bool responses_answers(enum dialect d)
{
    return d == DIALECT_RESPONSES;
}

int responses_answer(enum dialect d, const struct wire_answer *a,
                     struct buf *out)
{
    struct codec_out_opts opts = { .stream = a->stream, .model = a->model,
                                   .unique = a->id, .created = a->created };
    struct arena *mem = arena_new(4 << 20);
    struct jstr text = mem ? jstr_escape(a->text, mem) : JSTR_NULL;
    const struct codec *codec = codec_for(d);
    struct codec_out *c = mem ? codec_out_new(codec, mem, &opts)
                              : NULL;
    const struct neutral_event events[] = {
        { .type = NEUTRAL_START, .usage = { 0, -1, -1, 0, -1, -1, 0 } },
        { .type = NEUTRAL_TEXT, .text = text },
        { .type = NEUTRAL_BLOCK_END },
        { .type = NEUTRAL_FINISH, .finish = finishes[a->finish] },
        { .type = NEUTRAL_END },
    };
    int rc = c && (text.p || !a->text.n) ? 0 : -ERR_NOMEM;

    for (size_t i = 0; i < sizeof events / sizeof events[0] && !rc; i++) {
        if (a->text.n || (i != 1 && i != 2))
            rc = codec->encode(c, &events[i], out);
    }
    arena_free(mem);
    return rc;
}
