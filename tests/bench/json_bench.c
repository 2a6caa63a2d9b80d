/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a scan costs: nanoseconds per byte of CPU time, best of the rounds,
 * for bodies made here (prose, CJK, the same escaped, tool schemas, numbers,
 * thousands of members) or for the files named. `names` is what the check for
 * duplicate members adds to the scan; `edit` a scan, a new model name, and the
 * copy; `validate` what the rules of the dialect cost beside the scan.
 *
 *     json_bench [FILE ...]
 */
#include "base/json.h"
#include "wire/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 9
#define BYTES_A_ROUND (16u << 20)
#define BODY_MAX (64u << 20)
#define UNKNOWN_MEMBERS 5000

static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void scan_with(struct json *j, struct str text,
                      const struct json_limits *limits)
{
    struct err err = { 0 };

    if (json_scan(j, text, limits, &err)) {
        fprintf(stderr, "%s: %s\n", err.at, err.msg);
        exit(1);
    }
}

static void scan_once(struct json *j, struct str text)
{
    scan_with(j, text, NULL);
}

static void edit_once(struct json *j, struct str text, struct buf *out)
{
    struct arena *a = arena_new(1 << 20);
    struct json_edits *e;

    scan_once(j, text);
    e = json_edits_new(j, a);
    buf_reset(out);
    if (json_edit_set(e, STR("/model"), STR("\"other\""), NULL) ||
        json_edits_apply(e, out))
        exit(1);
    arena_free(a);
}

static double best_validate(struct str text)
{
    unsigned times = (unsigned)(BYTES_A_ROUND / (text.n + 1)) + 1;
    struct arena *a = arena_new(1 << 20);
    struct json j = { 0 };
    double ns = 1e9;

    scan_once(&j, text);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns();
        double took;

        for (unsigned i = 0; i < times; i++) {
            struct err err = { 0 };

            if (validate_body(DIALECT_OPENAI_CHAT, &j, NULL, a, &err)) {
                fprintf(stderr, "%s\n", err.msg);
                exit(1);
            }
        }
        took = (double)(cpu_ns() - start) / times / (double)text.n;
        ns = took < ns ? took : ns;
    }
    json_clear(&j);
    arena_free(a);
    return ns;
}

enum what { SCAN, SCAN_NO_NAMES, EDIT };

static double best(struct str text, enum what what)
{
    unsigned times = (unsigned)(BYTES_A_ROUND / (text.n + 1)) + 1;
    static const struct json_limits no_names = { .dup_nowhere = true };
    struct buf out = BUF_INIT(BODY_MAX);
    struct json j = { 0 };
    double ns = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns();
        double took;

        for (unsigned i = 0; i < times; i++) {
            if (what == EDIT)
                edit_once(&j, text, &out);
            else
                scan_with(&j, text, what == SCAN ? NULL : &no_names);
        }
        took = (double)(cpu_ns() - start) / times / (double)text.n;
        ns = took < ns ? took : ns;
    }
    json_clear(&j);
    buf_clear(&out);
    return ns;
}

static void report(const char *name, struct str text)
{
    struct json j = { 0 };
    double scan = best(text, SCAN_NO_NAMES);

    scan_once(&j, text);
    printf("%-16s %8zu bytes %6u values  scan %.2f  names %.2f", name, text.n,
           j.count, scan, best(text, SCAN) - scan);
    if (json_member(&j, 0, STR("model")) != JSON_NONE)
        printf("  edit %.2f  validate %.3f", best(text, EDIT),
               best_validate(text));
    printf("\n");
    json_clear(&j);
}

static const char *const prose[] = {
    "the ", "quick ", "brown ", "fox ", "\\\"quoting\\\" ", "some\\n",
    "new ", "lines ", "and ", "unicode ", "caf\xC3\xA9 ", "tokens ",
    "model ", "gateway ", "latency ", NULL,
};
static const char *const cjk[] = {
    "\xE4\xBB\x8A\xE5\xA4\xA9", "\xE5\xA4\xA9\xE6\xB0\x94",
    "\xE6\x80\x8E\xE4\xB9\x88\xE6\xA0\xB7", "\xEF\xBC\x8C",
    "\xE6\x88\x91\xE4\xBB\xAC", "API ", NULL,
};
static const char *const escaped[] = {
    "\\u4eca\\u5929", "\\u6c14", "\\u600e\\u4e48\\u6837", "\\uff0c", "API ",
    NULL,
};
static const char *const cyrillic[] = {
    "\xD0\xBA\xD0\xB0\xD0\xBA ", "\xD0\xB4\xD0\xB5\xD0\xBB\xD0\xB0, ",
    "\xD0\xBC\xD0\xB8\xD1\x80 ", NULL,
};

#define CHAT "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"

