/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/try_dialect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *message(const char *model, const char *text)
{
    return json_pack("{s:s, s:[{s:s, s:s}]}", "model", model, "messages",
                     "role", "user", "content", text);
}

static json_t *ask_openai(const char *model, const char *text, int stream)
{
    json_t *v = message(model, text);

    if (stream)
        json_object_set_new(v, "stream_options",
                            json_pack("{s:b}", "include_usage", 1));
    if (stream)
        json_object_set_new(v, "stream", json_true());
    return v;
}

static json_t *ask_anthropic(const char *model, const char *text, int stream)
{
    json_t *v = message(model, text);

    json_object_set_new(v, "max_tokens", json_integer(1024));
    if (stream)
        json_object_set_new(v, "stream", json_true());
    return v;
}

/* Model and way of answering stand in the path. */
static json_t *ask_gemini(const char *model, const char *text, int stream)
{
    (void)model;
    (void)stream;
    return json_pack("{s:[{s:s, s:[{s:s}]}]}", "contents", "role", "user",
                     "parts", "text", text);
}

static const struct try_dialect dialects[] = {
    { "openai", "/v1/chat/completions", "/v1/chat/completions", NULL, NULL,
      ask_openai, "prompt_tokens", "completion_tokens" },
    { "anthropic", "/v1/messages", "/v1/messages", "anthropic-version",
      "2023-06-01", ask_anthropic, "input_tokens", "output_tokens" },
    { "gemini", "/v1beta/models/%s:generateContent",
      "/v1beta/models/%s:streamGenerateContent?alt=sse", NULL, NULL,
      ask_gemini, "promptTokenCount", "candidatesTokenCount" },
};

const struct try_dialect *try_dialect_named(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        if (strcmp(dialects[i].name, name) == 0)
            return &dialects[i];
    }
    return NULL;
}

const char *try_dialect_names(void)
{
    return "openai, anthropic and gemini";
}

static int put(char *url, size_t size, size_t *n, const char *text)
{
    int more = snprintf(url + *n, size - *n, "%s", text);

    *n += (size_t)more;
    return *n < size ? 0 : -1;
}

/* Bytes that a path has for itself stay; '/' among them, as in "sim/echo". */
static int put_model(char *url, size_t size, size_t *n, const char *model)
{
    for (; *model; model++) {
        unsigned char c = (unsigned char)*model;
        char text[4] = { (char)c, '\0' };

        if (!isalnum(c) && !strchr("-._~/@", c))
            snprintf(text, sizeof text, "%%%02X", c);
        if (put(url, size, n, text))
            return -1;
    }
    return 0;
}

int try_dialect_url(const struct try_dialect *d, const char *base,
                    const char *model, int stream, char *url, size_t size)
{
    const char *path = stream ? d->stream_path : d->path;
    const char *mark = strstr(path, "%s");
    char before[64];
    size_t n = 0;

    if (put(url, size, &n, base))
        return -1;
    if (!mark)
        return put(url, size, &n, path);
    snprintf(before, sizeof before, "%.*s", (int)(mark - path), path);
    return put(url, size, &n, before) || put_model(url, size, &n, model)
               ? -1 : put(url, size, &n, mark + 2);
}

/* ---- answers ------------------------------------------------------------- */

const json_t *try_at(const json_t *v, const char *path)
{
    char key[32];

    while (v && *path) {
        size_t n = strcspn(path, "/");

        snprintf(key, sizeof key, "%.*s", (int)n, path);
        v = json_is_array(v) ? json_array_get(v, strtoul(key, NULL, 10))
                             : json_object_get(v, key);
        path += n + (path[n] == '/');
    }
    return v;
}

const json_t *try_read(const json_t *v, try_text_fn *text, void *ud)
{
    static const char *const texts[] = { "choices/0/message/content",
                                         "choices/0/delta/content",
                                         "delta/text" };
    static const char *const lists[] = { "content",
                                         "candidates/0/content/parts" };
    static const char *const usages[] = { "usage", "message/usage",
                                          "usageMetadata" };
    const json_t *found = NULL, *item;
    size_t k;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text(ud, try_at(v, texts[i]));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_array_foreach((json_t *)(size_t)try_at(v, lists[i]), k, item) {
            if (!json_is_true(try_at(item, "thought")))
                text(ud, try_at(item, "text"));
        }
    }
    for (size_t i = 0; i < sizeof usages / sizeof *usages && !found; i++)
        found = try_at(v, usages[i]);
    return found;
}
