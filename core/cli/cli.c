/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Finding the verb, taking the common options out of argv, and the common
 * ways to say no.
 */
#include "cli/cli.h"

#include "base/buf.h"
#include "engine/config_table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VERB_ROW(id) extern const struct cli_verb cli_##id;
#include "cli/verbs.def"
#undef VERB_ROW

const struct cli_verb *const cli_verbs[] = {
#define VERB_ROW(id) &cli_##id,
#include "cli/verbs.def"
#undef VERB_ROW
    NULL,
};

const struct cli_verb *cli_find(const char *name)
{
    for (size_t i = 0; cli_verbs[i]; i++) {
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    }
    return NULL;
}

void cli_print_usage(const struct cli_verb *v, FILE *to)
{
    fprintf(to, "usage: penstock %s%s%s\n", v->name, *v->usage ? " " : "",
            v->usage);
}

int cli_print_help(const struct cli_verb *v, const struct cli_ctx *ctx)
{
    struct buf b = BUF_INIT(4096);

    if (!ctx->json) {
        cli_print_usage(v, stdout);
        printf("%s\n", v->help);
        return CLI_DONE;
    }
    buf_printf(&b, "{\"verb\":\"%s\",\"usage\":", v->name);
    buf_json_str(&b, str_of(v->usage));
    buf_puts(&b, ",\"help\":");
    buf_json_str(&b, str_of(v->help));
    printf(STR_FMT "}\n", STR_ARG(buf_str(&b)));
    buf_clear(&b);
    return CLI_DONE;
}

int cli_bad_usage(const struct cli_ctx *ctx, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "penstock %s: ", ctx->verb->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    cli_print_usage(ctx->verb, stderr);
    return CLI_USAGE;
}

int cli_refuse(const struct cli_ctx *ctx, const char *fmt, ...)
{
    struct err err = { .code = ERR_BUG };
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err.msg, sizeof err.msg, fmt, ap);
    va_end(ap);
    return cli_refuse_err(ctx, &err);
}

int cli_refuse_err(const struct cli_ctx *ctx, const struct err *err)
{
    struct buf b = BUF_INIT(8192);

    if (!ctx->json) {
        fprintf(stderr, "penstock: %s%s%s\n", err->at, *err->at ? ": " : "",
                err->msg);
        return CLI_REFUSED;
    }
    buf_puts(&b, "{\"error\":{\"message\":");
    buf_json_str(&b, str_of(err->msg));
    if (*err->at) {
        buf_puts(&b, ",\"at\":");
        buf_json_str(&b, str_of(err->at));
    }
    buf_puts(&b, "}}");
    printf(STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_clear(&b);
    return CLI_REFUSED;
}

/** Take one common option at argv[i]; returns how many words it took. */
static int common_option(char **argv, int i, int argc, struct cli_ctx *ctx,
                         bool *help)
{
    if (strcmp(argv[i], "--json") == 0) {
        ctx->json = true;
        return 1;
    }
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
        *help = true;
        return 1;
    }
    if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
        ctx->socket = argv[i + 1];
        return 2;
    }
    return 0;
}

/** Move what is not common to the front; returns the new argc. */
static int take_common(int argc, char **argv, struct cli_ctx *ctx, bool *help)
{
    int n = 0, i = 0;

    while (i < argc && strcmp(argv[i], "--") != 0) {
        int took = common_option(argv, i, argc, ctx, help);

        if (took == 0)
            argv[n++] = argv[i++];
        i += took;
    }
    while (i < argc)
        argv[n++] = argv[i++];
    argv[n] = NULL;
    return n;
}

static int no_verb(const char *name)
{
    struct conf_near near;

    conf_near_init(&near, str_of(name));
    for (size_t i = 0; cli_verbs[i]; i++)
        conf_near_offer(&near, str_of(cli_verbs[i]->name));
    if (near.best.p)
        fprintf(stderr, "penstock: there is no verb '%s'; did you mean '"
                STR_FMT "'?\n", name, STR_ARG(near.best));
    else
        fprintf(stderr, "penstock: there is no verb '%s'; `penstock help` "
                        "lists them\n", name);
    return CLI_USAGE;
}

int cli_main(int argc, char **argv)
{
    struct cli_ctx ctx = { .program = argc ? argv[0] : "penstock" };
    const char *name;
    bool help = false;
    int n;

    if (argc < 1)
        return CLI_USAGE;
    n = take_common(argc - 1, argv + 1, &ctx, &help);
    argv++;
    name = n > 0 ? argv[0] : "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    ctx.verb = cli_find(name);
    if (!ctx.verb)
        return no_verb(name);
    if (n > 1 && strcmp(argv[n - 1], "-s") == 0)
        return cli_bad_usage(&ctx, "-s wants the path of a socket");
    if (help && n > 0)
        return cli_print_help(ctx.verb, &ctx);
    n = ctx.verb->run(n, argv, &ctx);
    if (fflush(stdout) != 0 && n == CLI_DONE) {
        perror("penstock: stdout");
        return CLI_REFUSED;
    }
    return n;
}
