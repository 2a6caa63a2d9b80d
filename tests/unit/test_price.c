/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a try cost: rules by hand-computed cases, then properties. */
#include "engine/price.h"
#include "unit.h"

#include <stdlib.h>

static const char table[] =
    "{\"rows\":{"
    "\"a/plain\":{\"input\":2500,\"output\":10000},"
    "\"a/cached\":{\"input\":3000,\"output\":15000,\"cache_read\":300,"
    "\"cache_write_5m\":3750,\"cache_write_1h\":6000,"
    "\"steps\":[{\"above\":200000,\"input\":6000,\"output\":22500,"
    "\"cache_read\":600,\"cache_write_5m\":7500}]},"
    "\"a/tiered\":{\"input\":2000,\"output\":8000,"
    "\"tiers\":{\"flex\":{\"input\":1000,\"output\":4000}}},"
    "\"a/tiny\":{\"input\":0.02,\"output\":37.5},"
    "\"a/think\":{\"input\":1000,\"output\":2000,\"reasoning\":3000},"
    "\"a/embed\":{\"input\":20},"
    "\"a/rank\":{\"search\":2000000},"
    "\"a/both\":{\"input\":20,\"search\":2000000},"
    "\"a/own\":{\"input\":500,\"output\":500,\"any_tier\":true},"
    "\"a/gpt-*\":{\"input\":1,\"output\":1},"
    "\"a/gpt-long-*\":{\"input\":2,\"output\":2}}}";

/* Nano-USD by hand: tokens times nano-USD a token. */
static const struct {
    const char *what, *model;
    /* input, read, written, output, thought, 1h, tier, searches */
    struct usage u;
    int64_t nusd;
} cases[] = {
    { "2 x 2500 + 3 x 10000", "plain", { 2, -1, -1, 3, -1, -1, 0, 0 }, 35000 },
    { "a read without its price is input, not free", "plain",
      { 2, 10, -1, 0, -1, -1, 0, 0 }, 30000 },
    { "a write too", "plain", { 2, -1, 4, 0, -1, -1, 0, 0 }, 15000 },
    { "each part at its own", "cached", { 100, 1000, 50, 10, 4, 20, 0, 0 },
      300000 + 300000 + 30 * 3750 + 20 * 6000 + 150000 },
    { "at the step: below it", "cached", { 200000, -1, -1, 1, -1, -1, 0, 0 },
      600000000 + 15000 },
    { "above it: all of it", "cached", { 1, 200000, -1, 1, -1, -1, 0, 0 },
      6000 + 120000000 + 22500 },
    { "what the step does not list stays", "cached",
      { 0, 200001, 10, 0, -1, 10, 0, 0 }, 200001 * 600 + 60000 },
    { "flex", "tiered", { 10, -1, -1, 10, -1, -1, TIER_FLEX, 0 }, 50000 },
    { "a tier that is not listed is unknown", "tiered",
      { 10, -1, -1, 10, -1, -1, TIER_PRIORITY, 0 }, -1 },
    { "a large request at a tier is unknown", "cached",
      { 300000, -1, -1, 1, -1, -1, TIER_FLEX, 0 }, -1 },
    { "configured: any tier", "own", { 1, -1, -1, 1, -1, -1, TIER_BATCH, 0 },
      1000 },
    { "0.02 a token: rounded once", "tiny", { 24, -1, -1, -1, -1, -1, 0, 0 },
      0 },
    { "half up", "tiny", { 25, -1, -1, -1, -1, -1, 0, 0 }, 1 },
    { "37.5 a token", "tiny", { -1, -1, -1, 3, -1, -1, 0, 0 }, 113 },
    { "thought is part of the output", "think", { 0, -1, -1, 10, 4, -1, 0, 0 },
      6 * 2000 + 4 * 3000 },
    { "thought beside the output", "think", { 0, -1, -1, 2, 4, -1, 0, 0 },
      12000 },
    { "only input", "embed", { 50, -1, -1, -1, -1, -1, 0, 0 }, 1000 },
    { "output without a price", "embed", { 50, -1, -1, 1, -1, -1, 0, 0 }, -1 },
    { "no usage", "plain", { -1, -1, -1, -1, -1, -1, 0, 0 }, -1 },
    { "free is known", "plain", { 0, -1, -1, 0, -1, -1, 0, 0 }, 0 },
    { "a search", "rank", { -1, -1, -1, -1, -1, -1, 0, 1 }, 2000000 },
    { "three, and tokens that nobody bills", "rank",
      { 21, -1, -1, 2, -1, -1, 0, 3 }, 6000000 },
    { "tokens that are billed as well", "both",
      { 50, -1, -1, -1, -1, -1, 0, 1 }, 2001000 },
    { "tokens without a search", "rank", { 21, -1, -1, -1, -1, -1, 0, 0 },
      -1 },
    { "a search without a price", "embed", { 50, -1, -1, -1, -1, -1, 0, 1 },
      -1 },
    { "the longest prefix", "gpt-long-1", { 1, -1, -1, 0, -1, -1, 0, 0 }, 2 },
    { "a shorter one", "gpt-1", { 1, -1, -1, 0, -1, -1, 0, 0 }, 1 },
    { "none", "other", { 1, -1, -1, 0, -1, -1, 0, 0 }, -1 },
};

