/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The parser, upper half: one file is a list of directives, a directive is a
 * name and its arguments. Arguments are read by conf_value.c, files opened by
 * conf_file.c.
 */
#include "policy/conf_reader.h"

#include "engine/config_table.h"

/* ---- directives -------------------------------------------------------- */

static int unknown(struct conf_reader *r, struct str kind, int line)
{
    struct conf_near near;

    conf_near_init(&near, kind);
    conf_near_keys(&near, SCOPE_top);
    conf_near_offer(&near, STR("include"));
    if (near.best.p)
        return conf_lex_fail(r->lex, line, "unknown directive '" STR_FMT
                             "'; did you mean '" STR_FMT "'?", STR_ARG(kind),
                             STR_ARG(near.best));
    return conf_lex_fail(r->lex, line, "unknown directive '" STR_FMT "'; see "
                         "`penstock config help`", STR_ARG(kind));
}

static int wrong_statement(struct conf_reader *r)
{
    struct conf_lex *l = r->lex;

    if (l->token == TOKEN_BAD)
        return -ERR_CONFIG;
    if (conf_lex_reserved(l)) {
        conf_no_value(r);
        return -ERR_CONFIG;
    }
    if (l->token == TOKEN_ODD)
        return conf_lex_fail(l, l->token_line, "expressions are not evaluated "
                             "('" STR_FMT "'); write the value itself",
                             STR_ARG(l->word));
    return conf_lex_fail(l, l->token_line,
                         "a directive is expected here, like listen "
                         "\"127.0.0.1:8080\"");
}

static int assignment(struct conf_reader *r, const struct conf_row *row,
                      struct str kind, int line)
{
    if (!row)
        return conf_lex_fail(r->lex, line, "a configuration has no variables "
                             "('" STR_FMT " ='); write values where they are "
                             "used", STR_ARG(kind));
    return conf_lex_fail(r->lex, line, "'" STR_FMT "' takes no '='; write "
                         STR_FMT " %s", STR_ARG(kind), STR_ARG(kind),
                         row->form == CONF_NAMED    ? "\"name\" { ... }"
                         : row->type == CONF_OBJECT ? "{ ... }"
                                                    : "\"value\"");
}

/* One argument of a directive: a text, a table, or either in brackets. */
static json_t *read_argument(struct conf_reader *r)
{
    json_t *v;

    if (!conf_lex_is(r->lex, '('))
        return conf_read_value(r);
    conf_lex_next(r->lex);
    v = conf_read_value(r);
    if (v && conf_expect(r, ')') < 0) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

static bool at_argument(const struct conf_reader *r)
{
    return r->lex->token == TOKEN_STRING || conf_lex_is(r->lex, '{') ||
           conf_lex_is(r->lex, '(');
}

/* Put a directive's value in its place, once. */
static int set_once(struct conf_reader *r, json_t *into, const char *name,
                    int line, const char *what)
{
    if (json_object_get(into, name))
        return conf_lex_fail(r->lex, line, "%s is given twice: here and at %s",
                             what, conf_marked(r));
    return conf_mark(r, line);
}

/* How the name of a block is written: "\"127.0.0.1:8080\"". */
static const char *name_example(const struct conf_row *row)
{
    return conf_type_example(conf_scopes[conf_row_scope(row)].name_type);
}

/* kind "name" { ... }; the token is the name. */
static int read_block(struct conf_reader *r, const struct conf_row *row,
                      int line)
{
    json_t *all = json_object_get(r->root, row->key), *name, *v = NULL;
    char what[160];
    size_t was;
    int rc;

    if (!all && json_object_set_new(r->root, row->key, all = json_object()) < 0)
        return err_set(r->err, ERR_NOMEM, "memory is out");
    name = read_argument(r);
    if (!name)
        return -ERR_CONFIG;
    if (!json_is_string(name)) {
        json_decref(name);
        return conf_lex_fail(r->lex, line, "'%s' needs a name; write %s "
                             "%s { ... }", row->key, row->key,
                             name_example(row));
    }
    snprintf(what, sizeof what, "%s \"%.100s\"", row->key,
             json_string_value(name));
    was = conf_path_push(r, str_of(json_string_value(name)), -1);
    rc = set_once(r, all, json_string_value(name), line, what);
    if (rc == 0) {
        v = at_argument(r) ? read_argument(r) : json_object();
        rc = v ? json_object_set_new(all, json_string_value(name), v)
               : -ERR_CONFIG;
    }
    conf_path_pop(r, was);
    json_decref(name);
    return rc;
}

static int read_single(struct conf_reader *r, const struct conf_row *row,
                       int line)
{
    int rc = set_once(r, r->root, row->key, line, row->key);
    json_t *v = rc == 0 ? read_argument(r) : NULL;

    return v ? json_object_set_new(r->root, row->key, v) : -ERR_CONFIG;
}

static int read_include(struct conf_reader *r, int line)
{
    json_t *pattern = at_argument(r) ? read_argument(r) : NULL;
    int rc;

    if (json_is_string(pattern))
        rc = conf_include(r, json_string_value(pattern), line);
    else if (r->lex->token == TOKEN_BAD)
        rc = -ERR_CONFIG;
    else
        rc = conf_lex_fail(r->lex, line, "include needs a path; write include "
                           "\"conf.d/*.conf\"");
    json_decref(pattern);
    return rc;
}

static int read_directive(struct conf_reader *r)
{
    struct str kind = r->lex->word;
    const struct conf_row *row = conf_row_find(SCOPE_top, kind);
    int line = r->lex->token_line, rc;
    size_t was;

    if (r->lex->token != TOKEN_NAME || conf_lex_reserved(r->lex))
        return wrong_statement(r);
    conf_lex_next(r->lex);
    if (conf_lex_is(r->lex, '='))
        return assignment(r, row, kind, line);
    if (str_is(kind, "include"))
        return read_include(r, line);
    if (!row)
        return r->lex->token == TOKEN_BAD ? -ERR_CONFIG
                                          : unknown(r, kind, line);
    if (!at_argument(r) && r->lex->token != TOKEN_BAD &&
        !(row->type != CONF_OBJECT && r->lex->token == TOKEN_NAME))
        return conf_lex_fail(r->lex, line, "'%s' needs a value; write %s %s",
                             row->key, row->key,
                             row->form == CONF_NAMED
                                 ? name_example(row)
                                 : conf_type_example(row->type));
    was = conf_path_push(r, kind, -1);
    rc = row->form == CONF_NAMED ? read_block(r, row, line)
                                 : read_single(r, row, line);
    conf_path_pop(r, was);
    if (rc == 0 && at_argument(r))
        rc = conf_lex_fail(r->lex, r->lex->token_line,
                           "one value too many for '%s'", row->key);
    return rc;
}

int conf_read_text(struct conf_reader *r, struct str text, const char *file)
{
    struct conf_lex lex, *outer = r->lex;
    int rc = 0;

    conf_lex_init(&lex, text, file, r->err);
    r->lex = &lex;
    while (rc == 0 && lex.token != TOKEN_END) {
        if (conf_lex_is(&lex, ';'))
            conf_lex_next(&lex);
        else
            rc = read_directive(r);
        if (rc == 0 && lex.token == TOKEN_BAD)
            rc = -ERR_CONFIG;
    }
    r->lex = outer;
    conf_lex_clear(&lex);
    return rc;
}
