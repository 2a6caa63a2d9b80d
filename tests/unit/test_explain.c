/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The explain ring: put, find, replace, cut. */
#include "engine/explain_ring.h"

#include "base/json.h"

#include "unit.h"

static struct explain_ring *ring_new(void)
{
    struct explain_ring *r = calloc(1, sizeof *r);

    explain_here(r);
    return r;
}

static void ring_free(struct explain_ring *r)
{
    explain_here(NULL);
    free(r);
}

static void finds_what_was_put(void)
{
    struct explain_ring *r = ring_new();
    struct buf out = BUF_INIT(8192);

    UNIT_INT(explain_find(r, STR("a"), &out), -ERR_NOTFOUND);
    explain_put(STR("a"), STR("{\"n\":1}"));
    explain_put(STR("ab"), STR("{\"n\":2}"));
    UNIT_INT(explain_find(r, STR("a"), &out), 0);
    UNIT_INT(buf_len(&out), 7);
    UNIT_MEM(buf_str(&out).p, "{\"n\":1}", 7);
    UNIT_INT(explain_find(r, STR("abc"), &out), -ERR_NOTFOUND);
    UNIT_INT(explain_find(r, STR(""), &out), -ERR_NOTFOUND);
    UNIT_INT(buf_len(&out), 7);
    buf_clear(&out);
    ring_free(r);
}

static void the_newest_replaces_the_oldest(void)
{
    struct explain_ring *r = ring_new();
    struct buf out = BUF_INIT(8192);
    char id[16];

    for (int i = 0; i <= EXPLAIN_PLACES; i++) {
        snprintf(id, sizeof id, "r%d", i);
        explain_put(str_of(id), STR("{}"));
    }
    UNIT_INT(explain_find(r, STR("r0"), &out), -ERR_NOTFOUND);
    UNIT_INT(explain_find(r, STR("r1"), &out), 0);
    UNIT_INT(explain_find(r, str_of(id), &out), 0);
    buf_clear(&out);
    ring_free(r);
}

static void a_place_under_the_pen_is_not_read(void)
{
    struct explain_ring *r = ring_new();
    struct buf out = BUF_INIT(8192);

    explain_put(STR("a"), STR("{}"));
    atomic_fetch_add(&r->places[0].seq, 1);
    UNIT_INT(explain_find(r, STR("a"), &out), -ERR_NOTFOUND);
    atomic_fetch_add(&r->places[0].seq, 1);
    UNIT_INT(explain_find(r, STR("a"), &out), 0);
    buf_clear(&out);
    ring_free(r);
}

/** A long timeline is cut, and what is left is JSON that says so. */
static void a_long_text_is_cut_at_a_fact(void)
{
    struct explain_ring *r = ring_new();
    struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(8192);
    struct json j = { 0 };

    for (int facts = 60; facts < 140; facts++) {
        struct err err = { 0 };

        buf_reset(&in);
        buf_reset(&out);
        buf_puts(&in, "{\"id\":\"x\",\"steps\":[");
        for (int i = 0; i < facts; i++)
            buf_printf(&in, "%s{\"step\":\"s%d\",\"why\":\"a \\\" ],}{ b\","
                            "\"n\":[1,2]}", i ? "," : "", i);
        buf_puts(&in, "]}");
        explain_put(STR("x"), buf_str(&in));
        UNIT_INT(explain_find(r, STR("x"), &out), 0);
        CU_ASSERT_TRUE(buf_len(&out) <= EXPLAIN_MAX_BYTES);
        UNIT_INT(json_scan(&j, buf_str(&out), NULL, &err), 0);
        if (err.code)
            printf("%s %s: " STR_FMT "\n", err.at, err.msg,
                   STR_ARG(buf_str(&out)));
        CU_ASSERT_EQUAL(json_member(&j, 0, STR("cut")) != JSON_NONE,
                        buf_len(&in) > EXPLAIN_MAX_BYTES);
        explain_put(STR("y"), STR("{}"));
        free(r);
        r = ring_new();
    }
    json_clear(&j);
    buf_clear(&in);
    buf_clear(&out);
    ring_free(r);
}

static void a_text_without_facts_is_still_json(void)
{
    struct explain_ring *r = ring_new();
    struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(8192);

    buf_putc(&in, '"');
    for (int i = 0; i < 5000; i++)
        buf_putc(&in, 'x');
    buf_putc(&in, '"');
    explain_put(STR("x"), buf_str(&in));
    UNIT_INT(explain_find(r, STR("x"), &out), 0);
    UNIT_INT(buf_len(&out), 12);
    UNIT_MEM(buf_str(&out).p, "{\"cut\":true}", 12);
    buf_clear(&in);
    buf_clear(&out);
    ring_free(r);
}

UNIT_MAIN("explain", {"finds what was put", finds_what_was_put},
          {"the newest replaces the oldest", the_newest_replaces_the_oldest},
          {"a place under the pen is not read",
           a_place_under_the_pen_is_not_read},
          {"a long text is cut at a fact", a_long_text_is_cut_at_a_fact},
          {"a text without facts is still JSON",
           a_text_without_facts_is_still_json})
