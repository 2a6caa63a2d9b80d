/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Answers that no provider gave, as Google's API would give them: a stream
 * of one event is the whole answer. */
#include "wire/gemini_impl.h"

static const char *const reasons[] = {
    [WIRE_FINISH_STOP] = "STOP",
    [WIRE_FINISH_LENGTH] = "MAX_TOKENS",
    [WIRE_FINISH_FILTER] = "SAFETY",
};

bool gemini_answers(enum dialect d)
{
    return d == DIALECT_GEMINI;
}

int gemini_answer(enum dialect d, const struct wire_answer *a,
                  struct buf *out)
{
    int rc = 0;

    if (!gemini_answers(d))
        return -ERR_NOTFOUND;
    if (a->stream)
        rc = buf_puts(out, "data: ");
    rc = rc ? rc : buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":["
                                 "{\"text\":");
    rc = rc ? rc : buf_json_str(out, a->text);
    rc = rc ? rc : buf_printf(out, "}],\"role\":\"model\"},"
                                   "\"finishReason\":\"%s\",\"index\":0}],"
                                   "\"usageMetadata\":{\"promptTokenCount\":"
                                   "0,\"candidatesTokenCount\":0,"
                                   "\"totalTokenCount\":0},"
                                   "\"modelVersion\":",
                              reasons[a->finish]);
    rc = rc ? rc : buf_json_str(out, a->model);
    rc = rc ? rc : buf_puts(out, ",\"responseId\":");
    rc = rc ? rc : buf_json_str(out, a->id);
    rc = rc ? rc : buf_putc(out, '}');
    return rc || !a->stream ? rc : buf_puts(out, "\r\n\r\n");
}
