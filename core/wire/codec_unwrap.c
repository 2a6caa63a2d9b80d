/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_unwrap.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <string.h>

#define CHOICES_MAX 8
#define HELD_MAX 64 /* bytes of a beginning, white space and all */
#define ESCAPE_MAX 6 /* bytes of an escape */
#define TEXT_MAX (64u << 20)

/* ---- the schema ---------------------------------------------------------*/

static bool may_be_object(const struct json *j)
{
    static const char *const others[] = { "anyOf", "oneOf", "enum", "const",
                                          "items" };
    uint32_t type = json_member(j, 0, STR("type"));

    if (j->nodes[0].type != JSON_T_OBJECT)
        return true; /* true, say: not ours to judge */
    if (type != JSON_NONE)
        return str_is(json_raw(j, type), "\"object\"");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (json_member(j, 0, str_of(others[i])) != JSON_NONE)
            return false;
    }
    return true;
}

/* A reference to what would not be where it points to, in an object. */
static bool points_at_root(const struct json *j, uint32_t node)
{
    struct str at = json_raw(j, node);

    if (j->nodes[node].type != JSON_T_STRING || !j->nodes[node].key ||
        !str_starts((struct str){ j->text + j->nodes[node].key,
                                  j->nodes[node].key_end -
                                      j->nodes[node].key },
                    STR("\"$ref\"")))
        return false;
    at = (struct str){ at.p + 1, at.n - 2 };
    return str_is(at, "#") ||
           (str_starts(at, STR("#/")) && !str_starts(at, STR("#/$defs/")) &&
            !str_starts(at, STR("#/definitions/")));
}

/* References go from the root: what they name must stand there, too. */
static struct str wrapped(const struct json *j, struct str raw,
                          struct arena *a)
{
    static const char *const names[] = { "$defs", "definitions" };
    struct str defs = STR("");

    for (uint32_t i = 0; i < j->count; i++) {
        if (points_at_root(j, i))
            return raw;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t node = json_member(j, 0, str_of(names[i]));
        struct str own = node == JSON_NONE ? STR_NULL : json_raw(j, node);

        if (own.p)
            defs = arena_fmt(a, STR_FMT ",\"%s\":" STR_FMT, STR_ARG(defs),
                             names[i], STR_ARG(own));
        if (!defs.p)
            return defs;
    }
    return arena_fmt(a,
                     "{\"type\":\"object\",\"properties\":{\"value\":" STR_FMT
                        "},\"required\":[\"value\"],"
                        "\"additionalProperties\":false" STR_FMT "}",
                     STR_ARG(raw), STR_ARG(defs));
}

struct str codec_wrap_schema(struct str raw, struct arena *a)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    int rc = json_scan(&j, raw, &lim, NULL);

    if (rc == -ERR_NOMEM)
        raw = STR_NULL;
    else if (rc == 0 && !may_be_object(&j))
        raw = wrapped(&j, raw, a);
    json_clear(&j);
    return raw;
}

/* ---- the answer ---------------------------------------------------------*/

enum phase {
    AT_START,  /* of {"value": */
    AT_VALUE,  /* in it */
    AT_END,    /* behind it, before the brace */
    AT_REST,   /* all as it is */
};

struct choice {
    enum phase phase;
    uint32_t seen;  /* characters of the beginning */
    uint32_t depth; /* brackets within the value */
    bool string, escaped, begun;
    bool open, told; /* a block of text, and anything of it */
    uint8_t n_held, n_esc, n_half;
    char held[HELD_MAX];      /* the beginning as it came */
    char esc[ESCAPE_MAX - 1]; /* a word's escape that is not whole */
    char half[ESCAPE_MAX];    /* of a pair, at the end of what came */
};

struct codec_unwrap {
    bool bare;
    struct buf out;
    struct choice choices[CHOICES_MAX];
};

static void clear(void *ud)
{
    buf_clear(&((struct codec_unwrap *)ud)->out);
}

struct codec_unwrap *codec_unwrap_new(struct arena *a, bool bare)
{
    struct codec_unwrap *u = arena_alloc(a, sizeof *u);

