/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Two passes. The first cuts: it looks for line ends only and keeps a few
 * flags, so it can stop after any byte. The second reads the fields of an
 * event that is complete and lies in one piece.
 *
 * CR, LF or CRLF end a line. Is the CR of the line that ends an event the
 * last byte that came, then whether an LF belongs to it is not known yet:
 * the event waits, unless the line before ended in a bare CR too. In that
 * case an LF that follows counts as a blank line, which changes nothing.
 */
#include "wire/sse.h"

enum line { LINE_EMPTY, LINE_COMMENT, LINE_FIELD };
enum line_end { END_NONE, END_LF, END_CRLF, END_CR };

/* The bytes being fed, with the next of either line end looked up once. */
struct cursor {
    const char *unit; /* first byte not yet given out or held */
    const char *p, *end;
    const char *lf, *cr; /* the next at or behind p; `end` for none */
};

struct sink {
    sse_on_event fn;
    void *ud;
    struct err *err;
};

static const char *first_of(const char *p, const char *end, char c)
{
    const char *at = memchr(p, c, (size_t)(end - p));

    return at ? at : end;
}

static struct cursor cursor_of(struct str s)
{
    const char *end = s.p + s.n;

    return (struct cursor){ s.p, s.p, end, first_of(s.p, end, '\n'),
                            first_of(s.p, end, '\r') };
}

/* Where the line at c->p ends: at its CR or LF, or c->end. */
static const char *line_stop(struct cursor *c)
{
    if (c->lf < c->p)
        c->lf = first_of(c->p, c->end, '\n');
    if (c->cr < c->p)
        c->cr = first_of(c->p, c->end, '\r');
    return c->lf < c->cr ? c->lf : c->cr;
}

void sse_init(struct sse *s, size_t max_event)
{
    *s = (struct sse){ .held = BUF_INIT(max_event) };
}

void sse_clear(struct sse *s)
{
    buf_clear(&s->held);
    s->dead = true;
}

/* ---- fields ------------------------------------------------------------ */

static int add_data(struct sse_event *ev, struct buf *joined, struct str value)
{
    int rc = 0;

    if (!ev->data.p) {
        ev->data = value;
        return 0;
    }
    if (!joined->p)
        rc = buf_put(joined, ev->data);
    rc = rc ? rc : buf_putc(joined, '\n');
    rc = rc ? rc : buf_put(joined, value);
    ev->data = buf_str(joined);
    return rc;
}

static int take_field(struct sse_event *ev, struct buf *joined,
                      struct str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct str name = line, value = { line.p + line.n, 0 };
    uint64_t ms;

    if (colon) {
        name.n = (size_t)(colon - line.p);
        value = (struct str){ colon + 1, line.n - name.n - 1 };
    }
    if (value.n && value.p[0] == ' ')
        value = (struct str){ value.p + 1, value.n - 1 };
    if (str_is(name, "data"))
        return add_data(ev, joined, value);
    if (str_is(name, "event"))
        ev->event = value;
    else if (str_is(name, "id") && !memchr(value.p, '\0', value.n))
        ev->id = value;
    else if (str_is(name, "retry") && str_u64(value, &ms) && ms <= INT64_MAX)
        ev->retry_ms = (int64_t)ms;
    return 0;
}

/* The line at c->p without its end; c->p moves behind it. */
static struct str next_line(struct cursor *c)
{
    const char *start = c->p, *stop = line_stop(c);

    c->p = stop;
    if (c->p < c->end && *c->p == '\r')
        c->p++;
    if (c->p < c->end && *c->p == '\n')
        c->p++;
    return (struct str){ start, (size_t)(stop - start) };
}

static int read_fields(struct sse_event *ev, struct str raw,
                       struct buf *joined)
{
    struct cursor c = cursor_of(raw);
    int rc = 0;

    while (!rc && c.p < c.end) {
        struct str line = next_line(&c);

        if (line.n == 0 || line.p[0] == ':')
            continue;
        ev->comment_only = false;
        rc = take_field(ev, joined, line);
    }
    return rc;
}

