/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Fetched keys as a worker has them. */
#include "engine/fetched.h"

#include "unit.h"

#include <unistd.h>

static struct snapshot *made(struct str id, struct str secret)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("fetched", 1, &err);
    const struct fetched_news n = { .label = STR("p#1"), .why = STR("a b"),
                                    .secret = secret, .ends_ms = 7,
                                    .next_ms = 9 };
    struct snapshot *s;
    int fd;

    UNIT_INT(fetched_put(b, id, &n, &err), 0);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = snapshot_open(fd, &err);
    close(fd);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static void update(struct fetched_set *set, struct str id, struct str secret)
{
    struct snapshot *s = made(id, secret);

    fetched_update(set, s);
    snapshot_unref(s);
}

static void sections(void)
{
    struct snapshot *s = made(STR("id"), STR("a:b:c"));
    struct fetched_news n;

    CU_ASSERT_TRUE(fetched_read(snapshot_section(s, STR("id")), &n));
    CU_ASSERT(str_is(n.label, "p#1") && str_is(n.why, "a b"));
    CU_ASSERT(str_is(n.secret, "a:b:c"));
    UNIT_INT(n.ends_ms, 7);
    UNIT_INT(n.next_ms, 9);
    snapshot_unref(s);
    CU_ASSERT_FALSE(fetched_read(STR(""), &n));
    CU_ASSERT_FALSE(fetched_read(STR("1 2 x\n"), &n));
    CU_ASSERT_FALSE(fetched_read(STR("1 x y\nw\ns"), &n));
}

static void newest(void)
{
    struct fetched_set *set = fetched_set_new();
    struct fetched *f = fetched_ref(set, STR("one")), *again;

    UNIT_INT(f->secret.n, 0);
    update(set, STR("one"), STR("first"));
    CU_ASSERT(str_is(f->secret, "first"));
    UNIT_INT(f->version, 1);
    update(set, STR("one"), STR("first"));
    UNIT_INT(f->version, 1);
    update(set, STR("one"), STR("second"));
    CU_ASSERT(str_is(f->secret, "second") && str_is(f->before, "first"));
    update(set, STR("other"), STR("x")); /* not named: it stays */
    CU_ASSERT(str_is(f->secret, "second"));
    update(set, STR("one"), STR(""));
    UNIT_INT(f->secret.n, 0);
    CU_ASSERT(str_is(f->before, "second"));
    UNIT_INT(f->version, 3);
    update(set, STR("one"), STR("third"));
    again = fetched_ref(set, STR("one")); /* another generation's */
    CU_ASSERT_PTR_EQUAL(again, f);
    fetched_unref(f);
    CU_ASSERT(str_is(again->secret, "third"));
    fetched_unref(again);
    f = fetched_ref(set, STR("one")); /* from the last snapshot */
    CU_ASSERT(str_is(f->secret, "third"));
    fetched_unref(f);
    fetched_unref(NULL);
    fetched_set_free(set);
}

static char asked[64];

static void on_ask(void *ud, struct str id)
{
    (void)ud;
    snprintf(asked, sizeof asked, STR_FMT, STR_ARG(id));
}

static void asking(void)
{
    struct fetched_set *set = fetched_set_new();
    struct fetched *f = fetched_ref(set, STR("one"));

    fetched_ask(f); /* nobody listens */
    fetched_on_ask(set, on_ask, NULL);
    fetched_ask(f);
    UNIT_STR(asked, "one");
    fetched_unref(f);
    fetched_set_free(set);
}

UNIT_MAIN("fetched", {"sections", sections}, {"newest", newest},
          {"asking", asking})
