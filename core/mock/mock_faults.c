/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Faults as data: a list of rules, the first that matches a request decides.
 * The keys are rows of a table here; docs/guide/mock.md explains each.
 */
#include "mock/mock_impl.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 20 };

struct reader {
    const struct json *j;
    struct arena *a;
    struct mock_rule *rule;
    struct err *err;
};

/* One key of a rule: where its value goes, and how it is read. */
struct key {
    const char *name;
    int (*read)(struct reader *r, uint32_t node, void *to);
    size_t to; /* offset in struct mock_rule */
};

static int wrong(struct reader *r, uint32_t node, const char *want)
{
    struct str at = json_pointer(r->j, node, r->a);

    return err_at(r->err, ERR_CONFIG, at.p ? at.p : "", "faults: not %s",
                  want);
}

static int read_text(struct reader *r, uint32_t node, void *to)
{
    struct str s = json_text(r->j, node, r->a);

    /* the scanned text may go before the rules do */
    s = s.p ? arena_dup(r->a, s) : s;
    if (!s.p)
        return wrong(r, node, "a string");
    *(struct str *)to = s;
    return 0;
}

static int read_count(struct reader *r, uint32_t node, void *to)
{
    int64_t v;

    if (!json_int(r->j, node, &v) || v < 0)
        return wrong(r, node, "a whole number from 0");
    *(int64_t *)to = v;
    return 0;
}

static int read_status(struct reader *r, uint32_t node, void *to)
{
    int64_t v;

    if (!json_int(r->j, node, &v) || v < 200 || v > 599)
        return wrong(r, node, "a status, 200 to 599");
    *(int *)to = (int)v;
    return 0;
}

static int read_rate(struct reader *r, uint32_t node, void *to)
{
    double v;

    if (!json_double(r->j, node, &v) || v < 0)
        return wrong(r, node, "a number from 0");
    *(double *)to = v;
    return 0;
}

static int read_flag(struct reader *r, uint32_t node, void *to)
{
    uint8_t type = r->j->nodes[node].type;

    if (type != JSON_T_TRUE && type != JSON_T_FALSE)
        return wrong(r, node, "true or false");
    *(bool *)to = type == JSON_T_TRUE;
    return 0;
}

static int read_either(struct reader *r, uint32_t node, void *to)
{
    bool b = false;
    int rc = read_flag(r, node, &b);

    if (rc == 0)
        *(int *)to = b;
    return rc;
}

/* "first", "second", "last", or the number of the event, from 1. */
static int read_event(struct reader *r, uint32_t node, void *to)
{
    struct str s = json_raw(r->j, node);
    int64_t v;

    if (str_is(s, "\"first\""))
        v = 1;
    else if (str_is(s, "\"second\""))
        v = 2;
    else if (str_is(s, "\"last\""))
        v = MOCK_LAST;
    else if (!json_int(r->j, node, &v) || v < 1)
        return wrong(r, node, "first, second, last or a number from 1");
    *(int64_t *)to = v;
    return 0;
}

static int read_reset(struct reader *r, uint32_t node, void *to)
{
    struct str s = json_raw(r->j, node);
    enum mock_reset v = str_is(s, "\"before\"")  ? MOCK_RESET_BEFORE
                        : str_is(s, "\"after\"") ? MOCK_RESET_AFTER
                                                 : MOCK_NO_RESET;

    if (v == MOCK_NO_RESET)
        return wrong(r, node, "before or after");
    *(enum mock_reset *)to = v;
    return 0;
}

static bool is_field(struct str s, bool name)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f ||
            (name && (c <= ' ' || c == ':')))
            return false;
    }
    return !name || s.n > 0;
}

/* A body that is not a string is sent as the JSON it is. */
static int read_body(struct reader *r, uint32_t node, void *to)
{
    if (r->j->nodes[node].type == JSON_T_STRING)
        return read_text(r, node, to);
    *(struct str *)to = arena_dup(r->a, json_raw(r->j, node));
    return 0;
}

static int read_headers(struct reader *r, uint32_t node, void *to)
{
    struct mock_fault *f = to;
    uint32_t i = json_first(r->j, node);

    if (r->j->nodes[node].type != JSON_T_OBJECT)
        return wrong(r, node, "an object");
    for (; i != JSON_NONE; i = json_sibling(r->j, node, i)) {
        struct http_header h = { .value = STR_NULL };
        struct str name = json_name(r->j, i, r->a);
        int rc = read_text(r, i, &h.value);

        if (rc)
            return rc;
        h.name = arena_dup(r->a, name);
        if (f->n_headers == MOCK_HEADERS_MAX || !h.name.p ||
            !is_field(h.name, true) || !is_field(h.value, false))
            return wrong(r, i, "a header field, or one too many");
        f->headers[f->n_headers++] = h;
    }
    return 0;
}

static int read_keys(struct reader *r, uint32_t node, const struct key *keys,
                     size_t n);

#define AT(member) offsetof(struct mock_rule, member)

static int read_trickle(struct reader *r, uint32_t node, void *to)
{
    static const struct key keys[] = {
        { "bytes", read_count, AT(fault.trickle_bytes) },
        { "interval_ms", read_count, AT(fault.trickle_ms) },
    };
    const uint64_t *bytes = to;
    int rc = read_keys(r, node, keys, 2);

    if (rc == 0 && *bytes == 0)
        return wrong(r, node, "{bytes: from 1, interval_ms}");
    return rc;
}

