/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The table of one generation, from the bundle's JSON:
 *
 *     {"rows": {"openai/gpt-x": {"input": 2500, "output": 10000,
 *       "cache_read": 1250.5, "steps": [{"above": 200000, "input": 5000}],
 *       "tiers": {"flex": {"input": 1250}}}}}
 *
 * Numbers are nano-USD per token, of "search" per search, with up to three
 * decimals.
 */
#include "engine/price.h"

#include "base/sha256.h"
#include "engine/name_table.h"

#include <jansson.h>

#include <math.h>
#include <stdlib.h>

struct price_table {
    struct name_table names;
    struct price_row *all;
    size_t n;
    char version[PRICE_VERSION_BYTES];
};

static int64_t pico(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_number(v) ? llround(json_number_value(v) * 1000) : -1;
}

static struct price price_read(const json_t *o)
{
    return (struct price){
        .input = pico(o, "input"),
        .output = pico(o, "output"),
        .cache_read = pico(o, "cache_read"),
        .cache_write_5m = pico(o, "cache_write_5m"),
        .cache_write_1h = pico(o, "cache_write_1h"),
        .reasoning = pico(o, "reasoning"),
        .search = pico(o, "search"),
    };
}

static void row_read(struct price_row *row, const json_t *o)
{
    const json_t *steps = json_object_get(o, "steps");
    const json_t *tiers = json_object_get(o, "tiers");

    row->base = price_read(o);
    row->any_tier = json_is_true(json_object_get(o, "any_tier"));
    for (size_t i = 0; i < json_array_size(steps) && i < PRICE_STEPS; i++) {
        const json_t *s = json_array_get(steps, i);

        row->steps[row->n_steps++] = (struct price_step){
            json_integer_value(json_object_get(s, "above")), price_read(s)
        };
    }
    for (int i = 0; i < USAGE_TIERS; i++)
        row->tiers[i] = price_read(json_object_get(tiers,
                                                   usage_tier_name(i)));
}

static int fill(struct price_table *t, json_t *rows)
{
    const char *name;
    json_t *v;
    int rc = 0;

    if (name_table_init(&t->names) < 0)
        return -ERR_NOMEM;
    json_object_foreach(rows, name, v) {
        row_read(&t->all[t->n], v);
        if (rc == 0)
            rc = name_table_add(&t->names, str_of(name), &t->all[t->n++]);
    }
    return rc;
}

static void set_version(struct price_table *t, struct str section)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[SHA256_BYTES];

    sha256(section, sum);
    for (size_t i = 0; i < PRICE_VERSION_BYTES / 2 - 2; i++) {
        t->version[2 * i] = hex[sum[i] >> 4];
        t->version[2 * i + 1] = hex[sum[i] & 15];
    }
}

struct price_table *price_table_new(struct str section, struct err *err)
{
    struct price_table *t = calloc(1, sizeof *t);
    json_t *root = json_loadb(section.p ? section.p : "{}",
                              section.p ? section.n : 2, 0, NULL);
    json_t *rows = json_object_get(root, "rows");
    size_t n = json_object_size(rows);
    int rc = root ? 0 : err_set(err, ERR_SYNTAX, "the prices are no JSON");

    if (t && !rc) {
        t->all = calloc(n + 1, sizeof *t->all);
        set_version(t, section);
    }
    if (!rc && (!t || !t->all || fill(t, rows) != 0))
        rc = err_set(err, ERR_NOMEM, "no memory for %zu prices", n);
    json_decref(root);
    if (!rc)
        return t;
    price_table_free(t);
    return NULL;
}

void price_table_free(struct price_table *t)
{
    if (!t)
        return;
    name_table_clear(&t->names);
    free(t->all);
    free(t);
}

const struct price_row *price_find(const struct price_table *t,
                                   struct str provider, struct str model)
{
    return t ? name_table_find(&t->names, provider, model) : NULL;
}

const char *price_version(const struct price_table *t)
{
    return t ? t->version : "";
}
