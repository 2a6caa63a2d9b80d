/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading a configuration from the command line: what `check` and `config
 * dump` do the same way.
 */
#ifndef PENSTOCK_CLI_CONFIG_FILE_H
#define PENSTOCK_CLI_CONFIG_FILE_H

#include "app/paths.h"
#include "engine/config.h"

struct config_file {
    const char *path;   /* in: NULL = the installed one */
    bool static_only;   /* in: no secrets, no files besides the configuration */
    struct paths paths; /* out */
    json_t *canonical;  /* out: the caller's */
    json_t *why;        /* out: the caller's */
};

/** Find, read and check it. 0 or -ERR_x; config_file_clear in both cases. */
int config_file_read(struct config_file *f, struct err *err);
void config_file_clear(struct config_file *f);

/** JSON Pointer in the canonical tree of what stands at `rest` ("keys/0") in a
 * block, whose name may be NULL; cut where `out` is too small. */
void config_file_pointer(const char *kind, const char *name, const char *rest,
                         char *out, size_t size);

/** Where the loader looks, as config_check wants it. Borrows f->paths. */
struct config_paths config_file_paths(const struct config_file *f);

/**
 * What `check` does beyond reading: a load as at a start (secrets, plugins on
 * trial), then the policies compiled. Staged plugins stay in the state folder.
 */
int config_file_try(struct config_file *f, struct err *err);

#endif
