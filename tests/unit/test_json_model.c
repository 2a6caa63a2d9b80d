/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Random edits of random documents mean what they would mean one after the
 * other on a tree: jansson's is the model, in values and in order. */
#include "unit.h"

#include "base/json.h"

#include <jansson.h>

struct bench {
    struct arena *a;
    struct json j;
    struct json_edits *e;
};

static void bench_init(struct bench *b, struct str text)
{
    static const struct json_limits lim = { .dup_nowhere = true };

    b->a = arena_new(16 << 20);
    b->j = (struct json){ 0 };
    CU_ASSERT_FATAL(json_scan(&b->j, text, &lim, NULL) == 0);
    b->e = json_edits_new(&b->j, b->a);
    CU_ASSERT_FATAL(b->e != NULL);
}

static void bench_clear(struct bench *b)
{
    json_clear(&b->j);
    arena_free(b->a);
}

static uint64_t rng_state;

static unsigned rnd(unsigned below)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rng_state >> 33) % below;
}

static const char *const names[] = { "a", "b", "c", "x/y", "~", "\xC3\xA9" };
static const char *const names_json[] = { "a", "\\u0062", "c", "x\\/y", "~",
                                          "\\u00e9" };
static const char *const names_ptr[] = { "a", "b", "c", "x~1y", "~0",
                                         "\xC3\xA9" };
#define NAMES 6

static void put_white(struct buf *b)
{
    if (rnd(3) == 0)
        buf_putc(b, " \n\t"[rnd(3)]);
}

static void put_doc(struct buf *b, unsigned depth)
{
    static const char *const scalars[] = { "1", "-5", "0.5", "\"s\"", "null",
                                           "true", "\"\\n\\u00e9\"", "{}",
                                           "[]", "false" };
    unsigned kind = depth ? rnd(3) : 2, n = rnd(5), skip = rnd(NAMES);

    put_white(b);
    if (kind == 2) {
        buf_puts(b, scalars[rnd(10)]);
        put_white(b);
        return;
    }
    buf_putc(b, kind ? '{' : '[');
    for (unsigned i = 0; i < n; i++) {
        unsigned name = (skip + i) % NAMES;

        put_white(b);
        if (kind)
            buf_printf(b, "\"%s\":",
                       rnd(2) ? names_json[name]
                              : name == 3 ? "x/y" : names[name]);
        put_doc(b, depth - 1);
        buf_puts(b, i + 1 < n ? "," : "");
    }
    put_white(b);
    buf_putc(b, kind ? '}' : ']');
    put_white(b);
}

struct path {
    unsigned n;
    unsigned name[5];  /* into names, or index when `is_index` */
    bool is_index[5], dash[5];
};

static void make_path(struct path *p, char *pointer, size_t size)
{
    size_t at = 0;

    p->n = rnd(16) == 0 ? 0 : 1 + rnd(4);
    pointer[0] = '\0';
    for (unsigned i = 0; i < p->n; i++) {
        p->is_index[i] = rnd(3) == 0;
        p->dash[i] = p->is_index[i] && rnd(5) == 0;
        p->name[i] = p->is_index[i] ? rnd(4) : rnd(NAMES);
        if (p->dash[i])
            at += (size_t)snprintf(pointer + at, size - at, "/-");
        else if (p->is_index[i])
            at += (size_t)snprintf(pointer + at, size - at, "/%u",
                                   p->name[i]);
        else
            at += (size_t)snprintf(pointer + at, size - at, "/%s",
                                   names_ptr[p->name[i]]);
    }
}

static const char *token(const struct path *p, unsigned i, char *hold)
{
    if (p->dash[i])
        return "-";
    if (!p->is_index[i])
        return names[p->name[i]];
    snprintf(hold, 8, "%u", p->name[i]);
    return hold;
}

static json_t *child(json_t *v, const struct path *p, unsigned i)
{
    char hold[8];

    if (json_is_object(v))
        return json_object_get(v, token(p, i, hold));
    if (json_is_array(v) && p->is_index[i] && !p->dash[i])
        return json_array_get(v, p->name[i]);
    return NULL;
}

static json_t *model_get(json_t *root, const struct path *p, unsigned n)
{
    for (unsigned i = 0; root && i < n; i++)
        root = child(root, p, i);
    return root;
}

/* Steals value. */
static int model_put(json_t *v, const struct path *p, unsigned i,
                     json_t *value)
{
    char hold[8];

    if (json_is_object(v))
        return json_object_set_new(v, token(p, i, hold), value);
    if (json_is_array(v) && p->is_index[i]) {
        size_t n = json_array_size(v);

        if (p->dash[i] || p->name[i] == n)
            return json_array_append_new(v, value);
        if (p->name[i] < n)
            return json_array_set_new(v, p->name[i], value);
    }
    json_decref(value);
    return -1;
}

/* Objects for what is missing, down from token i. */
static json_t *model_wrap(const struct path *p, unsigned i, json_t *value)
{
    char hold[8];

    for (unsigned k = p->n; k-- > i;) {
        json_t *o = json_object();

        json_object_set_new(o, token(p, k, hold), value);
        value = o;
    }
    return value;
}

