/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy test [DIR|FILE ...]`: the tests that stand beside policies,
 * in the engine that serves. Nothing is configured, nothing is reached.
 */
#include "cli/policy_run.h"

#include "base/log.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    bool coverage, watch;
    struct policy_paths given;
};

/* "x/auth_test.lua" to "x/auth.lua", or back. */
static int sibling(char *out, size_t size, const char *path, const char *end)
{
    struct str name = policy_name_of(path);
    int n = snprintf(out, size, "%.*s%s", (int)(name.p + name.n - path), path,
                     end);

    return n < 0 || (size_t)n >= size ? -ERR_LIMIT : 0;
}

/* ---- one file --------------------------------------------------------- */

struct file {
    char policy[4096];
    struct buf source, tests;
    struct policy_cover cover;
};

static int open_file(struct file *f, const char *path, struct err *err)
{
    if (sibling(f->policy, sizeof f->policy, path, ".lua") != 0)
        return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
    if (access(f->policy, F_OK) != 0)
        return err_set(err, ERR_NOTFOUND, "there is no %s beside it",
                       f->policy);
    if (policy_file_read(f->policy, &f->source, err) != 0 ||
        policy_file_read(path, &f->tests, err) != 0)
        return -err->code;
    return 0;
}

/* Without the NUL that stands behind it. */
static struct str text_of(const struct buf *b)
{
    return (struct str){ buf_str(b).p, buf_len(b) - 1 };
}

static void run_file(struct test_totals *t, const char *path,
                     const struct options *o)
{
    struct file f = { .source = BUF_INIT(POLICY_SOURCE_MAX),
                      .tests = BUF_INIT(POLICY_SOURCE_MAX) };
    struct policy_test test = { .tests_path = str_of(path),
                                .report = report_test, .ud = t };
    struct err err = { 0 };
    int rc = open_file(&f, path, &err);

    if (rc == 0 && o->coverage &&
        policy_cover_init(&f.cover, text_of(&f.source), &err) == 0)
        test.cover = &f.cover;
    if (rc == 0) {
        report_begin(t, path);
        err.code = 0; /* a policy that does not compile fails its tests */
        test.name = policy_name_of(path);
        test.path = str_of(f.policy);
        test.source = text_of(&f.source);
        test.tests = text_of(&f.tests);
        rc = policy_test_run(&test, &err);
        report_file(t, &test, path, test.cover);
    }
    if (rc)
        report_broken(t, path, &err);
    policy_cover_clear(&f.cover);
    buf_clear(&f.source);
    buf_clear(&f.tests);
}

/* ---- all of them ------------------------------------------------------ */

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The test files that are meant: of a folder, of a policy, or themselves. */
static int find(struct policy_paths *files, const struct options *o,
                struct err *err)
{
    char path[4096];
    int rc = 0;

    for (size_t i = 0; i < o->given.n && rc == 0; i++) {
        const char *given = o->given.list[i];

        if (is_folder(given))
            rc = policy_paths_find(files, given, true, err);
        else if (policy_is_test(given))
            rc = policy_paths_add(files, given, err);
        else if (sibling(path, sizeof path, given, "_test.lua") != 0)
            rc = err_set(err, ERR_LIMIT, "%s: the path is too long", given);
        else
            rc = policy_paths_add(files, path, err);
    }
    if (rc == 0 && o->given.n == 0)
        rc = policy_paths_find(files, ".", true, err);
    if (rc == 0 && files->n == 0)
        rc = err_set(err, ERR_NOTFOUND, "no NAME_test.lua in %s",
                     o->given.n ? o->given.list[0] : "this folder");
    return rc;
}

static int run_all(const struct cli_ctx *ctx, const struct options *o,
                   const struct policy_paths *files)
{
    struct test_totals t = { .json = ctx->json, .files = json_array() };

    for (size_t i = 0; i < files->n; i++)
        run_file(&t, files->list[i], o);
    report_end(&t);
    json_decref(t.files);
    return t.failed || t.passed == 0 ? CLI_REFUSED : CLI_DONE;
}

/* Again whenever a file changes, until a signal; files may come and go. */
static int watch(const struct cli_ctx *ctx, const struct options *o,
                 const struct policy_paths *files)
{
    struct err err = { 0 };
    struct policy_watch *w = policy_watch_new(files, &err);
    int result, rc = w ? 1 : -err.code;

    result = run_all(ctx, o, files);
    while (rc == 1 && (rc = policy_watch_wait(w, &err)) == 1) {
        struct policy_paths now = { NULL, 0 };
        struct err none = { 0 };

        if (find(&now, o, &none) == 0)
            result = run_all(ctx, o, &now);
        else
            result = cli_refuse_err(ctx, &none);
        policy_paths_clear(&now);
    }
    policy_watch_free(w);
    return rc < 0 ? cli_refuse_err(ctx, &err) : result;
}

static int parse(int argc, char **argv, struct options *o,
                 const struct cli_ctx *ctx)
{
    struct err err = { 0 };

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--coverage") == 0)
            o->coverage = true;
        else if (strcmp(argv[i], "--watch") == 0)
            o->watch = true;
        else if (argv[i][0] == '-')
            return cli_bad_usage(ctx, "unknown option '%s'", argv[i]);
        else if (policy_paths_add(&o->given, argv[i], &err) != 0)
            return cli_refuse_err(ctx, &err);
    }
    return CLI_DONE;
}

int policy_test(int argc, char **argv, struct cli_ctx *ctx)
{
    struct policy_paths files = { NULL, 0 };
    struct options o = { 0 };
    struct err err = { 0 };
    int rc = parse(argc, argv, &o, ctx);

    if (rc == CLI_DONE && find(&files, &o, &err) != 0)
        rc = cli_refuse_err(ctx, &err);
    if (rc == CLI_DONE) {
        /* what policies log, and their failures, are no news here */
        log_open("/dev/null", LOG_TEXT, LOG_ERROR);
        rc = o.watch ? watch(ctx, &o, &files) : run_all(ctx, &o, &files);
    }
    policy_paths_clear(&files);
    policy_paths_clear(&o.given);
    return rc;
}
