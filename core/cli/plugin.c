/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock plugin check|info|list|test|install|release`: for who writes
 * plugins, and for who runs them. Each loads a plugin as a start does, from
 * a copy, after its trial in a child.
 */
#include "cli/cli.h"

#include "app/paths.h"
#include "cli/plugin_file.h"
#include "cli/plugin_live.h"
#include "cli/plugin_test.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int op;
    const char *name;
} op_names[] = {
    { PS_CHAT, "chat" },     { PS_COMPLETIONS, "completions" },
    { PS_MODELS, "models" }, { PS_EMBEDDINGS, "embeddings" },
    { PS_COUNT_TOKENS, "count_tokens" }, { PS_PASSTHROUGH, "passthrough" },
};

static const char *op_name(int op)
{
    for (size_t i = 0; i < sizeof op_names / sizeof op_names[0]; i++) {
        if (op_names[i].op == op)
            return op_names[i].name;
    }
    return "?";
}

/* ---- check ------------------------------------------------------------- */

static int check(const struct cli_ctx *ctx, char **args, int n)
{
    struct plugin_file f = { 0 };
    struct err err = { 0 };
    int rc;

    if (n < 1 || n > 2)
        return cli_bad_usage(ctx, "check wants FILE.so and perhaps SETTINGS");
    rc = plugin_file_try(&f, args[0], n == 2 ? args[1] : NULL, &err);
    if (!rc)
        printf(ctx->json ? "{\"plugin\":\"%s\",\"ok\":true}\n" : "%s: ok\n",
               f.name);
    plugin_file_clear(&f);
    return rc ? cli_refuse_err(ctx, &err) : CLI_DONE;
}

/* ---- info -------------------------------------------------------------- */

static json_t *apis_of(const ps_provider *ops)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < ops->n_apis; i++) {
        const ps_api *a = &ops->apis[i];

        json_array_append_new(
            all, json_pack("{s:s,s:s,s:b,s:s,s:s}", "op", op_name(a->op),
                           "dialect", plugin_dialect_name(a->dialect),
                           "streams", a->framing != PS_JSON, "method",
                           a->method, "path", a->path));
    }
    return all;
}

static json_t *operations_of(const ps_provider *ops)
{
    const struct {
        const char *name;
        bool there;
    } all[] = {
        { "selftest", ops->selftest }, { "check", ops->check },
        { "open", ops->open },         { "adjust", ops->adjust },
        { "auth", ops->auth },         { "head", ops->head },
        { "watch", ops->watch },       { "body", ops->body },
        { "classify", ops->classify }, { "done", ops->done },
        { "models", ops->models },
    };
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].there)
            json_array_append_new(list, json_string(all[i].name));
    }
    return list;
}

static json_t *describe(const struct plugin_file *f)
{
    const ps_provider *ops = plugin_ops(f->plugin);
    char abi[16];

    snprintf(abi, sizeof abi, "%d.%d", PS_ABI_MAJOR, PS_ABI_MINOR);
    return json_pack("{s:s,s:s%,s:s,s:s,s:o,s:o}", "plugin", f->name,
                     "version", plugin_version(f->plugin).p,
                     plugin_version(f->plugin).n, "abi", abi, "auth",
                     ops->auth_header ? ops->auth_header : "authorization",
                     "apis", apis_of(ops), "operations", operations_of(ops));
}

static void print_description(json_t *d)
{
    json_t *v;
    size_t i;

    printf("%s %s, plugin ABI %s, key in %s\n",
           json_string_value(json_object_get(d, "plugin")),
           json_string_value(json_object_get(d, "version")),
           json_string_value(json_object_get(d, "abi")),
           json_string_value(json_object_get(d, "auth")));
    json_array_foreach (json_object_get(d, "apis"), i, v)
        printf("  %-12s %-18s %s %s%s\n",
               json_string_value(json_object_get(v, "op")),
               json_string_value(json_object_get(v, "dialect")),
               json_string_value(json_object_get(v, "method")),
               json_string_value(json_object_get(v, "path")),
               json_is_true(json_object_get(v, "streams")) ? ", streams" : "");
    printf("  operations:");
    json_array_foreach (json_object_get(d, "operations"), i, v)
        printf(" %s", json_string_value(v));
    putchar('\n');
}

static int info_of(const struct cli_ctx *ctx, const char *path)
{
    struct plugin_file f = { 0 };
    struct err err = { 0 };
    json_t *d = NULL;
    int rc = plugin_file_try(&f, path, NULL, &err);

    if (!rc)
        rc = plugin_file_load(&f, &err);
    if (!rc)
        d = describe(&f);
    if (d && ctx->json)
        json_dumpf(d, stdout, JSON_COMPACT);
    if (d && ctx->json)
        putchar('\n');
    if (d && !ctx->json)
        print_description(d);
    json_decref(d);
    plugin_file_clear(&f);
    return rc ? cli_refuse_err(ctx, &err) : CLI_DONE;
}

static int info(const struct cli_ctx *ctx, char **args, int n)
{
    if (n != 1)
        return cli_bad_usage(ctx, "info wants FILE.so");
    return info_of(ctx, args[0]);
}

/* ---- list -------------------------------------------------------------- */

static int is_plugin(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 3 && strcmp(d->d_name + n - 3, ".so") == 0;
}

static int list(const struct cli_ctx *ctx, char **args, int n)
{
    struct dirent **entries = NULL;
    struct paths paths;
    struct err err = { 0 };
    int found, rc = CLI_DONE;

    (void)args;
    if (n)
        return cli_bad_usage(ctx, "list takes no argument");
    rc = plugin_list_live(ctx);
    if (rc != -ERR_NOTFOUND)
        return rc;
    rc = CLI_DONE;
    if (paths_find(&paths, ctx->socket, &err))
        return cli_refuse_err(ctx, &err);
    found = scandir(paths.plugins, &entries, is_plugin, alphasort);
    if (found < 0)
        return cli_refuse(ctx, "%s: no folder that can be read",
                          paths.plugins);
    for (int i = 0; i < found; i++) {
        char path[PATHS_MAX + 300];
        int one;

        snprintf(path, sizeof path, "%s/%s", paths.plugins,
                 entries[i]->d_name);
        one = info_of(ctx, path);
        rc = rc ? rc : one;
        free(entries[i]);
    }
    free(entries);
    return rc;
}

/* ---- test -------------------------------------------------------------- */

static int test(const struct cli_ctx *ctx, char **args, int n)
{
    struct plugin_file f = { 0 };
    struct err err = { 0 };
    int rc;

    if (n < 2)
        return cli_bad_usage(ctx, "test wants FILE.so and fixtures");
    rc = plugin_file_try(&f, args[0], NULL, &err);
    if (!rc)
        rc = plugin_file_load(&f, &err);
    rc = rc ? cli_refuse_err(ctx, &err)
            : plugin_test(ctx, &f, args + 1, n - 1);
    plugin_file_clear(&f);
    return rc;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    static const struct {
        const char *name;
        int (*run)(const struct cli_ctx *ctx, char **args, int n);
    } subs[] = {
        { "check", check }, { "info", info }, { "list", list },
        { "test", test }, { "install", plugin_install },
        { "release", plugin_release },
    };

    for (size_t i = 0; argc > 1 && i < sizeof subs / sizeof subs[0]; i++) {
        if (strcmp(argv[1], subs[i].name) == 0)
            return subs[i].run(ctx, argv + 2, argc - 2);
    }
    return cli_bad_usage(ctx, "check, info, list, test, install or "
                              "release?");
}

const struct cli_verb cli_plugin = {
    .name = "plugin",
    .usage = "check FILE.so [SETTINGS] | info FILE.so | list | "
             "test FILE.so FIXTURES ... |\n"
             "install [--sha256 HEX] [--no-wait | --force] FILE.so | "
             "release [NAME]",
    .help = "check and test a plugin, put it into service, end a quarantine",
    .run = run,
};
