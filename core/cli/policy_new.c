/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy new NAME --phase P [--dir DIR]`: a policy and its tests to
 * begin with. They stand in policy_templates.c and pass as they are; nothing
 * that exists is overwritten.
 */
#include "cli/policy.h"
#include "cli/policy_templates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64, TEXT_MAX = 64 << 10 };

struct args {
    const char *name, *phase, *dir;
};

static bool name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return n > 0 && !name[n] && n <= NAME_MAX_BYTES && name[0] != '-';
}

static bool option(int argc, char **argv, int *i, struct args *a)
{
    if (strcmp(argv[*i], "--phase") == 0 && *i + 1 < argc)
        a->phase = argv[++*i];
    else if (strcmp(argv[*i], "--dir") == 0 && *i + 1 < argc)
        a->dir = argv[++*i];
    else if (argv[*i][0] != '-' && !a->name)
        a->name = argv[*i];
    else
        return false;
    return true;
}

static int no_phase(const struct cli_ctx *ctx, const char *phase)
{
    struct buf names = BUF_INIT(1024);
    int rc;

    for (const struct policy_template *t = policy_templates; t->phase; t++)
        buf_printf(&names, "%s%s", buf_len(&names) ? ", " : "", t->phase);
    buf_putc(&names, '\0');
    rc = phase ? cli_bad_usage(ctx, "there is no phase '%s'; --phase wants one "
                               "of %s", phase, buf_str(&names).p)
               : cli_bad_usage(ctx, "--phase wants one of %s",
                               buf_str(&names).p);
    buf_clear(&names);
    return rc;
}

/* The template's text with each NAME replaced. */
static void fill(struct buf *out, const char *text, const char *name)
{
    for (const char *at; (at = strstr(text, "NAME")); text = at + 4) {
        buf_put(out, (struct str){ text, (size_t)(at - text) });
        buf_puts(out, name);
    }
    buf_puts(out, text);
}

static int write_file(const char *path, struct str text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int rc = 0;

    if (fd < 0 && errno == EEXIST)
        return err_set(err, ERR_EXISTS, "%s is there already; it was left as "
                       "it is", path);
    if (fd < 0)
        return err_errno(err, "%s", path);
    if (write(fd, text.p, text.n) != (ssize_t)text.n)
        rc = err_errno(err, "%s", path);
    if (close(fd) != 0 && rc == 0)
        rc = err_errno(err, "%s", path);
    if (rc)
        unlink(path);
    return rc;
}

static int write_one(char *path, size_t size, const struct args *a,
                     const char *end, const char *template, struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int n = snprintf(path, size, "%s/%s%s", a->dir, a->name, end), rc;

    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_LIMIT, "the path is too long");
    if (strncmp(path, "./", 2) == 0)
        memmove(path, path + 2, (size_t)n - 1);
    fill(&text, template, a->name);
    rc = write_file(path, buf_str(&text), err);
    buf_clear(&text);
    return rc;
}

static void report(const struct cli_ctx *ctx, const struct args *a,
                   const char *policy, const char *tests)
{
    struct buf b = BUF_INIT(16384);

    if (!ctx->json) {
        printf("wrote %s and %s\n"
               "next: penstock policy test %s\n"
               "then: policies { ..., \"%s\", ... } in penstock.conf\n",
               policy, tests, policy, a->name);
        return;
    }
    buf_puts(&b, "{\"policy\":");
    buf_json_str(&b, str_of(policy));
    buf_puts(&b, ",\"tests\":");
    buf_json_str(&b, str_of(tests));
    printf(STR_FMT "}\n", STR_ARG(buf_str(&b)));
    buf_clear(&b);
}

int policy_new(int argc, char **argv, struct cli_ctx *ctx)
{
    struct args a = { .dir = "." };
    const struct policy_template *t = policy_templates;
    char policy[4096], tests[4096];
    struct err err = { 0 };

    for (int i = 1; i < argc; i++) {
        if (!option(argc, argv, &i, &a))
            return cli_bad_usage(ctx, "'%s' is not known", argv[i]);
    }
    if (!a.name || !name_ok(a.name))
        return cli_bad_usage(ctx, "a name of letters, digits, '_' and '-' is "
                             "needed");
    if (strlen(a.name) > 5 &&
        strcmp(a.name + strlen(a.name) - 5, "_test") == 0)
        return cli_bad_usage(ctx, "names that end with _test are those of "
                             "tests");
    while (t->phase && (!a.phase || strcmp(t->phase, a.phase) != 0))
        t++;
    if (!t->phase)
        return no_phase(ctx, a.phase);
    if (write_one(policy, sizeof policy, &a, ".lua", t->policy, &err) != 0)
        return cli_refuse_err(ctx, &err);
    if (write_one(tests, sizeof tests, &a, "_test.lua", t->tests, &err) != 0) {
        unlink(policy);
        return cli_refuse_err(ctx, &err);
    }
    report(ctx, &a, policy, tests);
    return CLI_DONE;
}
