/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * `penstock import litellm FILE`: another gateway's configuration as a
 * penstock.conf on stdout, and on stderr each line that it could not, or not
 * quite, take over.
 */
#include "cli/ask.h"
#include "cli/litellm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_notes(const struct litellm *l)
{
    json_t *n;
    size_t i;

    json_array_foreach(l->notes, i, n) {
        int line = (int)json_integer_value(json_object_get(n, "line"));

        if (line)
            fprintf(stderr, "%s:%d: ", l->file, line);
        fprintf(stderr, "%s: %s\n",
                json_string_value(json_object_get(n, "what")),
                json_string_value(json_object_get(n, "why")));
    }
    fprintf(stderr, "%zu model%s of %zu provider%s; %zu thing%s to look at\n",
            l->n_entries, l->n_entries == 1 ? "" : "s", l->n_providers,
            l->n_providers == 1 ? "" : "s", i, i == 1 ? "" : "s");
}

static int print(struct litellm *l, const struct cli_ctx *ctx)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    json_t *v;

    if (!out)
        return cli_refuse(ctx, "%s", strerror(errno));
    litellm_write(l, out);
    if (fclose(out) != 0)
        return cli_refuse(ctx, "memory is out");
    if (ctx->json) {
        v = json_pack("{s:s#, s:O}", "conf", text, n, "notes", l->notes);
        ask_print(v);
        json_decref(v);
    } else {
        fwrite(text, 1, n, stdout);
        fflush(stdout);
        print_notes(l);
    }
    free(text);
    return CLI_DONE;
}

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    struct err err = { 0 };
    struct litellm l;
    int rc;

    if (argc != 3 || strcmp(argv[1], "litellm") != 0)
        return cli_bad_usage(ctx, "what is to be imported? It knows litellm");
    rc = litellm_read(&l, argv[2], &err) < 0 ? cli_refuse_err(ctx, &err)
                                             : print(&l, ctx);
    litellm_clear(&l);
    return rc;
}

const struct cli_verb cli_import = {
    .name = "import",
    .usage = "litellm FILE",
    .help = "print another gateway's configuration as a penstock.conf",
    .run = run,
};
