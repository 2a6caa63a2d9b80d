/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The running instance is asked first, as by all verbs. */
#include "cli/explain_usual.h"

#include "app/control.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

enum { REPLY_MAX = 4 << 20 };

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* What `status` says, a new reference; NULL with *err. */
static json_t *ask_status(const struct cli_ctx *ctx, struct err *err)
{
    struct buf reply = BUF_INIT(REPLY_MAX);
    char path[PATHS_MAX];
    json_t *status = NULL;
    int sock = -1;

    if (paths_instance(path, sizeof path, ctx->socket, err) == 0 &&
        control_ask(&sock, path, STR("{\"verb\":\"status\"}"), &reply,
                    err) == 0) {
        status = json_loadb(buf_str(&reply).p, buf_len(&reply), 0, NULL);
        if (!status)
            err_set(err, ERR_SYNTAX, "the instance answered no JSON");
    }
    if (sock >= 0)
        close(sock);
    buf_clear(&reply);
    return status;
}

static void of_instance(const json_t *status, char *out)
{
    const char *file = text_of(status, "file");
    const char *differ = text_of(json_object_get(status, "files"), "differ");

    snprintf(out, PATHS_MAX, "%s", file ? file : "");
    if (differ)
        fprintf(stderr, "Explained by the files, which are not what is "
                        "served: %s.\n", differ);
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

    if (!status && ctx->socket) {
        cli_refuse_err(ctx, &err);
        return CLI_NO_INSTANCE;
    }
    if (!status && err.code != ERR_NOTFOUND)
        fprintf(stderr, "The running instance is not asked: %s\n", err.msg);
    if (status)
        of_instance(status, out);
    else
        of_machine(out);
    json_decref(status);
    return CLI_DONE;
}
