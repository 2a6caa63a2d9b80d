/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The same answer through its dialect's codec: each neutral event a line. */
#include "engine/conform_neutral.h"

static const char *const names[] = {
    [NEUTRAL_START] = "start",         [NEUTRAL_TEXT] = "text",
    [NEUTRAL_REFUSAL] = "refusal",     [NEUTRAL_THINKING] = "thinking",
    [NEUTRAL_SIGNATURE] = "signature", [NEUTRAL_REDACTED] = "redacted",
    [NEUTRAL_TOOL_BEGIN] = "tool",     [NEUTRAL_TOOL_ARGS] = "args",
    [NEUTRAL_CITATION] = "citation",   [NEUTRAL_BLOCK_END] = "block_end",
    [NEUTRAL_IMAGE] = "image",
    [NEUTRAL_OPAQUE] = "opaque",       [NEUTRAL_LOGPROBS] = "logprobs",
    [NEUTRAL_USAGE] = "usage",         [NEUTRAL_FINISH] = "finish",
    [NEUTRAL_END] = "end",             [NEUTRAL_ERROR] = "error",
    [NEUTRAL_PING] = "ping",
    [NEUTRAL_VECTOR] = "vector",
};

static void put(struct buf *b, const char *what, struct str s)
{
    if (s.p)
        buf_printf(b, " %s=%zu:%016llx", what, s.n,
                   (unsigned long long)str_hash(s, 0));
}

static void put_jstr(struct buf *b, const char *what, struct jstr s)
{
    put(b, what, (struct str){ s.p, s.n });
}

static int on_neutral(void *ud, const struct neutral_event *ev)
{
    struct conform_neutral *n = ud;
    struct buf *b = n->lines;

    buf_printf(b, "  %s", (size_t)ev->type < sizeof names / sizeof names[0]
                              ? names[ev->type]
                              : "?");
    if (ev->choice)
        buf_printf(b, " choice=%u", ev->choice);
    put_jstr(b, "text", ev->text);
    put_jstr(b, "name", ev->name);
    put(b, "id", ev->id);
    put(b, "tool", ev->tool);
    put(b, "model", ev->model);
    put(b, "raw", ev->raw);
    if (ev->type == NEUTRAL_FINISH)
        buf_printf(b, " why=%d", (int)ev->finish);
    if (ev->type == NEUTRAL_USAGE)
        buf_printf(b, " input=%lld output=%lld", (long long)ev->usage.input,
                   (long long)ev->usage.output);
    if (ev->error)
        put(b, "message", ev->error->message);
    buf_putc(b, '\n');
    return 0;
}

void conform_neutral_open(struct conform_neutral *n, enum dialect d,
                          int status, struct arena *a, struct buf *lines)
{
    struct codec_in_opts opts = { .unique = STR("u"), .http_status = status };

    *n = (struct conform_neutral){ .codec = codec_for(d), .lines = lines };
    if (n->codec && n->codec->decode_body) /* some are clients' alone */
        n->in = codec_in_new(n->codec, a, &opts);
}

void conform_neutral_event(struct conform_neutral *n, struct str event,
                           struct str data)
{
    if (n->in && n->codec->decode_event(n->in, event, data, on_neutral, n,
                                        NULL))
        buf_puts(n->lines, "  that cannot be decoded\n");
}

void conform_neutral_body(struct conform_neutral *n, struct str body)
{
    if (n->in && n->codec->decode_body(n->in, body, on_neutral, n, NULL))
        buf_puts(n->lines, "  that cannot be decoded\n");
}
