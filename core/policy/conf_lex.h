/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tokens of the configuration language: Lua's own lexis (strings, long
 * brackets, numbers, comments), of which the configuration uses the part that
 * is data.
 */
#ifndef PENSTOCK_POLICY_CONF_LEX_H
#define PENSTOCK_POLICY_CONF_LEX_H

#include "base/buf.h"
#include "base/err.h"

enum conf_token {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INT,
    TOKEN_REAL,
    TOKEN_MARK, /* { } ( ) [ ] = , ; - */
    TOKEN_ODD,  /* an operator or a byte that the configuration never uses */
    TOKEN_BAD,  /* err is set */
};

struct conf_lex {
    const char *p, *end; /* what is still to read */
    int line;
    const char *file;  /* as shown in messages */
    struct err *err;
    enum conf_token token;
    int token_line;
    struct str word;   /* NAME, MARK, ODD: its bytes in the text */
    struct buf text;   /* STRING: its value */
    int64_t integer;
    double real;
};

/** `text` and `file` are borrowed until conf_lex_clear. Reads one token. */
void conf_lex_init(struct conf_lex *l, struct str text, const char *file,
                   struct err *err);
void conf_lex_clear(struct conf_lex *l);

/** Read the next token; it stands in l->token. */
void conf_lex_next(struct conf_lex *l);

/** Is the token this mark? */
bool conf_lex_is(const struct conf_lex *l, char mark);

/** Is it a word that Lua reserves for programs (`function`, `if`, ...)? */
bool conf_lex_reserved(const struct conf_lex *l);

/** Set the error at `line` of this file; returns -ERR_CONFIG. */
int conf_lex_fail(struct conf_lex *l, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
