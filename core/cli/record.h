/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Options of `key` and `team` as fields of a request. */
#ifndef PENSTOCK_CLI_RECORD_H
#define PENSTOCK_CLI_RECORD_H

#include "cli/ask.h"

enum record_form {
    RECORD_TEXT,
    RECORD_LIST, /* a,b,c; again: more */
    RECORD_PAIR, /* name=value; again: more */
    RECORD_JSON, /* an object */
    RECORD_FLAG, /* no value: true */
};

struct record_option {
    const char *option; /* "--models" */
    const char *field;  /* "models" */
    enum record_form form;
    const char *verbs; /* " create update ": where it may stand */
};

/**
 * Read options after argv[0], the word ("create"), into `request`; the one
 * that is no option is its "id". The empty value takes a field away (update).
 * CLI_DONE, or CLI_USAGE with the reason printed.
 */
int record_read(const struct cli_ctx *ctx, const struct record_option *table,
                int argc, char **argv, json_t *request);

/** Ask with that request; the answer is *out. As ask(). */
int record_ask(const struct cli_ctx *ctx, const json_t *request, json_t **out);

/** Lines "name   value" of a record, nulls and empty ones left out. */
void record_print(const json_t *record);

/** A member as text: "a, b" of a list, "-" of null. */
void record_text(const json_t *v, char *out, size_t size);

#endif
