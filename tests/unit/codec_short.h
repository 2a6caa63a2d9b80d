/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Streams in short, one event a line, ' for ":
 *
 *   chat        D{delta}  F reason  U{usage}  DONE  comment  {whole chunk}
 *   anthropic   S  B0{block}  d0{delta}  E0  M{delta}{usage}  X  P
 *
 * and {...} for any event whole. What comes out is put in the same form.
 */
#ifndef PENSTOCK_UNIT_CODEC_SHORT_H
#define PENSTOCK_UNIT_CODEC_SHORT_H

#include "codec_run.h"

struct stream_case {
    const char *name;
    const char *in, *out;
};

static inline void put_quoted(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_putc(b, s.p[i] == '\'' ? '"' : s.p[i]);
}

static inline struct str from(struct str s, size_t n)
{
    return (struct str){ s.p + n, s.n - n };
}

/* ---- in ----------------------------------------------------------------- */

#define CHUNK "{\"id\":\"c\",\"created\":5,\"model\":\"m\",\"choices\":["

static inline void expand_chat(struct buf *b, struct str line)
{
    buf_puts(b, "data: ");
    if (str_is(line, "DONE")) {
        buf_puts(b, "[DONE]");
    } else if (line.p[0] == 'D') {
        buf_puts(b, CHUNK "{\"index\":0,\"delta\":");
        put_quoted(b, from(line, 1));
        buf_puts(b, ",\"finish_reason\":null}]}");
    } else if (line.p[0] == 'F') {
        buf_puts(b, CHUNK "{\"index\":0,\"delta\":{},\"finish_reason\":\"");
        put_quoted(b, from(line, 2));
        buf_puts(b, "\"}]}");
    } else if (line.p[0] == 'U') {
        buf_puts(b, CHUNK "],\"usage\":");
        put_quoted(b, from(line, 1));
        buf_puts(b, "}");
    } else {
        put_quoted(b, line);
    }
    buf_puts(b, "\n\n");
}

static inline void expand_block(struct buf *b, struct str line)
{
    const char *type = line.p[0] == 'B'   ? "content_block_start"
                       : line.p[0] == 'd' ? "content_block_delta"
                                          : "content_block_stop";

    buf_printf(b, "{\"type\":\"%s\",\"index\":%c", type, line.p[1]);
    if (line.p[0] != 'E') {
        buf_puts(b, line.p[0] == 'B' ? ",\"content_block\":" : ",\"delta\":");
        put_quoted(b, from(line, 2));
    }
    buf_puts(b, "}");
}

static inline void expand_anthropic(struct buf *b, struct str line)
{
    ptrdiff_t usage = str_find(line, STR("}{"));

    buf_puts(b, "event: x\ndata: ");
    if (line.p[0] == 'S') {
        buf_puts(b, "{\"type\":\"message_start\",\"message\":{\"id\":\"c\","
                    "\"model\":\"m\",\"content\":[],\"usage\":"
                    "{\"input_tokens\":3,\"output_tokens\":1}}}");
    } else if (line.p[0] == 'M') {
        buf_puts(b, "{\"type\":\"message_delta\",\"delta\":");
        put_quoted(b, (struct str){ line.p + 1, (size_t)usage });
        buf_puts(b, ",\"usage\":");
        put_quoted(b, from(line, (size_t)usage + 1));
        buf_puts(b, "}");
    } else if (line.p[0] == 'X' || line.p[0] == 'P') {
        buf_puts(b, line.p[0] == 'X' ? "{\"type\":\"message_stop\"}"
                                     : "{\"type\":\"ping\"}");
    } else if (line.p[0] == '{') {
        put_quoted(b, line);
    } else {
        expand_block(b, line);
    }
    buf_puts(b, "\n\n");
}

static inline void expand(struct buf *b, enum dialect d, const char *z)
{
    struct str all = str_of(z);

    while (all.p && all.n) {
        struct str line = str_split(&all, '\n');

        if (d == DIALECT_ANTHROPIC)
            expand_anthropic(b, line);
        else
            expand_chat(b, line);
    }
}

/* ---- out ---------------------------------------------------------------- */

/* What stands in s between `before` and `after`; p is NULL where it does not */
static inline struct str between(struct str s, const char *before,
                                 const char *after)
{
    ptrdiff_t at = str_find(s, str_of(before)), end;

    if (at < 0)
        return STR_NULL;
    s = from(s, (size_t)at + strlen(before));
    end = str_find(s, str_of(after));
    return end < 0 ? STR_NULL : (struct str){ s.p, (size_t)end };
}

