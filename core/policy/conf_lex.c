/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The lexer of the configuration: Lua 5.4's lexis, so that every file that is
 * accepted here is also a file that Lua's own parser accepts.
 */
#include "policy/conf_lex.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 1 << 20, NUMBER_MAX = 64 };

int conf_lex_fail(struct conf_lex *l, int line, const char *fmt, ...)
{
    char at[128], msg[320];
    va_list ap;

    l->token = TOKEN_BAD;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    snprintf(at, sizeof at, "%.100s:%d", l->file, line);
    return err_at(l->err, ERR_CONFIG, at, "%s", msg);
}

static int peek(const struct conf_lex *l, size_t ahead)
{
    return (size_t)(l->end - l->p) > ahead ? (unsigned char)l->p[ahead] : -1;
}

static int take(struct conf_lex *l)
{
    int c = peek(l, 0);

    if (c >= 0)
        l->p++;
    if (c == '\n')
        l->line++;
    return c;
}

static void put(struct conf_lex *l, int c)
{
    if (buf_putc(&l->text, (char)c) < 0)
        conf_lex_fail(l, l->token_line, "the text is longer than 1 MiB");
}

/* At "[": the number of '=' in "[==[", or -1 when it is no long bracket. */
static int long_level(const struct conf_lex *l)
{
    size_t n = 1;

    while (peek(l, n) == '=')
        n++;
    return peek(l, n) == '[' ? (int)n - 1 : -1;
}

/* Read the inside of a long bracket of that level into text. */
static void read_long(struct conf_lex *l, int level)
{
    l->p += level + 2;
    if (peek(l, 0) == '\r')
        take(l);
    if (peek(l, 0) == '\n')
        take(l);
    while (l->token != TOKEN_BAD) {
        int c = take(l), n = 0;

        if (c < 0) {
            conf_lex_fail(l, l->token_line, "the long text or comment that "
                          "begins here has no end");
            return;
        }
        while (c == ']' && n < level && peek(l, (size_t)n) == '=')
            n++;
        if (c == ']' && n == level && peek(l, (size_t)n) == ']') {
            l->p += level + 1;
            return;
        }
        put(l, c);
    }
}

/* Skip spaces and comments. */
static void skip(struct conf_lex *l)
{
    int c, level;

    while ((c = peek(l, 0)) >= 0 && l->token != TOKEN_BAD) {
        if (isspace(c)) {
            take(l);
            continue;
        }
        if (c != '-' || peek(l, 1) != '-')
            return;
        l->token_line = l->line;
        l->p += 2;
        level = peek(l, 0) == '[' ? long_level(l) : -1;
        if (level >= 0) {
            read_long(l, level);
            buf_reset(&l->text);
            continue;
        }
        while ((c = peek(l, 0)) >= 0 && c != '\n')
            take(l);
    }
}

