/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The map against a plain table, and the hash against its reference. */
#include "unit.h"

#include "base/err.h"
#include "base/map.h"
#include "base/siphash.h"

static struct str key_of(unsigned n, char *hold)
{
    return (struct str){ hold, (size_t)snprintf(hold, 16, "k%u", n) };
}

static void sets_and_gets(void)
{
    struct map *m = map_new(3);
    int a, b;

    CU_ASSERT(map_get(m, STR("a")) == NULL);
    CU_ASSERT(map_set(m, STR("a"), &a) == 0);
    CU_ASSERT(map_set(m, STR("a\0x"), &b) == 0);
    CU_ASSERT(map_set(m, STR(""), &b) == 0);
    CU_ASSERT(map_get(m, STR("a")) == &a);
    CU_ASSERT(map_get(m, STR("a\0x")) == &b);
    CU_ASSERT(map_get(m, STR("")) == &b);
    UNIT_INT(map_set(m, STR("c"), &a), -ERR_LIMIT);
    CU_ASSERT(map_set(m, STR("a"), &b) == 0); /* full, but it is there */
    CU_ASSERT(map_get(m, STR("a")) == &b);
    UNIT_INT(map_count(m), 3);
    UNIT_INT(map_set(m, STR("a"), NULL), -ERR_BUG);
    map_free(m);
    map_free(NULL);
}

static void agrees_with_a_table(void)
{
    enum { KEYS = 500 };
    static char marks[KEYS];
    void *model[KEYS] = { NULL };
    struct map *m = map_new(KEYS);
    size_t count = 0;
    uint32_t seed = 1;
    char hold[16];

    for (int i = 0; i < 200000; i++) {
        unsigned k = (seed = seed * 1664525u + 1013904223u) >> 8;
        struct str key = key_of(k %= KEYS, hold);

        CU_ASSERT_FATAL(map_set(m, key, &marks[k]) == 0);
        count += model[k] == NULL;
        model[k] = &marks[k];
        CU_ASSERT_FATAL(map_count(m) == count);
        k = (seed >> 3) % KEYS;
        CU_ASSERT_FATAL(map_get(m, key_of(k, hold)) == model[k]);
    }
    map_free(m);
}

static void walks_over_all(void)
{
    enum { KEYS = 1000 };
    static char marks[KEYS];
    struct map *m = map_new(KEYS);
    struct str key;
    void *value;
    size_t at = 0, n = 0;
    char hold[16];

    CU_ASSERT(!map_next(m, &at, &key, &value));
    for (unsigned i = 0; i < KEYS; i++)
        CU_ASSERT(map_set(m, key_of(i, hold), &marks[i]) == 0);
    for (at = 0; map_next(m, &at, &key, &value); n++) {
        char *mark = value;

        CU_ASSERT_FATAL(*mark == 0);
        *mark = 1;
        CU_ASSERT(str_eq(key, key_of((unsigned)(mark - marks), hold)));
    }
    UNIT_INT(n, KEYS);
    map_free(m);
}

/* SipHash-1-3, key 00..0f, inputs 00, 00 01, ...; from an implementation of
 * the paper that gives the paper's value for SipHash-2-4. */
static void hashes_as_the_reference(void)
{
    struct siphash_key key = { 0x0706050403020100u, 0x0F0E0D0C0B0A0908u };
    static const struct { size_t n; uint64_t hash; } want[] = {
        { 0, 0xABAC0158050FC4DCu }, { 1, 0xC9F49BF37D57CA93u },
        { 7, 0xD3927D989BB11140u }, { 8, 0x369095118D299A8Eu },
        { 15, 0xD320D86D2A519956u }, { 16, 0xCC4FDD1A7D908B66u },
        { 63, 0x9D199062B7BBB3A8u },
    };
    char text[64];

    for (int i = 0; i < 64; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CU_ASSERT(siphash(key, (struct str){ text, want[i].n }) ==
                  want[i].hash);
}

/* Two halves that have nothing in common, also of texts that nearly are one. */
static void hashes_twice_as_wide(void)
{
    struct siphash_key key = { 1, 2 };
    uint64_t seen[64][2];
    char text[64] = { 0 };

    for (size_t n = 0; n < 64; n++) {
        siphash_128(key, (struct str){ text, n }, seen[n]);
        CU_ASSERT(seen[n][0] != seen[n][1]);
        CU_ASSERT(seen[n][0] != siphash(key, (struct str){ text, n }));
        for (size_t k = 0; k < n; k++)
            CU_ASSERT(seen[n][0] != seen[k][0] && seen[n][1] != seen[k][1]);
    }
}

UNIT_MAIN("map", { "sets and gets", sets_and_gets },
          { "agrees with a table", agrees_with_a_table },
          { "walks over all", walks_over_all },
          { "hashes as the reference", hashes_as_the_reference },
          { "hashes twice as wide", hashes_twice_as_wide })
