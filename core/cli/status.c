/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock status`: how the instance is, and what to do next. */
#include "cli/ask.h"

#include <string.h>
#include <unistd.h>

#define WATCH_S 1

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static void print_uptime(long long ms)
{
    long long s = ms / 1000;

    if (s >= 86400)
        printf("%lld d %lld h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        printf("%lld h %lld min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        printf("%lld min %lld s", s / 60, s % 60);
    else
        printf("%lld s", s);
}

static void print_files(const json_t *files)
{
    const char *changed = text(files, "changed");

    if (!*text(files, "differ"))
        return;
    printf("files          differ from what is served: %s%s%s%s; "
           "`penstock reload --plan` says how\n", text(files, "differ"),
           *changed ? " (" : "", changed, *changed ? ")" : "");
}

static void print_head(const json_t *st)
{
    printf("penstock %s, pid %lld: %s, up ", text(st, "version"),
           number(st, "pid"), text(st, "phase"));
    print_uptime(number(st, "uptime_ms"));
    printf(", generation %lld\nconfiguration  %s\nstate          %s\n",
           number(st, "generation"),
           *text(st, "file") ? text(st, "file") : "built in",
           text(st, "state"));
    print_files(json_object_get(st, "files"));
}

static void print_listeners(const json_t *st)
{
    const json_t *l;
    size_t i;

    json_array_foreach(json_object_get(st, "listeners"), i, l)
        printf("%-14s %s%s  anonymous: %s\n", i ? "" : "listening",
               text(l, "address"), json_is_true(json_object_get(l, "tls"))
                                       ? " (TLS)"
                                       : "",
               text(l, "anonymous"));
    if (*text(st, "metrics"))
        printf("%-14s http://%s/metrics\n", "metrics", text(st, "metrics"));
    if (*text(st, "admin"))
        printf("%-14s http://%s/v1/status\n", "admin", text(st, "admin"));
}

static void print_names(const json_t *list, const char *title)
{
    const json_t *v;
    size_t i;

    printf("%-14s", title);
    json_array_foreach(list, i, v)
        printf("%s %s", i ? "," : "",
               json_is_string(v) ? json_string_value(v) : text(v, "name"));
    if (json_array_size(list) == 0)
        printf(" none: provider/model names are open");
    putchar('\n');
}

/** The generations that a rollback can go to. */
static void print_kept(const json_t *st)
{
    const json_t *all = json_object_get(st, "generations"), *v;
    bool some = false;
    size_t i;

    json_array_foreach(all, i, v) {
        if (json_is_true(json_object_get(v, "current")))
            continue;
        printf("%-*s %lld%s", some ? 1 : 14, some ? "," : "kept",
               number(v, "number"),
               json_is_true(json_object_get(v, "taken_back"))
                   ? " (taken back)" : "");
        some = true;
    }
    if (some)
        puts(": `penstock rollback N` serves one of these generations");
}

/** Where the requests are just now. */
static void print_at_targets(const json_t *st)
{
    const json_t *t;
    size_t i;
    int n = 0;

    json_array_foreach(json_object_get(st, "targets"), i, t) {
        if (number(t, "in_flight"))
            printf("%-14s %s: %lld in flight\n", n++ ? "" : "at targets",
                   text(t, "name"), number(t, "in_flight"));
    }
}

/** Those alone that do not serve as ever. */
static int print_targets(const json_t *st)
{
    const json_t *t;
    size_t i;
    int n = 0;

    json_array_foreach(json_object_get(st, "targets"), i, t) {
        if (strcmp(text(t, "state"), "closed") == 0 &&
            number(t, "share") == 100 && !number(t, "cooling_ms") &&
            !*text(t, "off") && !*text(t, "taken_out"))
            continue;
        printf("%-14s %s: %s", n++ ? "" : "targets", text(t, "name"),
               text(t, "state"));
        if (number(t, "wait_ms"))
            printf(", tried again in %lld s",
                   (number(t, "wait_ms") + 999) / 1000);
        else if (strcmp(text(t, "state"), "closed") == 0 &&
                 number(t, "share") != 100)
            printf(", %lld %% of its share", number(t, "share"));
        if (json_is_true(json_object_get(t, "degraded")))
            printf(", worse than it was");
        if (*text(t, "off"))
            printf(", %s by an operator", text(t, "off"));
        if (*text(t, "taken_out"))
            printf(", taken out by itself: %s, tried in %lld s",
                   text(t, "taken_out"), (number(t, "try_ms") + 999) / 1000);
        if (number(t, "probes_failed"))
            printf(", %lld probes failed", number(t, "probes_failed"));
        if (number(t, "cooling_ms"))
            printf(", cooling for %lld s as its provider asked",
                   (number(t, "cooling_ms") + 999) / 1000);
        putchar('\n');
    }
    return n;
}

static int print_credentials(const json_t *st)
{
    const json_t *c;
    size_t i;
    int n = 0;

    json_array_foreach(json_object_get(st, "credentials"), i, c) {
        if (number(c, "wait_ms"))
            printf("%-14s %s: %s, tried again in %lld s\n",
                   n++ ? "" : "credentials", text(c, "name"),
                   text(c, "state"), (number(c, "wait_ms") + 999) / 1000);
        else if (json_object_get(c, "why"))
            printf("%-14s %s: its token ends in %lld s\n",
                   n++ ? "" : "credentials", text(c, "name"),
                   (number(c, "token_ends_ms") + 999) / 1000);
        if (json_object_get(c, "why"))
            printf("%-14s   no new token could be fetched: %s\n", "",
                   text(c, "why"));
    }
    return n;
}

static int print_alerts(const json_t *st)
{
    const json_t *a;
    size_t i;

    json_array_foreach(json_object_get(st, "alerts"), i, a)
        printf("%-14s %s: %s: %s, since %s\n%-14s   %s (%s)\n",
               i ? "" : "alerts", text(a, "alert"), text(a, "where"),
               text(a, "what"), text(a, "since"), "", text(a, "do"),
               text(a, "runbook"));
    return (int)i;
}

static void print_process(const json_t *p)
{
    printf("  %-7s", text(p, "kind"));
    if (json_object_get(p, "slot"))
        printf(" %-3lld", number(p, "slot"));
    else
        printf("    ");
    printf(" %-9s pid %-7lld", text(p, "state"), number(p, "pid"));
    if (strcmp(text(p, "kind"), "worker") == 0)
        printf(" in flight %-5lld connections %-5lld",
               number(p, "in_flight"), number(p, "connections"));
    if (number(p, "memory_bytes"))
        printf(" %lld MiB", number(p, "memory_bytes") >> 20);
    if (number(p, "waiting"))
        printf(" waiting %lld", number(p, "waiting"));
    if (*text(p, "shedding"))
        printf(" turns away: %s", text(p, "shedding"));
    if (number(p, "deaths"))
        printf(" deaths %lld", number(p, "deaths"));
    if (json_object_get(p, "adopted_by"))
        printf(" (its listener: worker %lld)", number(p, "adopted_by"));
    if (json_object_get(p, "next_start_ms"))
        printf(" (next start in %lld ms)", number(p, "next_start_ms"));
    putchar('\n');
}

static void print_processes(const json_t *st)
{
    static const char *const lists[] = { "workers", "helpers" };
    const json_t *p;
    size_t i;

    puts("processes");
    for (size_t k = 0; k < 2; k++)
        json_array_foreach(json_object_get(st, lists[k]), i, p)
            print_process(p);
}

/** How many workers are in a state. */
static int count(const json_t *st, const char *state)
{
    const json_t *p;
    size_t i;
    int n = 0;

    json_array_foreach(json_object_get(st, "workers"), i, p)
        n += strcmp(text(p, "state"), state) == 0;
    return n;
}

/** What to do next: the first row that holds. */
static void print_next(const json_t *st, int ill, int resting, int alerts)
{
    int backoff = count(st, "backoff"), stuck = count(st, "stuck");

    if (strcmp(text(st, "phase"), "running") != 0)
        printf("next: it is %s; wait for it, or `penstock stop`\n",
               text(st, "phase"));
    else if (backoff)
        printf("next: %d worker%s died again and again; look for "
               "\"worker.died\" in the log: it names the plugin or policy\n",
               backoff, backoff == 1 ? "" : "s");
    else if (stuck)
        printf("next: %d worker%s hang%s; look for \"worker.stuck\" in the "
               "log\n", stuck, stuck == 1 ? "" : "s",
               stuck == 1 ? "s" : "");
    else if (json_array_size(json_object_get(st, "quarantined")))
        puts("next: workers kept dying in a plugin, so it is quarantined; "
             "`penstock plugin list` names it, \"plugin.quarantined\" in the "
             "log the way back");
    else if (ill)
        puts("next: targets are passed over; \"breaker.open\", "
             "\"target.switched\" or \"target.taken_out\" in the log says "
             "since when, `penstock explain ID` why");
    else if (resting)
        puts("next: look after the keys that are parked, if any; "
             "\"credential.parked\" in the log says why");
    else if (alerts)
        puts("next: look at the alerts; each says what to do, and names its "
             "page");
    else if (*text(json_object_get(st, "files"), "differ"))
        puts("next: what is served is not what the files say; mend them where "
             "they are wrong, then `penstock reload`");
    else if (number(st, "worker_deaths"))
        printf("next: %lld worker deaths were coped with; \"worker.died\" in "
               "the log says why\n", number(st, "worker_deaths"));
    else if (number(st, "log_lines_lost"))
        puts("next: log lines were lost; see where the log goes");
    else
        puts("next: nothing to do; `penstock explain ID` shows a request");
}

static int show(struct ask *a)
{
    json_t *st;
    int ill, resting, alerts, rc = ask(a, "{\"verb\":\"status\"}", &st);

    if (rc != CLI_DONE)
        return rc;
    if (a->ctx->json) {
        ask_print(st);
    } else {
        print_head(st);
        print_kept(st);
        print_listeners(st);
        print_names(json_object_get(st, "providers"), "providers");
        print_names(json_object_get(st, "models"), "models");
        printf("requests       %lld in flight, %lld connections\n",
               number(st, "in_flight"), number(st, "connections"));
        print_at_targets(st);
        ill = print_targets(st);
        resting = print_credentials(st);
        print_processes(st);
        alerts = print_alerts(st);
        print_next(st, ill, resting, alerts);
    }
    json_decref(st);
    fflush(stdout);
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    bool watch = argc == 2 && strcmp(argv[1], "--watch") == 0;
    struct ask a;
    int rc;

    if (argc > 2 || (argc == 2 && !watch))
        return cli_bad_usage(ctx, "unknown argument '%s'", argv[argc - 1]);
    rc = ask_open(&a, ctx);
    while (rc == CLI_DONE) {
        if (watch && !ctx->json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[2J", stdout);
        rc = show(&a);
        if (!watch)
            break;
        sleep(WATCH_S);
    }
    ask_close(&a);
    return rc;
}

const struct cli_verb cli_status = {
    .name = "status",
    .usage = "[--watch] [--json]",
    .help = "show workers, listeners, what runs, and what to do next",
    .run = run,
};
