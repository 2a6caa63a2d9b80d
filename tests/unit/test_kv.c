/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Shared values: operations, ends, and what goes when there is no room. */
#include "kv_unit.h"

#include "engine/metrics_column.h"

static struct kv_found found;

static void keeps_what_was_set(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value real = { .type = KV_REAL, .d = 0.1 };
    struct kv_value no = { .type = KV_BOOL, .i = 0 };
    struct kv_value v;
    struct kv_at a = kv_place("k", 1000);

    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    v = kv_text("hello");
    UNIT_INT(kv_set(kv, &a, &v, KV_FOREVER), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(str_is(found.value.text, "hello"));
    CU_ASSERT_EQUAL(found.ttl_ms, KV_FOREVER);
    UNIT_INT(kv_set(kv, &a, &real, 50), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.value.type, KV_REAL);
    CU_ASSERT_EQUAL(found.value.d, 0.1);
    UNIT_INT(found.ttl_ms, 50);
    UNIT_INT(kv_set(kv, &a, &no, KV_FOREVER), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.value.type, KV_BOOL);
    UNIT_INT(found.value.i, 0);
    a.space = STR("other");
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    a.space = STR("test");
    UNIT_INT(kv_delete(kv, &a), 0);
    UNIT_INT(kv_delete(kv, &a), -ERR_NOTFOUND);
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    kv_free(kv);
}

/* Every length of key and text on both sides of every cell's edge. */
static void texts_of_any_length(void)
{
    static char key[KV_KEY_MAX + 1], big[KV_TEXT_MAX + 1];
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = { .type = KV_TEXT };
    struct kv_at a = { STR("s"), STR_NULL, 1 };
    int bad = 0;

    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)('a' + i % 23);
    for (size_t n = 0; n <= KV_TEXT_MAX; n += n < 200 ? 1 : 57) {
        a.key = (struct str){ key, n % (KV_KEY_MAX + 1) };
        v.text = (struct str){ big, n };
        bad += kv_set(kv, &a, &v, KV_FOREVER) != 0;
        bad += kv_get(kv, &a, &found) != 0;
        bad += !str_eq(found.value.text, v.text);
    }
    UNIT_INT(bad, 0);
    v.text = (struct str){ big, KV_TEXT_MAX + 1 };
    UNIT_INT(kv_set(kv, &a, &v, 1), -ERR_LIMIT);
    UNIT_INT(kv_add(kv, &a, &v, 1), -ERR_LIMIT);
    UNIT_INT(kv_cas(kv, &a, &kv_none, &v, 1), -ERR_LIMIT);
    a.key = (struct str){ key, KV_KEY_MAX + 1 };
    UNIT_INT(kv_get(kv, &a, &found), -ERR_LIMIT);
    kv_free(kv);
}

static void ends_in_time(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = kv_text("x");
    struct kv_at a = kv_place("k", 1000);
    int64_t n = 0;

    kv_set(kv, &a, &v, 100);
    a.now_ms = 1099;
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.ttl_ms, 1);
    UNIT_INT(kv_add(kv, &a, &v, 100), -ERR_EXISTS);
    a.now_ms = 1100;
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    UNIT_INT(kv_add(kv, &a, &v, 100), 0);
    a.key = STR("n");
    UNIT_INT(kv_incr(kv, &a, 5, 60, &n), 0);
    a.now_ms += 59; /* a window: later calls do not move its end */
    UNIT_INT(kv_incr(kv, &a, -2, 60, &n), 0);
    UNIT_INT(n, 3);
    a.now_ms += 1;
    UNIT_INT(kv_incr(kv, &a, 1, 60, &n), 0);
    UNIT_INT(n, 1);
    kv_free(kv);
}

