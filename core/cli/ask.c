/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Asking a running instance from a verb. */
#include "cli/ask.h"

#include "app/control.h"
#include "app/paths.h"
#include "keeper/ledger_db.h"

#include <poll.h>
#include <unistd.h>

#define REPLY_MAX (4u << 20)

int ask_find(struct ask *a, const struct cli_ctx *ctx, struct err *err)
{
    a->ctx = ctx;
    a->sock = -1;
    return paths_instance(a->path, sizeof a->path, ctx->socket, err);
}

int ask_open(struct ask *a, const struct cli_ctx *ctx)
{
    struct err err = { 0 };

    return ask_find(a, ctx, &err) == 0 ? CLI_DONE : cli_refuse_err(ctx, &err);
}

void ask_close(struct ask *a)
{
    if (a->sock >= 0)
        close(a->sock);
    a->sock = -1;
}

int ask(struct ask *a, const char *request, json_t **out)
{
    return ask_with(a, request, -1, out);
}

/** An answer that is an error becomes ours. */
static int read_error(const json_t *got, struct err *err)
{
    const json_t *e = json_object_get(got, "error");
    const char *at = json_string_value(json_object_get(e, "at"));
    const char *why = json_string_value(json_object_get(e, "message"));

    if (!got)
        return err_set(err, ERR_IO, "the instance answered no JSON");
    return why ? err_at(err, ERR_CONFIG, at ? at : "", "%s", why) : 0;
}

int ask_quietly(struct ask *a, const char *request, int fd, json_t **out,
                struct err *err)
{
    struct buf reply = BUF_INIT(REPLY_MAX);
    int rc = control_ask_fd(&a->sock, a->path, str_of(request), fd, &reply,
                            err);

    *out = NULL;
    if (!rc) {
        *out = json_loadb(buf_str(&reply).p, buf_len(&reply), 0, NULL);
        rc = read_error(*out, err);
    }
    if (rc) {
        json_decref(*out);
        *out = NULL;
    }
    buf_clear(&reply);
    return rc;
}

int ask_with(struct ask *a, const char *request, int fd, json_t **out)
{
    struct err err = { 0 };
    int rc = ask_quietly(a, request, fd, out, &err);

    if (!rc)
        return CLI_DONE;
    cli_refuse_err(a->ctx, &err);
    return rc == -ERR_NOTFOUND || rc == -ERR_CLOSED ? CLI_NO_INSTANCE
                                                    : CLI_REFUSED;
}

bool ask_wait_end(struct ask *a, int ms)
{
    struct pollfd p = { .fd = a->sock, .events = POLLIN };

    return a->sock < 0 || poll(&p, 1, ms) > 0;
}

void ask_print(const json_t *v)
{
    json_dumpf(v, stdout,
               JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    putchar('\n');
}

int ask_simple(int argc, struct cli_ctx *ctx, const char *request,
               const char *done)
{
    struct ask a;
    json_t *got = NULL;
    int rc;

    if (argc > 1)
        return cli_bad_usage(ctx, "it takes no arguments");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, request, &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        puts(done);
    json_decref(got);
    ask_close(&a);
    return rc;
}

int ask_ledger(const struct cli_ctx *ctx, char *path, size_t size)
{
    struct ask a;
    json_t *status = NULL;
    const char *state;
    int rc = ask_open(&a, ctx);

    if (rc == CLI_DONE)
        rc = ask(&a, "{\"verb\":\"status\"}", &status);
    ask_close(&a);
    if (rc != CLI_DONE)
        return rc;
    state = json_string_value(json_object_get(status, "state"));
    snprintf(path, size, "%s/ledger/" LEDGER_FILE, state ? state : "");
    json_decref(status);
    return CLI_DONE;
}
