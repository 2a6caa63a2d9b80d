/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock key`: the keys of the store, through the running instance. */
#include "cli/record.h"

#include "base/sha256.h"
#include "engine/key_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELDS " create import update "

static const struct record_option options[] = {
    { "--name", "name", RECORD_TEXT, " create import " },
    { "--team", "team", RECORD_TEXT, FIELDS },
    { "--user", "user", RECORD_TEXT, FIELDS },
    { "--models", "models", RECORD_LIST, FIELDS },
    { "--endpoints", "endpoints", RECORD_LIST, FIELDS },
    { "--cidr", "cidrs", RECORD_LIST, FIELDS },
    { "--expires", "expires", RECORD_TEXT, FIELDS },
    { "--limit", "limits", RECORD_PAIR, FIELDS },
    { "--tag", "tags", RECORD_PAIR, FIELDS },
    { "--metadata", "metadata", RECORD_JSON, FIELDS },
    { "--sha256", "sha256", RECORD_TEXT, " import " },
    { "--key-stdin", "key-stdin", RECORD_FLAG, " import " },
    { "--grace", "grace", RECORD_TEXT, " rotate " },
    { "--revoked", "revoked", RECORD_FLAG, " list " },
    { NULL, NULL, RECORD_TEXT, NULL },
};

/* ---- import ------------------------------------------------------------ */

/** One line of stdin becomes its digest; the key itself goes nowhere. */
static int digest_stdin(const struct cli_ctx *ctx, json_t *request)
{
    char line[4096], hex[SHA256_HEX + 1];
    unsigned char sum[SHA256_BYTES];
    struct str key;
    int rc = CLI_DONE;

    if (!fgets(line, sizeof line, stdin))
        return cli_refuse(ctx, "no key on the standard input");
    key = str_of(line);
    while (key.n && (key.p[key.n - 1] == '\n' || key.p[key.n - 1] == '\r'))
        key.n--;
    if (key.n == 0)
        rc = cli_refuse(ctx, "no key on the standard input");
    else if (key_text_kind(key) == KEY_TYPO)
        rc = cli_refuse(ctx, "the key's checksum is wrong: a character is "
                             "missing or changed");
    sha256(key, sum);
    hex_encode(sum, sizeof sum, hex);
    explicit_bzero(line, sizeof line);
    json_object_del(request, "key-stdin");
    json_object_set_new(request, "sha256", json_string(hex));
    return rc;
}

/* ---- showing ----------------------------------------------------------- */

static void print_row(const json_t *key)
{
    static const struct {
        const char *name;
        int width;
    } columns[] = { { "id", 9 },    { "name", 24 },    { "state", 9 },
                    { "team", 16 }, { "expires", 21 }, { "models", 0 } };
    char text[512];

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        record_text(json_object_get(key, columns[i].name), text,
                    sizeof text);
        printf("%-*s%s", columns[i].width, text,
               columns[i].width ? " " : "\n");
    }
}

/** All pages, as a table or as a JSON line for each key. */
static int list(struct cli_ctx *ctx, json_t *request)
{
    json_t *page, *key;
    int rc = CLI_DONE;
    bool more = true;
    size_t i;

    while (more && (rc = record_ask(ctx, request, &page)) == CLI_DONE) {
        if (!ctx->json && !json_object_get(request, "after"))
            printf("%-9s %-24s %-9s %-16s %-21s %s\n", "ID", "NAME", "STATE",
                   "TEAM", "EXPIRES", "MODELS");
        json_array_foreach(json_object_get(page, "keys"), i, key) {
            if (ctx->json)
                ask_print(key);
            else
                print_row(key);
        }
        more = json_is_string(json_object_get(page, "next"));
        json_object_set(request, "after", json_object_get(page, "next"));
        json_decref(page);
    }
    return rc;
}

static void show(const struct cli_ctx *ctx, const json_t *got)
{
    const char *secret = json_string_value(json_object_get(got, "secret"));

    if (ctx->json) {
        ask_print(got);
        return;
    }
    record_print(json_object_get(got, "key"));
    if (secret)
        printf("\n%s\n\nThis is the key. It is shown this once and kept "
               "nowhere; only its SHA-256 is.\n", secret);
}

/* ---- the verb ---------------------------------------------------------- */

static const struct {
    const char *name;
    bool wants_id;
} words[] = { { "create", false },  { "import", false }, { "list", false },
              { "show", true },     { "update", true },  { "rotate", true },
              { "disable", true },  { "enable", true },  { "revoke", true } };

static int known(const char *word, bool *wants_id)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, word) == 0) {
            *wants_id = words[i].wants_id;
            return true;
        }
    }
    return false;
}

static int check(const struct cli_ctx *ctx, const char *word, bool wants_id,
                 const json_t *request)
{
    bool has_id = json_object_get(request, "id");
    bool names = strcmp(word, "create") == 0 || strcmp(word, "import") == 0;

    if (wants_id && !has_id)
        return cli_bad_usage(ctx, "%s which key? Give its id or name", word);
    if (!wants_id && has_id)
        return cli_bad_usage(ctx, "unknown argument '%s'",
                             json_string_value(json_object_get(request,
                                                               "id")));
    if (names && !json_object_get(request, "name"))
        return cli_bad_usage(ctx, "%s wants --name NAME", word);
    if (strcmp(word, "import") == 0 && !json_object_get(request, "sha256") &&
        !json_object_get(request, "key-stdin"))
        return cli_bad_usage(ctx, "import wants --sha256 HEX or --key-stdin");
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    json_t *request, *got = NULL;
    bool wants_id = false;
    int rc;

    if (argc < 2 || !known(argv[1], &wants_id))
        return cli_bad_usage(ctx, "create, list, show, update, rotate, "
                                  "disable, enable, revoke or import?");
    request = json_pack("{s:o}", "verb", json_sprintf("key.%s", argv[1]));
    rc = record_read(ctx, options, argc - 1, argv + 1, request);
    if (rc == CLI_DONE)
        rc = check(ctx, argv[1], wants_id, request);
    if (rc == CLI_DONE && json_object_get(request, "key-stdin"))
        rc = digest_stdin(ctx, request);
    if (rc == CLI_DONE && strcmp(argv[1], "list") == 0)
        rc = list(ctx, request);
    else if (rc == CLI_DONE && (rc = record_ask(ctx, request, &got)) ==
                                   CLI_DONE)
        show(ctx, got);
    json_decref(got);
    json_decref(request);
    return rc;
}

const struct cli_verb cli_key = {
    .name = "key",
    .usage = "create --name N [FIELDS] | list [--revoked] | show KEY |\n"
             "       update KEY [FIELDS] | rotate KEY [--grace 24h] |\n"
             "       disable KEY | enable KEY | revoke KEY |\n"
             "       import --name N --sha256 HEX|--key-stdin [FIELDS]\n"
             "FIELDS: --team T --user U --models A,B --endpoints A,B "
             "--cidr NET\n"
             "        --expires DATE --limit requests=600/min --tag K=V "
             "--metadata JSON",
    .help = "make, show and change the keys of the store",
    .run = run,
};
