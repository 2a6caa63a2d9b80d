/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock explain ID`: a recent request's timeline for people. */
#include "cli/ask.h"

#include <stdlib.h>
#include <string.h>

static void print_value(const json_t *v)
{
    if (json_is_string(v))
        fputs(json_string_value(v), stdout);
    else
        json_dumpf(v, stdout,
                   JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
}

/** An attempt: its target and outcome first, the rest as it comes. */
static void print_attempt(size_t i, const json_t *a)
{
    const char *name;
    json_t *v;

    printf("  %zu.", i + 1);
    json_object_foreach((json_t *)(uintptr_t)a, name, v) {
        printf(" %s ", name);
        print_value(v);
    }
    putchar('\n');
}

/** Steps: ["name", ms] each, drawn against the longest. */
static void print_steps(const json_t *steps)
{
    double longest = 0.001;
    const json_t *s;
    size_t i;

    json_array_foreach(steps, i, s)
        if (json_number_value(json_array_get(s, 1)) > longest)
            longest = json_number_value(json_array_get(s, 1));
    json_array_foreach(steps, i, s) {
        double ms = json_number_value(json_array_get(s, 1));
        const char *name = json_string_value(json_array_get(s, 0));
        int bar = (int)(ms / longest * 40);

        printf("  %-14s %10.3f ms  %.*s\n", name ? name : "?", ms, bar,
               "########################################");
    }
}

static void print_notes(const json_t *notes)
{
    const json_t *n;
    size_t i;

    json_array_foreach(notes, i, n) {
        fputs("  ", stdout);
        print_value(n);
        putchar('\n');
    }
}

static void print_one(const char *name, const json_t *v)
{
    const json_t *a;
    size_t i;

    if (strcmp(name, "attempts") == 0) {
        puts("attempts");
        json_array_foreach(v, i, a)
            print_attempt(i, a);
    } else if (strcmp(name, "steps") == 0) {
        puts("steps");
        print_steps(v);
    } else if (strcmp(name, "notes") == 0) {
        puts("notes");
        print_notes(v);
    } else {
        printf("%-14s ", name);
        print_value(v);
        putchar('\n');
    }
}

static int show(const struct cli_ctx *ctx, const json_t *got)
{
    json_t *e = json_object_get(got, "explain"), *v;
    const char *name;

    if (ctx->json) {
        ask_print(e);
        return CLI_DONE;
    }
    json_object_foreach(e, name, v)
        print_one(name, v);
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *got = NULL;
    char *request;
    struct ask a;
    int rc;

    if (argc != 2)
        return cli_bad_usage(ctx, "which request? Its id is the x-request-id "
                                  "of the answer");
    request = NULL;
    got = json_pack("{s:s, s:s}", "verb", "explain", "id", argv[1]);
    if (got)
        request = json_dumps(got, JSON_COMPACT);
    json_decref(got);
    got = NULL;
    if (!request)
        return cli_bad_usage(ctx, "the id is not UTF-8");
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = ask(&a, request, &got);
    if (rc == CLI_DONE)
        rc = show(ctx, got);
    json_decref(got);
    free(request);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_explain = {
    .name = "explain",
    .usage = "ID",
    .help = "show a recent request's steps, attempts and why",
    .run = run,
};
