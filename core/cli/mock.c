/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock mock`: the mock upstream in the foreground, until a signal. */
#include "cli/cli.h"

#include "mock/mock.h"
#include "net/listen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct args {
    const char *listen;
    int fd;
    bool json;
    struct mock_options mock;
};

/* True when argv[*i] is the option; its value is taken. */
static bool option(char **argv, int argc, int *i, const char *name,
                   const char **value)
{
    size_t n = strlen(name);

    if (strcmp(argv[*i], name) == 0) {
        *value = *i + 1 < argc ? argv[++*i] : NULL;
        return true;
    }
    if (strncmp(argv[*i], name, n) == 0 && argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return true;
    }
    return false;
}

static int parse(int argc, char **argv, struct args *a,
                 const struct cli_ctx *ctx)
{
    for (int i = 1; i < argc; i++) {
        const char *rate = NULL, **to;
        char *end = NULL;

        if (option(argv, argc, &i, "--listen", to = &a->listen) ||
            option(argv, argc, &i, "--faults", to = &a->mock.faults_file)) {
            if (!*to)
                return cli_bad_usage(ctx, "%s wants a value", argv[i]);
            continue;
        }
        if (!option(argv, argc, &i, "--rate", &rate))
            return cli_bad_usage(ctx, "unknown argument '%s'", argv[i]);
        if (rate)
            a->mock.tokens_per_s = strtod(rate, &end);
        if (!rate || end == rate || *end || !(a->mock.tokens_per_s >= 0))
            return cli_bad_usage(ctx, "--rate wants tokens per second");
    }
    if (!a->listen)
        return cli_bad_usage(ctx, "--listen ADDR is missing");
    return CLI_DONE;
}

/* Who reads this may call: the faults were read by then. */
static void announce(void *ud)
{
    const struct args *a = ud;
    char text[LISTEN_TEXT_MAX] = "?";
    struct listen_addr addr;

    if (listen_address(a->fd, &addr) == 0)
        listen_format(&addr.ss, text, sizeof text);
    printf(a->json ? "{\"listen\":\"%s\"}\n" : "mock upstream on %s\n", text);
    fflush(stdout);
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    struct args a = { .json = ctx->json,
                      .mock = { .stop_fd = -1, .ready = announce,
                                .ready_ud = &a } };
    struct err err = { 0 };
    int rc = parse(argc, argv, &a, ctx);

    if (rc != CLI_DONE)
        return rc;
    if (listen_open(str_of(a.listen), 1, &a.fd, &err))
        return cli_refuse_err(ctx, &err);
    if (mock_serve(a.fd, &a.mock, &err))
        rc = cli_refuse_err(ctx, &err);
    close(a.fd);
    return rc;
}

const struct cli_verb cli_mock = {
    .name = "mock",
    .usage = "--listen ADDR [--faults FILE] [--rate TOKENS_PER_S]",
    .help = "run the mock upstream, with faults as data",
    .run = run,
};
