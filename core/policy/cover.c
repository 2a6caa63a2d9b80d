/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Coverage. A line hook notes what runs; what could run stands in the
 * compiled file only, for a function that is never called is nowhere else: it
 * is dumped and its tables of lines are read (Lua 5.4's format, which the
 * header tells; another is refused).
 */
#include "policy/cover.h"

#include "policy/sandbox.h"
#include "policy/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- a compiled file ---------------------------------------------------- */

enum {
    VERSION = 0x54,
    TAG_FLOAT = 0x13, /* constants with a payload, by Lua's tags */
    TAG_INT = 0x03,
    TAG_SHORT = 0x04,
    TAG_LONG = 0x14,
    ABSOLUTE = -0x80, /* the line stands in the other table */
    MAX_NESTING = 200,
};

struct reader {
    const unsigned char *p, *end;
    struct policy_cover *cover;
    bool bad;
};

static const unsigned char *take(struct reader *r, size_t n)
{
    const unsigned char *p = r->p;

    if (n > (size_t)(r->end - r->p)) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return p;
}

static unsigned byte(struct reader *r)
{
    const unsigned char *p = take(r, 1);

    return p ? *p : 0;
}

/* Seven bits a byte, the high ones first; the last byte is marked. */
static size_t number(struct reader *r)
{
    size_t n = 0;
    unsigned b;

    do {
        b = byte(r);
        n = n << 7 | (b & 0x7f);
    } while (!(b & 0x80) && !r->bad && n < (size_t)1 << 40);
    return n;
}

static void skip_string(struct reader *r)
{
    size_t n = number(r);

    if (n > 1)
        take(r, n - 1);
}

static void skip_constants(struct reader *r)
{
    for (size_t n = number(r); n > 0 && !r->bad; n--) {
        switch (byte(r)) {
        case TAG_FLOAT: take(r, sizeof(lua_Number)); break;
        case TAG_INT: take(r, sizeof(lua_Integer)); break;
        case TAG_SHORT:
        case TAG_LONG: skip_string(r); break;
        default: break; /* nil and booleans */
        }
    }
}

static void mark(struct policy_cover *c, long line)
{
    if (line > 0 && line < COVER_LINES)
        c->lines[line] |= COVER_CAN;
}

/* Each instruction's line is a step from the one before, or stands apart. */
static void read_lines(struct reader *r, long first, bool vararg)
{
    size_t n = number(r), n_apart;
    const unsigned char *steps = take(r, n);
    long line = first;

    n_apart = number(r);
    for (size_t i = 0; i < n && !r->bad; i++) {
        int step = (signed char)steps[i];

        if (step == ABSOLUTE && n_apart > 0) {
            n_apart--;
            number(r); /* of the instruction */
            line = (long)number(r);
        } else {
            line += step;
        }
        if (i > 0 || !vararg) /* the first one only prepares arguments */
            mark(r->cover, line);
    }
    for (; n_apart > 0 && !r->bad; n_apart--) {
        number(r);
        number(r);
    }
}

static void skip_names(struct reader *r)
{
    for (size_t n = number(r); n > 0 && !r->bad; n--) {
        skip_string(r);
        number(r);
        number(r);
    }
    for (size_t n = number(r); n > 0 && !r->bad; n--)
        skip_string(r);
}

static void read_function(struct reader *r, int depth)
{
    long first;
    bool vararg;
    size_t n;

    if (depth > MAX_NESTING) {
        r->bad = true;
        return;
    }
    skip_string(r); /* source */
    first = (long)number(r);
    number(r); /* last line */
    byte(r);   /* parameters */
    vararg = byte(r);
    byte(r); /* stack */
    n = number(r);
    take(r, n * 4);
    skip_constants(r);
    n = number(r);
    take(r, n * 3); /* upvalues */
    for (n = number(r); n > 0 && !r->bad; n--)
        read_function(r, depth + 1);
    read_lines(r, first, vararg);
    skip_names(r);
}

static bool read_header(struct reader *r)
{
    static const unsigned char want[] = {
        0x1b, 'L', 'u', 'a', VERSION, 0, 0x19, 0x93, '\r', '\n', 0x1a, '\n',
        4, sizeof(lua_Integer), sizeof(lua_Number) };
    const unsigned char *p = take(r, sizeof want);

    take(r, sizeof(lua_Integer) + sizeof(lua_Number) + 1);
    return p && memcmp(p, want, sizeof want) == 0 && !r->bad;
}