static int hex_value(int c)
{
    if (!isxdigit(c))
        return -1;
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* The character of \u{...}, as UTF-8. */
static bool escape_unicode(struct conf_lex *l)
{
    uint32_t v = 0;
    int digits = 0, c;

    if (take(l) != '{')
        return false;
    while ((c = hex_value(peek(l, 0))) >= 0 && digits++ < 6) {
        v = v << 4 | (uint32_t)c;
        take(l);
    }
    if (digits == 0 || take(l) != '}' || v > 0x10ffff ||
        (v >= 0xd800 && v < 0xe000))
        return false;
    if (v < 0x80) {
        put(l, (int)v);
        return true;
    }
    if (v < 0x800) {
        put(l, (int)(0xc0 | v >> 6));
    } else {
        if (v < 0x10000) {
            put(l, (int)(0xe0 | v >> 12));
        } else {
            put(l, (int)(0xf0 | v >> 18));
            put(l, (int)(0x80 | (v >> 12 & 63)));
        }
        put(l, (int)(0x80 | (v >> 6 & 63)));
    }
    put(l, (int)(0x80 | (v & 63)));
    return true;
}

static bool escape_decimal(struct conf_lex *l, int first)
{
    int v = first - '0';

    for (int i = 0; i < 2 && isdigit(peek(l, 0)); i++)
        v = v * 10 + (take(l) - '0');
    if (v > 255)
        return false;
    put(l, v);
    return true;
}

static bool escape_hex(struct conf_lex *l)
{
    int hi = hex_value(take(l)), lo = hi < 0 ? -1 : hex_value(take(l));

    if (lo < 0)
        return false;
    put(l, hi << 4 | lo);
    return true;
}

static bool read_escape(struct conf_lex *l)
{
    static const char from[] = "abfnrtv\\\"'\n";
    static const char to[] = "\a\b\f\n\r\t\v\\\"'\n";
    int c = take(l);
    const char *at = c > 0 ? strchr(from, c) : NULL;

    if (at) {
        put(l, to[at - from]);
        return true;
    }
    if (c == 'z') {
        while (peek(l, 0) >= 0 && isspace(peek(l, 0)))
            take(l);
        return true;
    }
    if (c == 'x')
        return escape_hex(l);
    if (c == 'u')
        return escape_unicode(l);
    return c >= 0 && isdigit(c) && escape_decimal(l, c);
}

static void read_quoted(struct conf_lex *l, int quote)
{
    int c;

    take(l);
    while (l->token != TOKEN_BAD && (c = take(l)) != quote) {
        if (c < 0 || c == '\n') {
            conf_lex_fail(l, l->token_line, "the text has no closing %c",
                          quote);
            return;
        }
        if (c != '\\')
            put(l, c);
        else if (!read_escape(l))
            conf_lex_fail(l, l->line, "a bad escape in a text; write \\\\ for "
                          "a backslash");
    }
}

static void read_number(struct conf_lex *l)
{
    const char *start = l->p;
    char z[NUMBER_MAX], *end;
    size_t n = 0;
    int c;

    while ((c = peek(l, n)) >= 0 && (isalnum(c) || c == '.' ||
           ((c == '-' || c == '+') && n && tolower(start[n - 1]) == 'e' &&
            tolower(start[1]) != 'x')))
        n++;
    l->word = (struct str){start, n};
    if (n >= sizeof z) {
        conf_lex_fail(l, l->line, "a number of %zu digits", n);
        return;
    }
    memcpy(z, start, n);
    z[n] = '\0';
    l->p += n;
    errno = 0;
    l->token = TOKEN_INT;
    l->integer = strtoll(z, &end, n > 1 && tolower(z[1]) == 'x' ? 16 : 10);
    if (*end || errno) {
        l->token = TOKEN_REAL;
        l->real = strtod(z, &end);
    }
    if (*end || (l->token == TOKEN_REAL && !isfinite(l->real)))
        conf_lex_fail(l, l->line, "%s is not a number; write texts and values "
                      "with a unit in quotes: \"%s\"", z, z);
}

static void read_word(struct conf_lex *l)
{
    size_t n = 0;
    int c;

    while ((c = peek(l, n)) >= 0 && (isalnum(c) || c == '_'))
        n++;
    l->word = (struct str){l->p, n};
    l->p += n;
    l->token = TOKEN_NAME;
}

void conf_lex_next(struct conf_lex *l)
{
    int c;

    if (l->token == TOKEN_BAD)
        return;
    buf_reset(&l->text);
    skip(l);
    if (l->token == TOKEN_BAD)
        return;
    l->token_line = l->line;
    c = peek(l, 0);
    if (c < 0) {
        l->token = TOKEN_END;
    } else if (isalpha(c) || c == '_') {
        read_word(l);
    } else if (isdigit(c) || (c == '.' && peek(l, 1) >= 0 &&
                              isdigit(peek(l, 1)))) {
        read_number(l);
    } else if (c == '"' || c == '\'') {
        l->token = TOKEN_STRING;
        read_quoted(l, c);
    } else if (c == '[' && long_level(l) >= 0) {
        l->token = TOKEN_STRING;
        read_long(l, long_level(l));
    } else {
        l->token = c && strchr("{}()[]=,;-", c) ? TOKEN_MARK : TOKEN_ODD;
        l->word = (struct str){l->p, 1};
        take(l);
    }
}

void conf_lex_init(struct conf_lex *l, struct str text, const char *file,
                   struct err *err)
{
    *l = (struct conf_lex){.p = text.p, .end = text.p + text.n, .line = 1,
                           .file = file, .err = err,
                           .text = BUF_INIT(STRING_MAX)};
    while (text.n && text.p[0] == '#' && l->p < l->end && *l->p != '\n')
        l->p++; /* the first line may be for the shell */
    conf_lex_next(l);
}

void conf_lex_clear(struct conf_lex *l)
{
    buf_clear(&l->text);
}

bool conf_lex_is(const struct conf_lex *l, char mark)
{
    return l->token == TOKEN_MARK && l->word.p[0] == mark;
}

bool conf_lex_reserved(const struct conf_lex *l)
{
    static const char *const words[] = {
        "and", "break", "do",  "else", "elseif", "end",    "for",
        "function", "goto", "if", "in", "local", "not", "or",
        "repeat", "return", "then", "until", "while",
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (l->token == TOKEN_NAME && str_is(l->word, words[i]))
            return true;
    }
    return false;
}