static int model_set(json_t **root, const struct path *p, json_t *value)
{
    json_t *v = *root;
    unsigned i = 0;

    while (i < p->n && child(v, p, i) && !json_is_null(child(v, p, i)))
        v = child(v, p, i++);
    if (i == p->n || (i == 0 && json_is_null(v))) {
        value = model_wrap(p, i, value);
        if (i > 0)
            return model_put(model_get(*root, p, i - 1), p, i - 1, value);
        json_decref(*root);
        *root = value;
        return 0;
    }
    return model_put(v, p, i, model_wrap(p, i + 1, value));
}

static void model_remove(json_t *root, const struct path *p)
{
    json_t *v = p->n ? model_get(root, p, p->n - 1) : NULL;
    char hold[8];

    if (!v || !child(v, p, p->n - 1))
        return;
    if (json_is_object(v))
        json_object_del(v, token(p, p->n - 1, hold));
    else
        json_array_remove(v, p->name[p->n - 1]);
}

static void model_rename(json_t *root, const struct path *p, const char *to)
{
    json_t *v = model_get(root, p, p->n - 1), *copy = json_object(), *x;
    const char *key, *from;
    char hold[8];

    from = token(p, p->n - 1, hold);
    if (!json_is_object(v) || !json_object_get(v, from)) {
        json_decref(copy);
        return;
    }
    json_object_foreach (v, key, x) {
        if (strcmp(key, from) == 0)
            json_object_set(copy, to, x);
        else if (strcmp(key, to) != 0)
            json_object_set(copy, key, x);
    }
    json_object_clear(v);
    json_object_update(v, copy);
    json_decref(copy);
}

static json_t *parse(struct str s)
{
    return json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL);
}

/* Same values in the same order? */
static bool same(json_t *model, struct str text)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    json_t *got = text.p ? parse(text) : NULL;
    char *x = got ? json_dumps(got, flags) : NULL;
    char *y = model ? json_dumps(model, flags) : NULL;
    bool eq = x && y ? strcmp(x, y) == 0 : !x && !y;

    if (!eq)
        printf("\ngot  %s\nwant %s", x ? x : "-", y ? y : "-");
    free(x);
    free(y);
    json_decref(got);
    return eq;
}

static void random_set(struct bench *b, json_t **model, struct path *p,
                       const char *pointer)
{
    struct buf value = BUF_INIT(1 << 20);
    int rc, want;

    put_doc(&value, rnd(3));
    rc = json_edit_set(b->e, str_of(pointer), buf_str(&value), NULL);
    want = model_set(model, p, parse(buf_str(&value)));
    CU_ASSERT_FATAL((rc == 0) == (want == 0));
    buf_clear(&value);
}

static void random_rename(struct bench *b, json_t *model, struct path *p,
                          const char *pointer)
{
    unsigned to = rnd(NAMES);
    char target[128];
    json_t *v;

    if (p->n == 0)
        return;
    snprintf(target, sizeof target, "%.*s/%s",
             (int)(strrchr(pointer, '/') - pointer), pointer, names_ptr[to]);
    v = model_get(model, p, p->n - 1);
    if (json_is_array(v) && child(v, p, p->n - 1)) {
        CU_ASSERT(json_edit_rename(b->e, str_of(pointer), str_of(target),
                                   NULL) == -ERR_SYNTAX);
        return;
    }
    CU_ASSERT_FATAL(json_edit_rename(b->e, str_of(pointer), str_of(target),
                                     NULL) == 0);
    model_rename(model, p, names[to]);
}

static void random_edit(struct bench *b, json_t **model)
{
    char pointer[128];
    struct path p;

    make_path(&p, pointer, sizeof pointer);
    switch (rnd(4)) {
    case 0:
        if (p.n)
            CU_ASSERT_FATAL(json_edit_remove(b->e, str_of(pointer)) == 0);
        model_remove(*model, &p);
        break;
    case 1:
        random_rename(b, *model, &p, pointer);
        break;
    default:
        random_set(b, model, &p, pointer);
    }
    make_path(&p, pointer, sizeof pointer);
    CU_ASSERT_FATAL(same(model_get(*model, &p, p.n),
                         json_edits_get(b->e, str_of(pointer))));
}

static void random_round(unsigned round)
{
    struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 24);
    struct json again = { 0 };
    struct bench b;
    json_t *model;

    rng_state = round * 0x9E3779B97F4A7C15u + 1;
    put_doc(&text, 4);
    bench_init(&b, buf_str(&text));
    model = parse(buf_str(&text));
    CU_ASSERT_FATAL(model != NULL);
    for (unsigned n = rnd(12); n; n--)
        random_edit(&b, &model);
    CU_ASSERT(json_edits_apply(b.e, &out) == 0);
    CU_ASSERT(json_scan(&again, buf_str(&out), NULL, NULL) == 0);
    if (!same(model, buf_str(&out)))
        printf("\nround %u: %.*s", round, (int)buf_len(&text), text.p);
    CU_ASSERT_FATAL(same(model, buf_str(&out)));
    if (json_edits_empty(b.e))
        CU_ASSERT(str_eq(buf_str(&text), buf_str(&out)));
    json_clear(&again);
    json_decref(model);
    bench_clear(&b);
    buf_clear(&text);
    buf_clear(&out);
}

static void means_the_same_as_on_a_tree(void)
{
    unsigned rounds = getenv("PENSTOCK_LONG") ? 100000 : 4000;

    for (unsigned round = 0; round < rounds; round++)
        random_round(round);
}

UNIT_MAIN("json_model",
          { "means the same as on a tree", means_the_same_as_on_a_tree })
