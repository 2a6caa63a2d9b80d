/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between conf_lua.c (directives), conf_value.c (values) and conf_file.c
 * (files): the state of reading one configuration. Not for others.
 */
#ifndef PENSTOCK_POLICY_CONF_READER_H
#define PENSTOCK_POLICY_CONF_READER_H

#include "engine/config.h"
#include "policy/conf_lex.h"

#include <jansson.h>

struct conf_reader {
    json_t *root, *marks; /* marks is root's "@" */
    struct buf path;      /* of the value being read, as a mark */
    struct conf_lex *lex; /* of the current file */
    const char *home;     /* folder of the first file; NULL: no files */
    const char *folder;   /* of the current file */
    unsigned depth;       /* of tables */
    unsigned include_depth, files;
    size_t bytes; /* of all files */
    struct err *err;
};

/** Read the directives of a text into r->root. */
int conf_read_text(struct conf_reader *r, struct str text, const char *file);

/** Read one value; the token is its first. NULL with the error set. */
json_t *conf_read_value(struct conf_reader *r);

/** Take the mark `c`, or fail. */
int conf_expect(struct conf_reader *r, char c);

/** Say why the token is no value; returns NULL. */
json_t *conf_no_value(struct conf_reader *r);

/** Append a member (index < 0) or an unnamed value to the path of the marks;
 * returns the length to give to conf_path_pop. */
size_t conf_path_push(struct conf_reader *r, struct str name, long index);
void conf_path_pop(struct conf_reader *r, size_t length);

/** Note that what the path names stands at this line. */
int conf_mark(struct conf_reader *r, int line);

/** Where the path was noted before. */
const char *conf_marked(struct conf_reader *r);

/** Read the files that a pattern names, sorted. */
int conf_include(struct conf_reader *r, const char *pattern, int line);

#endif
