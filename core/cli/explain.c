/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock explain ID`: a recent request's timeline; -f: one that might be
 * sent (explain_file.c); --status: what an answer would mean
 * (explain_status.c). */
#include "cli/ask.h"
#include "cli/explain_file.h"
#include "cli/explain_print.h"
#include "cli/explain_status.h"

#include <stdlib.h>
#include <string.h>

static int show(const struct cli_ctx *ctx, const json_t *got)
{
    json_t *e = json_object_get(got, "explain");

    if (ctx->json)
        ask_print(e);
    else
        explain_print(e);
    return CLI_DONE;
}

static bool has_option(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return false;
}

/* -f REQUEST and perhaps -c FILE, in either order. */
static int from_file(int argc, char **argv, struct cli_ctx *ctx)
{
    const char *request = NULL, *config = NULL;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-f") == 0 && !request)
            request = argv[i + 1];
        else if (strcmp(argv[i], "-c") == 0 && !config)
            config = argv[i + 1];
        else
            return cli_bad_usage(ctx, "-f FILE, and perhaps -c FILE");
    }
    if (!request || argc % 2 == 0)
        return cli_bad_usage(ctx, "-f FILE, and perhaps -c FILE");
    return explain_file(ctx, request, config);
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    char *request;
    struct ask a;
    int rc;

    if (argc >= 3 && has_option(argc, argv, "-f"))
        return from_file(argc, argv, ctx);
    if (argc >= 3 && argv[1][0] == '-')
        return explain_status(argc, argv, ctx);
    if (argc != 2 || argv[1][0] == '-')
        return cli_bad_usage(ctx, "which request? Its id is the x-request-id "
                                  "of the answer");
    request = NULL;
    got = json_pack("{s:s, s:s}", "verb", "explain", "id", argv[1]);
    if (got)
        request = json_dumps(got, JSON_COMPACT);
    json_decref(got);
    got = NULL;
    if (!request)
        return cli_bad_usage(ctx, "the id is not UTF-8");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, request, &got);
    if (rc == CLI_DONE)
        rc = show(ctx, got);
    json_decref(got);
    free(request);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_explain = {
    .name = "explain",
    .usage = "ID | -f REQUEST [-c FILE] | --status N --provider NAME "
             "[--body FILE] [--headers FILE] [-c FILE]",
    .help = "show a request and why, or what an answer would mean",
    .run = run,
};
