/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Each framer's own finding as a frame. */
#include "wire/framing.h"

#include "wire/eventchunk.h"

struct sink {
    framing_on_frame fn;
    void *ud;
};

void framer_init(struct framer *f, enum framing kind, size_t max)
{
    f->kind = kind;
    switch (kind) {
    case FRAMING_SSE:
        sse_init(&f->sse, max);
        break;
    case FRAMING_NDJSON:
        ndjson_init(&f->ndjson, max);
        break;
    case FRAMING_JSONARRAY:
        jsonarray_init(&f->jsonarray, max);
        break;
    case FRAMING_EVENTSTREAM:
    case FRAMING_EVENTCHUNKS:
        eventstream_init(&f->eventstream, max);
        break;
    }
}

void framer_clear(struct framer *f)
{
    switch (f->kind) {
    case FRAMING_SSE:
        sse_clear(&f->sse);
        break;
    case FRAMING_NDJSON:
        ndjson_clear(&f->ndjson);
        break;
    case FRAMING_JSONARRAY:
        jsonarray_clear(&f->jsonarray);
        break;
    case FRAMING_EVENTSTREAM:
    case FRAMING_EVENTCHUNKS:
        eventstream_clear(&f->eventstream);
        break;
    }
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct sink *s = ud;
    struct frame f = { .raw = ev->raw,
                       .event = ev->event,
                       .data = ev->data,
                       .cut = ev->cut };

    return s->fn(s->ud, &f);
}

static int on_line(void *ud, const struct ndjson_line *line)
{
    struct sink *s = ud;
    struct frame f = { .raw = line->raw,
                       .data = line->text.n ? line->text : STR_NULL,
                       .cut = line->cut };

    return s->fn(s->ud, &f);
}

static int on_item(void *ud, const struct jsonarray_item *item)
{
    struct sink *s = ud;
    struct frame f = { .raw = item->raw, .data = item->text };

    return s->fn(s->ud, &f);
}

static int on_message(void *ud, const struct eventstream_message *m)
{
    struct sink *s = ud;
    struct str kind = eventstream_text(m, ":message-type");
    struct frame f = { .raw = m->raw, .data = m->payload, .message = m };

    f.event = eventstream_text(m, ":event-type");
    if (str_is(kind, "exception")) {
        f.error = true;
        f.event = eventstream_text(m, ":exception-type");
    } else if (str_is(kind, "error")) {
        f.error = true;
        f.event = eventstream_text(m, ":error-code");
    }
    return s->fn(s->ud, &f);
}

int framer_feed(struct framer *f, struct str bytes, framing_on_frame fn,
                void *ud, struct err *err)
{
    struct sink s = { fn, ud };

    switch (f->kind) {
    case FRAMING_SSE:
        return sse_feed(&f->sse, bytes, on_event, &s, err);
    case FRAMING_NDJSON:
        return ndjson_feed(&f->ndjson, bytes, on_line, &s, err);
    case FRAMING_JSONARRAY:
        return jsonarray_feed(&f->jsonarray, bytes, on_item, &s, err);
    case FRAMING_EVENTSTREAM:
        return eventstream_feed(&f->eventstream, bytes, on_message, &s, err);
    case FRAMING_EVENTCHUNKS:
        break;
    }
    return eventchunk_feed(&f->eventstream, bytes, fn, ud, err);
}

int framer_eof(struct framer *f, framing_on_frame fn, void *ud,
               struct err *err)
{
    struct sink s = { fn, ud };

    switch (f->kind) {
    case FRAMING_SSE:
        return sse_eof(&f->sse, on_event, &s, err);
    case FRAMING_NDJSON:
        return ndjson_eof(&f->ndjson, on_line, &s, err);
    case FRAMING_JSONARRAY:
        return jsonarray_eof(&f->jsonarray, on_item, &s, err);
    case FRAMING_EVENTSTREAM:
    case FRAMING_EVENTCHUNKS:
        break;
    }
    return eventstream_eof(&f->eventstream, err);
}
