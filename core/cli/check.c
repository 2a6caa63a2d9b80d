/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock check`: would this configuration start? Exit 0, or 1 with file,
 * line and the right spelling.
 */
#include "cli/check_idle.h"
#include "cli/check_models.h"
#include "cli/cli.h"
#include "cli/config_file.h"

#include <string.h>

static size_t count(const struct config_file *f, const char *key)
{
    const json_t *v = json_object_get(f->canonical, key);

    return json_object_size(v) + json_array_size(v);
}

static const char *text_of(const json_t *note, const char *key)
{
    return json_string_value(json_object_get(note, key));
}

static void report(const struct config_file *f, const struct cli_ctx *ctx)
{
    static const char *const kinds[][2] = {
        {"listen", "listeners"}, {"provider", "providers"},
        {"model", "models"},     {"team", "teams"},
        {"key", "keys"},         {"policies", "policies"},
    };
    size_t n = sizeof kinds / sizeof kinds[0], at;
    json_t *all = json_object(), *notes = check_models(f), *note;

    if (ctx->json) {
        json_object_set_new(all, "ok", json_true());
        json_object_set_new(all, "file", json_string(f->path));
    } else {
        printf("%s: ok", f->path);
    }
    for (size_t i = 0; i < n; i++) {
        if (ctx->json)
            json_object_set_new(all, kinds[i][1],
                                json_integer((json_int_t)count(f,
                                                               kinds[i][0])));
        else
            printf("%s %s %zu", i ? "," : ":", kinds[i][1],
                   count(f, kinds[i][0]));
    }
    check_idle(f, notes);
    json_object_set_new(all, "notes", notes);
    if (ctx->json)
        json_dumpf(all, stdout, JSON_COMPACT);
    printf("%s\n", f->static_only && !ctx->json
                       ? " (secrets and other files were not looked at)"
                       : "");
    json_array_foreach(notes, at, note) {
        const char *what = text_of(note, "target");

        if (!ctx->json)
            fprintf(stderr, "%s: note: %s: %s\n", text_of(note, "at"),
                    what ? what : text_of(note, "key"),
                    text_of(note, "note"));
    }
    json_decref(all);
}

static int run_check(int argc, char **argv, struct cli_ctx *ctx)
{
    struct config_file f = {0};
    struct err err = {0};
    int rc;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--static") == 0)
            f.static_only = true;
        else if (argv[i][0] == '-' || f.path)
            return cli_bad_usage(ctx, "'%s' is one too many", argv[i]);
        else
            f.path = argv[i];
    }
    rc = config_file_read(&f, &err);
    if (rc == 0 && !f.static_only)
        rc = config_file_try(&f, &err);
    if (rc == 0)
        report(&f, ctx);
    config_file_clear(&f);
    return rc == 0 ? CLI_DONE : cli_refuse_err(ctx, &err);
}

const struct cli_verb cli_check = {
    .name = "check",
    .usage = "[FILE] [--static]",
    .help = "say whether a configuration would start, and if not, why",
    .run = run_check,
};
