/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A byte that says how the rest is cut, one that says what the message is,
 * and its payload; or what stands in a chunk's base64. Cut or whole the same
 * comes out, each frame is one event of SSE, and what the client would read
 * of it is the frame's data.
 */
#include "frames.h"

#include "base/b64.h"
#include "base/crc32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_u32(struct buf *b, size_t v)
{
    for (int i = 0; i < 4; i++)
        buf_putc(b, (char)(v >> (24 - 8 * i)));
}

static void put_header(struct buf *b, const char *name, const char *value)
{
    buf_putc(b, (char)strlen(name));
    buf_puts(b, name);
    buf_putc(b, EVENTSTREAM_STRING);
    buf_putc(b, 0);
    buf_putc(b, (char)strlen(value));
    buf_puts(b, value);
}

static void put_message(struct buf *b, bool event, struct str payload)
{
    struct buf h = BUF_INIT(1000), m = BUF_INIT(1 << 20);

    put_header(&h, ":message-type", event ? "event" : "exception");
    put_header(&h, event ? ":event-type" : ":exception-type",
               event ? "chunk" : "throttlingException");
    put_u32(&m, buf_len(&h) + payload.n + 16);
    put_u32(&m, buf_len(&h));
    put_u32(&m, crc32_of(0, buf_str(&m)));
    buf_put(&m, buf_str(&h));
    buf_put(&m, payload);
    put_u32(&m, crc32_of(0, buf_str(&m)));
    buf_put(b, buf_str(&m));
    buf_clear(&h);
    buf_clear(&m);
}

/* {"bytes":"..."} around it. */
static void put_wrapped(struct buf *b, struct str event)
{
    struct buf payload = BUF_INIT(1 << 20);
    char *to;

    buf_puts(&payload, "{\"bytes\":\"");
    to = buf_reserve(&payload, B64_ENCODED_MAX(event.n));
    buf_commit(&payload, b64_encode(event, B64_STANDARD, to));
    buf_puts(&payload, "\"}");
    put_message(b, true, buf_str(&payload));
    buf_clear(&payload);
}

struct seen {
    uint64_t sum;
    int frames;
};

static int on_event(void *ud, const struct sse_event *ev)
{
    const struct frame *f = ud;

    MUST(!ev->cut && str_eq(ev->event, f->event));
    MUST(f->error || str_eq(ev->data, f->data));
    MUST(ev->raw.n == f->raw.n);
    return 0;
}

static int on_frame(void *ud, const struct frame *f)
{
    struct seen *s = ud;
    struct frame copy = *f;
    struct sse sse;

    s->frames++;
    s->sum = str_hash(f->raw, s->sum + f->data.n);
    MUST(f->message);
    sse_init(&sse, 1 << 22);
    MUST(sse_feed(&sse, f->raw, on_event, &copy, NULL) == 0);
    sse_clear(&sse);
    return 0;
}

static int run(struct seen *s, struct str text, size_t chunk)
{
    struct framer f;
    int rc = 0;

    *s = (struct seen){ 0 };
    framer_init(&f, FRAMING_EVENTCHUNKS, 1 << 22);
    while (!rc && text.n) {
        struct str part = { text.p, text.n < chunk ? text.n : chunk };

        rc = framer_feed(&f, part, on_frame, s, NULL);
        text = (struct str){ text.p + part.n, text.n - part.n };
    }
    if (!rc)
        rc = framer_eof(&f, on_frame, s, NULL);
    framer_clear(&f);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT(4 << 20);
    struct seen whole, cut;
    struct str rest;
    int rc;

    if (size < 2 || size > 65536)
        return 0;
    rest = (struct str){ (const char *)data + 2, size - 2 };
    if (data[1] % 4 == 0)
        put_message(&b, false, rest);
    else if (data[1] % 4 == 1)
        put_message(&b, true, rest);
    else
        put_wrapped(&b, rest);
    put_wrapped(&b, STR("{\"type\":\"ping\"}"));
    rc = run(&whole, buf_str(&b), buf_len(&b));
    MUST(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
    MUST(rc || whole.frames == 2);
    MUST(run(&cut, buf_str(&b), data[0] + 1u) == rc);
    MUST(cut.sum == whole.sum);
    buf_clear(&b);
    return 0;
}
