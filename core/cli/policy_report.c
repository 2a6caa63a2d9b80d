/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What `policy test` tells: lines for people, or one JSON document. */
#include "cli/policy_run.h"

#include <string.h>

void report_begin(struct test_totals *t, const char *path)
{
    if (t->json)
        t->tests = json_array();
    else
        printf("%s\n", path);
}

static json_t *text(struct str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);

    return v ? v : json_string("(not UTF-8)");
}

void report_test(void *ud, const struct policy_test_report *r)
{
    struct test_totals *t = ud;
    json_t *one, *diff;

    if (!t->json) {
        policy_test_print(stdout, r);
        return;
    }
    one = json_pack("{s:o, s:b, s:i}", "name", text(r->name), "ok", r->passed,
                    "line", r->line);
    diff = json_array();
    for (size_t i = 0; !r->passed && i < r->n_lines; i++) {
        const char mark[2] = { r->lines[i].mark, '\0' };

        json_array_append_new(diff, json_pack("[s, o]", mark,
                                              text(r->lines[i].text)));
    }
    if (r->passed)
        json_decref(diff);
    else
        json_object_set_new(one, "diff", diff);
    json_array_append_new(t->tests, one);
}

void report_broken(struct test_totals *t, const char *path,
                   const struct err *err)
{
    t->failed++;
    if (!t->json) {
        printf("%s\n  FAIL  %s%s%s\n", path, err->at, *err->at ? ": " : "",
               err->msg);
        return;
    }
    json_array_append_new(t->files,
                          json_pack("{s:s, s:s, s:s}", "file", path, "error",
                                    err->msg, "at", err->at));
}

static json_t *cover_json(const struct policy_cover *c)
{
    json_t *missed = json_array();
    size_t ran, can = policy_cover_count(c, &ran);

    for (size_t i = 1; i <= c->n; i++) {
        if (c->lines[i] == COVER_CAN)
            json_array_append_new(missed, json_integer((json_int_t)i));
    }
    return json_pack("{s:I, s:I, s:o}", "lines", (json_int_t)can, "ran",
                     (json_int_t)ran, "missed", missed);
}

static void print_cover(const struct policy_test *test,
                        const struct policy_cover *c)
{
    struct buf missed = BUF_INIT(1 << 20);
    size_t ran, can = policy_cover_count(c, &ran);

    policy_cover_missed(c, &missed);
    printf("  lines " STR_FMT ": %zu %% (%zu of %zu)", STR_ARG(test->path),
           can ? ran * 100 / can : 100, ran, can);
    if (buf_len(&missed))
        printf("; never ran: " STR_FMT, STR_ARG(buf_str(&missed)));
    putchar('\n');
    buf_clear(&missed);
}

void report_file(struct test_totals *t, const struct policy_test *test,
                 const char *path, const struct policy_cover *cover)
{
    json_t *one;

    t->passed += test->passed;
    t->failed += test->failed;
    if (!t->json) {
        if (cover)
            print_cover(test, cover);
        return;
    }
    one = json_pack("{s:s, s:o, s:o, s:i, s:i, s:o}", "file", path, "policy",
                    text(test->path), "tests", t->tests, "passed",
                    (int)test->passed, "failed", (int)test->failed,
                    "coverage", cover ? cover_json(cover) : json_null());
    json_array_append_new(t->files, one);
    t->tests = NULL;
}

void report_end(struct test_totals *t)
{
    json_t *all;

    if (!t->json) {
        printf("%s%u passed, %u failed\n",
               t->failed ? "\n- expected, + came\n" : "\n", t->passed,
               t->failed);
    } else {
        all = json_pack("{s:O, s:i, s:i}", "files", t->files, "passed",
                        (int)t->passed, "failed", (int)t->failed);
        json_dumpf(all, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(all);
    }
    fflush(stdout);
}
