/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Shared memory that one program leaves to the next: taken where the layout
 * is the same, fresh where it is not. */
#include "base/share.h"

#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

static struct err err;

/** Make a region, write into it, and keep its descriptor as an heir would. */
static int leave(const char *layout, size_t size, const char *text)
{
    struct share s;
    const char *name;
    size_t at = 0;
    int fd = -1, kept;

    err = (struct err){ 0 };
    UNIT_INT(share_open(&s, "one", layout, size, &err), 0);
    CU_ASSERT(s.fresh);
    UNIT_INT((uintptr_t)s.map % 64, 0);
    UNIT_INT(s.map[0], 0);
    strcpy(s.map, text);
    CU_ASSERT_FATAL(share_next(&at, &name, &fd));
    UNIT_INT(strcmp(name, "one"), 0);
    CU_ASSERT_FALSE(share_next(&at, &name, &kept));
    kept = dup(fd);
    share_close(&s);
    at = 0;
    CU_ASSERT_FALSE(share_next(&at, &name, &fd));
    return kept;
}

static void the_same_layout_is_taken(void)
{
    struct share a, b;

    UNIT_INT(share_give("one", leave("layout 1", 5000, "hello")), 0);
    CU_ASSERT(share_given("one"));
    UNIT_INT(share_open(&a, "one", "layout 1", 4000, &err), 0);
    CU_ASSERT_FALSE(a.fresh);
    CU_ASSERT_FALSE(share_given("one"));
    UNIT_INT(a.size, 5000); /* as large as it was made */
    UNIT_INT(strcmp(a.map, "hello"), 0);
    /* and who opens the name again has another */
    UNIT_INT(share_open(&b, "one", "layout 1", 4000, &err), 0);
    CU_ASSERT(b.fresh);
    UNIT_INT(b.map[0], 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a.seed, b.seed, sizeof a.seed), 0);
    share_close(&b);
    share_close(&a);
}

static void seeds_go_with_it(void)
{
    struct siphash_key seed[2];
    struct share s;
    const char *name;
    size_t at = 0;
    int fd;

    UNIT_INT(share_open(&s, "two", "x", 64, &err), 0);
    memcpy(seed, s.seed, sizeof seed);
    CU_ASSERT_FATAL(share_next(&at, &name, &fd));
    fd = dup(fd);
    share_close(&s);
    UNIT_INT(share_give("two", fd), 0);
    UNIT_INT(share_open(&s, "two", "x", 64, &err), 0);
    UNIT_INT(memcmp(s.seed, seed, sizeof seed), 0);
    share_close(&s);
}

static void another_layout_is_not(void)
{
    static const struct {
        const char *layout;
        size_t size;
    } rows[] = { { "layout 2", 5000 }, { "layout 1", 5001 } };
    struct share s;

    for (size_t i = 0; i < 2; i++) {
        UNIT_INT(share_give("one", leave("layout 1", 5000, "hello")), 0);
        UNIT_INT(share_open(&s, "one", rows[i].layout, rows[i].size, &err),
                 0);
        CU_ASSERT(s.fresh);
        UNIT_INT(s.map[0], 0);
        share_close(&s);
    }
}

/* Memory that somebody could cut, or that is no region at all. */
static void what_is_no_region_is_not(void)
{
    struct share s;
    int fds[] = { memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                  dup(0) };

    CU_ASSERT_EQUAL(ftruncate(fds[0], 8192), 0);
    for (size_t i = 0; i < 2; i++) {
        UNIT_INT(share_give("one", fds[i]), 0);
        UNIT_INT(share_open(&s, "one", "layout 1", 64, &err), 0);
        CU_ASSERT(s.fresh);
        share_close(&s);
    }
}

static void what_is_not_wanted_is_forgotten(void)
{
    UNIT_INT(share_give("one", leave("a", 64, "")), 0);
    UNIT_INT(share_give("two", leave("b", 64, "")), 0);
    share_forget("one");
    CU_ASSERT_FALSE(share_given("one"));
    CU_ASSERT(share_given("two"));
    share_forget(NULL);
    CU_ASSERT_FALSE(share_given("two"));
}

static void names_and_numbers_have_an_end(void)
{
    struct share s[SHARE_MAX + 1] = { 0 };

    UNIT_INT(share_open(&s[0], "a name that is too long", "x", 64, &err),
             -ERR_LIMIT);
    err = (struct err){ 0 };
    for (size_t i = 0; i < SHARE_MAX; i++)
        UNIT_INT(share_open(&s[i], "one", "x", 64, &err), 0);
    UNIT_INT(share_open(&s[SHARE_MAX], "one", "x", 64, &err), -ERR_LIMIT);
    UNIT_INT(share_give("one", 1000), -ERR_LIMIT);
    for (size_t i = 0; i < SHARE_MAX; i++)
        share_close(&s[i]);
}

UNIT_MAIN("share", { "the same layout is taken", the_same_layout_is_taken },
          { "seeds go with it", seeds_go_with_it },
          { "another layout is not", another_layout_is_not },
          { "what is no region is not", what_is_no_region_is_not },
          { "what is not wanted is forgotten",
            what_is_not_wanted_is_forgotten },
          { "names and numbers have an end", names_and_numbers_have_an_end })