/* Read a complete event's fields and hand it over. */
static int give(struct sse *s, struct str raw, bool cut,
                const struct sink *sink)
{
    struct sse_event ev = { .raw = raw, .retry_ms = -1, .cut = cut };
    struct buf joined = BUF_INIT(raw.n + 1);
    int rc = 0;

    ev.comment_only = true;
    if (!s->bom_passed && str_starts(raw, STR("\xEF\xBB\xBF")))
        raw = (struct str){ raw.p + 3, raw.n - 3 };
    s->bom_passed = true;
    if (s->fields)
        rc = read_fields(&ev, raw, &joined);
    s->fields = false;
    if (rc)
        rc = err_set(sink->err, ERR_NOMEM, "out of memory");
    else
        rc = sink->fn(sink->ud, &ev);
    buf_clear(&joined);
    return rc;
}

/* ---- cutting ----------------------------------------------------------- */

static int too_long(const struct sse *s, struct err *err)
{
    return err_set(err, ERR_LIMIT, "an event of more than %zu bytes",
                   s->held.max);
}

/* Keep the bytes from c->unit to c->p for later. */
static int hold(struct sse *s, struct cursor *c, struct err *err)
{
    struct str part = { c->unit, (size_t)(c->p - c->unit) };
    int rc = buf_put(&s->held, part);

    c->unit = c->p;
    if (rc == -ERR_LIMIT)
        return too_long(s, err);
    return rc ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* c->p stands behind an event: give it out. */
static int end_unit(struct sse *s, struct cursor *c, const struct sink *sink)
{
    struct str raw = { c->unit, (size_t)(c->p - c->unit) };
    int rc = 0;

    if (buf_len(&s->held)) {
        rc = hold(s, c, sink->err);
        raw = buf_str(&s->held);
    } else if (raw.n > s->held.max) {
        rc = too_long(s, sink->err);
    }
    c->unit = c->p;
    if (!rc)
        rc = give(s, raw, false, sink);
    buf_clear(&s->held);
    return rc;
}

/* Does the end of the line so far end the event? */
static bool line_ends_unit(const struct sse *s)
{
    return s->line == LINE_EMPTY || (s->line == LINE_COMMENT && !s->fields);
}

/* The line so far has ended, in this way; c->p stands behind it. */
static int end_line(struct sse *s, enum line_end how, struct cursor *c,
                    const struct sink *sink)
{
    bool ends = line_ends_unit(s);

    s->fields |= s->line == LINE_FIELD;
    s->line = LINE_EMPTY;
    s->line_end = (uint8_t)how;
    s->cr = false;
    return ends ? end_unit(s, c, sink) : 0;
}

/* One line, or what there is of it. */
static int take_line(struct sse *s, struct cursor *c, const struct sink *sink)
{
    const char *stop = line_stop(c);

    if (s->line == LINE_EMPTY && stop > c->p)
        s->line = *c->p == ':' ? LINE_COMMENT : LINE_FIELD;
    c->p = stop;
    if (stop == c->end)
        return 0;
    c->p++;
    if (stop == c->lf)
        return end_line(s, END_LF, c, sink);
    if (line_ends_unit(s) && s->line_end == END_CR)
        return end_line(s, END_CR, c, sink);
    s->cr = true;
    return 0;
}

/* The byte behind a CR has come. */
static int after_cr(struct sse *s, struct cursor *c, const struct sink *sink)
{
    if (*c->p != '\n')
        return end_line(s, END_CR, c, sink);
    c->p++;
    return end_line(s, END_CRLF, c, sink);
}

int sse_feed(struct sse *s, struct str bytes, sse_on_event fn, void *ud,
             struct err *err)
{
    struct sink sink = { fn, ud, err };
    struct cursor c;
    int rc = 0;

    if (s->dead)
        return err_set(err, ERR_CLOSED, "this event stream has ended");
    if (bytes.n == 0)
        return 0;
    c = cursor_of(bytes);
    while (!rc && c.p < c.end)
        rc = s->cr ? after_cr(s, &c, &sink) : take_line(s, &c, &sink);
    if (!rc && c.unit < c.end)
        rc = hold(s, &c, err);
    if (rc)
        sse_clear(s);
    return rc;
}

int sse_eof(struct sse *s, sse_on_event fn, void *ud, struct err *err)
{
    struct sink sink = { fn, ud, err };
    struct cursor c = cursor_of(STR(""));
    int rc = 0;

    if (s->dead)
        return err_set(err, ERR_CLOSED, "this event stream has ended");
    if (s->cr)
        rc = end_line(s, END_CR, &c, &sink);
    if (!rc && buf_len(&s->held)) {
        s->fields |= s->line == LINE_FIELD;
        rc = give(s, buf_str(&s->held), true, &sink);
    }
    sse_clear(s);
    return rc;
}
