/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock reload` and `penstock rollback`: another generation. */
#include "cli/ask.h"

#include "app/control.h"

#include <stdlib.h>
#include <string.h>

static const char *member(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

static long long number(const json_t *v, const char *key)
{
    return (long long)json_integer_value(json_object_get(v, key));
}

static void print_changes(const json_t *got)
{
    json_t *all = json_object_get(got, "changes"), *v;
    size_t i;

    json_array_foreach(all, i, v)
        printf("  %-8s %-40s %s\n", member(v, "change"), member(v, "path"),
               strcmp(member(v, "applies"), "live") == 0      ? ""
               : strcmp(member(v, "applies"), "workers") == 0 ? "new workers"
                                                              : "restart");
    if (number(got, "n_changes") > (long long)json_array_size(all))
        printf("  and %lld more\n", number(got, "n_changes") -
                                        (long long)json_array_size(all));
}

static void print_plan(const json_t *got)
{
    const char *applies = member(got, "applies");

    if (*member(got, "warning"))
        printf("note: %s\n", member(got, "warning"));
    if (number(got, "n_changes") == 0) {
        puts("nothing would change");
        return;
    }
    printf("%lld change%s:\n", number(got, "n_changes"),
           number(got, "n_changes") == 1 ? "" : "s");
    print_changes(got);
    puts(strcmp(applies, "restart") == 0
             ? "a reload would be refused: `penstock upgrade` or a restart "
               "takes it, or change that back"
         : strcmp(applies, "workers") == 0
             ? "a reload would start new workers; the old ones finish their "
               "requests"
             : "a reload would change this in place");
}

static void print_done(const json_t *got)
{
    const char *warning = member(got, "warning");

    printf("%s; generation %lld", member(got, "how"),
           number(got, "generation"));
    if (number(got, "n_changes"))
        printf(", %lld change%s, %lld ms", number(got, "n_changes"),
               number(got, "n_changes") == 1 ? "" : "s", number(got, "ms"));
    putchar('\n');
    if (*warning)
        printf("note: %s\n", warning);
}

/** Ask, and print what was done. */
static int send(struct cli_ctx *ctx, json_t *request, bool plan)
{
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_t *got = NULL;
    struct ask a;
    int rc;

    json_decref(request);
    if (!text)
        return cli_refuse(ctx, "no memory");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        control_patience(&a.sock, a.path);
    if (rc == CLI_DONE)
        rc = ask(&a, text, &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE && plan)
        print_plan(got);
    else if (rc == CLI_DONE)
        print_done(got);
    json_decref(got);
    free(text);
    ask_close(&a);
    return rc;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    static const char *const options[] = { "--plan", "--no-wait", "--force" };
    bool has[3] = { false };

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        while (k < 3 && strcmp(argv[i], options[k]) != 0)
            k++;
        if (k == 3)
            return cli_bad_usage(ctx, "unknown argument '%s'", argv[i]);
        has[k] = true;
    }
    if (has[1] && has[2])
        return cli_bad_usage(ctx, "--no-wait and --force exclude each other");
    return send(ctx, json_pack("{s:s, s:b, s:b, s:b}", "verb", "reload",
                               "plan", has[0], "no_wait", has[1], "force",
                               has[2]), has[0]);
}

static int run_rollback(int argc, char **argv, struct cli_ctx *ctx)
{
    char *end = NULL;
    long to = argc > 1 ? strtol(argv[1], &end, 10) : 0;

    if (argc > 2)
        return cli_bad_usage(ctx, "it takes one generation");
    if (argc == 2 && (*end || to <= 0))
        return cli_bad_usage(ctx, "'%s' is not the number of a generation",
                             argv[1]);
    return send(ctx, json_pack("{s:s, s:I}", "verb", "rollback", "to",
                               (json_int_t)to), false);
}

const struct cli_verb cli_reload = {
    .name = "reload",
    .usage = "[--plan] [--no-wait | --force]",
    .help = "take the changed configuration, policies, certificates, plugins",
    .run = run,
};

const struct cli_verb cli_rollback = {
    .name = "rollback",
    .usage = "[GENERATION]",
    .help = "serve an earlier generation again; unset: the one before",
    .run = run_rollback,
};
