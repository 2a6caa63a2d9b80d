/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A plugin named by its file, for the verbs of its author: checked, copied
 * into a folder of its own, tried in a child, and loaded, as a start does. */
#ifndef PENSTOCK_CLI_PLUGIN_FILE_H
#define PENSTOCK_CLI_PLUGIN_FILE_H

#include "base/str.h"
#include "engine/plugin.h"

struct plugin_file {
    char folder[512];  /* where the file is */
    char name[80];     /* without .so */
    char state[64];    /* a folder of ours; empty = not made */
    char staged[512];
    size_t noted;      /* of tidy.h, before ours */
    struct plugin_set *set;
    const struct plugin *plugin; /* once loaded */
};

/**
 * Check, stage and try a file; `settings` (JSON text, or NULL) is for check
 * and open in the trial. Errors: CONFIG with the reason, IO, NOMEM.
 */
int plugin_file_try(struct plugin_file *f, const char *path,
                    const char *settings, struct err *err);
/** Load what was tried into this process. */
int plugin_file_load(struct plugin_file *f, struct err *err);
/** Remove the copy; a loaded plugin stays mapped. */
void plugin_file_clear(struct plugin_file *f);

#endif
