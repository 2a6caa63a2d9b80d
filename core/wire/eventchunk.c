/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/eventchunk.h"

#include "base/b64.h"
#include "base/json.h"

#define TEXT_MAX (64u << 20) /* messages have their own cap, far below */

struct chunks {
    framing_on_frame fn;
    void *ud;
    struct err *err;
    struct json json;
    struct buf text, event; /* the event's JSON; what the client gets */
};

/* Exceptions of a stream, and what Anthropic says in their place. */
static const char *const names[][2] = {
    { "throttlingException", "rate_limit_error" },
    { "serviceUnavailableException", "overloaded_error" },
    { "modelTimeoutException", "timeout_error" },
    { "validationException", "invalid_request_error" },
};

static const char *anthropic_name(struct str exception)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_ieq(exception, str_of(names[i][0])))
            return names[i][1];
    }
    return "api_error";
}

static int bad(struct chunks *c)
{
    return err_set(c->err, ERR_SYNTAX, "a chunk holds no event");
}

static int scan(struct chunks *c, struct str text)
{
    int rc = json_scan(&c->json, text, NULL, c->err);

    return rc || c->json.nodes[0].type == JSON_T_OBJECT ? rc : bad(c);
}

/* The inside of a string member, as it is spelled; p is NULL without one. */
static struct str inside(const struct json *j, const char *name)
{
    uint32_t at = json_member(j, 0, str_of(name));
    struct str raw;

    if (at == JSON_NONE || j->nodes[at].type != JSON_T_STRING)
        return STR_NULL;
    raw = json_raw(j, at);
    return (struct str){ raw.p + 1, raw.n - 2 };
}

/* JSON may write "/" as "\/"; base64 has no other use for a backslash. */
static int decode(struct chunks *c, struct str b64)
{
    struct buf plain = BUF_INIT(TEXT_MAX);
    char *to = buf_reserve(&c->text, B64_DECODED_MAX(b64.n));
    size_t n = 0;
    int rc = to ? 0 : err_set(c->err, ERR_NOMEM, "memory is out");

    if (!rc && memchr(b64.p, '\\', b64.n)) {
        for (size_t i = 0; i < b64.n && !rc; i++) {
            if (b64.p[i] != '\\')
                rc = buf_putc(&plain, b64.p[i]);
        }
        b64 = buf_str(&plain);
    }
    if (!rc && !b64_decode(b64, B64_STANDARD, to, &n))
        rc = bad(c);
    if (!rc)
        buf_commit(&c->text, n);
    buf_clear(&plain);
    return rc;
}

/* Between JSON's tokens a line's end is a blank; in an event it is its own. */
static void one_line(struct buf *b)
{
    for (size_t i = b->off; i < b->n; i++) {
        if (b->p[i] == '\n' || b->p[i] == '\r')
            b->p[i] = ' ';
    }
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz_", s.p[i]) || !s.p[i])
            return false;
    }
    return s.n > 0;
}

static int put_event(struct chunks *c, struct str name, struct str data)
{
    int rc = 0;

    if (name.n)
        rc = buf_printf(&c->event, "event: " STR_FMT "\n", STR_ARG(name));
    rc = rc ? rc : buf_puts(&c->event, "data: ");
    rc = rc ? rc : buf_put(&c->event, data);
    rc = rc ? rc : buf_puts(&c->event, "\n\n");
    return rc ? err_set(c->err, ERR_NOMEM, "memory is out") : 0;
}

static int on_chunk(struct chunks *c, const struct eventstream_message *m)
{
    struct frame f = { .message = m };
    struct str b64;
    int rc = scan(c, m->payload);

    if (rc)
        return rc;
    b64 = inside(&c->json, "bytes");
    rc = b64.p ? decode(c, b64) : bad(c);
    if (rc)
        return rc;
    one_line(&c->text);
    f.data = buf_str(&c->text);
    rc = scan(c, f.data);
    if (rc)
        return rc;
    f.event = inside(&c->json, "type");
    if (!is_name(f.event))
        f.event = STR("");
    rc = put_event(c, f.event, f.data);
    f.raw = buf_str(&c->event);
    return rc ? rc : c->fn(c->ud, &f);
}

static int put_error(struct buf *to, struct str type, struct str message)
{
    int rc = buf_puts(to, "{\"type\":\"error\",\"error\":{\"type\":");

    rc = rc ? rc : buf_json_str(to, type);
    rc = rc ? rc : buf_puts(to, ",\"message\":\"");
    rc = rc ? rc : buf_put(to, message);
    return rc ? rc : buf_puts(to, "\"}}");
}

static int on_exception(struct chunks *c, const struct eventstream_message *m,
                        struct str name)
{
    struct frame f = { .event = STR("error"), .error = true, .message = m };
    struct str message = STR_NULL;
    struct buf told = BUF_INIT(TEXT_MAX);
    int rc;

    if (json_scan(&c->json, m->payload, NULL, NULL) == 0 &&
        c->json.nodes[0].type == JSON_T_OBJECT) {
        message = inside(&c->json, "message");
        message = message.p ? message : inside(&c->json, "Message");
    }
    rc = put_error(&c->text, name, message);
    rc = rc ? rc : put_error(&told, str_of(anthropic_name(name)), message);
    rc = rc ? err_set(c->err, ERR_NOMEM, "memory is out")
            : put_event(c, f.event, buf_str(&told));
    buf_clear(&told);
    f.data = buf_str(&c->text);
    f.raw = buf_str(&c->event);
    return rc ? rc : c->fn(c->ud, &f);
}

static int on_message(void *ud, const struct eventstream_message *m)
{
    struct chunks *c = ud;
    struct str kind = eventstream_text(m, ":message-type");

    buf_reset(&c->text);
    buf_reset(&c->event);
    if (str_is(kind, "exception"))
        return on_exception(c, m, eventstream_text(m, ":exception-type"));
    if (str_is(kind, "error"))
        return on_exception(c, m, eventstream_text(m, ":error-code"));
    if (str_is(eventstream_text(m, ":event-type"), "chunk"))
        return on_chunk(c, m);
    return c->fn(c->ud, &(struct frame){ .raw = STR(""), .message = m });
}

int eventchunk_feed(struct eventstream *s, struct str bytes,
                    framing_on_frame fn, void *ud, struct err *err)
{
    struct chunks c = { .fn = fn, .ud = ud, .err = err,
                        .text = BUF_INIT(TEXT_MAX),
                        .event = BUF_INIT(TEXT_MAX) };
    int rc = eventstream_feed(s, bytes, on_message, &c, err);

    json_clear(&c.json);
    buf_clear(&c.text);
    buf_clear(&c.event);
    return rc;
}
