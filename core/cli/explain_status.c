/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock explain --status N --provider P`: what would that answer mean? A
 * provider that the configuration does not have is taken from the catalogue,
 * as `provider "P"` alone would configure it.
 */
#include "cli/explain_status.h"

#include "app/dry_fault.h"
#include "base/log.h"
#include "cli/explain_usual.h"
#include "cli/policy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, FIELDS_MAX = 64 };

struct wanted {
    const char *status, *provider, *body, *headers, *config;
};

struct answer {
    struct dry_fault ask;
    struct buf body, head; /* what `ask` borrows */
    struct http_header fields[FIELDS_MAX];
};

/* ---- the command line and its files ------------------------------------ */

static const char **place_of(struct wanted *w, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {
        { "--status", &w->status },   { "--provider", &w->provider },
        { "--body", &w->body },       { "--headers", &w->headers },
        { "-c", &w->config },
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, name) == 0)
            return options[i].place;
    }
    return NULL;
}

static bool read_options(struct wanted *w, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char **place = place_of(w, argv[i]);

        if (!place || *place || i + 1 == argc)
            return false;
        *place = argv[i + 1];
    }
    return w->status && w->provider;
}

/* It may stand in a configuration that is made of it. */
static bool is_name(const char *z)
{
    size_t n = strspn(z, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return n && n <= 64 && !z[n];
}

/* Lines "name: value"; a status line as curl prints it is passed over. */
static int read_fields(struct answer *a, struct err *err)
{
    struct str rest = buf_str(&a->head);

    if (rest.n) /* policy_file_read ends it with NUL */
        rest.n--;
    for (int line = 1; rest.n; line++) {
        struct str value = str_split(&rest, '\n'), name;

        if (value.n && value.p[value.n - 1] == '\r')
            value.n--;
        if (!value.n || (line == 1 && str_starts(value, STR("HTTP/"))))
            continue;
        name = str_split(&value, ':');
        if (!value.p || !name.n || a->ask.n_headers == FIELDS_MAX)
            return err_set(err, ERR_CONFIG, "line %d: %s", line,
                           value.p ? "too many fields"
                                   : "not \"name: value\"");
        a->fields[a->ask.n_headers++] =
            (struct http_header){ name, str_trim(value) };
    }
    return 0;
}

static int read_answer(struct answer *a, const struct wanted *w,
                       struct err *err)
{
    int rc = 0;

    buf_init(&a->body, FILE_MAX);
    buf_init(&a->head, FILE_MAX);
    if (w->body)
        rc = policy_file_read(w->body, &a->body, err);
    if (rc == 0 && w->headers)
        rc = policy_file_read(w->headers, &a->head, err);
    if (rc == 0)
        rc = read_fields(a, err);
    a->ask.body = buf_str(&a->body);
    if (a->ask.body.n)
        a->ask.body.n--;
    a->ask.headers = a->fields;
    a->ask.provider = w->provider;
    return rc;
}

/* ---- whose provider ----------------------------------------------------- */

static json_t *judged(const char *file, const struct answer *a,
                      struct err *err)
{
    struct paths paths;
    struct dry_run *d = NULL;
    json_t *doc = NULL;

    if (paths_find(&paths, NULL, err) == 0)
        d = dry_run_new(file, &paths, err);
    if (d)
        doc = dry_run_fault(d, &a->ask, err);
    dry_run_free(d);
    return doc;
}

/* A configuration of that provider alone. */
static json_t *of_catalogue(const struct answer *a, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char path[128], text[160];
    json_t *doc = NULL;
    int fd, n;

    n = snprintf(path, sizeof path, "%s/penstock-explain-XXXXXX.conf",
                 tmp && strlen(tmp) < 64 ? tmp : "/tmp");
    fd = n > 0 ? mkstemps(path, 5) : -1;
    if (fd < 0) {
        err_errno(err, "cannot make a private file");
        return NULL;
    }
    n = snprintf(text, sizeof text,
                 "listen \"127.0.0.1:0\" {}\nprovider \"%s\" {}\n",
                 a->ask.provider);
    if (write(fd, text, (size_t)n) == n)
        doc = judged(path, a, err);
    else
        err_errno(err, "%s", path);
    close(fd);
    unlink(path);
    return doc;
}

static json_t *find(const struct wanted *w, const struct answer *a,
                    struct err *err)
{
    json_t *doc = judged(w->config, a, err);
    const char *from = "configuration";

    if (!doc && err->code == ERR_NOTFOUND) {
        *err = (struct err){ 0 };
        doc = of_catalogue(a, err);
        from = "catalogue";
        err->at[0] = '\0'; /* a place in a file that is gone */
    }
    json_object_set_new(doc, "from", json_string(from));
    if (strcmp(from, "configuration") == 0 && w->config)
        json_object_set_new(doc, "file", json_string(w->config));
    return doc;
}

/* ---- for people ---------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static void print_next(const json_t *doc)
{
    const json_t *list = json_object_get(doc, "next"), *v;
    size_t i;

    if (!json_array_size(list))
        puts("tried next     nothing");
    json_array_foreach(list, i, v)
        printf("%-14s %s\n", i ? "" : "tried next", json_string_value(v));
    if (json_array_size(list))
        printf("%-14s %lld tries of a request in all\n", "",
               (long long)json_integer_value(json_object_get(doc, "tries")));
}

static void print_client(const json_t *client)
{
    const json_t *o = json_object_get(client, "openai");
    const json_t *a = json_object_get(client, "anthropic");

    if (json_is_true(json_object_get(client, "passed_through")))
        puts("client sees    that answer as it came, where it holds an error "
             "object of the client's dialect; else");
    printf("%-14s %s: %lld to OpenAI's clients, %lld %s to Anthropic's\n",
           json_is_true(json_object_get(client, "passed_through"))
               ? "" : "client sees",
           text(client, "code"),
           (long long)json_integer_value(json_object_get(o, "status")),
           (long long)json_integer_value(json_object_get(a, "status")),
           text(a, "type"));
    printf("%-14s %s\n", "", text(client, "retry"));
}

static void print(const json_t *doc)
{
    static const char *const lines[] = { "class", "scope", "code", "message",
                                         "breaker", "rests" };

    printf("%-14s %s, plugin %s (%s%s%s)\n", "provider",
           text(doc, "provider"), text(doc, "plugin"), text(doc, "from"),
           *text(doc, "file") ? " " : "", text(doc, "file"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (*text(doc, lines[i]))
            printf("%-14s %s\n", lines[i], text(doc, lines[i]));
    }
    print_next(doc);
    print_client(json_object_get(doc, "client"));
}

int explain_status(int argc, char **argv, struct cli_ctx *ctx)
{
    struct wanted w = { 0 };
    char usual[PATHS_MAX] = "";
    struct answer a = { 0 };
    struct err err = { 0 };
    json_t *doc = NULL;
    uint64_t status;
    int rc;

    if (!read_options(&w, argc, argv) || !is_name(w.provider))
        return cli_bad_usage(ctx, "--status N --provider NAME, and perhaps "
                                  "--body, --headers, -c with a file each");
    if (!str_u64(str_of(w.status), &status) || status < 100 || status > 599)
        return cli_bad_usage(ctx, "'%s' is no HTTP status", w.status);
    rc = w.config ? CLI_DONE : explain_usual(ctx, usual);
    if (rc != CLI_DONE)
        return rc;
    if (!w.config && *usual)
        w.config = usual;
    log_open("/dev/null", LOG_TEXT, LOG_ERROR);
    a.ask.status = (int)status;
    if (read_answer(&a, &w, &err) == 0)
        doc = find(&w, &a, &err);
    if (doc && ctx->json) {
        json_dumpf(doc, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (doc) {
        print(doc);
    }
    json_decref(doc);
    buf_clear(&a.body);
    buf_clear(&a.head);
    return doc ? CLI_DONE : cli_refuse_err(ctx, &err);
}
