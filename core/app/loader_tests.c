/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Policies are tested before they are served, where that is asked for. */
#include "app/loader_tests.h"

#include "base/file.h"
#include "base/log.h"
#include "engine/config.h"
#include "policy/test.h"

#include <stdio.h>
#include <unistd.h>

enum { TESTS_MAX_BYTES = 4 << 20 };

struct failure {
    char name[128], line[256];
    int at; /* 0 = none yet */
};

static void on_report(void *ud, const struct policy_test_report *r)
{
    struct failure *f = ud;
    size_t n = 0;

    if (r->passed || f->at)
        return;
    f->at = r->line;
    snprintf(f->name, sizeof f->name, STR_FMT, STR_ARG(r->name));
    for (size_t i = 0; i < r->n_lines && n < sizeof f->line; i++) {
        if (r->lines[i].mark != ' ')
            n += (size_t)snprintf(f->line + n, sizeof f->line - n,
                                  "%s%c " STR_FMT, n ? "; " : "",
                                  r->lines[i].mark,
                                  STR_ARG(r->lines[i].text));
    }
}

static int run(const struct conf_policy *p, const char *path, struct str tests,
               struct err *err)
{
    struct failure f = { .at = 0 };
    struct policy_test t = { .name = p->name, .path = p->path,
                             .source = p->source, .tests = tests,
                             .tests_path = str_of(path),
                             .report = on_report, .ud = &f };
    char at[sizeof err->at];
    int rc = policy_test_run(&t, err), n;

    if (rc || t.failed == 0)
        return rc;
    n = snprintf(at, sizeof at, "%s:%d", path, f.at);
    return err_at(err, ERR_CONFIG, n < (int)sizeof at ? at : "",
                  "test \"%s\" fails%s%s", f.name, *f.line ? ": " : "",
                  f.line);
}

int loader_tests(const struct config *c, struct err *err)
{
    int rc = 0;

    log_open("/dev/null", LOG_TEXT, LOG_ERROR);
    for (size_t i = 0; i < c->n_policies && !rc; i++) {
        struct buf tests = BUF_INIT(TESTS_MAX_BYTES);
        const struct conf_policy *p = &c->policies[i];
        char path[2048];

        if (p->path.n < 4)
            continue;
        snprintf(path, sizeof path, "%.*s_test.lua", (int)p->path.n - 4,
                 p->path.p);
        if (access(path, F_OK) == 0) {
            rc = file_read(path, &tests, err);
            if (!rc)
                rc = run(p, path, buf_str(&tests), err);
        }
        buf_clear(&tests);
    }
    return rc;
}
