/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The prelude as soon as it is whole, then the rest in one piece. */
#include "wire/eventstream.h"

#include "base/crc32.h"

#define PRELUDE 12 /* two lengths and their sum */
#define SUM 4

void eventstream_init(struct eventstream *s, size_t max_message)
{
    if (max_message < PRELUDE + SUM)
        max_message = PRELUDE + SUM;
    *s = (struct eventstream){ .held = BUF_INIT(max_message) };
}

void eventstream_clear(struct eventstream *s)
{
    buf_clear(&s->held);
    s->dead = true;
}

/* n bytes, big-endian, with the sign of the first. */
static int64_t number(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    uint64_t v = n && u[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | u[i];
    return (int64_t)v;
}

static uint32_t u32(const char *p)
{
    return (uint32_t)number(p, 4);
}

/* ---- headers ----------------------------------------------------------- */

/* Bytes of a value of this type; -1: a 16-bit length says so. */
static const int8_t widths[] = {
    [EVENTSTREAM_TRUE] = 0,    [EVENTSTREAM_FALSE] = 0,
    [EVENTSTREAM_INT8] = 1,    [EVENTSTREAM_INT16] = 2,
    [EVENTSTREAM_INT32] = 4,   [EVENTSTREAM_INT64] = 8,
    [EVENTSTREAM_BYTES] = -1,  [EVENTSTREAM_STRING] = -1,
    [EVENTSTREAM_TIME] = 8,    [EVENTSTREAM_UUID] = 16,
};

/* n bytes off the front of *s; false when there are fewer. */
static bool take(struct str *s, size_t n, struct str *out)
{
    if (s->n < n)
        return false;
    *out = (struct str){ s->p, n };
    s->p += n;
    s->n -= n;
    return true;
}

bool eventstream_next(struct str *headers, struct eventstream_header *out)
{
    struct str s = *headers, part;
    unsigned type;
    size_t n;

    if (!take(&s, 1, &part) || !part.p[0] ||
        !take(&s, (unsigned char)part.p[0], &out->name) || !take(&s, 1, &part))
        return false;
    type = (unsigned char)part.p[0];
    if (type >= sizeof widths)
        return false;
    n = (size_t)widths[type];
    if (widths[type] < 0) {
        if (!take(&s, 2, &part))
            return false;
        n = (size_t)(number(part.p, 2) & 0xFFFF);
    }
    if (!take(&s, n, &out->value))
        return false;
    out->type = (enum eventstream_type)type;
    out->number = type == EVENTSTREAM_TRUE;
    if ((type >= EVENTSTREAM_INT8 && type <= EVENTSTREAM_INT64) ||
        type == EVENTSTREAM_TIME)
        out->number = number(out->value.p, n);
    *headers = s;
    return true;
}

struct str eventstream_text(const struct eventstream_message *m,
                            const char *name)
{
    struct str rest = m->headers;
    struct eventstream_header h;

    while (eventstream_next(&rest, &h)) {
        if (h.type == EVENTSTREAM_STRING && str_is(h.name, name))
            return h.value;
    }
    return STR_NULL;
}

static int check_header(const struct eventstream_header *h, struct str before,
                        struct err *err)
{
    struct eventstream_header other;

    if (h->value.n > EVENTSTREAM_MAX_VALUE)
        return err_set(err, ERR_LIMIT, "a header of more than %d bytes",
                       EVENTSTREAM_MAX_VALUE);
    if (!str_utf8_valid(h->name) ||
        (h->type == EVENTSTREAM_STRING && !str_utf8_valid(h->value)))
        return err_set(err, ERR_SYNTAX, "a header is not UTF-8");
    while (eventstream_next(&before, &other)) {
        if (str_eq(other.name, h->name))
            return err_set(err, ERR_SYNTAX, "a header comes twice");
    }
    return 0;
}

static int check_headers(struct str headers, struct err *err)
{
    struct str rest = headers;
    struct eventstream_header h;
    int rc = 0, n = 0;

    while (!rc && rest.n) {
        struct str before = { headers.p, headers.n - rest.n };

        if (n++ == EVENTSTREAM_MAX_HEADERS)
            return err_set(err, ERR_LIMIT, "more than %d headers",
                           EVENTSTREAM_MAX_HEADERS);
        if (!eventstream_next(&rest, &h))
            return err_set(err, ERR_SYNTAX, "a header is malformed");
        rc = check_header(&h, before, err);
    }
    return rc;
}

/* ---- messages ---------------------------------------------------------- */

/* The first PRELUDE bytes of a message: *total, or why they are wrong. */
static int check_prelude(const struct eventstream *s, const char *p,
                         size_t *total, struct err *err)
{
    uint32_t n = u32(p), headers = u32(p + 4);

    if (crc32_of(0, (struct str){ p, 8 }) != u32(p + 8))
        return err_set(err, ERR_SYNTAX, "the prelude's checksum is wrong");
    if (n < PRELUDE + SUM || headers > n - PRELUDE - SUM)
        return err_set(err, ERR_SYNTAX, "the lengths make no sense");
    if (n > s->held.max)
        return err_set(err, ERR_LIMIT, "a message of more than %zu bytes",
                       s->held.max);
    if (headers > EVENTSTREAM_MAX_HEADER_BYTES)
        return err_set(err, ERR_LIMIT, "more than %u bytes of headers",
                       EVENTSTREAM_MAX_HEADER_BYTES);
    *total = n;
    return 0;
}

/* A whole message whose prelude is right. */
static int give(struct str raw, eventstream_on_message fn, void *ud,
                struct err *err)
{
    struct eventstream_message m = { .raw = raw };
    size_t n = u32(raw.p + 4);
    int rc;

    if (crc32_of(0, (struct str){ raw.p, raw.n - SUM }) !=
        u32(raw.p + raw.n - SUM))
        return err_set(err, ERR_SYNTAX, "the message's checksum is wrong");
    m.headers = (struct str){ raw.p + PRELUDE, n };
    m.payload = (struct str){ raw.p + PRELUDE + n,
                              raw.n - PRELUDE - SUM - n };
    rc = check_headers(m.headers, err);
    return rc ? rc : fn(ud, &m);
}

static int hold(struct eventstream *s, struct str *bytes, size_t n,
                struct err *err)
{
    struct str part;
    int rc;

    take(bytes, n < bytes->n ? n : bytes->n, &part);
    rc = buf_put(&s->held, part);
    return rc ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* Go on with what is held: first to a prelude, then to a message. */
static int feed_held(struct eventstream *s, struct str *bytes,
                     eventstream_on_message fn, void *ud, struct err *err)
{
    size_t have = buf_len(&s->held), total = 0;
    int rc;

    if (have < PRELUDE) {
        rc = hold(s, bytes, PRELUDE - have, err);
        if (rc || buf_len(&s->held) < PRELUDE)
            return rc;
        rc = check_prelude(s, buf_str(&s->held).p, &total, err);
        have = PRELUDE;
    } else {
        rc = check_prelude(s, buf_str(&s->held).p, &total, err);
    }
    if (!rc)
        rc = hold(s, bytes, total - have, err);
    if (rc || buf_len(&s->held) < total)
        return rc;
    rc = give(buf_str(&s->held), fn, ud, err);
    buf_clear(&s->held);
    return rc;
}

/* A message that begins in these bytes; else they are held. */
static int feed_fresh(struct eventstream *s, struct str *bytes,
                      eventstream_on_message fn, void *ud, struct err *err)
{
    size_t total = 0;
    struct str raw;
    int rc;

    if (bytes->n < PRELUDE)
        return hold(s, bytes, bytes->n, err);
    rc = check_prelude(s, bytes->p, &total, err);
    if (rc)
        return rc;
    if (!take(bytes, total, &raw))
        return hold(s, bytes, bytes->n, err);
    return give(raw, fn, ud, err);
}

int eventstream_feed(struct eventstream *s, struct str bytes,
                     eventstream_on_message fn, void *ud, struct err *err)
{
    int rc = 0;

    if (s->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    while (!rc && bytes.n)
        rc = buf_len(&s->held) ? feed_held(s, &bytes, fn, ud, err)
                               : feed_fresh(s, &bytes, fn, ud, err);
    if (rc)
        eventstream_clear(s);
    return rc;
}

int eventstream_eof(struct eventstream *s, struct err *err)
{
    size_t held = buf_len(&s->held);

    if (s->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    eventstream_clear(s);
    if (held)
        return err_set(err, ERR_SYNTAX, "the stream ended inside a message");
    return 0;
}
