/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Prices and the ledger: the rule for `price` blocks, the bundle's section
 * "prices" (the catalogue's rows of the vendors that are configured, under
 * the providers' own names, and the blocks over them), the struct.
 */
#include "base/snapshot.h"
#include "engine/config_open.h"
#include "engine/config_unit.h"
#include "engine/config_walk.h"
#include "engine/price.h"

#include <stdio.h>
#include <string.h>

static const char *const price_keys[] = {
    "input", "output", "cache_read", "cache_write_5m", "cache_write_1h",
    "reasoning", "search",
};

enum { PRICE_KEYS = sizeof price_keys / sizeof price_keys[0] };

static bool parse(const char *key, const char *text, int64_t *pico)
{
    return strcmp(key, "search") == 0 ? price_parse_search(str_of(text), pico)
                                      : price_parse(str_of(text), pico);
}

static int one_price(struct conf_walk *w, const json_t *block, const char *key)
{
    const char *text = json_string_value(json_object_get(block, key));
    int64_t pico;
    int rc = 0;

    walk_member(w, key);
    if (text && !parse(key, text, &pico))
        rc = walk_fail(w, "\"%.40s\" is no price; write \"%s\", with at most 6 "
                       "decimals", text,
                       strcmp(key, "search") ? "2.5 USD/Mtok"
                                             : "0.002 USD/search");
    walk_leave(w);
    return rc;
}

int walk_prices(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "price"), *block;
    const char *name;
    int rc = 0;

    walk_member(w, "price");
    json_object_foreach(all, name, block) {
        struct str model = str_of(name), provider = str_split(&model, '/');
        char text[PRICE_KEY_MAX + 1];

        walk_named(w, name);
        snprintf(text, sizeof text, STR_FMT, STR_ARG(provider));
        if (!json_object_get(json_object_get(canonical, "provider"), text))
            rc = walk_no_such(w, "provider", text,
                              json_object_get(canonical, "provider"));
        for (int i = 0; i < PRICE_KEYS && !rc; i++)
            rc = one_price(w, block, price_keys[i]);
        walk_leave(w);
        if (rc)
            break;
    }
    walk_leave(w);
    return rc;
}

static int take_rows(json_t *rows, const char *provider, json_t *models)
{
    char key[PRICE_KEY_MAX + 1];
    const char *name;
    json_t *row;

    json_object_foreach(models, name, row) {
        int n = snprintf(key, sizeof key, "%s/%s", provider, name);

        if (n > 0 && n < (int)sizeof key &&
            json_object_set(rows, key, row) != 0)
            return -ERR_NOMEM;
    }
    return 0;
}

/* A block replaces the catalogue's row whole: its prices hold for every size
 * and every tier. */
static int take_block(json_t *rows, const char *name, const json_t *block)
{
    json_t *row = json_pack("{s:b}", "any_tier", 1);
    int rc = row ? 0 : -ERR_NOMEM;

    for (int i = 0; i < PRICE_KEYS && !rc; i++) {
        const char *text =
            json_string_value(json_object_get(block, price_keys[i]));
        int64_t pico;

        if (text && parse(price_keys[i], text, &pico) &&
            json_object_set_new(row, price_keys[i],
                                json_real((double)pico / 1000)) != 0)
            rc = -ERR_NOMEM;
    }
    if (!rc)
        rc = json_object_set(rows, name, row) ? -ERR_NOMEM : 0;
    json_decref(row);
    return rc;
}

static int fill(json_t *rows, const json_t *canonical, const json_t *catalogue)
{
    json_t *all = json_object_get(canonical, "provider"), *v;
    const json_t *vendors = json_object_get(catalogue, "vendors");
    const char *name;
    int rc = 0;

    json_object_foreach(all, name, v) {
        const char *vendor = json_string_value(json_object_get(v, "vendor"));

        if (!rc)
            rc = take_rows(rows, name,
                           json_object_get(vendors, vendor ? vendor : name));
    }
    all = json_object_get(canonical, "price");
    json_object_foreach(all, name, v) {
        if (!rc)
            rc = take_block(rows, name, v);
    }
    return rc;
}

int config_prices(const json_t *canonical, const char *vendors,
                  json_t **out, struct err *err)
{
    json_t *file = config_beside(canonical, vendors, "prices.json", err);
    json_t *rows = json_object();
    int rc = file ? 0 : -err->code;

    if (!rc && (!rows || fill(rows, canonical, file) != 0))
        rc = err_set(err, ERR_NOMEM, "no memory for prices");
    if (!rc)
        *out = json_pack("{s:O}", "rows", rows);
    json_decref(rows);
    json_decref(file);
    return rc;
}

void open_ledger(struct opener *o, struct config *c)
{
    const json_t *v = json_object_get(o->root, "ledger");
    const char *keep = json_string_value(json_object_get(v, "keep"));

    c->ledger.spill_bytes = open_size(v, "spill");
    if (keep)
        conf_duration(str_of(keep), &c->ledger.keep_ms);
    c->ledger.prices = snapshot_section(o->bundle, STR("prices"));
}
