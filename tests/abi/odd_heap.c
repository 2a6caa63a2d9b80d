/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Takes memory of its own, and does with it as its settings say: "right",
 * "unchecked", "quiet" (goes on without), "leaks" (where the second piece is
 * not to be had), "keeps" (all of it), "open" (leaks in open), "check" (leaks
 * in check). */
#include <penstock/plugin.h>

#include <stdbool.h>
#include <stdlib.h>

static char how[16];
static void *kept;

static ps_rc two_pieces(bool leak)
{
    void *a = malloc(10), *b = a ? malloc(20) : NULL;

    if (b || !leak)
        free(a);
    free(b);
    return b ? PS_OK : PS_ENOMEM;
}

static ps_rc selftest(ps_host *h)
{
    (void)h;
    return two_pieces(false);
}

static ps_rc check(ps_host *h, ps_str settings)
{
    static const char word[] = "\"check\"";
    bool leak = false;

    (void)h;
    for (size_t i = 0; i + sizeof word - 1 <= settings.n; i++)
        leak = leak || memcmp(settings.p + i, word, sizeof word - 1) == 0;
    return two_pieces(leak);
}

static ps_rc open_inst(ps_inst *i)
{
    ps_str s;

    how[0] = '\0';
    if (i->svc->setting(i, ps_z("/how"), &s) == PS_OK && s.n < sizeof how) {
        memcpy(how, s.p + 1, s.n - 2);
        how[s.n - 2] = '\0';
    }
    return two_pieces(strcmp(how, "open") == 0);
}

static ps_rc report(ps_try *t, const char *copy, size_t n)
{
    ps_usage u;

    ps_usage_init(&u);
    u.reasoning = copy[0] + (int64_t)n;
    return ps_report_usage(t, &u);
}

static ps_rc watch(ps_try *t, ps_str event, ps_str data)
{
    char *copy = (char *)calloc(1, data.n + 1), *more;
    ps_rc rc = PS_ENOMEM;

    (void)event;
    if (!copy && strcmp(how, "unchecked") != 0)
        return strcmp(how, "quiet") == 0 ? PS_OK : PS_ENOMEM;
    memcpy(copy, data.p, data.n);
    if (strcmp(how, "keeps") == 0)
        kept = copy;
    more = (char *)realloc(copy, data.n + 100);
    if (more)
        rc = report(t, more, data.n);
    if (!more && strcmp(how, "leaks") == 0)
        return rc;
    if (!kept)
        free(more ? more : copy);
    return rc;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = 1,
    .settings = "{\"properties\":{\"how\":{\"type\":\"string\"}}}",
    .selftest = selftest,
    .check = check,
    .open = open_inst,
    .watch = watch,
};
PS_PLUGIN(PS_PROVIDER, "odd_heap", "1", &ops);
