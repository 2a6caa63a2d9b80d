/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy shadow DIR`: run DIR's policies beside the live ones;
 * without DIR say what was seen, with --stop end it.
 */
#include "cli/ask.h"
#include "cli/policy.h"

#include "flow/shadow.h"

#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

static long long number(const json_t *v, const char *key)
{
    return (long long)json_integer_value(json_object_get(v, key));
}

static void print_rows(const json_t *got)
{
    json_t *rows = json_object_get(got, "rows"), *v;
    size_t i;

    if (json_array_size(rows))
        printf("%8s  %-12s  %-28s  %s\n", "", "phase", "live", "candidate");
    json_array_foreach(rows, i, v)
        printf("%8lld  %-12s  %-28s  %s\n", number(v, "n"), text(v, "phase"),
               text(v, "live"), text(v, "candidate"));
    if (number(got, "more"))
        printf("%8lld  others\n", number(got, "more"));
}

static void print_samples(const json_t *got)
{
    json_t *all = json_object_get(got, "samples"), *v;
    size_t i, n = json_array_size(all), first = n > 10 ? n - 10 : 0;

    json_array_foreach(all, i, v) {
        if (i >= first)
            printf("  %s %s: %s, candidate: %s%s%s\n", text(v, "id"),
                   text(v, "phase"), text(v, "live"), text(v, "candidate"),
                   *text(v, "note") ? "; " : "", text(v, "note"));
    }
}

static void print_report(const json_t *got)
{
    json_t *files = json_object_get(got, "files");

    if (!json_is_true(json_object_get(got, "runs"))) {
        puts("no candidate runs beside the live policies");
        return;
    }
    printf("%s: %zu polic%s, %g%% of requests, for %lld s\n",
           text(got, "dir"), json_array_size(files),
           json_array_size(files) == 1 ? "y" : "ies",
           (double)number(got, "rate") * 100 / SHADOW_ALL,
           number(got, "ms") / 1000);
    if (!json_array_size(files))
        puts("none of its files is a policy of the configuration: nothing can "
             "differ");
    if (*text(got, "cannot"))
        printf("it does not run everywhere: %s\n", text(got, "cannot"));
    printf("%lld requests, %lld phases: %lld alike, %lld differ, %lld "
           "undecided (they asked outside), %lld edits, %lld failed, %lld "
           "skipped\n", number(got, "requests"), number(got, "phases"),
           number(got, "same"), number(got, "differ"),
           number(got, "undecided"), number(got, "edits"),
           number(got, "failed"), number(got, "skipped"));
    print_rows(got);
    print_samples(got);
}

/** "10%", "0.5%" as so many of SHADOW_ALL; 0: it is none. */
static long rate_of(const char *s)
{
    char *end;
    double v = strtod(s, &end);

    if (end == s || strcmp(end, "%") != 0 || v < 0.01 || v > 100)
        return 0;
    return (long)(v * SHADOW_ALL / 100 + 0.5);
}

static int ask_and_print(struct cli_ctx *ctx, json_t *request)
{
    char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_t *got = NULL;
    struct ask a;
    int rc;

    json_decref(request);
    if (!line)
        return cli_refuse(ctx, "no memory");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, line, &got);
    if (rc == CLI_DONE && ctx->json)
        ask_print(got);
    else if (rc == CLI_DONE)
        print_report(got);
    json_decref(got);
    free(line);
    ask_close(&a);
    return rc;
}

static int begin(struct cli_ctx *ctx, const char *dir, long rate)
{
    char *whole = realpath(dir, NULL);
    int rc;

    if (!whole)
        return cli_refuse(ctx, "%s: there is no such folder", dir);
    rc = ask_and_print(ctx, json_pack("{s:s, s:s, s:I}", "verb", "shadow",
                                      "dir", whole, "rate",
                                      (json_int_t)rate));
    free(whole);
    return rc;
}

int policy_shadow(int argc, char **argv, struct cli_ctx *ctx)
{
    const char *dir = NULL;
    long rate = SHADOW_ALL / 10;
    bool stop = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--stop") == 0)
            stop = true;
        else if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc)
            rate = rate_of(argv[++i]);
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else
            return cli_bad_usage(ctx, "unknown argument '%s'", argv[i]);
    }
    if (!rate)
        return cli_bad_usage(ctx, "--rate wants 0.01%% to 100%%");
    if (stop && dir)
        return cli_bad_usage(ctx, "--stop takes no folder");
    if (dir)
        return begin(ctx, dir, rate);
    return ask_and_print(ctx, json_pack("{s:s}", "verb",
                                        stop ? "shadow.stop"
                                             : "shadow.show"));
}
