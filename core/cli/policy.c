/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* `penstock policy`: which of its words. */
#include "cli/policy.h"

#include <string.h>

static int run(int argc, char **argv, struct cli_ctx *ctx)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv, struct cli_ctx *ctx);
    } subs[] = { { "new", policy_new },
                { "list", policy_list },
                { "test", policy_test },
                { "shadow", policy_shadow },
                { "promote", policy_promote },
                { "help", policy_help } };

    for (size_t i = 0; argc > 1 && i < sizeof subs / sizeof subs[0]; i++) {
        if (strcmp(argv[1], subs[i].name) == 0)
            return subs[i].run(argc - 1, argv + 1, ctx);
    }
    return cli_bad_usage(ctx, "new, list, test, shadow, promote or help?");
}

const struct cli_verb cli_policy = {
    .name = "policy",
    .usage = "new NAME --phase P [--dir DIR] | list [-c FILE] |\n"
             "       test [--coverage] [--watch] [DIR|FILE ...] |\n"
             "       shadow [DIR [--rate P%] | --stop] | promote [--plan] |\n"
             "       help [NAME]",
    .help = "write, test, list and promote policies; say what they can use",
    .run = run,
};
