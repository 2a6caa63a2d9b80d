/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The parser, lower half: values (texts, numbers, tables, references), and
 * the mark of where each of them stands.
 */
#include "policy/conf_reader.h"

#include <stdio.h>
#include <string.h>

enum { TABLE_DEPTH = 32 };

/* ---- places ------------------------------------------------------------ */

/* Append a segment to the mark path; returns the length to go back to. */
size_t conf_path_push(struct conf_reader *r, struct str name, long index)
{
    size_t was = buf_len(&r->path);

    if (index >= 0)
        buf_printf(&r->path, "//%ld", index);
    else
        config_mark_add(&r->path, name);
    return was;
}

void conf_path_pop(struct conf_reader *r, size_t length)
{
    r->path.n = r->path.off + length;
}

int conf_mark(struct conf_reader *r, int line)
{
    struct str path = buf_str(&r->path);
    char at[128];

    snprintf(at, sizeof at, "%.100s:%d", r->lex->file, line);
    if (json_object_setn_new(r->marks, path.p, path.n, json_string(at)) == 0)
        return 0;
    return err_set(r->err, ERR_NOMEM, "memory is out");
}

/* Where the path was first written. */
const char *conf_marked(struct conf_reader *r)
{
    struct str path = buf_str(&r->path);
    const char *at =
        json_string_value(json_object_getn(r->marks, path.p, path.n));

    return at ? at : "?";
}

/* ---- values ------------------------------------------------------------ */

json_t *conf_no_value(struct conf_reader *r)
{
    struct conf_lex *l = r->lex;

    if (conf_lex_reserved(l) && str_is(l->word, "function"))
        conf_lex_fail(l, l->token_line, "functions belong in a policy file");
    else if (conf_lex_reserved(l))
        conf_lex_fail(l, l->token_line, "'" STR_FMT "' is not for a "
                      "configuration: it is data; programs belong in a policy "
                      "file", STR_ARG(l->word));
    else if (l->token == TOKEN_NAME && str_is(l->word, "nil"))
        conf_lex_fail(l, l->token_line, "nil leaves a hole; leave the value "
                      "out");
    else if (l->token == TOKEN_NAME)
        conf_lex_fail(l, l->token_line, "undefined variable '" STR_FMT "'; a "
                      "text is written in quotes: \"" STR_FMT "\"",
                      STR_ARG(l->word), STR_ARG(l->word));
    else if (l->token == TOKEN_END)
        conf_lex_fail(l, l->token_line, "the file ends where a value is "
                      "expected");
    else if (l->token != TOKEN_BAD)
        conf_lex_fail(l, l->token_line, "a value is expected at '" STR_FMT
                      "'", STR_ARG(l->word));
    return NULL;
}

static json_t *new_text(struct conf_reader *r, struct str s)
{
    json_t *v = memchr(s.p, 0, s.n) ? NULL : json_stringn(s.p, s.n);

    if (!v)
        conf_lex_fail(r->lex, r->lex->token_line,
                      "a text that is not UTF-8, or holds a zero byte");
    return v;
}

/* A text token, as the argument of env, file and their like. */
static json_t *read_text(struct conf_reader *r)
{
    json_t *v;

    if (r->lex->token != TOKEN_STRING) {
        if (r->lex->token != TOKEN_BAD)
            conf_lex_fail(r->lex, r->lex->token_line,
                          "a text in quotes is expected here");
        return NULL;
    }
    v = new_text(r, buf_str(&r->lex->text));
    if (v)
        conf_lex_next(r->lex);
    return v;
}

int conf_expect(struct conf_reader *r, char mark_char)
{
    struct conf_lex *l = r->lex;

    if (conf_lex_is(l, mark_char)) {
        conf_lex_next(l);
        return 0;
    }
    if (l->token == TOKEN_BAD)
        return -ERR_CONFIG;
    if (l->token == TOKEN_END)
        return conf_lex_fail(l, l->token_line, "the file ends where '%c' is "
                             "expected", mark_char);
    if (l->token == TOKEN_ODD)
        return conf_lex_fail(l, l->token_line, "expressions are not evaluated "
                             "('" STR_FMT "'); write the value itself",
                             STR_ARG(l->word));
    return conf_lex_fail(l, l->token_line, "'%c' is expected here", mark_char);
}

/* env "X", env("X", "default"), file "/p", credential "x" */
static json_t *read_reference(struct conf_reader *r, const char *kind)
{
    json_t *ref = json_object(), *first, *second = NULL;
    bool paren;

    conf_lex_next(r->lex);
    paren = conf_lex_is(r->lex, '(');
    if (paren)
        conf_lex_next(r->lex);
    first = read_text(r);
    if (first && paren && conf_lex_is(r->lex, ',')) {
        conf_lex_next(r->lex);
        second = read_text(r);
        if (!second || json_object_set_new(ref, "default", second) < 0)
            goto fail;
    }
    if (!first || (paren && conf_expect(r, ')') < 0))
        goto fail;
    if (second && strcmp(kind, "$env") != 0) {
        conf_lex_fail(r->lex, r->lex->token_line, "only env has a default");
        goto fail;
    }
    if (json_object_set_new(ref, kind, first) == 0)
        return ref;
    first = NULL;
fail:
    json_decref(first);
    json_decref(ref);
    return NULL;
}

static json_t *read_word_value(struct conf_reader *r)
{
    static const struct {
        const char *word, *kind;
    } refs[] = {{"env", "$env"}, {"file", "$file"},
                {"credential", "$credential"}};
    json_t *v = NULL;

    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        if (str_is(r->lex->word, refs[i].word))
            return read_reference(r, refs[i].kind);
    }
    if (str_is(r->lex->word, "true"))
        v = json_true();
    else if (str_is(r->lex->word, "false"))
        v = json_false();
    else
        return conf_no_value(r);
    conf_lex_next(r->lex);
    return v;
}

