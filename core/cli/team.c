/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock team`: the teams of the store, through the running instance. */
#include "cli/record.h"

#include <string.h>

#define FIELDS " create update "

static const struct record_option options[] = {
    { "--name", "name", RECORD_TEXT, " create " },
    { "--parent", "parent", RECORD_TEXT, FIELDS },
    { "--models", "models", RECORD_LIST, FIELDS },
    { "--limit", "limits", RECORD_PAIR, FIELDS },
    { "--tag", "tags", RECORD_PAIR, FIELDS },
    { "--metadata", "metadata", RECORD_JSON, FIELDS },
    { NULL, NULL, RECORD_TEXT, NULL },
};

static void show(const struct cli_ctx *ctx, const json_t *got)
{
    const json_t *list = json_object_get(got, "teams"), *t;
    size_t i;

    if (ctx->json && !list)
        ask_print(got);
    else if (!list)
        record_print(json_object_get(got, "team"));
    json_array_foreach(list, i, t) {
        if (ctx->json) {
            ask_print(t);
            continue;
        }
        fputs(i ? "\n" : "", stdout);
        record_print(t);
    }
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    static const char words[] = "|create|list|show|update|delete|";
    json_t *request, *got = NULL;
    char word[32];
    int rc;

    snprintf(word, sizeof word, "|%s|", argc < 2 ? "" : argv[1]);
    if (!strstr(words, word))
        return cli_bad_usage(ctx, "create, list, show, update or delete?");
    request = json_pack("{s:o}", "verb", json_sprintf("team.%s", argv[1]));
    rc = record_read(ctx, options, argc - 1, argv + 1, request);
    if (rc == CLI_DONE && strstr("|show|update|delete|", word) &&
        !json_object_get(request, "id"))
        rc = cli_bad_usage(ctx, "%s which team? Give its name", argv[1]);
    if (rc == CLI_DONE)
        rc = record_ask(ctx, request, &got);
    if (rc == CLI_DONE)
        show(ctx, got);
    json_decref(got);
    json_decref(request);
    return rc;
}

const struct cli_verb cli_team = {
    .name = "team",
    .usage = "create --name N [FIELDS] | list | show TEAM |\n"
             "       update TEAM [FIELDS] | delete TEAM\n"
             "FIELDS: --parent TEAM --models A,B --limit tokens=400k/min "
             "--tag K=V\n"
             "        --metadata JSON",
    .help = "make, show and change the teams of the store",
    .run = run,
};
