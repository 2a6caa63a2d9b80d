/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's story: single facts as "name value", lists as sections. A name
 * that nobody here knows is printed all the same.
 */
#include "cli/explain_print.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
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
static void print_steps(const json_t *steps, const json_t *story)
{
    double longest = 0.001;
    const json_t *s;
    size_t i;

    (void)story;
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

static void print_notes(const json_t *notes, const json_t *story)
{
    const json_t *n;
    size_t i;

    (void)story;
    json_array_foreach(notes, i, n) {
        fputs("  ", stdout);
        print_value(n);
        putchar('\n');
    }
}

static const char *text(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

static json_int_t number(const json_t *v, const char *key)
{
    return json_integer_value(json_object_get(v, key));
}

/* "deny x_late", "failed (open)", "-" */
static void print_verdict(const json_t *p)
{
    const char *verdict = text(p, "verdict"), *what = text(p, "what");
    bool failed = strcmp(verdict, "failed") == 0;
    int n;

    if (strcmp(verdict, "none") == 0)
        n = printf("-");
    else
        n = printf("%s%s%s%s", verdict, *what && !failed ? " " : "",
                   failed ? "" : what, *text(p, "fail") ? " (open)" : "");
    if (*text(p, "mode"))
        n += printf(" (observe)");
    printf("%*s", n < 24 ? 24 - n : 1, "");
}

/** A policy: where, who, what it meant, how long; its notes below. */
static void print_policy(const json_t *p, const json_t *notes)
{
    const json_t *place;
    size_t i;

    printf("  %-14s %-16s ", text(p, "phase"), text(p, "policy"));
    print_verdict(p);
    printf("%8lld us", (long long)number(p, "us"));
    if (json_object_get(p, "instructions"))
        printf(" %8lld instructions", (long long)number(p, "instructions"));
    if (number(p, "waits"))
        printf("  waited %.1f ms (%lld)",
               (double)number(p, "waited_us") / 1000,
               (long long)number(p, "waits"));
    putchar('\n');
    json_array_foreach(json_object_get(p, "notes"), i, place) {
        const char *note = json_string_value(json_array_get(
            notes, (size_t)json_integer_value(place)));
        const char *own = note ? strstr(note, ": ") : NULL;

        if (own)
            printf("  %-14s   %s\n", "", own + 2);
    }
}

static void print_policies(const json_t *all, const json_t *story)
{
    const json_t *p;
    size_t i;

    json_array_foreach(all, i, p)
        print_policy(p, json_object_get(story, "notes"));
}

/** "requests per key ci: 59 of 600 left" */
static void print_limits(const json_t *all, const json_t *story)
{
    const json_t *v;
    size_t i;

    (void)story;
    json_array_foreach(all, i, v) {
        printf("  %s per %s %s: %lld of %lld left", text(v, "limit"),
               text(v, "per"), text(v, "name"), (long long)number(v, "left"),
               (long long)number(v, "max"));
        if (json_object_get(v, "reserved"))
            printf(", %lld reserved, %lld used",
                   (long long)number(v, "reserved"),
                   (long long)number(v, "used"));
        putchar('\n');
    }
}

/** A candidate: its place, or what happened to it. */
static void print_plan(const json_t *plan, const json_t *story)
{
    const json_t *c;
    size_t i;
    int place = 0;

    (void)story;
    json_array_foreach(plan, i, c) {
        bool dropped = json_is_true(json_object_get(c, "dropped"));

        if (dropped)
            printf("  -  ");
        else
            printf("  %d. ", ++place);
        if (dropped || *text(c, "why"))
            printf("%-32s %s%s%s\n", text(c, "target"),
                   dropped ? "dropped" : "", dropped ? ": " : "",
                   text(c, "why"));
        else
            puts(text(c, "target"));
    }
}

static void print_attempts(const json_t *v, const json_t *story)
{
    const json_t *a;
    size_t i;

    (void)story;
    json_array_foreach(v, i, a)
        print_attempt(i, a);
}

static const struct {
    const char *name;
    void (*print)(const json_t *v, const json_t *story);
} sections[] = { { "attempts", print_attempts },
                 { "steps", print_steps },
                 { "notes", print_notes },
                 { "policies", print_policies },
                 { "limits", print_limits },
                 { "plan", print_plan } };

static void print_one(const char *name, const json_t *v, const json_t *story)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(name, sections[i].name) == 0) {
            puts(name);
            sections[i].print(v, story);
            return;
        }
    }
    printf("%-14s ", name);
    print_value(v);
    putchar('\n');
}

void explain_print(const json_t *story)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)story, name, v)
        print_one(name, v, story);
}
