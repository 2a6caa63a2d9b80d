/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a fixture's author expects, held against what a run came to. */
#include "engine/conform.h"

#include "engine/fault.h"

#include <stdio.h>
#include <stdlib.h>

struct expecter {
    const struct fixture *f;
    const struct conform_run *r;
    struct err *err;
};

static int wrong(const struct expecter *e, const char *key, const char *want,
                 const char *got)
{
    return err_at(e->err, ERR_CONFIG, "expect", "%s is %s, not %s", key, got,
                  want);
}

static int check_text(const struct expecter *e, const char *key,
                      const json_t *want, const char *got)
{
    const char *text = json_string_value(want);

    if (!text || strcmp(text, got) != 0)
        return wrong(e, key, text ? text : "a text", got);
    return 0;
}

static int check_number(const struct expecter *e, const char *key,
                        const json_t *want, int64_t got)
{
    char a[32], b[32];

    snprintf(a, sizeof a, "%lld", (long long)json_integer_value(want));
    snprintf(b, sizeof b, "%lld", (long long)got);
    return json_is_integer(want) && strcmp(a, b) == 0 ? 0
                                                      : wrong(e, key, a, b);
}

static int expect_end(const struct expecter *e, const json_t *want)
{
    return check_text(e, "end", want, e->r->end);
}

static int expect_fault(const struct expecter *e, const json_t *want)
{
    return check_text(e, "fault", want, fault_class_name(e->r->fault.cls));
}

static int expect_scope(const struct expecter *e, const json_t *want)
{
    return check_text(e, "scope", want, fault_scope_name(e->r->fault.scope));
}

static int expect_retry(const struct expecter *e, const json_t *want)
{
    return check_number(e, "retry_after_ms", want,
                        (int64_t)e->r->fault.retry_after_ms);
}

static int expect_usage(const struct expecter *e, const json_t *want)
{
    const struct usage *u = &e->r->usage;
    const struct {
        const char *key;
        int64_t got;
    } counts[] = {
        { "input", u->input },
        { "cache_read", u->cache_read },
        { "cache_write", u->cache_write },
        { "cache_write_1h", u->cache_write_1h },
        { "output", u->output },
        { "reasoning", u->reasoning },
    };
    const size_t n = sizeof counts / sizeof counts[0];
    const char *key;
    json_t *v;

    json_object_foreach ((json_t *)(size_t)want, key, v) {
        size_t i = 0;
        int rc;

        while (i < n && strcmp(counts[i].key, key) != 0)
            i++;
        if (i == n)
            return wrong(e, "usage", "a known count", key);
        rc = check_number(e, key, v, counts[i].got);
        if (rc)
            return rc;
    }
    return 0;
}

/* The value of a line "what ..." about the request; p is NULL without one. */
static struct str sent_line(const struct expecter *e, const char *what)
{
    struct str rest = { e->r->lines.p, e->r->sent }, begins = str_of(what);

    while (rest.p && rest.n) {
        struct str line = str_split(&rest, '\n');

        if (line.n >= begins.n &&
            str_ieq((struct str){ line.p, begins.n }, begins))
            return (struct str){ line.p + begins.n, line.n - begins.n };
    }
    return STR_NULL;
}

static int expect_headers(const struct expecter *e, const json_t *want)
{
    const char *key;
    json_t *v;

    json_object_foreach ((json_t *)(size_t)want, key, v) {
        char begins[200], got[300];
        struct str value;
        const char *text = json_string_value(v);

        snprintf(begins, sizeof begins, "header %s: ", key);
        value = sent_line(e, begins);
        snprintf(got, sizeof got, STR_FMT, STR_ARG(value));
        if (json_is_null(v) ? value.p != NULL
                            : !text || strcmp(got, text) != 0)
            return wrong(e, key, text ? text : "left out",
                         value.p ? got : "left out");
    }
    return 0;
}

static int expect_body(const struct expecter *e, const json_t *want)
{
    struct str body = sent_line(e, "body ");
    json_t *got = json_loadb(body.p ? body.p : "", body.n, JSON_ALLOW_NUL,
                             NULL);
    bool same = got && json_equal(got, want);

    json_decref(got);
    if (same)
        return 0;
    return wrong(e, "body", "what the fixture says",
                 body.p ? "something else" : "not there");
}

static const struct {
    const char *key;
    int (*check)(const struct expecter *e, const json_t *want);
} checks[] = {
    { "end", expect_end },         { "fault", expect_fault },
    { "scope", expect_scope },     { "retry_after_ms", expect_retry },
    { "usage", expect_usage },     { "headers", expect_headers },
    { "body", expect_body },
};

int conform_expect(const struct fixture *f, const struct conform_run *r,
                   struct err *err)
{
    struct expecter e = { f, r, err };
    json_t *expect = json_object_get(f->doc, "expect"), *v;
    const char *key;

    json_object_foreach (expect, key, v) {
        size_t i = 0, n = sizeof checks / sizeof checks[0];
        int rc;

        while (i < n && strcmp(checks[i].key, key) != 0)
            i++;
        if (i == n)
            return err_at(err, ERR_CONFIG, "expect",
                          "there is nothing called %s to expect", key);
        rc = checks[i].check(&e, v);
        if (rc)
            return rc;
    }
    return 0;
}
