/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/plugin_live.h"

#include "app/control.h"
#include "cli/ask.h"

#include <stdlib.h>

int plugin_ask(const struct cli_ctx *ctx, json_t *request, json_t **out,
               struct err *err)
{
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    struct ask a;
    int rc = ask_find(&a, ctx, err);

    *out = NULL;
    json_decref(request);
    if (!rc && !text)
        rc = err_set(err, ERR_NOMEM, "no memory");
    if (!rc) {
        control_patience(&a.sock, a.path);
        rc = ask_quietly(&a, text, -1, out, err);
    }
    ask_close(&a);
    free(text);
    return rc;
}

/* ---- list --------------------------------------------------------------- */

static const char *member(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static void print_row(const json_t *row)
{
    const json_t *all = json_object_get(row, "generations"), *g;
    json_int_t charges = json_integer_value(json_object_get(row, "charges"));
    const char *version = member(row, "version");
    size_t i;

    printf("%-20s %-10s %-16s %-11s generation", member(row, "plugin"),
           *version ? version : "-", member(row, "hash"), member(row, "state"));
    json_array_foreach(all, i, g)
        printf(" %lld", (long long)json_integer_value(g));
    if (charges)
        printf(", charged %lld time%s", (long long)charges,
               charges == 1 ? "" : "s");
    putchar('\n');
}

int plugin_list_live(const struct cli_ctx *ctx)
{
    struct err err = { 0 };
    json_t *got = NULL, *rows, *row;
    size_t i;
    int rc = plugin_ask(ctx, json_pack("{s:s}", "verb", "plugin.list"), &got,
                        &err);

    if (rc == -ERR_NOTFOUND)
        return rc;
    if (rc)
        return cli_refuse_err(ctx, &err);
    rows = json_object_get(got, "plugins");
    if (ctx->json)
        ask_print(rows);
    else
        json_array_foreach(rows, i, row)
            print_row(row);
    json_decref(got);
    return CLI_DONE;
}

/* ---- release ------------------------------------------------------------ */

static void print_released(const char *name, const json_t *got)
{
    if (name)
        printf("%s is no longer quarantined\n", name);
    else
        printf("%lld kept generation(s) and %lld staged file(s) are gone, "
               "%lld bytes\n",
               (long long)json_integer_value(
                   json_object_get(got, "generations")),
               (long long)json_integer_value(json_object_get(got, "files")),
               (long long)json_integer_value(json_object_get(got, "bytes")));
}

int plugin_release(const struct cli_ctx *ctx, char **args, int n)
{
    struct err err = { 0 };
    json_t *ask = json_pack("{s:s}", "verb", "plugin.release"), *got = NULL;
    int rc;

    if (n > 1) {
        json_decref(ask);
        return cli_bad_usage(ctx, "release takes one plugin's name, or none");
    }
    if (n == 1)
        json_object_set_new(ask, "name", json_string(args[0]));
    rc = plugin_ask(ctx, ask, &got, &err);
    if (rc) {
        cli_refuse_err(ctx, &err);
        return rc == -ERR_NOTFOUND ? CLI_NO_INSTANCE : CLI_REFUSED;
    }
    if (ctx->json)
        ask_print(got);
    else
        print_released(n ? args[0] : NULL, got);
    json_decref(got);
    return CLI_DONE;
}