static void counts_exactly(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = kv_text("x"), top = kv_whole(INT64_MAX);
    struct kv_at a = kv_place("k", 1);
    int64_t n = 7;

    kv_set(kv, &a, &v, KV_FOREVER);
    UNIT_INT(kv_incr(kv, &a, 1, KV_FOREVER, &n), -ERR_EXISTS);
    UNIT_INT(n, 7);
    kv_set(kv, &a, &top, KV_FOREVER);
    UNIT_INT(kv_incr(kv, &a, 1, KV_FOREVER, &n), -ERR_LIMIT);
    UNIT_INT(kv_incr(kv, &a, 0, KV_FOREVER, &n), 0);
    CU_ASSERT_EQUAL(n, INT64_MAX);
    kv_free(kv);
}

static void swaps_what_is_there(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value a1 = kv_text("a"), b = kv_text("b"), one = kv_whole(1);
    struct kv_value real = { .type = KV_REAL, .d = 1.0 };
    struct kv_value yes = { .type = KV_BOOL, .i = 1 };
    struct kv_at a = kv_place("k", 1);

    UNIT_INT(kv_cas(kv, &a, &a1, &b, 0), -ERR_EXISTS);
    UNIT_INT(kv_cas(kv, &a, &kv_none, &a1, 500), 0);
    UNIT_INT(kv_cas(kv, &a, &kv_none, &b, 0), -ERR_EXISTS);
    a.now_ms = 101;
    UNIT_INT(kv_cas(kv, &a, &a1, &b, 0), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(str_is(found.value.text, "b"));
    UNIT_INT(found.ttl_ms, 400);
    UNIT_INT(kv_cas(kv, &a, &b, &one, 9), 0);
    UNIT_INT(kv_cas(kv, &a, &yes, &one, 0), -ERR_EXISTS);
    UNIT_INT(kv_cas(kv, &a, &real, &yes, 0), 0);
    UNIT_INT(kv_cas(kv, &a, &yes, &kv_none, 0), 0);
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    kv_free(kv);
}

/* ---- room ------------------------------------------------------------ */

static void fills_and_evicts(void)
{
    static struct metrics_column column;
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, false);
    struct kv_value v = kv_text("some value of forty bytes, more or less.");
    struct kv_at a = kv_place("", 1);
    char key[32];
    int kept = 0, ended = 0;

    metrics_here(&column);
    a.key = STR("for ever");
    kv_set(kv, &a, &v, KV_FOREVER);
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        if (kv_set(kv, &a, &v, 1000000 + (uint64_t)i) != 0 ||
            kv_get(kv, &a, &found) != 0)
            ended++; /* what was just set is there */
    }
    UNIT_INT(ended, 0);
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kept += kv_get(kv, &a, &found) == 0;
    }
    CU_ASSERT_TRUE(kept > 350 && kept < 1000);
    a.key = STR("for ever");
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(column.count == 1);
    metrics_here(NULL);
    kv_free(kv);
}

static void the_expired_go_first(void)
{
    static struct metrics_column column;
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, false);
    struct kv_value v = kv_whole(1);
    struct kv_at a = kv_place("", 1);
    char key[32];
    int lost = 0;

    metrics_here(&column);
    for (int i = 0; i < 600; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kv_set(kv, &a, &v, i < 300 ? 10 : 100000);
    }
    a.now_ms = 50;
    for (int i = 600; i < 850; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kv_set(kv, &a, &v, 100000);
    }
    for (int i = 300; i < 850; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        lost += kv_get(kv, &a, &found) != 0;
    }
    UNIT_INT(lost, 0);
    CU_ASSERT_TRUE(column.count == 0);
    metrics_here(NULL);
    kv_free(kv);
}

UNIT_MAIN("kv", { "keeps what was set", keeps_what_was_set },
          { "texts of any length", texts_of_any_length },
          { "ends in time", ends_in_time },
          { "counts exactly", counts_exactly },
          { "swaps what is there", swaps_what_is_there },
          { "fills and evicts", fills_and_evicts },
          { "the expired go first", the_expired_go_first })
