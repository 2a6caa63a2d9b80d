/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock usage`: sums of the ledger. It reads the database itself, beside
 * the keeper: what is asked here is no work for who serves.
 */
#include "app/paths.h"
#include "cli/ask.h"
#include "cli/table.h"
#include "engine/config_unit.h"
#include "keeper/ledger_db.h"

#include <string.h>

struct options {
    struct ledger_query query;
    const char *db;
    bool csv;
};

static const struct {
    const char *name;
    size_t place; /* in struct options; a const char * */
} named[] = {
    { "--by", offsetof(struct options, query.by) },
    { "--since", offsetof(struct options, query.since) },
    { "--until", offsetof(struct options, query.until) },
    { "--key", offsetof(struct options, query.key) },
    { "--team", offsetof(struct options, query.team) },
    { "--user", offsetof(struct options, query.user) },
    { "--model", offsetof(struct options, query.model) },
    { "--provider", offsetof(struct options, query.provider) },
    { "--db", offsetof(struct options, db) },
};

static bool take(struct options *o, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(named[i].name, name) != 0)
            continue;
        memcpy((char *)o + named[i].place, &value, sizeof value);
        return true;
    }
    return false;
}

static bool is_day(const char *s)
{
    uint64_t ms;

    return !s || (strlen(s) == 10 && conf_date(str_of(s), &ms));
}

static int read_args(int argc, char **argv, struct cli_ctx *ctx,
                     struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--csv") == 0)
            o->csv = true;
        else if (i + 1 >= argc || !take(o, argv[i], argv[i + 1]))
            return cli_bad_usage(ctx, "what is \"%s\"?", argv[i]);
        else
            i++;
    }
    if (!is_day(o->query.since) || !is_day(o->query.until))
        return cli_bad_usage(ctx, "days are written 2026-11-26");
    if (o->csv && ctx->json)
        return cli_bad_usage(ctx, "--csv or --json, not both");
    return CLI_DONE;
}

/* ---- printing ---------------------------------------------------------- */

static const char *cell(const char *column, const json_t *v, char *room,
                        size_t size)
{
    long long n = (long long)json_integer_value(v);

    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_null(v))
        return "";
    if (strcmp(column, "cost_nusd") == 0)
        snprintf(room, size, "%lld.%09lld", n / 1000000000, n % 1000000000);
    else
        snprintf(room, size, "%lld", n);
    return room;
}

static const char *title(const char *column)
{
    return strcmp(column, "cost_nusd") == 0 ? "cost_usd" : column;
}

static void put_csv(const char *s)
{
    bool formula = *s && strchr("=+-@\t\r", *s);

    if (!formula && !strpbrk(s, ",\"\r\n")) {
        fputs(s, stdout);
        return;
    }
    putchar('"');
    if (formula)
        putchar('\''); /* a spreadsheet would run it */
    for (; *s; s++) {
        if (*s == '"')
            putchar('"');
        putchar(*s);
    }
    putchar('"');
}

/* What reads it finds its columns, also where there is no row. */
static void print_csv_titles(const char *by)
{
    const char *comma = "";

    for (; *by; by += strcspn(by, ","), by += *by == ',') {
        printf("%s%.*s", comma, (int)strcspn(by, ","), by);
        comma = ",";
    }
    for (int i = 0; ledger_sums[i]; i++) {
        printf("%s%s", comma, title(ledger_sums[i]));
        comma = ",";
    }
    fputs("\r\n", stdout);
}

static void print_csv(const json_t *rows, const char *by)
{
    json_t *row, *v;
    const char *name;
    char room[64];
    size_t i;

    if (json_array_size(rows) == 0)
        print_csv_titles(by);

    json_array_foreach(rows, i, row) {
        const char *comma = "";

        if (i == 0) {
            json_object_foreach(row, name, v) {
                printf("%s%s", comma, title(name));
                comma = ",";
            }
            fputs("\r\n", stdout);
            comma = "";
        }
        json_object_foreach(row, name, v) {
            fputs(comma, stdout);
            put_csv(cell(name, v, room, sizeof room));
            comma = ",";
        }
        fputs("\r\n", stdout);
    }
}

static void print_table(const json_t *rows)
{
    struct cli_table t;
    const char *name;
    json_t *row, *v;
    char room[64];
    size_t i;

    cli_table_init(&t);
    json_object_foreach(json_array_get(rows, 0), name, v)
        cli_table_head(&t, title(name), !json_is_string(v));
    json_array_foreach(rows, i, row) {
        json_object_foreach(row, name, v)
            cli_table_cell(&t, cell(name, v, room, sizeof room));
    }
    cli_table_print(&t);
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    struct options o = { .query.by = "key,model" };
    char path[PATHS_MAX + 32];
    struct err err = { 0 };
    json_t *rows = NULL;
    int rc = read_args(argc, argv, ctx, &o);

    if (rc != CLI_DONE)
        return rc;
    if (!o.db) {
        rc = ask_ledger(ctx, path, sizeof path);
        if (rc != CLI_DONE)
            return rc;
    }
    if (ledger_db_usage(o.db ? o.db : path, &o.query, &rows, &err) != 0)
        return cli_refuse_err(ctx, &err);
    if (ctx->json)
        ask_print(rows);
    else if (o.csv)
        print_csv(rows, o.query.by);
    else if (json_array_size(rows) == 0)
        puts("no usage");
    else
        print_table(rows);
    json_decref(rows);
    return CLI_DONE;
}

const struct cli_verb cli_usage = {
    .name = "usage",
    .usage = "[--by key,team,user,model,provider,day] [--since DAY] "
             "[--until DAY] [--key K] [--team T] [--user U] [--model M] "
             "[--provider P] [--csv] [--db FILE]",
    .help = "sum tokens and cost, by key, model or day, from the ledger",
    .run = run,
};
