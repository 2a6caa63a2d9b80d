/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock models`: what the catalogue knows, of models (models.json and
 * prices.json) or of vendors (vendors.json). It asks nobody: what a provider
 * serves just now is told by its own list, what a caller may use by
 * /v1/models.
 */
#include "app/paths.h"
#include "cli/ask.h"
#include "cli/table.h"
#include "engine/config_walk.h"

#include <fnmatch.h>
#include <string.h>

struct options {
    const char *pattern; /* of vendor/model, or of the vendor's name */
    bool vendors;
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));

    return s ? s : "";
}

/* A pattern of the whole name, or of what stands behind its vendor. */
static bool wanted(const struct options *o, const char *name)
{
    const char *slash = o->vendors ? NULL : strchr(name, '/');

    return !o->pattern || fnmatch(o->pattern, name, 0) == 0 ||
           (slash && !strchr(o->pattern, '/') &&
            fnmatch(o->pattern, slash + 1, 0) == 0);
}

/* A file of the catalogue's folder, beside its vendors. */
static json_t *beside(const char *vendors, const char *file, struct err *err)
{
    char path[PATHS_MAX + 32];
    const char *slash = strrchr(vendors, '/');
    json_error_t je;
    json_t *tree;

    snprintf(path, sizeof path, "%.*s/%s", (int)(slash - vendors), vendors,
             file);
    tree = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    if (!tree)
        err_set(err, ERR_CONFIG, "the catalogue: %s: %s (line %d)", path,
                je.text, je.line);
    return tree;
}

/* ---- vendors ----------------------------------------------------------- */

static json_t *vendor_rows(const json_t *vendors, const struct options *o)
{
    json_t *rows = json_array(), *row, *copy;
    const char *name;

    json_object_foreach((json_t *)vendors, name, row) {
        if (!wanted(o, name))
            continue;
        copy = json_pack("{s:s}", "name", name);
        json_object_update(copy, row);
        json_array_append_new(rows, copy);
    }
    return rows;
}

static void print_vendors(const json_t *rows)
{
    static const char *const columns[] = { "name", "plugin", "base_url",
                                           "env", "notes" };
    struct cli_table t;
    json_t *row;
    size_t i;

    cli_table_init(&t);
    for (i = 0; i < sizeof columns / sizeof *columns; i++)
        cli_table_head(&t, columns[i], false);
    json_array_foreach(rows, i, row) {
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
            cli_table_cell(&t, text_of(row, columns[c]));
    }
    cli_table_print(&t);
}

/* ---- models ------------------------------------------------------------ */

/* The price by the model's own name; patterns are the ledger's. */
static json_t *price_of(const json_t *prices, const char *vendor,
                        const char *model)
{
    return json_object_get(
        json_object_get(json_object_get(prices, "vendors"), vendor), model);
}

static json_t *model_rows(const json_t *models, const json_t *prices,
                          const struct options *o)
{
    json_t *rows = json_array(), *of_vendor, *row, *copy, *price;
    json_t *sources = json_object_get(models, "sources");
    const char *vendor, *model;
    char name[256];

    json_object_foreach(json_object_get(models, "vendors"), vendor,
                        of_vendor) {
        json_object_foreach(of_vendor, model, row) {
            snprintf(name, sizeof name, "%s/%s", vendor, model);
            if (!wanted(o, name))
                continue;
            copy = json_pack("{s:s}", "name", name);
            json_object_update(copy, row);
            json_object_set(copy, "source",
                            json_object_get(sources, text_of(row, "source")));
            price = price_of(prices, vendor, model);
            if (price)
                json_object_set(copy, "price_nusd", price);
            json_array_append_new(rows, copy);
        }
    }
    return rows;
}

static const char *words(const json_t *list, const char *sign, char *room,
                         size_t size)
{
    size_t at = strlen(room), i;
    json_t *v;

    json_array_foreach(list, i, v) {
        if (at < size)
            at += (size_t)snprintf(room + at, size - at, "%s%s%s",
                                   at ? " " : "", sign, json_string_value(v));
    }
    return room;
}

/* USD for a million tokens: nano-USD each, by a thousand. */
static const char *usd(const json_t *row, const char *kind, char *room,
                       size_t size)
{
    const json_t *v = json_object_get(json_object_get(row, "price_nusd"),
                                      kind);

    room[0] = '\0';
    if (json_is_number(v))
        snprintf(room, size, "%.6g", json_number_value(v) / 1000);
    return room;
}

static const char *number(const json_t *row, const char *key, char *room,
                          size_t size)
{
    const json_t *v = json_object_get(row, key);

    room[0] = '\0';
    if (json_is_integer(v))
        snprintf(room, size, "%lld", (long long)json_integer_value(v));
    return room;
}

static void print_models(const json_t *rows)
{
    struct cli_table t;
    char room[256];
    json_t *row;
    size_t i;

    cli_table_init(&t);
    cli_table_head(&t, "name", false);
    cli_table_head(&t, "context", true);
    cli_table_head(&t, "output", true);
    cli_table_head(&t, "usd/M in", true);
    cli_table_head(&t, "out", true);
    cli_table_head(&t, "can, and -cannot", false);
    json_array_foreach(rows, i, row) {
        cli_table_cell(&t, text_of(row, "name"));
        cli_table_cell(&t, number(row, "context", room, sizeof room));
        cli_table_cell(&t, number(row, "output", room, sizeof room));
        cli_table_cell(&t, usd(row, "input", room, sizeof room));
        cli_table_cell(&t, usd(row, "output", room, sizeof room));
        room[0] = '\0';
        words(json_object_get(row, "can"), "", room, sizeof room);
        cli_table_cell(&t, words(json_object_get(row, "not"), "-", room,
                                 sizeof room));
    }
    cli_table_print(&t);
}

/* ---- the verb ---------------------------------------------------------- */

static json_t *rows_of(const char *vendors_path, const struct options *o,
                       struct err *err)
{
    json_t *first, *prices, *rows;

    if (o->vendors) {
        first = config_vendors(vendors_path, err);
        rows = first ? vendor_rows(first, o) : NULL;
        json_decref(first);
        return rows;
    }
    first = beside(vendors_path, "models.json", err);
    prices = first ? beside(vendors_path, "prices.json", err) : NULL;
    rows = prices ? model_rows(first, prices, o) : NULL;
    json_decref(first);
    json_decref(prices);
    return rows;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    struct options o = { 0 };
    struct err err = { 0 };
    struct paths p;
    json_t *rows;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--vendors") == 0)
            o.vendors = true;
        else if (argv[i][0] == '-' || o.pattern)
            return cli_bad_usage(ctx, "what is \"%s\"?", argv[i]);
        else
            o.pattern = argv[i];
    }
    if (paths_find(&p, ctx->socket, &err) < 0)
        return cli_refuse_err(ctx, &err);
    rows = rows_of(p.catalogue, &o, &err);
    if (!rows)
        return cli_refuse_err(ctx, &err);
    if (json_array_size(rows) == 0) {
        json_decref(rows);
        return cli_refuse(ctx, "the catalogue has no %s \"%s\" (* stands for "
                          "any text); it may work all the same",
                          o.vendors ? "vendor" : "vendor/model", o.pattern);
    }
    if (ctx->json)
        ask_print(rows);
    else if (o.vendors)
        print_vendors(rows);
    else
        print_models(rows);
    json_decref(rows);
    return CLI_DONE;
}

const struct cli_verb cli_models = {
    .name = "models",
    .usage = "[--vendors] [PATTERN]",
    .help = "what the catalogue knows of models, or of vendors",
    .run = run,
};
