/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock explain ID`: a recent request's timeline for people. */
#include "cli/ask.h"
#include "cli/explain_print.h"

#include <stdlib.h>

static int show(const struct cli_ctx *ctx, const json_t *got)
{
    json_t *e = json_object_get(got, "explain");

    if (ctx->json)
        ask_print(e);
    else
        explain_print(e);
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    char *request;
    struct ask a;
    int rc;

    if (argc != 2)
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
    .usage = "ID",
    .help = "show a recent request's steps, attempts and why",
    .run = run,
};