static inline void shorten_chat(struct buf *b, struct str data)
{
    struct str delta = between(data, "\"choices\":[{\"index\":0,\"delta\":",
                               ",\"finish_reason\":null}]");
    struct str finish = between(data, "\"finish_reason\":\"", "\"");
    struct str usage = between(data, "\"choices\":[],\"usage\":", "}\n");

    if (str_is(data, "[DONE]\n"))
        buf_puts(b, "DONE");
    else if (delta.p)
        buf_printf(b, "D" STR_FMT, STR_ARG(delta));
    else if (finish.p)
        buf_printf(b, "F " STR_FMT, STR_ARG(finish));
    else if (usage.p)
        buf_printf(b, "U" STR_FMT, STR_ARG(usage));
    else
        buf_put(b, (struct str){ data.p, data.n - 1 });
}

static inline void shorten_anthropic(struct buf *b, struct str data)
{
    struct str type = between(data, "{\"type\":\"", "\"");
    struct str index = between(data, "\"index\":", "}\n");
    struct str delta = between(data, "\"delta\":", "}\n");
    struct str block = between(data, "\"content_block\":", "}\n");
    struct str usage = between(data, "},\"usage\":", "}\n");

    if (str_is(type, "message_start"))
        buf_puts(b, "S");
    else if (str_is(type, "message_stop"))
        buf_puts(b, "X");
    else if (str_is(type, "ping"))
        buf_puts(b, "P");
    else if (str_is(type, "content_block_start"))
        buf_printf(b, "B%c" STR_FMT, index.p[0], STR_ARG(block));
    else if (str_is(type, "content_block_delta"))
        buf_printf(b, "d%c" STR_FMT, index.p[0], STR_ARG(delta));
    else if (str_is(type, "content_block_stop"))
        buf_printf(b, "E" STR_FMT, STR_ARG(index));
    else if (str_is(type, "message_delta"))
        buf_printf(b, "M" STR_FMT STR_FMT,
                   (int)(usage.p - delta.p - 9), delta.p, STR_ARG(usage));
    else
        buf_put(b, (struct str){ data.p, data.n - 1 });
}

static inline void shorten(struct buf *b, enum dialect d, struct str sse)
{
    while (sse.n) {
        ptrdiff_t end = str_find(sse, STR("\n\n"));
        struct str one = { sse.p, end < 0 ? sse.n : (size_t)end + 1 };
        struct str event = between(one, "event: ", "\n");
        ptrdiff_t data = str_find(one, STR("data: "));

        if (buf_len(b))
            buf_putc(b, '\n');
        if (data < 0) {
            buf_puts(b, "comment");
        } else if (d == DIALECT_ANTHROPIC) {
            CU_ASSERT(str_eq(event, between(one, "{\"type\":\"", "\"")));
            shorten_anthropic(b, from(one, (size_t)data + 6));
        } else {
            CU_ASSERT(!event.p);
            shorten_chat(b, from(one, (size_t)data + 6));
        }
        sse = from(sse, one.n + (end >= 0));
    }
}

static inline bool check_stream_case(const struct stream_case *c,
                                     enum dialect d, enum dialect to,
                                     const struct codec_out_opts *opts)
{
    struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct buf want = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
    struct arena *a = arena_new(64 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(to), a, opts), &out };
    bool ok;

    expand(&in, d, c->in);
    put_quoted(&want, str_of(c->out));
    ok = run_stream(d, buf_str(&in), buf_len(&in) + 1, codec_pipe, &pipe) ==
         0;
    if (opts->stream)
        shorten(&got, to, buf_str(&out));
    else
        buf_put(&got, buf_str(&out));
    if (!ok || !str_eq(buf_str(&got), buf_str(&want)))
        printf("\n%s: got\n" STR_FMT "\nnot\n" STR_FMT, c->name,
               STR_ARG(buf_str(&got)), STR_ARG(buf_str(&want)));
    ok = ok && str_eq(buf_str(&got), buf_str(&want));
    buf_clear(&in);
    buf_clear(&out);
    buf_clear(&want);
    buf_clear(&got);
    arena_free(a);
    return ok;
}

#endif
