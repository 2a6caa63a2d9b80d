/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How the common clients are told to speak to a gateway. */
#ifndef PENSTOCK_CLI_SNIPPET_H
#define PENSTOCK_CLI_SNIPPET_H

#include <stdbool.h>

struct snippet_facts {
    const char *base;  /* "http://127.0.0.1:8080" */
    const char *model; /* as the caller would send it */
    bool needs_key;    /* else any word does: clients insist on one */
};

/** Print one; false when there is none of that name. */
bool snippet_print(const char *name, const struct snippet_facts *f);

/** "curl, openai, …", for messages. */
const char *snippet_names(void);

#endif
