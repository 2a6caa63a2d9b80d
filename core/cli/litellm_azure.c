/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What "azure_ai/" is there depends on the address: a resource of Azure AI
 * Foundry, whose v1 API is OpenAI's and whose Claude is Anthropic's, or an
 * endpoint that serves one model (serverless, managed) to a bearer of its key.
 *
 * Source: docs.litellm.ai, "Azure AI Studio"; learn.microsoft.com, "Endpoints
 * for Azure AI Foundry Models" (read 2026-11).
 */
#include "base/str.h"
#include "cli/litellm.h"

/* Hosts of resources: the key goes in `api-key`, OpenAI's API is below. */
static bool is_resource(struct str host)
{
    static const char *const ends[] = { ".services.ai.azure.com",
                                        ".openai.azure.com",
                                        ".cognitiveservices.azure.com" };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct str end = str_of(ends[i]);

        if (host.n > end.n &&
            str_ieq((struct str){ host.p + host.n - end.n, end.n }, end))
            return true;
    }
    return false;
}

static struct str without(struct str s, const char *tail)
{
    struct str end = str_of(tail);

    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    if (s.n >= end.n &&
        str_eq((struct str){ s.p + s.n - end.n, end.n }, end))
        s.n -= end.n;
    return s;
}

/* "/api/projects/NAME" of a path that begins with it, else nothing. */
static struct str project_of(struct str path)
{
    struct str before = STR("/api/projects/");
    size_t n = before.n;

    if (!str_starts(path, before))
        return (struct str){ path.p, 0 };
    while (n < path.n && path.p[n] != '/')
        n++;
    return (struct str){ path.p, n };
}

void litellm_azure_ai(struct litellm_provider *p, const char *base,
                      const char *model)
{
    struct str rest = str_of(base), all = str_split(&rest, '?'), host, path;
    ptrdiff_t scheme = str_find(all, STR("://"));
    size_t from = scheme < 0 ? 0 : (size_t)scheme + 3, to = from;

    while (to < all.n && all.p[to] != '/')
        to++;
    host = (struct str){ all.p + from, to - from };
    path = (struct str){ all.p + to, all.n - to };
    all.n = to;
    if (!is_resource(host)) {
        p->vendor = "azure-serverless";
        path = without(path, "/chat/completions");
        snprintf(p->base_url, sizeof p->base_url, STR_FMT STR_FMT,
                 STR_ARG(all), STR_ARG(path));
        return;
    }
    if (strncmp(model, "claude", 6) == 0) {
        p->vendor = "anthropic";
        snprintf(p->base_url, sizeof p->base_url, STR_FMT "/anthropic",
                 STR_ARG(all));
        return;
    }
    path = project_of(path);
    snprintf(p->base_url, sizeof p->base_url, STR_FMT STR_FMT "/openai/v1",
             STR_ARG(all), STR_ARG(path));
}
