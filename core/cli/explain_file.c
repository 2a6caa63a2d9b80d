/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock explain -f`: what would become of this request? It is run twice,
 * by states of its own each: once as it is, for verdicts and times, and once
 * with every instruction counted, which costs more than the instructions.
 */
#include "cli/explain_file.h"

#include "base/log.h"
#include "cli/config_file.h"
#include "cli/explain_print.h"
#include "cli/explain_usual.h"
#include "policy/probe.h"

#include <string.h>
#include <unistd.h>

enum { SHOWN = 2000 };

/* The next line of a head, without its end. */
static struct str next_line(struct str *rest)
{
    struct str line = str_split(rest, '\n');

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Status, fields and body of an answer that ends with its connection. */
static json_t *answer_of(struct str raw)
{
    json_t *fields = json_object(), *body;
    struct str rest = raw, line = next_line(&rest);
    int status = 0;

    if (line.n > 12)
        status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 +
                 (line.p[11] - '0');
    while (rest.p) {
        struct str value = next_line(&rest), name;

        if (!value.n)
            break;
        name = str_split(&value, ':');
        value = str_trim(value);
        json_object_setn_new(fields, name.p, name.n,
                             json_stringn(value.p ? value.p : "", value.n));
    }
    body = json_stringn(rest.p ? rest.p : "", rest.n);
    return json_pack("{s:i, s:o, s:o}", "status", status, "headers", fields,
                     "body", body ? body : json_string("(not UTF-8)"));
}

/* The instructions of the second run, where it went the same way. */
static void add_instructions(json_t *policies, const json_t *counted)
{
    json_t *p;
    size_t i;

    json_array_foreach(policies, i, p) {
        const json_t *twin = json_array_get(counted, i);
        json_t *n = json_object_get(twin, "instructions");

        if (n && json_equal(json_object_get(twin, "policy"),
                            json_object_get(p, "policy")) &&
            json_equal(json_object_get(twin, "phase"),
                       json_object_get(p, "phase")))
            json_object_set(p, "instructions", n);
    }
}

/* One document: the access line, then what only a dry run can tell. */
static json_t *document(const struct dry_answer *a, const struct dry_answer *b)
{
    json_t *doc = json_object(), *line = json_object_get(a->story, "line");
    json_t *policies = json_object_get(a->story, "policies");
    static const char *const rest[] = { "notes", "policies", "plan" };
    static const char *const gone[] = { "time", "event", "id", "trace",
                                        "generation" };

    add_instructions(policies, json_object_get(b->story, "policies"));
    if (line)
        json_object_update(doc, line);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        json_object_del(doc, gone[i]); /* of a request that is none */
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        json_t *v = json_object_get(a->story, rest[i]);

        json_object_del(doc, rest[i]);
        if (json_array_size(v))
            json_object_set(doc, rest[i], v);
    }
    json_object_set_new(doc, "answer", answer_of(buf_str(&a->raw)));
    return doc;
}

static void print_answer(const json_t *answer)
{
    const json_t *body = json_object_get(answer, "body");
    size_t n = json_string_length(body);

    printf("answer         %lld\n%.*s%s\n",
           (long long)json_integer_value(json_object_get(answer, "status")),
           (int)(n < SHOWN ? n : SHOWN), json_string_value(body),
           n > SHOWN ? " ..." : "");
}

static void show(const struct cli_ctx *ctx, json_t *doc)
{
    json_t *answer;

    if (ctx->json) {
        json_dumpf(doc, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    answer = json_incref(json_object_get(doc, "answer"));
    json_object_del(doc, "answer");
    explain_print(doc);
    print_answer(answer);
    json_decref(answer);
}

static int run_both(const struct cli_ctx *ctx, struct dry_run *d,
                    const struct dry_ask *ask, struct err *err)
{
    struct policy_probe count = policy_probe_count();
    struct dry_answer plain = { 0 }, counted = { 0 };
    int rc = dry_run_ask(d, ask, NULL, &plain, err);

    if (rc == 0)
        rc = dry_run_ask(d, ask, &count, &counted, err);
    if (rc == 0) {
        json_t *doc = document(&plain, &counted);

        show(ctx, doc);
        json_decref(doc);
    }
    dry_answer_clear(&plain);
    dry_answer_clear(&counted);
    return rc;
}

int explain_file(const struct cli_ctx *ctx, const char *request,
                 const char *config)
{
    struct dry_request q = { 0 };
    char usual[PATHS_MAX] = "";
    struct paths paths;
    struct dry_run *d = NULL;
    struct err err = { 0 };
    int rc = config ? CLI_DONE : explain_usual(ctx, usual);

    if (rc != CLI_DONE)
        return rc;
    if (!config && *usual)
        config = usual;
    log_open("/dev/null", LOG_TEXT, LOG_ERROR);
    rc = dry_request_read(&q, request, &err);
    if (rc && !err.at[0] && !strstr(err.msg, request))
        snprintf(err.at, sizeof err.at, "%.100s", request);
    if (rc == 0)
        rc = paths_find(&paths, NULL, &err);
    if (rc == 0) {
        d = dry_run_new(config, &paths, &err);
        rc = d ? run_both(ctx, d, &q.ask, &err) : -err.code;
    }
    dry_run_free(d);
    dry_request_clear(&q);
    return rc == 0 ? CLI_DONE : cli_refuse_err(ctx, &err);
}
