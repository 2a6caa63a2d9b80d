/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy new|list|test|shadow|promote|help`: one file per word.
 * argv[0] is that word; each returns an enum cli_exit.
 */
#ifndef PENSTOCK_CLI_POLICY_H
#define PENSTOCK_CLI_POLICY_H

#include "base/buf.h"
#include "cli/cli.h"

enum { POLICY_SOURCE_MAX = 4 << 20, POLICY_FILES_MAX = 512 };

int policy_new(int argc, char **argv, struct cli_ctx *ctx);
int policy_list(int argc, char **argv, struct cli_ctx *ctx);
int policy_test(int argc, char **argv, struct cli_ctx *ctx);
int policy_shadow(int argc, char **argv, struct cli_ctx *ctx);
int policy_promote(int argc, char **argv, struct cli_ctx *ctx);
int policy_help(int argc, char **argv, struct cli_ctx *ctx);

/* policy_files.c */

/** Append a file's text, and a NUL after it. 0 or -ERR_x. */
int policy_file_read(const char *path, struct buf *out, struct err *err);

/** Paths, sorted; each malloc'd. */
struct policy_paths {
    char **list;
    size_t n;
};

/** The *.lua of a folder: tests (NAME_test.lua), or what is none. */
int policy_paths_find(struct policy_paths *p, const char *folder, bool tests,
                      struct err *err);
/** Add one (copied). */
int policy_paths_add(struct policy_paths *p, const char *path,
                     struct err *err);
void policy_paths_clear(struct policy_paths *p);

/** "x/auth.lua" and "x/auth_test.lua" are "auth". */
struct str policy_name_of(const char *path);
bool policy_is_test(const char *path);

#endif
