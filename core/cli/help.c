/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock help [VERB]` and `penstock version`. */
#include "cli/cli.h"

static int list_json(void)
{
    printf("{\"verbs\":[");
    for (size_t i = 0; cli_verbs[i]; i++)
        printf("%s\"%s\"", i ? "," : "", cli_verbs[i]->name);
    printf("]}\n");
    return CLI_DONE;
}

static int run_help(int argc, char **argv, struct cli_ctx *ctx)
{
    const struct cli_verb *v;

    if (argc > 2)
        return cli_bad_usage(ctx, "one verb at a time");
    if (argc == 2) {
        v = cli_find(argv[1]);
        if (!v)
            return cli_refuse(ctx, "there is no verb '%s'; `penstock help` "
                              "lists them", argv[1]);
        return cli_print_help(v, ctx);
    }
    if (ctx->json)
        return list_json();
    printf("penstock " PS_VERSION ", a programmable gateway for LLM APIs\n\n");
    for (size_t i = 0; cli_verbs[i]; i++)
        printf("  %-10s %s\n", cli_verbs[i]->name, cli_verbs[i]->help);
    printf("\nEach takes --json and --help; those that speak to a running "
           "instance take -s SOCKET.\n"
           "Try it: penstock serve\n");
    return CLI_DONE;
}

static int run_version(int argc, char **argv, struct cli_ctx *ctx)
{
    (void)argv;
    if (argc > 1)
        return cli_bad_usage(ctx, "it takes no arguments");
    if (ctx->json)
        printf("{\"version\":\"" PS_VERSION "\"}\n");
    else
        printf("penstock " PS_VERSION "\n");
    return CLI_DONE;
}

const struct cli_verb cli_help = {
    .name = "help",
    .usage = "[VERB]",
    .help = "list the verbs, or say how one is used",
    .run = run_help,
};

const struct cli_verb cli_version = {
    .name = "version",
    .usage = "",
    .help = "print the version",
    .run = run_version,
};
