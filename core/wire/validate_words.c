/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is wrong with a request, in the words of its dialect: each says it with
 * sentences that its clients' authors know, and writes paths its way.
 */
#include "wire/validate_impl.h"

#include <stdio.h>

#define PATH_BYTES 120 /* what err.at holds */
#define VALUE_BYTES 40 /* of a value that is told */

/* ---- paths ------------------------------------------------------------- */

/* A member as Google names fields: "maxOutputTokens" is max_output_tokens. */
static int put_snake(struct buf *b, struct str name)
{
    int rc = 0;

    for (size_t i = 0; i < name.n && !rc; i++) {
        char c = name.p[i];
        bool upper = c >= 'A' && c <= 'Z';

        if (upper && i)
            rc = buf_putc(b, '_');
        rc = rc ? rc : buf_putc(b, upper ? (char)(c | 0x20) : c);
    }
    return rc;
}

static int put_step(struct buf *b, enum dialect d, const struct json *j,
                    uint32_t child, uint32_t index, struct arena *a)
{
    struct str name;

    if (!j->nodes[child].key_end && dialect_is_anthropic(d))
        return buf_printf(b, "%s%u", b->n ? "." : "", index);
    if (!j->nodes[child].key_end)
        return buf_printf(b, "[%u]", index);
    name = json_name(j, child, a);
    if (!dialect_is_gemini(d))
        return buf_printf(b, "%s" STR_FMT, b->n ? "." : "", STR_ARG(name));
    if (b->n && buf_putc(b, '.'))
        return -ERR_LIMIT;
    return put_snake(b, name);
}

/* From the top down: in each container, the child that holds the node. */
static void put_path(struct buf *b, enum dialect d, const struct json *j,
                     uint32_t node, struct arena *a)
{
    uint32_t at = 0;

    while (at != node) {
        uint32_t child = json_first(j, at), index = 0;

        while (child != JSON_NONE && j->nodes[child].next <= node) {
            child = json_sibling(j, at, child);
            index++;
        }
        if (child == JSON_NONE || put_step(b, d, j, child, index, a))
            return; /* longer than a path is told */
        at = child;
    }
}

static struct str path_of(enum dialect d, const struct json *j,
                          const struct valid_fault *f, struct arena *a)
{
    struct buf b = BUF_INIT(PATH_BYTES);
    struct str s;

    put_path(&b, d, j, f->node, a);
    if (f->why == VALID_MISSING) {
        if (b.n)
            buf_putc(&b, '.');
        if (dialect_is_gemini(d))
            put_snake(&b, str_of(f->member));
        else
            buf_puts(&b, f->member);
    }
    s = arena_dup(a, buf_str(&b));
    buf_clear(&b);
    return s;
}

/* ---- words ------------------------------------------------------------- */

struct words {
    uint32_t type;
    const char *openai, *anthropic;
};

static const struct words type_words[] = {
    { VALID_STR, "a string", "string" },
    { VALID_ARR, "an array", "list" },
    { VALID_OBJ, "an object", "dictionary" },
    { VALID_BOOL, "a boolean", "boolean" },
    { VALID_NUM, "a decimal", "number" },
    { VALID_INT, "an integer", "integer" },
    { VALID_NULL, "null", "null" },
};

/* "a string or an array"; null is not worth a word beside others. */
static const char *types_text(bool anthropic, uint32_t types, char *to,
                              size_t size)
{
    size_t n = 0;

    if (types != VALID_NULL)
        types &= ~(uint32_t)VALID_NULL;
    to[0] = '\0';
    for (size_t i = 0; i < sizeof type_words / sizeof type_words[0]; i++) {
        const struct words *w = &type_words[i];

        if (!(types & w->type) || n >= size)
            continue;
        n += (size_t)snprintf(to + n, size - n, "%s%s", n ? " or " : "",
                              anthropic ? w->anthropic : w->openai);
    }
    return to;
}

static const char *got_text(const struct json *j, uint32_t node)
{
    switch (j->nodes[node].type) {
    case JSON_T_NULL:
        return "null";
    case JSON_T_FALSE:
    case JSON_T_TRUE:
        return "a boolean";
    case JSON_T_STRING:
        return "a string";
    case JSON_T_ARRAY:
        return "an array";
    case JSON_T_OBJECT:
        return "an object";
    default:
        return "a number";
    }
}

/* 'a', 'b' or 'c' */
static const char *choices_text(const char *choices, char *to, size_t size)
{
    struct str rest = str_of(choices);
    size_t n = 0;

    while (rest.p && n < size) {
        struct str one = str_split(&rest, '|');
        const char *sep = !n ? "" : rest.p ? ", " : " or ";

        n += (size_t)snprintf(to + n, size - n, "%s'" STR_FMT "'", sep,
                              STR_ARG(one));
    }
    return to;
}

/* A few bytes of the value, as it was written. */
static struct str value_text(const struct json *j, uint32_t node)
{
    struct str raw = json_raw(j, node);

    if (raw.n <= VALUE_BYTES)
        return raw;
    raw.n = VALUE_BYTES;
    while (raw.n && ((unsigned char)raw.p[raw.n] & 0xC0) == 0x80)
        raw.n--;
    return raw;
}

static const char *thing(const struct json *j, uint32_t node)
{
    switch (j->nodes[node].type) {
    case JSON_T_STRING:
        return "string";
    case JSON_T_ARRAY:
        return "array";
    default:
        return "object";
    }
}

/* ---- OpenAI ------------------------------------------------------------ */

