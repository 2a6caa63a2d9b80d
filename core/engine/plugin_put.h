/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A plugin's file in the folder that Penstock loads from: replaced by a
 * rename, so that whoever looks finds the old one whole or the new one whole;
 * the one before it stays beside it as NAME.so.previous.
 */
#ifndef PENSTOCK_ENGINE_PLUGIN_PUT_H
#define PENSTOCK_ENGINE_PLUGIN_PUT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define PLUGIN_PUT_PATH 600

struct plugin_put {
    char path[PLUGIN_PUT_PATH];     /* folder/NAME.so */
    char previous[PLUGIN_PUT_PATH]; /* folder/NAME.so.previous */
    bool same; /* those very bytes were there: nothing was done */
    bool had;  /* another file was there; it is the previous one now */
};

/**
 * Put a copy of `staged` (a path that plugin_stage gave) into the folder as
 * NAME.so. The folder must be one that Penstock would load from.
 * Errors: CONFIG (the folder, with the reason), IO, LIMIT, NOMEM; then the
 * folder is as it was. Blocks on the disk.
 */
int plugin_put(struct plugin_put *p, const char *staged, const char *folder,
               struct str name, struct err *err);

/** Undo it: the previous file is back, or none. 0 or -ERR_IO. */
int plugin_put_back(const struct plugin_put *p, struct err *err);

#endif
