/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock policy help [NAME]`: what policies can name. --lua, --mdoc and
 * --luacheck are for docs/generate.
 */
#include "cli/policy.h"

#include "policy/api_table.h"

#include <jansson.h>
#include <string.h>

enum { OUTPUT_MAX = 4 << 20 };

static int made(const char *what, struct buf *out, struct err *err)
{
    int rc = -ERR_NOTFOUND;

    if (strcmp(what, "--luacheck") == 0)
        return api_help_luacheck(out, err);
    if (strcmp(what, "--lua") == 0)
        rc = api_help_stub(out);
    else if (strcmp(what, "--mdoc") == 0)
        rc = api_help_mdoc(out);
    return rc ? err_set(err, ERR_LIMIT, "the output is too long") : 0;
}

static bool is_made(const char *word)
{
    return strcmp(word, "--lua") == 0 || strcmp(word, "--mdoc") == 0 ||
           strcmp(word, "--luacheck") == 0;
}

int policy_help(int argc, char **argv, struct cli_ctx *ctx)
{
    const char *word = argc > 1 ? argv[1] : "";
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct err err = { 0 };
    int rc;

    if (argc > 2)
        return cli_bad_usage(ctx, "one name at a time");
    if (word[0] == '-' && !is_made(word))
        return cli_bad_usage(ctx, "unknown option '%s'", word);
    rc = is_made(word) ? made(word, &out, &err)
                       : api_help(str_of(word), &out, &err);
    if (rc == 0 && ctx->json && !is_made(word)) {
        json_t *all = json_pack("{s:s, s:s%}", "name", word, "help",
                                buf_str(&out).p, buf_len(&out));

        json_dumpf(all, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(all);
    } else if (rc == 0) {
        fwrite(buf_str(&out).p, 1, buf_len(&out), stdout);
    }
    buf_clear(&out);
    return rc == 0 ? CLI_DONE : cli_refuse_err(ctx, &err);
}
