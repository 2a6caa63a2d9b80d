/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The operator's limits: how much of something a request holds. OpenAI's and
 * Anthropic's say it in members of the top, and images of theirs are counted
 * on the rules' walk; Google's functions stand in groups, its images in parts
 * of every kind.
 */
#include "wire/validate_impl.h"

#include "wire/texts.h"

static int over(struct valid_fault *f, uint32_t node, int64_t most,
                int64_t count)
{
    *f = (struct valid_fault){ .why = VALID_LIMIT, .node = node,
                               .bound = most, .count = count };
    return -ERR_INVALID_REQUEST;
}

/* A number's value, a list's elements; "9" is too much: some take it. */
static int limit_node(const struct json *j, uint32_t node, int64_t most,
                      struct valid_fault *f)
{
    double n = 0;

    if (!most || node == JSON_NONE)
        return 0;
    switch (j->nodes[node].type) {
    case JSON_T_NUMBER:
        if (!json_double(j, node, &n))
            n = j->text[j->nodes[node].start] == '-' ? -1e300 : 1e300;
        break;
    case JSON_T_STRING:
        n = 1e18;
        break;
    case JSON_T_ARRAY:
    case JSON_T_OBJECT:
        n = (double)json_length(j, node);
        break;
    default:
        break;
    }
    return n <= (double)most
               ? 0 : over(f, node, most, n < 1e18 ? (int64_t)n : INT64_MAX);
}

static int limit(const struct json *j, const char *member, int64_t most,
                 struct valid_fault *f)
{
    return most ? limit_node(j, json_member(j, 0, str_of(member)), most, f)
                : 0;
}

/* ---- Google's ------------------------------------------------------------ */

static uint32_t either(const struct json *j, uint32_t object,
                       const char *camel, const char *snake)
{
    uint32_t node = wire_member(j, object, camel);

    return node == JSON_NONE ? wire_member(j, object, snake) : node;
}

static int limit_functions(const struct json *j, uint32_t top,
                           const struct valid_limits *l, struct valid_fault *f)
{
    uint32_t tools = wire_member(j, top, "tools");
    int64_t n = 0;

    if (!l->tools || tools == JSON_NONE ||
        j->nodes[tools].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t t = json_first(j, tools); t != JSON_NONE;
         t = json_sibling(j, tools, t)) {
        uint32_t list = either(j, t, "functionDeclarations",
                               "function_declarations");

        n += list == JSON_NONE ? 1 : json_length(j, list);
    }
    return n <= (int64_t)l->tools ? 0 : over(f, tools, l->tools, n);
}

static bool is_image(const struct json *j, uint32_t part)
{
    uint32_t data = either(j, part, "inlineData", "inline_data"), type;
    struct str raw, image = STR("\"image/");

    if (data == JSON_NONE)
        data = either(j, part, "fileData", "file_data");
    type = either(j, data, "mimeType", "mime_type");
    if (type == JSON_NONE)
        return data != JSON_NONE; /* of a type that nobody told */
    raw = json_raw(j, type);
    return raw.n > image.n && str_ieq_bytes(raw.p, image.p, image.n);
}

static int limit_images(const struct json *j, uint32_t content,
                        const struct valid_limits *l, uint32_t *seen,
                        struct valid_fault *f)
{
    uint32_t parts = wire_member(j, content, "parts");

    if (parts == JSON_NONE)
        return 0;
    for (uint32_t p = parts; p < j->nodes[parts].next; p++) {
        if (j->nodes[p].type == JSON_T_OBJECT && is_image(j, p) &&
            ++*seen > l->images)
            return over(f, p, l->images, *seen);
    }
    return 0;
}

static int limit_contents(const struct json *j, uint32_t top,
                          const struct valid_limits *l, struct valid_fault *f)
{
    uint32_t list = wire_member(j, top, "contents"), seen = 0;
    int rc = limit_node(j, list, l->messages, f);

    if (rc || !l->images || list == JSON_NONE ||
        j->nodes[list].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(j, list); c != JSON_NONE && !rc;
         c = json_sibling(j, list, c))
        rc = limit_images(j, c, l, &seen, f);
    return rc;
}

/* What a count is asked of may stand one level below. */
static int limit_google(const struct json *j, const struct valid_limits *l,
                        struct valid_fault *f)
{
    uint32_t top = either(j, 0, "generateContentRequest",
                          "generate_content_request");
    uint32_t config;
    int rc;

    top = top == JSON_NONE ? 0 : top;
    config = either(j, top, "generationConfig", "generation_config");
    rc = limit_contents(j, top, l, f);
    rc = rc ? rc : limit_functions(j, top, l, f);
    return rc ? rc : limit_node(j, either(j, config, "maxOutputTokens",
                                          "max_output_tokens"),
                                l->max_tokens, f);
}

int valid_check_limits(enum dialect d, const struct json *j,
                       const struct valid_limits *limits,
                       struct valid_fault *f)
{
    int rc;

    if (dialect_is_gemini(d))
        return limit_google(j, limits, f);
    rc = limit(j, "messages", limits->messages, f);
    rc = rc ? rc : limit(j, "tools", limits->tools, f);
    rc = rc ? rc : limit(j, "functions", limits->tools, f);
    rc = rc ? rc : limit(j, "max_tokens", limits->max_tokens, f);
    rc = rc ? rc : limit(j, "max_output_tokens", limits->max_tokens, f);
    return rc ? rc : limit(j, "max_completion_tokens", limits->max_tokens, f);
}