static int read_match(struct reader *r, uint32_t node, void *to)
{
    static const struct key keys[] = {
        { "path", read_text, AT(path) },
        { "model", read_text, AT(model) },
        { "stream", read_either, AT(stream) },
        { "nth", read_count, AT(nth) },
        { "every", read_count, AT(every) },
    };

    (void)to;
    return read_keys(r, node, keys, sizeof keys / sizeof keys[0]);
}

static int read_fault(struct reader *r, uint32_t node, void *to)
{
    static const struct key keys[] = {
        { "status", read_status, AT(fault.status) },
        { "body", read_body, AT(fault.body) },
        { "headers", read_headers, AT(fault) },
        { "content_type", read_text, AT(fault.content_type) },
        { "delay_ms", read_count, AT(fault.delay_ms) },
        { "tokens_per_s", read_rate, AT(fault.tokens_per_s) },
        { "trickle", read_trickle, AT(fault.trickle_bytes) },
        { "stall_after_events", read_count, AT(fault.stall_after_events) },
        { "cut_after_events", read_count, AT(fault.cut_after_events) },
        { "cut_after_bytes", read_count, AT(fault.cut_after_bytes) },
        { "error_event_at", read_event, AT(fault.error_event_at) },
        { "reset", read_reset, AT(fault.reset) },
        { "garbage", read_flag, AT(fault.garbage) },
        { "empty_200", read_flag, AT(fault.empty_200) },
        { "times", read_count, AT(fault.times) },
    };

    (void)to;
    return read_keys(r, node, keys, sizeof keys / sizeof keys[0]);
}

static int read_keys(struct reader *r, uint32_t node, const struct key *keys,
                     size_t n)
{
    uint32_t i = json_first(r->j, node);

    if (r->j->nodes[node].type != JSON_T_OBJECT)
        return wrong(r, node, "an object");
    for (; i != JSON_NONE; i = json_sibling(r->j, node, i)) {
        struct str name = json_name(r->j, i, r->a);
        size_t k = 0;
        int rc;

        while (k < n && !str_is(name, keys[k].name))
            k++;
        if (k == n)
            return wrong(r, i, "a key that is known here");
        rc = keys[k].read(r, i, (char *)r->rule + keys[k].to);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_rule(struct reader *r, uint32_t node)
{
    static const struct key keys[] = {
        { "match", read_match, 0 },
        { "fault", read_fault, 0 },
    };
    struct mock_fault *f = &r->rule->fault;
    int rc;

    r->rule->stream = -1;
    f->times = f->stall_after_events = MOCK_NEVER;
    f->cut_after_events = f->cut_after_bytes = f->error_event_at = MOCK_NEVER;
    f->tokens_per_s = -1;
    rc = read_keys(r, node, keys, 2);
    if (f->reset == MOCK_RESET_AFTER && f->cut_after_events < 0 &&
        f->cut_after_bytes < 0)
        f->cut_after_events = 1;
    return rc;
}

static struct mock_faults *faults_new(size_t n)
{
    struct mock_faults *f = calloc(1, sizeof *f + n * sizeof f->rules[0]);

    if (!f)
        return NULL;
    f->refs = 1;
    f->a = arena_new(4 * TEXT_MAX);
    if (f->a)
        return f;
    free(f);
    return NULL;
}

/* `top` is the list of rules. */
static struct mock_faults *read_rules(const struct json *j, uint32_t top,
                                      struct err *err)
{
    size_t n = json_length(j, top);
    struct mock_faults *f = n <= MOCK_RULES_MAX ? faults_new(n) : NULL;
    uint32_t i = json_first(j, top);

    if (!f) {
        err_set(err, ERR_LIMIT, "faults: at most %d rules", MOCK_RULES_MAX);
        return NULL;
    }
    for (; i != JSON_NONE; i = json_sibling(j, top, i)) {
        struct reader r = { j, f->a, &f->rules[f->n++], err };

        if (read_rule(&r, i)) {
            mock_faults_unref(f);
            return NULL;
        }
    }
    return f;
}

struct mock_faults *mock_faults_parse(struct str text, struct err *err)
{
    struct mock_faults *f = NULL;
    struct json j = { 0 };
    uint32_t top = 0;

    if (text.n > TEXT_MAX) {
        err_set(err, ERR_LIMIT, "faults: over 1 MiB");
        return NULL;
    }
    if (json_scan(&j, text, NULL, err) == 0) {
        if (j.nodes[0].type == JSON_T_OBJECT)
            top = json_member(&j, 0, STR("rules"));
        if (top == JSON_NONE || j.nodes[top].type != JSON_T_ARRAY)
            err_set(err, ERR_CONFIG, "faults: not a list of rules");
        else
            f = read_rules(&j, top, err);
    }
    json_clear(&j);
    return f;
}

void mock_faults_unref(struct mock_faults *f)
{
    if (!f || --f->refs)
        return;
    arena_free(f->a);
    free(f);
}

static bool matches(const struct mock_rule *r, struct str path,
                    const struct mock_ask *ask)
{
    return (!r->path.p || str_glob(r->path, path)) &&
           (!r->model.p || str_glob(r->model, ask->name)) &&
           (r->stream < 0 || r->stream == (int)ask->stream);
}

const struct mock_fault *mock_faults_match(struct mock_faults *f,
                                           struct str path,
                                           const struct mock_ask *ask)
{
    for (size_t i = 0; f && i < f->n; i++) {
        struct mock_rule *r = &f->rules[i];

        if (!matches(r, path, ask))
            continue;
        r->seen++;
        if ((r->nth && r->seen != r->nth) ||
            (r->every && r->seen % r->every != 0) ||
            (r->fault.times >= 0 && r->used >= r->fault.times))
            continue;
        r->used++;
        return &r->fault;
    }
    return NULL;
}