static const struct many {
    const char *name, *head, *each, *tail;
} many[] = {
    { "short messages", "{\"model\":\"m\",\"messages\":[",
      "{\"role\":\"user\",\"content\":\"\"}", "]}" },
    { "short parts", CHAT "[", "{\"type\":\"text\",\"text\":\"x\"}", "]}]}" },
    { "logit_bias", CHAT "\"x\"}],\"logit_bias\":{", "\"%u\":1", "}}" },
    { "stop", CHAT "\"x\"}],\"stop\":[", "\"\"", "]}" },
};

static unsigned pick(unsigned below)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return (state >> 16) % below;
}

static unsigned count(const char *const *words)
{
    unsigned n = 0;

    while (words[n])
        n++;
    return n;
}

static void make_chat(struct buf *b, size_t size, const char *const *words)
{
    const char *roles[] = { "user", "assistant" };
    unsigned n = count(words);

    buf_reset(b);
    buf_puts(b, "{\"model\": \"gpt-4o-mini\", \"temperature\": 0.7, "
                "\"stream\": true, \"messages\": [");
    for (unsigned i = 0; buf_len(b) < size; i++) {
        size_t until = buf_len(b) + 1800;

        buf_printf(b, "%s{\"role\": \"%s\", \"content\": \"", i ? ", " : "",
                   roles[i & 1]);
        while (buf_len(b) < until)
            buf_puts(b, words[pick(n)]);
        buf_puts(b, "\"}");
    }
    buf_puts(b, "]}");
}

static void make_tools(struct buf *b, size_t size)
{
    buf_reset(b);
    buf_puts(b, "{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": "
                "\"user\", \"content\": \"x\"}], "
                "\"tools\": [");
    for (unsigned i = 0; buf_len(b) < size; i++)
        buf_printf(
            b,
            "%s{\"type\": \"function\", \"function\": {\"name\": \"fn_%u\", "
            "\"description\": \"Get something from somewhere\", "
            "\"parameters\": {\"type\": \"object\", \"properties\": "
            "{\"city\": {\"type\": \"string\", \"enum\": [\"a\", \"b\"]}, "
            "\"unit\": {\"type\": \"string\", \"description\": \"unit\"}}, "
            "\"required\": [\"city\"], \"additionalProperties\": false}, "
            "\"strict\": true}}",
            i ? ", " : "", i);
    buf_puts(b, "]}");
}

static void make_numbers(struct buf *b, size_t size)
{
    buf_reset(b);
    buf_puts(b, "{\"embedding\": [0");
    while (buf_len(b) < size)
        buf_printf(b, ",-0.0%u%u", pick(60000), pick(60000));
    buf_puts(b, "]}");
}

/* Members that no rule knows, all in the top object, whose names are all
 * looked at: short ones, and such as are as long as known ones. */
static void make_unknown(struct buf *b, const char *name)
{
    buf_reset(b);
    buf_puts(b, "{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": "
                "\"user\", \"content\": \"x\"}]");
    for (unsigned i = 0; i < UNKNOWN_MEMBERS; i++)
        buf_printf(b, ",\"%s%u\":%u", name, i, i);
    buf_puts(b, "}");
}

/* Many values of few bytes each, where the rules look at every one. */
static void make_short(struct buf *b, const struct many *m)
{
    buf_reset(b);
    buf_puts(b, m->head);
    for (unsigned i = 0; i < 5000; i++) {
        buf_puts(b, i ? "," : "");
        buf_printf(b, m->each, i);
    }
    buf_puts(b, m->tail);
}

static void report_files(int n, char **paths)
{
    for (int i = 0; i < n; i++) {
        FILE *f = fopen(paths[i], "rb");
        char *p = malloc(BODY_MAX);
        size_t len = f && p ? fread(p, 1, BODY_MAX, f) : 0;

        if (len)
            report(paths[i], (struct str){ p, len });
        if (f)
            fclose(f);
        free(p);
    }
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = { 1 << 10, 32 << 10, 256 << 10, 1 << 20 };
    static const char *const unknown[] = { "", "x", "stream_opti",
                                           "max_completio", NULL };
    struct buf b = BUF_INIT(BODY_MAX);

    report_files(argc - 1, argv + 1);
    for (unsigned i = 0; argc == 1 && i < 4; i++) {
        make_chat(&b, sizes[i], prose);
        report("prose", buf_str(&b));
        make_chat(&b, sizes[i], cjk);
        report("CJK", buf_str(&b));
        make_chat(&b, sizes[i], cyrillic);
        report("Cyrillic", buf_str(&b));
        make_chat(&b, sizes[i], escaped);
        report("CJK escaped", buf_str(&b));
        make_tools(&b, sizes[i]);
        report("tools", buf_str(&b));
        make_numbers(&b, sizes[i]);
        report("numbers", buf_str(&b));
    }
    for (unsigned i = 0; argc == 1 && unknown[i]; i++) {
        make_unknown(&b, unknown[i]);
        report("unknown members", buf_str(&b));
    }
    for (unsigned i = 0; argc == 1 && i < sizeof many / sizeof *many; i++) {
        make_short(&b, &many[i]);
        report(many[i].name, buf_str(&b));
    }
    buf_clear(&b);
    return 0;
}