static json_t *read_number(struct conf_reader *r, int sign)
{
    struct conf_lex *l = r->lex;
    json_t *v = l->token == TOKEN_INT ? json_integer(sign * l->integer)
                                      : json_real(sign * l->real);

    conf_lex_next(l);
    return v;
}

/* Put a named value into the table; the token is behind '='. */
static int read_named(struct conf_reader *r, json_t *table, struct str key,
                      int line)
{
    size_t was = conf_path_push(r, key, -1);
    json_t *v;
    int rc = -ERR_CONFIG;

    if (json_object_getn(table, key.p, key.n)) {
        conf_lex_fail(r->lex, line, "'" STR_FMT "' is given twice: here and "
                      "at %s", STR_ARG(key), conf_marked(r));
    } else if (conf_mark(r, line) == 0 && (v = conf_read_value(r)) != NULL) {
        rc = json_object_setn_new(table, key.p, key.n, v);
    }
    conf_path_pop(r, was);
    return rc;
}

/* ["key"] = value */
static int read_bracketed(struct conf_reader *r, json_t *table)
{
    int line = r->lex->token_line, rc = -ERR_CONFIG;
    json_t *key;

    conf_lex_next(r->lex);
    key = read_text(r);
    if (key && conf_expect(r, ']') == 0 && conf_expect(r, '=') == 0) {
        struct str name = {json_string_value(key), json_string_length(key)};

        if (name.n)
            rc = read_named(r, table, name, line);
        else
            conf_lex_fail(r->lex, line, "an empty name");
    }
    json_decref(key);
    return rc;
}

static int read_unnamed(struct conf_reader *r, json_t *list)
{
    size_t was = conf_path_push(r, STR_NULL, (long)json_array_size(list));
    json_t *v = NULL;

    if (conf_mark(r, r->lex->token_line) == 0)
        v = conf_read_value(r);
    conf_path_pop(r, was);
    return v ? json_array_append_new(list, v) : -ERR_CONFIG;
}

/* Is the token a name that is followed by '='? */
static bool at_named(struct conf_reader *r)
{
    struct conf_lex ahead;
    bool yes;

    if (r->lex->token != TOKEN_NAME)
        return false;
    ahead = *r->lex;
    ahead.text = (struct buf)BUF_INIT(16);
    ahead.err = NULL; /* a mistake there is told when it is reached */
    conf_lex_next(&ahead);
    yes = conf_lex_is(&ahead, '=');
    buf_clear(&ahead.text);
    return yes;
}

static int read_entry(struct conf_reader *r, json_t *named, json_t *list)
{
    struct conf_lex *l = r->lex;
    struct str key = l->word;
    int line = l->token_line;

    if (conf_lex_is(l, '['))
        return read_bracketed(r, named);
    if (!at_named(r))
        return read_unnamed(r, list);
    if (conf_lex_reserved(l)) {
        return conf_lex_fail(l, line, "'" STR_FMT "' is a word of Lua; write "
                             "[\"" STR_FMT "\"] = ...", STR_ARG(key),
                             STR_ARG(key));
    }
    conf_lex_next(l);
    conf_lex_next(l);
    return read_named(r, named, key, line);
}

/* { ... }; the token is '{'. */
static json_t *read_table(struct conf_reader *r)
{
    json_t *named = json_object(), *list = json_array(), *v = named;
    int line = r->lex->token_line, rc = 0;

    conf_lex_next(r->lex);
    while (rc == 0 && !conf_lex_is(r->lex, '}')) {
        if (r->lex->token != TOKEN_END)
            rc = read_entry(r, named, list);
        if (rc == 0 && r->lex->token == TOKEN_END)
            rc = conf_lex_fail(r->lex, line, "the table that begins here has "
                               "no '}'");
        else if (rc == 0 && (conf_lex_is(r->lex, ',') ||
                             conf_lex_is(r->lex, ';')))
            conf_lex_next(r->lex);
        else if (rc == 0 && !conf_lex_is(r->lex, '}'))
            rc = conf_expect(r, r->lex->token == TOKEN_ODD ? '}' : ',');
    }
    if (rc == 0)
        conf_lex_next(r->lex);
    if (json_array_size(list) && json_object_size(named)) {
        json_object_set(named, "", list);
    } else if (json_array_size(list)) {
        v = list;
        json_incref(v);
        json_decref(named);
    }
    json_decref(list);
    if (rc == 0 && r->lex->token != TOKEN_BAD)
        return v;
    json_decref(v);
    return NULL;
}

json_t *conf_read_value(struct conf_reader *r)
{
    struct conf_lex *l = r->lex;
    json_t *v = NULL;

    if (l->token == TOKEN_STRING)
        return read_text(r);
    if (l->token == TOKEN_NAME)
        return read_word_value(r);
    if (l->token == TOKEN_INT || l->token == TOKEN_REAL)
        return read_number(r, 1);
    if (conf_lex_is(l, '-')) {
        conf_lex_next(l);
        if (l->token == TOKEN_INT || l->token == TOKEN_REAL)
            return read_number(r, -1);
        return conf_no_value(r);
    }
    if (!conf_lex_is(l, '{'))
        return conf_no_value(r);
    if (r->depth >= TABLE_DEPTH) {
        conf_lex_fail(l, l->token_line, "tables are more than %d deep",
                      TABLE_DEPTH);
        return NULL;
    }
    r->depth++;
    v = read_table(r);
    r->depth--;
    return v;
}