static int on_dump(lua_State *L, const void *p, size_t n, void *ud)
{
    (void)L;
    return buf_put(ud, (struct str){ p, n }) != 0;
}

/* ---- lines ------------------------------------------------------------ */

/* "end", "end)", "}": it closes what is counted elsewhere. */
static bool only_closes(struct str line)
{
    struct str s = str_trim(line);

    if (str_starts(s, STR("end"))) {
        s.p += 3;
        s.n -= 3;
    }
    while (s.n && strchr(")},; \t", s.p[0])) {
        s.p++;
        s.n--;
    }
    return s.n == 0;
}

static void settle(struct policy_cover *c, struct str source)
{
    size_t line = 1;

    while (source.p && line < COVER_LINES) {
        if (only_closes(str_split(&source, '\n')))
            c->lines[line] = 0;
        if (c->lines[line])
            c->n = line;
        line++;
    }
}

static int load(struct policy_cover *c, lua_State *L, struct str source,
                struct buf *code, struct err *err)
{
    struct reader r;

    if (chunk_file(L, source, "=policy") != LUA_OK)
        return err_set(err, ERR_CONFIG, "%s", lua_tostring(L, -1));
    if (lua_dump(L, on_dump, code, 0) != 0)
        return err_set(err, ERR_NOMEM, "no memory for the lines of a policy");
    r = (struct reader){ .p = (const unsigned char *)buf_str(code).p,
                         .cover = c };
    r.end = r.p + buf_len(code);
    if (read_header(&r))
        read_function(&r, 0);
    else
        r.bad = true;
    return r.bad ? err_set(err, ERR_CONFIG, "this Lua's compiled form is "
                           "unknown: no coverage") : 0;
}

/* ---- while it runs ---------------------------------------------------- */

static void on_line(lua_State *L, lua_Debug *ar)
{
    struct policy_cover *c =
        (struct policy_cover *)policy_state_of(L)->env->probe;

    if (ar->currentline > 0 && (size_t)ar->currentline <= c->n)
        c->lines[ar->currentline] |= COVER_RAN;
}

static void open_cover(struct policy_probe *p, struct policy_state *st)
{
    (void)p;
    lua_sethook(st->L, on_line, LUA_MASKLINE, 0);
}

int policy_cover_init(struct policy_cover *c, struct str source,
                      struct err *err)
{
    struct buf code = BUF_INIT(64 << 20);
    lua_State *L = luaL_newstate();
    int rc;

    *c = (struct policy_cover){ .probe.open = open_cover };
    c->lines = calloc(COVER_LINES, 1);
    if (!L || !c->lines)
        rc = err_set(err, ERR_NOMEM, "no memory for the lines of a policy");
    else
        rc = load(c, L, source, &code, err);
    if (rc == 0)
        settle(c, source);
    if (L)
        lua_close(L);
    buf_clear(&code);
    return rc;
}

void policy_cover_clear(struct policy_cover *c)
{
    free(c->lines);
    c->lines = NULL;
    c->n = 0;
}

size_t policy_cover_count(const struct policy_cover *c, size_t *ran)
{
    size_t can = 0;

    *ran = 0;
    for (size_t i = 1; i <= c->n; i++) {
        can += (c->lines[i] & COVER_CAN) != 0;
        *ran += c->lines[i] == (COVER_CAN | COVER_RAN);
    }
    return can;
}

void policy_cover_missed(const struct policy_cover *c, struct buf *out)
{
    size_t i = 1;

    while (i <= c->n) {
        size_t first = i, last = i;

        if (c->lines[i] != COVER_CAN) {
            i++;
            continue;
        }
        /* lines between that cannot run do not end a range */
        for (i++; i <= c->n && c->lines[i] != (COVER_CAN | COVER_RAN); i++) {
            if (c->lines[i] == COVER_CAN)
                last = i;
        }
        buf_printf(out, "%s%zu", buf_len(out) ? ", " : "", first);
        if (last > first)
            buf_printf(out, "-%zu", last);
    }
}