    if (!u)
        return NULL;
    memset(u, 0, sizeof *u);
    u->bare = bare;
    buf_init(&u->out, TEXT_MAX);
    return arena_defer(a, clear, u) ? NULL : u;
}

/* Quotes and backslashes are spelled by number, too; '?' for what is not. */
static char low_char(char high, char low)
{
    return high == '2' && low == '2' ? '"'
           : high == '5' && (low == 'c' || low == 'C') ? '\\'
                                                       : '?';
}

/* One character of the text as it is spelled inside of a JSON string. What
 * matters of it: itself, where it is ASCII; else a blank or no part of JSON. */
static size_t unit(struct jstr s, char *c)
{
    size_t n = s.n > 1 && s.p[0] == '\\' ? 2 : 1;

    *c = s.p[n - 1];
    if (n == 2 && *c != '"' && *c != '\\' && *c != '/')
        *c = *c == 'n' || *c == 'r' || *c == 't' ? ' ' : '?';
    if (n == 1 || s.p[1] != 'u')
        return n;
    n = s.n < ESCAPE_MAX ? s.n : ESCAPE_MAX;
    if (n == ESCAPE_MAX && s.p[2] == '0' && s.p[3] == '0')
        *c = low_char(s.p[4], s.p[5]);
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int put(struct codec_unwrap *u, const char *p, size_t n)
{
    return buf_put(&u->out, (struct str){ p, n });
}

/* Anything else than the beginning: then there is no wrapper. */
static int give_up(struct codec_unwrap *u, struct choice *c)
{
    c->phase = AT_REST;
    return put(u, c->held, c->n_held);
}

static int at_start(struct codec_unwrap *u, struct choice *c, const char *p,
                    size_t n, char ch)
{
    static const char begins[] = "{\"value\":";
    bool between = c->seen <= 1 || c->seen >= sizeof begins - 2;
    int rc;

    if (c->n_held + n > HELD_MAX) {
        rc = give_up(u, c);
        return rc ? rc : put(u, p, n);
    }
    memcpy(c->held + c->n_held, p, n);
    c->n_held = (uint8_t)(c->n_held + n);
    if (is_blank(ch) && between)
        return 0;
    if (ch != begins[c->seen])
        return give_up(u, c);
    if (!begins[++c->seen])
        c->phase = AT_VALUE;
    return 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

/* It was none, and is what it looks like. */
static int put_no_escape(struct codec_unwrap *u, struct choice *c)
{
    uint8_t n = c->n_esc;
    int rc = n ? put(u, "\\\\", 2) : 0;

    c->n_esc = 0;
    return rc || n < 2 ? rc : put(u, c->esc + 1, n - 1u);
}

static int put_in_string(struct codec_unwrap *u, struct choice *c,
                         const char *p, size_t n, char ch);

/* In a word without its quotes an escape is one of the text's own. It is kept
 * until it is whole: half of one would spoil what it is written into. */
static int put_escape(struct codec_unwrap *u, struct choice *c,
                      const char *p, size_t n, char ch)
{
    uint8_t at = c->n_esc;
    int rc;

    if (at == 1 && ch && ch != 'u' && strchr("\"\\/bfnrt", ch)) {
        c->n_esc = 0;
        return put(u, (const char[]){ '\\', ch }, 2);
    }
    if (at == 1 ? ch == 'u' : is_hex(ch)) {
        if (at + 1 < ESCAPE_MAX) {
            c->esc[c->n_esc++] = ch;
            return 0;
        }
        c->n_esc = 0;
        rc = put(u, c->esc, at);
        return rc ? rc : put(u, &ch, 1);
    }
    rc = put_no_escape(u, c);
    if (rc)
        return rc;
    return at == 1 ? put(u, p, n) : put_in_string(u, c, p, n, ch);
}

static int put_in_string(struct codec_unwrap *u, struct choice *c,
                         const char *p, size_t n, char ch)
{
    bool bare = u->bare && c->depth == 0;

    if (c->n_esc)
        return put_escape(u, c, p, n, ch);
    if (c->escaped) {
        c->escaped = false;
        return put(u, p, n);
    }
    if (ch == '\\' && bare) {
        c->esc[c->n_esc++] = ch;
        return 0;
    }
    c->escaped = ch == '\\';
    if (ch == '"') {
        c->string = false;
        c->phase = c->depth ? AT_VALUE : AT_END;
        return bare ? 0 : put(u, p, n);
    }
    return put(u, p, n);
}

static int at_value(struct codec_unwrap *u, struct choice *c, const char *p,
                    size_t n, char ch)
{
    if (c->string)
        return put_in_string(u, c, p, n, ch);
    if (!c->begun && is_blank(ch))
        return 0;
    c->begun = true;
    if (ch == '"') {
        c->string = true;
        return u->bare && c->depth == 0 ? 0 : put(u, p, n);
    }
    if (ch == '[' || ch == '{')
        c->depth++;
    if (ch != ']' && ch != '}')
        return put(u, p, n);
    if (c->depth == 0) { /* the wrapper's own, behind a number or a word */
        c->phase = AT_REST;
        return 0;
    }
    if (--c->depth == 0)
        c->phase = AT_END;
    return put(u, p, n);
}

static int feed(struct codec_unwrap *u, struct choice *c, struct jstr s)
{
    int rc = put(u, c->half, c->n_half);

    c->n_half = 0;
    while (s.n && !rc) {
        char ch;
        size_t n = c->phase == AT_REST ? s.n : unit(s, &ch);

        if (c->phase == AT_REST)
            rc = put(u, s.p, n);
        else if (c->phase == AT_START)
            rc = at_start(u, c, s.p, n, ch);
        else if (c->phase == AT_VALUE)
            rc = at_value(u, c, s.p, n, ch);
        else
            c->phase = ch == '}' ? AT_REST : AT_END;
        s = (struct jstr){ s.p + n, s.n - n };
    }
    return rc;
}

static int send_text(struct codec_unwrap *u, const struct neutral_event *ev,
                     size_t n, neutral_sink sink, void *ud)
{
    struct neutral_event mine = *ev;

    mine.type = NEUTRAL_TEXT;
    mine.text = (struct jstr){ buf_str(&u->out).p, n };
    if (!mine.text.n)
        return 0;
    u->choices[ev->choice].told = true;
    return sink(ud, &mine);
}

/* Half of a pair waits for its other one. */
static int send_some(struct codec_unwrap *u, const struct neutral_event *ev,
                     neutral_sink sink, void *ud)
{
    struct choice *c = u->choices + ev->choice;
    struct jstr s = { buf_str(&u->out).p, buf_len(&u->out) };

    c->n_half = (uint8_t)jstr_half_pair(s);
    if (c->n_half)
        memcpy(c->half, s.p + s.n - c->n_half, c->n_half);
    return send_text(u, ev, s.n - c->n_half, sink, ud);
}

/* What is held is told; a block of which nothing is left was none. */
static int end_block(struct codec_unwrap *u, const struct neutral_event *ev,
                     neutral_sink sink, void *ud)
{
    struct choice *c = u->choices + ev->choice;
    struct neutral_event held = { .choice = ev->choice };
    bool none;
    int rc = 0;

    if (c->open) {
        rc = put(u, c->half, c->n_half);
        c->n_half = 0;
        rc = rc ? rc : put_no_escape(u, c);
        if (!rc && c->phase == AT_START && c->n_held)
            rc = give_up(u, c);
        if (!rc)
            rc = send_text(u, &held, buf_len(&u->out), sink, ud);
    }
    none = c->open && !c->told;
    c->open = c->told = false;
    return rc || none ? rc : sink(ud, ev);
}

int codec_unwrap(struct codec_unwrap *u, const struct neutral_event *ev,
                 neutral_sink sink, void *ud)
{
    struct choice *c;
    int rc;

    if (ev->choice >= CHOICES_MAX ||
        (ev->type != NEUTRAL_TEXT && ev->type != NEUTRAL_BLOCK_END))
        return sink(ud, ev);
    buf_reset(&u->out);
    if (ev->type == NEUTRAL_BLOCK_END)
        return end_block(u, ev, sink, ud);
    c = u->choices + ev->choice;
    c->open = true;
    rc = feed(u, c, ev->text);
    return rc ? rc : send_some(u, ev, sink, ud);
}
