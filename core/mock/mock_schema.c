/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The smallest value that a JSON schema admits, as far as tools' and answers'
 * schemas go: const, enum, default, types, required members, minItems,
 * minimum, minLength, the first of anyOf, and $ref into the same document.
 */
#include "mock/mock_impl.h"

enum { DEPTH_MAX = 24, ITEMS_MAX = 16, LENGTH_MAX = 64 };

struct maker {
    const struct json *j;
    uint32_t root;
    struct buf *out;
    int depth;
};

static int make(struct maker *m, uint32_t node);

static uint32_t member(const struct maker *m, uint32_t node, const char *name)
{
    return json_member(m->j, node, str_of(name));
}

static int raw(struct maker *m, uint32_t node)
{
    return buf_put(m->out, json_raw(m->j, node));
}

static int64_t number_of(const struct maker *m, uint32_t node,
                         const char *name, int64_t none)
{
    double v;

    if (!json_double(m->j, member(m, node, name), &v) || v > 1e15 || v < -1e15)
        return none;
    return (int64_t)(v < 0 ? v : v + 0.999999);
}

static int make_string(struct maker *m, uint32_t node)
{
    int64_t min = number_of(m, node, "minLength", 0);
    int rc = buf_puts(m->out, "\"text");

    if (min > LENGTH_MAX)
        min = LENGTH_MAX;
    for (int64_t i = 4; i < min && rc == 0; i++)
        rc = buf_putc(m->out, 'x');
    return rc ? rc : buf_putc(m->out, '"');
}

static int make_number(struct maker *m, uint32_t node)
{
    int64_t v = number_of(m, node, "minimum", 1);
    int64_t above = number_of(m, node, "exclusiveMinimum", v - 1);
    int64_t max = number_of(m, node, "maximum", INT64_MAX);

    if (above >= v)
        v = above + 1;
    if (v > max)
        v = max;
    return buf_printf(m->out, "%lld", (long long)v);
}

static int make_array(struct maker *m, uint32_t node)
{
    uint32_t items = member(m, node, "items");
    int64_t n = number_of(m, node, "minItems", 0);
    int rc = buf_putc(m->out, '[');

    if (n > ITEMS_MAX)
        n = ITEMS_MAX;
    for (int64_t i = 0; i < n && rc == 0; i++) {
        if (i)
            rc = buf_putc(m->out, ',');
        if (rc == 0)
            rc = items == JSON_NONE ? buf_puts(m->out, "null")
                                    : make(m, items);
    }
    return rc ? rc : buf_putc(m->out, ']');
}

static bool is_required(const struct maker *m, uint32_t list, struct str name)
{
    struct json_node *n = m->j->nodes;
    uint32_t i = json_first(m->j, list);

    for (; i != JSON_NONE; i = json_sibling(m->j, list, i)) {
        struct str s = json_raw(m->j, i);

        if (n[i].type == JSON_T_STRING && s.n - 2 == name.n &&
            memcmp(s.p + 1, name.p, name.n) == 0)
            return true;
    }
    return false;
}

static int make_object(struct maker *m, uint32_t node)
{
    uint32_t props = member(m, node, "properties");
    uint32_t required = member(m, node, "required");
    uint32_t i = props == JSON_NONE ? props : json_first(m->j, props);
    bool first = true;
    int rc = buf_putc(m->out, '{');

    for (; i != JSON_NONE && rc == 0; i = json_sibling(m->j, props, i)) {
        const struct json_node *n = &m->j->nodes[i];
        struct str key = { m->j->text + n->key, n->key_end - n->key };
        struct str name = { key.p + 1, key.n - 2 };

        if (required == JSON_NONE || !is_required(m, required, name))
            continue;
        if (!first)
            rc = buf_putc(m->out, ',');
        first = false;
        if (rc == 0)
            rc = buf_put(m->out, key);
        if (rc == 0)
            rc = buf_putc(m->out, ':');
        if (rc == 0)
            rc = make(m, i);
    }
    return rc ? rc : buf_putc(m->out, '}');
}

/* "#/$defs/x", looked up below the schema's root. */
static uint32_t referred(const struct maker *m, uint32_t ref)
{
    struct str s = json_raw(m->j, ref);
    uint32_t at = m->root;

    if (s.n < 3 || s.p[1] != '#')
        return JSON_NONE;
    s = (struct str){ s.p + 2, s.n - 3 };
    str_split(&s, '/');
    while (s.p && at != JSON_NONE)
        at = json_member(m->j, at, str_split(&s, '/'));
    return at;
}

static int make_typed(struct maker *m, uint32_t node)
{
    static const struct {
        const char *type;
        int (*make)(struct maker *m, uint32_t node);
    } makers[] = {
        { "\"object\"", make_object },  { "\"array\"", make_array },
        { "\"string\"", make_string },  { "\"integer\"", make_number },
        { "\"number\"", make_number },
    };
    uint32_t type = member(m, node, "type");
    struct str t;

    if (type != JSON_NONE && m->j->nodes[type].type == JSON_T_ARRAY)
        type = json_first(m->j, type);
    if (type == JSON_NONE)
        return member(m, node, "properties") != JSON_NONE
                   ? make_object(m, node)
                   : buf_puts(m->out, "{}");
    t = json_raw(m->j, type);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        if (str_ieq(t, str_of(makers[i].type))) /* Google's are in capitals */
            return makers[i].make(m, node);
    }
    return buf_puts(m->out, str_ieq(t, STR("\"boolean\"")) ? "true" : "null");
}

static int make(struct maker *m, uint32_t node)
{
    static const char *const first_of[] = { "enum", "examples" };
    static const char *const any_of[] = { "anyOf", "oneOf", "allOf" };
    uint32_t at = member(m, node, "const");
    int rc = -ERR_LIMIT;

    if (at == JSON_NONE)
        at = member(m, node, "default");
    for (size_t i = 0; i < 2 && at == JSON_NONE; i++) {
        at = member(m, node, first_of[i]);
        if (at != JSON_NONE)
            at = json_first(m->j, at);
    }
    if (at != JSON_NONE)
        return raw(m, at);
    if (m->depth++ < DEPTH_MAX) {
        at = member(m, node, "$ref");
        if (at != JSON_NONE)
            at = referred(m, at);
        for (size_t i = 0; i < 3 && at == JSON_NONE; i++) {
            at = member(m, node, any_of[i]);
            if (at != JSON_NONE)
                at = json_first(m->j, at);
        }
        rc = at != JSON_NONE ? make(m, at) : make_typed(m, node);
    }
    m->depth--;
    return rc;
}

int mock_from_schema(const struct json *j, uint32_t node, struct buf *out)
{
    struct maker m = { j, node, out, 0 };

    if (node == JSON_NONE)
        return buf_puts(out, "{}");
    return make(&m, node);
}
