/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Fixtures found, run and counted in a child; the parent waits and says where
 * it was when it ended otherwise.
 */
#include "cli/plugin_test.h"

#include "engine/conform.h"
#include "engine/conform_memory.h"
#include "engine/crumb.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURES_MAX 10000
#define FIXTURE_SECONDS 300 /* all ways of one */

/* What the child and the parent share. */
struct shared {
    struct conform_place place;
    struct crumb crumb;
    int result;    /* of the child, an enum cli_exit */
    bool finished; /* it came to its own end */
};

struct list {
    char **paths;
    size_t n;
};

struct count {
    uint32_t passed, failed, skipped;
};

/* ---- finding them ------------------------------------------------------ */

static int add(struct list *l, const char *path)
{
    if (l->n == FIXTURES_MAX)
        return -ERR_LIMIT;
    l->paths[l->n] = str_dup(str_of(path));
    return l->paths[l->n++] ? 0 : -ERR_NOMEM;
}

static int is_plain(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static bool is_json(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

/* A file, or all .json files below a folder, by their names. */
static int find(struct list *l, const char *path, int depth)
{
    struct dirent **entries = NULL;
    struct stat st;
    int n, rc = 0;

    if (stat(path, &st) != 0)
        return -ERR_NOTFOUND;
    if (!S_ISDIR(st.st_mode))
        return depth && !is_json(path) ? 0 : add(l, path);
    n = depth < 8 ? scandir(path, &entries, is_plain, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        char below[4096];

        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        if (!rc)
            rc = find(l, below, depth + 1);
        free(entries[i]);
    }
    free(entries);
    return n < 0 ? -ERR_IO : rc;
}

static void list_clear(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->paths[i]);
    free(l->paths);
}

/* ---- running them ------------------------------------------------------ */

static void report(const struct cli_ctx *ctx, const char *what,
                   const char *name, uint32_t runs, const struct err *err)
{
    struct buf b = BUF_INIT(8192);

    if (!ctx->json) {
        printf("%-4s %s", what, name);
        if (runs)
            printf(": %u runs", runs);
        if (err && err->code)
            printf(": %s%s%s", err->at, err->at[0] ? ": " : "", err->msg);
        putchar('\n');
        return;
    }
    buf_printf(&b, "{\"fixture\":");
    buf_json_str(&b, str_of(name));
    buf_printf(&b, ",\"result\":\"%s\",\"runs\":%u", what, runs);
    if (err && err->code) {
        buf_puts(&b, ",\"at\":");
        buf_json_str(&b, str_of(err->at));
        buf_puts(&b, ",\"why\":");
        buf_json_str(&b, str_of(err->msg));
    }
    printf(STR_FMT "}\n", STR_ARG(buf_str(&b)));
    buf_clear(&b);
}

static void test_one(const struct cli_ctx *ctx, const struct plugin_file *p,
                     const char *path, struct count *c)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct err err = { 0 };
    struct fixture f;
    uint32_t runs = 0;
    int rc;

    alarm(FIXTURE_SECONDS);
    conform_note(name, "being read");
    rc = fixture_open(&f, path, name, p->plugin, &err);
    if (rc == -ERR_NOTFOUND) {
        c->skipped++;
        report(ctx, "skip", name, 0, &err);
    } else {
        if (!rc)
            rc = conform_all_ways(&f, &runs, &err);
        if (rc)
            c->failed++;
        else
            c->passed++;
        report(ctx, rc ? "FAIL" : "ok", name, runs, rc ? &err : NULL);
    }
    fixture_clear(&f);
    fflush(stdout);
}

static int summary(const struct cli_ctx *ctx, const struct count *c)
{
    printf(ctx->json ? "{\"passed\":%u,\"failed\":%u,\"skipped\":%u}\n"
                     : "%u passed, %u failed, %u skipped\n",
           c->passed, c->failed, c->skipped);
    fflush(stdout);
    return c->failed || !c->passed ? CLI_REFUSED : CLI_DONE;
}

static int run(const struct cli_ctx *ctx, const struct plugin_file *p,
               const struct list *l)
{
    struct count c = { 0 };
    struct err err = { 0 };

    if (conform_memory_hook(p->plugin, &err) < 0)
        return cli_refuse(ctx, "%s", err.msg);
    for (size_t i = 0; i < l->n; i++)
        test_one(ctx, p, l->paths[i], &c);
    return summary(ctx, &c);
}

/* Nobody reads what we print, as after `| head`: end as the child did, which
 * the shell knows of its other tools. */
static int end_unread(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return CLI_REFUSED; /* where it is blocked */
}

/* It did not come to its own end. */
static int say_crash(const struct cli_ctx *ctx, const struct shared *s,
                     int status)
{
    bool inside = atomic_load(&s->crumb.kind) != CRUMB_NONE;
    int signo = WTERMSIG(status);

    if (signo == SIGPIPE && !inside)
        return end_unread();
    if (signo == SIGALRM)
        return cli_refuse(ctx, "no end within %d s: %s (%s), %s",
                          FIXTURE_SECONDS, s->place.fixture, s->place.way,
                          inside ? s->crumb.what : "outside of the plugin");
    return cli_refuse(ctx, "crashed with signal %d, %s: %s (%s), %s", signo,
                      strsignal(signo), s->place.fixture, s->place.way,
                      inside ? s->crumb.what : "outside of the plugin");
}

static int in_child(const struct cli_ctx *ctx, const struct plugin_file *p,
                    const struct list *l, struct shared *s)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        crumb_here = &s->crumb;
        conform_here = &s->place;
        s->result = run(ctx, p, l);
        s->finished = true;
        _exit(0);
    }
    if (pid < 0)
        return cli_refuse(ctx, "cannot fork: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (s->finished)
        return s->result;
    if (WIFEXITED(status))
        return cli_refuse(ctx, "ended with exit code %d: %s (%s)",
                          WEXITSTATUS(status), s->place.fixture,
                          s->place.way);
    return say_crash(ctx, s, status);
}

int plugin_test(const struct cli_ctx *ctx, const struct plugin_file *f,
                char **paths, int n)
{
    struct list l = { calloc(FIXTURES_MAX, sizeof *l.paths), 0 };
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = CLI_DONE;

    if (!l.paths || s == MAP_FAILED)
        return cli_refuse(ctx, "out of memory");
    for (int i = 0; i < n && rc == CLI_DONE; i++) {
        if (find(&l, paths[i], 0))
            rc = cli_refuse(ctx, "%s: no fixture, or too many", paths[i]);
    }
    if (rc == CLI_DONE)
        rc = in_child(ctx, f, &l, s);
    munmap(s, sizeof *s);
    list_clear(&l);
    return rc;
}
