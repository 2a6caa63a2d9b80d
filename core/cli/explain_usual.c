/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The running instance is asked first, as by all verbs. */
#include "cli/explain_usual.h"

#include "cli/ask.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* What `status` says, a new reference; NULL with *err. */
static json_t *ask_status(const struct cli_ctx *ctx, struct err *err)
{
    json_t *status = NULL;
    struct ask a;

    if (ask_find(&a, ctx, err) == 0)
        ask_quietly(&a, "{\"verb\":\"status\"}", -1, &status, err);
    ask_close(&a);
    return status;
}

static int of_instance(const struct cli_ctx *ctx, const json_t *status,
                       char *out)
{
    const char *file = text_of(status, "file");
    const char *differ = text_of(json_object_get(status, "files"), "differ");

    if (snprintf(out, PATHS_MAX, "%s", file ? file : "") >= PATHS_MAX)
        return cli_refuse(ctx, "the instance's file has too long a path: %s",
                          file);
    if (differ)
        fprintf(stderr, "Explained by the files, which are not what is "
                        "served: %s.\n", differ);
    return CLI_DONE;
}

static void of_machine(char *out)
{
    static const char installed[] = PS_SYSCONFDIR "/penstock.conf";
    bool there = access(installed, F_OK) == 0;

    snprintf(out, PATHS_MAX, "%s", there ? installed : "");
    if (!there)
        fprintf(stderr, "No instance runs, and there is no %s: the built-in "
                        "configuration answers, with sim. Name another one "
                        "with -c FILE.\n", installed);
}

int explain_usual(const struct cli_ctx *ctx, char *out)
{
    struct err err = { 0 };
    json_t *status = ask_status(ctx, &err);
    int rc = CLI_DONE;

    if (!status && ctx->socket) {
        rc = cli_refuse_err(ctx, &err);
        return err.code == ERR_CONFIG ? rc : CLI_NO_INSTANCE;
    }
    if (!status && err.code != ERR_NOTFOUND)
        fprintf(stderr, "The running instance is not asked: %s\n", err.msg);
    if (status)
        rc = of_instance(ctx, status, out);
    else
        of_machine(out);
    json_decref(status);
    return rc;
}