static int openai_bound(const struct json *j, const struct valid_fault *f,
                        const char *at, struct err *err)
{
    bool low = f->why == VALID_LOW;

    if (j->nodes[f->node].type == JSON_T_NUMBER)
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid '%s': %s. Expected a value %s %lld, but got "
                      STR_FMT " instead.", at,
                      low ? "below minimum value" : "above maximum value",
                      low ? ">=" : "<=", (long long)f->bound,
                      STR_ARG(value_text(j, f->node)));
    return err_at(err, ERR_INVALID_REQUEST, at,
                  "Invalid '%s': %s too %s. Expected %s length %lld, but got "
                  "length %lld instead.", at, thing(j, f->node),
                  low ? "short" : "long", low ? "minimum" : "maximum",
                  (long long)f->bound, (long long)f->count);
}

static int say_openai(const struct json *j, const struct valid_fault *f,
                      const char *at, struct err *err)
{
    char text[160];

    switch (f->why) {
    case VALID_MISSING:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Missing required parameter: '%s'.", at);
    case VALID_TYPE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid type for '%s': expected %s, but got %s "
                      "instead.", at,
                      types_text(false, f->types, text, sizeof text),
                      got_text(j, f->node));
    case VALID_CHOICE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid value for '%s': " STR_FMT ". Supported values "
                      "are: %s.", at, STR_ARG(value_text(j, f->node)),
                      choices_text(f->choices, text, sizeof text));
    case VALID_LIMIT:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid '%s': at most %lld are allowed here, but got "
                      "%lld.", at, (long long)f->bound, (long long)f->count);
    default:
        return openai_bound(j, f, at, err);
    }
}

/* ---- Anthropic --------------------------------------------------------- */

static int anthropic_bound(const struct json *j, const struct valid_fault *f,
                           const char *at, struct err *err)
{
    bool low = f->why == VALID_LOW;
    bool text = j->nodes[f->node].type == JSON_T_STRING;

    if (j->nodes[f->node].type == JSON_T_NUMBER)
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "%s: Input should be %s than or equal to %lld", at,
                      low ? "greater" : "less", (long long)f->bound);
    return err_at(err, ERR_INVALID_REQUEST, at,
                  "%s: %s should have at %s %lld %s, not %lld", at,
                  text ? "String" : "List", low ? "least" : "most",
                  (long long)f->bound, text ? "characters" : "items",
                  (long long)f->count);
}

static int say_anthropic(const struct json *j, const struct valid_fault *f,
                         const char *at, struct err *err)
{
    char text[160];

    switch (f->why) {
    case VALID_MISSING:
        return err_at(err, ERR_INVALID_REQUEST, at, "%s: Field required", at);
    case VALID_TYPE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "%s: Input should be a valid %s", at,
                      types_text(true, f->types, text, sizeof text));
    case VALID_CHOICE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "%s: Input should be %s", at,
                      choices_text(f->choices, text, sizeof text));
    case VALID_LIMIT:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "%s: At most %lld are allowed here, not %lld", at,
                      (long long)f->bound, (long long)f->count);
    default:
        return anthropic_bound(j, f, at, err);
    }
}

/* ---- Google ------------------------------------------------------------ */

static const char *google_request(enum dialect d)
{
    return d == DIALECT_GEMINI_COUNT   ? "CountTokensRequest"
           : d == DIALECT_GEMINI_EMBED ? "EmbedContentRequest"
                                       : "GenerateContentRequest";
}

static int google_bound(enum dialect d, const struct json *j,
                        const struct valid_fault *f, const char *at,
                        struct err *err)
{
    bool low = f->why == VALID_LOW;

    if (j->nodes[f->node].type == JSON_T_NUMBER)
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "* %s.%s: must be %s or equal to %lld, not " STR_FMT,
                      google_request(d), at, low ? "greater than" :
                      "less than", (long long)f->bound,
                      STR_ARG(value_text(j, f->node)));
    if (f->count == 0)
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "* %s.%s: must not be empty.", google_request(d), at);
    return err_at(err, ERR_INVALID_REQUEST, at,
                  "* %s.%s: at %s %lld are allowed, not %lld",
                  google_request(d), at, low ? "least" : "most",
                  (long long)f->bound, (long long)f->count);
}

static int say_google(enum dialect d, const struct json *j,
                      const struct valid_fault *f, const char *at,
                      struct err *err)
{
    char text[160];

    switch (f->why) {
    case VALID_MISSING:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "* %s.%s: is not specified", google_request(d), at);
    case VALID_TYPE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid value at '%s': expected %s, but got %s.", at,
                      types_text(false, f->types, text, sizeof text),
                      got_text(j, f->node));
    case VALID_CHOICE:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "Invalid value at '%s': " STR_FMT ". Valid are %s.", at,
                      STR_ARG(value_text(j, f->node)),
                      choices_text(f->choices, text, sizeof text));
    case VALID_LIMIT:
        return err_at(err, ERR_INVALID_REQUEST, at,
                      "* %s.%s: at most %lld are allowed here, not %lld",
                      google_request(d), at, (long long)f->bound,
                      (long long)f->count);
    default:
        return google_bound(d, j, f, at, err);
    }
}

int valid_say(enum dialect d, const struct json *j,
              const struct valid_fault *f, struct arena *a, struct err *err)
{
    struct str path = path_of(d, j, f, a);

    if (!path.p)
        return -ERR_NOMEM;
    if (dialect_is_gemini(d))
        return say_google(d, j, f, path.p, err);
    return dialect_is_anthropic(d) ? say_anthropic(j, f, path.p, err)
                                   : say_openai(j, f, path.p, err);
}
