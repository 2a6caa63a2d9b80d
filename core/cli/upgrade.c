/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock upgrade`: the program file on disk takes the instance's place. */
#include "cli/ask.h"

#include "app/control.h"

static long long number(const json_t *v, const char *key)
{
    return (long long)json_integer_value(json_object_get(v, key));
}

static void print(const json_t *got)
{
    const char *version = json_string_value(json_object_get(got, "version"));
    const char *fresh = json_string_value(json_object_get(got, "fresh"));

    printf("version %s serves as pid %lld, after %lld ms; pid %lld finishes "
           "its requests and ends\n", version ? version : "?",
           number(got, "pid"), number(got, "ms"), number(got, "former"));
    if (fresh && *fresh)
        printf("its shared memory is laid out otherwise; these begin anew: "
               "%s\n", fresh);
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    struct ask a;
    int rc;

    if (argc > 1)
        return cli_bad_usage(ctx, "unknown argument '%s'", argv[1]);
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        control_patience(&a.sock, a.path);
    if (rc == CLI_DONE)
        rc = ask(&a, "{\"verb\":\"upgrade\"}", &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        print(got);
    json_decref(got);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_upgrade = {
    .name = "upgrade",
    .usage = "",
    .help = "have the program file on disk take over, without an end of any "
            "request",
    .run = run,
};
