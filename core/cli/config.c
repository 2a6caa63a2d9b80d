/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock config dump|schema|help`: what is configured, and what can be.
 */
#include "cli/cli.h"
#include "cli/config_file.h"
#include "engine/config_dump.h"
#include "engine/config_help.h"

#include <string.h>

enum { OUTPUT_MAX = 64 << 20 };

struct options {
    bool why, is_static, mdoc, lua;
    const char *file, *key;
};

static int print(const struct cli_ctx *ctx, struct buf *out, int rc,
                 struct err *err)
{
    if (rc == 0 && buf_len(out))
        fwrite(buf_str(out).p, 1, buf_len(out), stdout);
    if (rc < 0)
        err_set(err, -rc, "the output is too long");
    buf_clear(out);
    return rc == 0 ? CLI_DONE : cli_refuse_err(ctx, err);
}

static int print_json(json_t *v, size_t flags)
{
    json_dumpf(v, stdout, flags);
    putchar('\n');
    json_decref(v);
    return CLI_DONE;
}

/* The canonical form, or with --why where each value came from. */
static int dump(const struct cli_ctx *ctx, const struct options *o)
{
    struct config_file f = {.path = o->file, .static_only = o->is_static};
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct err err = {0};
    int rc = config_file_read(&f, &err);

    if (rc < 0) {
        rc = cli_refuse_err(ctx, &err);
    } else if (ctx->json) {
        json_t *all = o->why ? json_pack("{s:O, s:O}", "config", f.canonical,
                                         "why", f.why)
                             : json_incref(f.canonical);

        rc = print_json(all, JSON_INDENT(2));
    } else {
        rc = config_dump_text(f.canonical, o->why ? f.why : NULL, &out);
        rc = print(ctx, &out, rc, &err);
    }
    buf_clear(&out);
    config_file_clear(&f);
    return rc;
}

static int schema(const struct cli_ctx *ctx, const struct options *o)
{
    (void)ctx;
    (void)o;
    return print_json(config_schema(), JSON_INDENT(2));
}

static int help(const struct cli_ctx *ctx, const struct options *o)
{
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct err err = {0};
    int rc;

    if (o->mdoc)
        rc = config_help_mdoc(&out);
    else if (o->lua)
        rc = config_help_stub(&out);
    else
        rc = config_help(str_of(o->key ? o->key : ""), &out, &err);
    if (rc == 0 && ctx->json && !o->mdoc && !o->lua) {
        rc = print_json(json_pack("{s:s, s:s%}", "key", o->key ? o->key : "",
                                  "help", buf_str(&out).p, buf_len(&out)),
                        JSON_COMPACT);
        buf_clear(&out);
        return rc;
    }
    return print(ctx, &out, rc, &err);
}

/* One word of the command line; false when it is not known. */
static bool option(struct options *o, char **argv, int *i, int argc)
{
    const char *word = argv[*i];

    if (strcmp(word, "--why") == 0)
        o->why = true;
    else if (strcmp(word, "--static") == 0)
        o->is_static = true;
    else if (strcmp(word, "--mdoc") == 0)
        o->mdoc = true;
    else if (strcmp(word, "--lua") == 0)
        o->lua = true;
    else if (strcmp(word, "-c") == 0 && *i + 1 < argc)
        o->file = argv[++*i];
    else if (word[0] != '-' && !o->key)
        o->key = word;
    else
        return false;
    return true;
}

static int run_config(int argc, char **argv, struct cli_ctx *ctx)
{
    static const struct {
        const char *name;
        int (*run)(const struct cli_ctx *, const struct options *);
        bool why, key; /* what it takes */
    } subs[] = {{"dump", dump, true, false},
                {"schema", schema, false, false},
                {"help", help, false, true}};
    struct options o = {0};

    for (int i = 2; i < argc; i++) {
        if (!option(&o, argv, &i, argc))
            return cli_bad_usage(ctx, "unknown option '%s'", argv[i]);
    }
    for (size_t i = 0; argc > 1 && i < sizeof subs / sizeof subs[0]; i++) {
        if (strcmp(argv[1], subs[i].name) != 0)
            continue;
        if ((o.key && !subs[i].key) ||
            ((o.why || o.file || o.is_static) && !subs[i].why) ||
            ((o.mdoc || o.lua) && !subs[i].key))
            return cli_bad_usage(ctx, "an argument too many for '%s'",
                                 argv[1]);
        return subs[i].run(ctx, &o);
    }
    return cli_bad_usage(ctx, "dump, schema or help?");
}

const struct cli_verb cli_config = {
    .name = "config",
    .usage = "dump [-c FILE] [--why] [--static] | schema | help [KEY]",
    .help = "print what is configured, or what can be",
    .run = run_config,
};
