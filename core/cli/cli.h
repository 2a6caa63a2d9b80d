/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The command line: one file and one const row per verb. A verb is added by a
 * file core/cli/<verb>.c that defines `const struct cli_verb cli_<verb>`, its
 * line in cli.am, and a row in verbs.def.
 *
 * Options that every verb takes (--json, -s SOCKET, --help) are taken out of
 * argv before the verb runs, wherever they stand (not after "--").
 * Results go to stdout, everything else to stderr.
 */
#ifndef PENSTOCK_CLI_CLI_H
#define PENSTOCK_CLI_CLI_H

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,     /* with a reason */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_NO_INSTANCE = 3, /* nothing listens on the control socket */
};

struct cli_ctx {
    const struct cli_verb *verb;
    const char *program; /* argv[0], to find a build tree; see app/paths.h */
    const char *socket;  /* -s, or NULL: see cli_socket */
    bool json;           /* --json: one JSON document, or a line each */
};

struct cli_verb {
    const char *name;
    const char *usage; /* arguments: "[-c FILE]"; "" without any */
    const char *help;  /* one line, shown by `penstock help` */
    /** argv[0] is the verb; returns an enum cli_exit. */
    int (*run)(int argc, char **argv, struct cli_ctx *ctx);
};

/** Run the program. Returns its exit code. */
int cli_main(int argc, char **argv);

/** The verb of that name, or NULL; the table ends with NULL. */
const struct cli_verb *cli_find(const char *name);
extern const struct cli_verb *const cli_verbs[];

/** Print the verb's usage to `to`. */
void cli_print_usage(const struct cli_verb *v, FILE *to);

/** Usage and help of a verb on stdout, with --json as JSON: CLI_DONE. */
int cli_print_help(const struct cli_verb *v, const struct cli_ctx *ctx);

/** "penstock VERB: message" and the usage on stderr; returns CLI_USAGE. */
int cli_bad_usage(const struct cli_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Say why on stderr ("penstock: message"), or with --json on stdout
 * ({"error":{"message":…}}). Returns CLI_REFUSED.
 */
int cli_refuse(const struct cli_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** As cli_refuse, with the place: "penstock: at: message", {"at":…}. */
int cli_refuse_err(const struct cli_ctx *ctx, const struct err *err);

#endif
