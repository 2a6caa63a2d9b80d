/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock target`: take a target out of service, in all workers at once. */
#include "cli/ask.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_NS = 200000000 };

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static void print(const json_t *t)
{
    printf("%-40s %-9s breaker %-9s", text(t, "name"), text(t, "switch"),
           text(t, "breaker"));
    if (number(t, "cooling_ms"))
        printf(" cooling for %lld s", (number(t, "cooling_ms") + 999) / 1000);
    if (*text(t, "taken_out"))
        printf(" taken out by itself: %s, tried in %lld s",
               text(t, "taken_out"), (number(t, "try_ms") + 999) / 1000);
    if (json_is_true(json_object_get(t, "degraded")))
        printf(" degraded");
    if (number(t, "in_flight"))
        printf(" in flight %lld", number(t, "in_flight"));
    if (number(t, "limit"))
        printf(" at most %lld", number(t, "limit"));
    putchar('\n');
}

static int list(struct ask *a)
{
    json_t *got = NULL, *t;
    size_t i;
    int rc = ask(a, "{\"verb\":\"target.list\"}", &got);

    if (rc == CLI_DONE && a->ctx->json)
        ask_print(json_object_get(got, "targets"));
    else if (rc == CLI_DONE && !json_array_size(json_object_get(got,
                                                               "targets")))
        puts("no model block names a target: provider/model names are open, "
             "and each can be disabled");
    else if (rc == CLI_DONE)
        json_array_foreach(json_object_get(got, "targets"), i, t)
            print(t);
    json_decref(got);
    return rc;
}

/* One question about one target; *t is its record. */
static int tell(struct ask *a, const char *word, const char *name, json_t **t)
{
    json_t *q = json_pack("{s:o, s:s}", "verb",
                          json_sprintf("target.%s", word), "name", name);
    char *line = q ? json_dumps(q, JSON_COMPACT) : NULL;
    json_t *got = NULL;
    int rc = line ? ask(a, line, &got)
                  : cli_refuse(a->ctx, "the name is not UTF-8");

    if (rc == CLI_DONE)
        *t = json_incref(json_object_get(got, "target"));
    json_decref(got);
    json_decref(q);
    free(line);
    return rc;
}

/* Its record now; *t stays what it was where it is gone. */
static int look(struct ask *a, const char *name, json_t **t)
{
    json_t *got = NULL, *each;
    size_t i;
    int rc = ask(a, "{\"verb\":\"target.list\"}", &got);

    if (rc != CLI_DONE)
        return rc;
    json_array_foreach(json_object_get(got, "targets"), i, each) {
        if (strcmp(text(each, "name"), name) != 0)
            continue;
        json_decref(*t);
        *t = json_incref(each);
    }
    json_decref(got);
    return CLI_DONE;
}

/* Until nothing runs there, or somebody puts it back. */
static int wait_idle(struct ask *a, const char *name, json_t **t)
{
    const struct timespec pause = { .tv_nsec = LOOK_NS };
    int rc = CLI_DONE;

    while (rc == CLI_DONE && number(*t, "in_flight") &&
           strcmp(text(*t, "switch"), "on") != 0) {
        nanosleep(&pause, NULL);
        rc = look(a, name, t);
    }
    return rc;
}

static int change(struct ask *a, const char *word, const char *name, bool wait)
{
    json_t *t = NULL;
    int rc = tell(a, word, name, &t);

    if (rc == CLI_DONE && wait)
        rc = wait_idle(a, name, &t);
    if (rc == CLI_DONE && a->ctx->json)
        ask_print(t);
    else if (rc == CLI_DONE)
        print(t);
    json_decref(t);
    return rc;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    const char *word = argc > 1 ? argv[1] : "";
    bool wait = argc == 4 && strcmp(word, "drain") == 0 &&
                strcmp(argv[3], "--wait") == 0;
    bool lists = strcmp(word, "list") == 0;
    struct ask a;
    int rc;

    if (!lists && strcmp(word, "disable") != 0 &&
        strcmp(word, "enable") != 0 && strcmp(word, "drain") != 0)
        return cli_bad_usage(ctx, "list, disable, enable or drain?");
    if (argc != (lists ? 2 : wait ? 4 : 3))
        return cli_bad_usage(ctx, lists ? "list takes no name"
                                        : "%s which target? Give its name",
                             word);
    rc = ask_open(&a, ctx);
    if (rc == CLI_DONE)
        rc = lists ? list(&a) : change(&a, word, argv[2], wait);
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_target = {
    .name = "target",
    .usage = "list | disable NAME | drain NAME [--wait] | enable NAME",
    .help = "show targets, take one out of service, put it back",
    .run = run,
};