static struct price_table *open_table(void)
{
    struct err err = { 0 };
    struct price_table *t = price_table_new(str_of(table), &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

static void by_hand(void)
{
    struct price_table *t = open_table();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = price_cost(price_find(t, STR("a"),
                                            str_of(cases[i].model)),
                                 &cases[i].u);

        if (got != cases[i].nusd)
            printf("%s: %lld, not %lld\n", cases[i].what, (long long)got,
                   (long long)cases[i].nusd);
        CU_ASSERT_EQUAL(got, cases[i].nusd);
    }
    CU_ASSERT_PTR_NULL(price_find(t, STR("b"), STR("plain")));
    price_table_free(t);
}

/* More tokens never cost less within a step; the whole is never more than a
 * nano-dollar away from its parts. */
static void properties(void)
{
    struct price_table *t = open_table();
    const struct price_row *row = price_find(t, STR("a"), STR("cached"));

    srand(7);
    for (int i = 0; i < 20000; i++) {
        struct usage a = { rand() % 50000, rand() % 50000, rand() % 50000,
                           rand() % 50000, -1, 0, 0, 0 };
        struct usage in = a, out = a;
        int64_t all, parts;

        a.cache_write_1h = rand() % (a.cache_write + 1);
        in.cache_write_1h = a.cache_write_1h;
        in.output = 0;
        out.input = out.cache_read = out.cache_write = 0;
        all = price_cost(row, &a);
        parts = price_cost(row, &in) + price_cost(row, &out);
        CU_ASSERT_FATAL(llabs(all - parts) <= 1);
        a.output += 1;
        CU_ASSERT_FATAL(price_cost(row, &a) > all);
    }
    CU_ASSERT(price_cost(row, &(struct usage){ INT64_MAX / 4, -1, -1,
                                               INT64_MAX / 4, -1, -1, 0, 0 }) ==
              INT64_MAX);
    price_table_free(t);
}

static void parse(void)
{
    static const struct {
        const char *text;
        int64_t pico; /* -1 = refused */
    } rows[] = {
        { "2.5 USD/Mtok", 2500000 }, { "0 USD/Mtok", 0 },
        { "15 USD/Mtok", 15000000 }, { "0.0375 USD/Mtok", 37500 },
        { "0.000001 USD/Mtok", 1 },  { "999999 USD/Mtok", 999999000000 },
        { "0.0000001 USD/Mtok", -1 }, { "2.5", -1 }, { "2.5USD/Mtok", -1 },
        { "-1 USD/Mtok", -1 }, { "1. USD/Mtok", -1 }, { ".5 USD/Mtok", -1 },
        { "1e3 USD/Mtok", -1 }, { "1 EUR/Mtok", -1 }, { "", -1 },
        { "1234567 USD/Mtok", -1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t v = -1;
        bool ok = price_parse(str_of(rows[i].text), &v);

        CU_ASSERT_EQUAL(ok, rows[i].pico >= 0);
        if (ok)
            CU_ASSERT_EQUAL(v, rows[i].pico);
    }
}

static void parse_searches(void)
{
    int64_t v = -1;

    CU_ASSERT(price_parse_search(STR("0.002 USD/search"), &v));
    CU_ASSERT_EQUAL(v, 2000000000);
    CU_ASSERT(price_parse_search(STR("999999.999999 USD/search"), &v));
    CU_ASSERT_EQUAL(v, 999999999999000000);
    CU_ASSERT(!price_parse_search(STR("2 USD/Mtok"), &v));
    CU_ASSERT(!price_parse(STR("2 USD/search"), &v));
    CU_ASSERT(!price_parse_search(STR("1e3 USD/search"), &v));
}

static void versions(void)
{
    struct err err = { 0 };
    struct price_table *t = open_table();
    struct price_table *u = price_table_new(STR("{\"rows\":{}}"), &err);

    CU_ASSERT_EQUAL(strlen(price_version(t)), 12);
    CU_ASSERT_STRING_NOT_EQUAL(price_version(t), price_version(u));
    price_table_free(t);
    price_table_free(u);
    CU_ASSERT_PTR_NULL(price_table_new(STR("["), &err));
    CU_ASSERT_EQUAL(err.code, ERR_SYNTAX);
}

UNIT_MAIN("price", { "by hand", by_hand }, { "properties", properties },
          { "parse", parse }, { "parse searches", parse_searches },
          { "versions", versions })
