/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A state's heap: the slab, blocks that are kept, the cap. */
#include "policy/heap.h"

#include "unit.h"

enum { BLOCKS = 4000 };

static void *at[BLOCKS];

static int from_slab(const struct policy_heap *h, const void *p)
{
    return (const char *)p >= h->slab && (const char *)p < h->slab + HEAP_SLAB;
}

/* Sizes of all classes and beyond; each block is filled and stays so. */
static size_t size_of(int i)
{
    return (size_t)(i * 37 % 300) + 1;
}

static void fill(void)
{
    for (int i = 0; i < BLOCKS; i++)
        memset(at[i], i & 0xff, size_of(i));
}

static int spoilt(void)
{
    int n = 0;

    for (int i = 0; i < BLOCKS; i++) {
        const unsigned char *p = at[i];

        for (size_t k = 0; p && k < size_of(i); k++)
            n += p[k] != (i & 0xff);
    }
    return n;
}

static void blocks_do_not_overlap(void)
{
    struct policy_heap h = { .cap = 8 << 20 };
    size_t sum = 0;
    int slab = 0;

    for (int i = 0; i < BLOCKS; i++) {
        at[i] = policy_heap_alloc(&h, NULL, 5, size_of(i));
        CU_ASSERT_PTR_NOT_NULL_FATAL(at[i]);
        CU_ASSERT_EQUAL((size_t)at[i] % 16, 0);
        sum += size_of(i);
        slab += from_slab(&h, at[i]);
    }
    fill();
    UNIT_INT(spoilt(), 0);
    CU_ASSERT_EQUAL(h.used, sum);
    CU_ASSERT_TRUE(slab > 100 && slab < BLOCKS); /* it is of one size */
    CU_ASSERT_TRUE(h.cut <= HEAP_SLAB);
    for (int i = 0; i < BLOCKS; i += 2) {
        policy_heap_alloc(&h, at[i], size_of(i), 0);
        at[i] = NULL;
    }
    UNIT_INT(spoilt(), 0);
    for (int i = 0; i < BLOCKS; i += 2) /* from the lists */
        at[i] = policy_heap_alloc(&h, NULL, 5, size_of(i));
    fill();
    UNIT_INT(spoilt(), 0);
    CU_ASSERT_EQUAL(h.used, sum);
    for (int i = 0; i < BLOCKS; i++)
        policy_heap_alloc(&h, at[i], size_of(i), 0);
    CU_ASSERT_EQUAL(h.used, 0);
    CU_ASSERT_TRUE(h.kept < HEAP_KEEP + 256); /* a block beyond it */
    policy_heap_clear(&h);
    CU_ASSERT_PTR_NULL(h.slab);
    CU_ASSERT_EQUAL(h.kept, 0);
}

/* A block that grows leaves the slab, one that shrinks may come to it. */
static void a_block_is_moved_whole(void)
{
    struct policy_heap h = { .cap = 1 << 20 };
    char *p = policy_heap_alloc(&h, NULL, 0, 40), *q;

    CU_ASSERT_TRUE(from_slab(&h, p));
    memset(p, 'x', 40);
    q = policy_heap_alloc(&h, p, 40, 5000);
    CU_ASSERT_FALSE(from_slab(&h, q));
    UNIT_INT(q[0] == 'x' && q[39] == 'x', 1);
    memset(q, 'y', 5000);
    p = policy_heap_alloc(&h, q, 5000, 40);
    UNIT_INT(p[0] == 'y' && p[39] == 'y', 1);
    CU_ASSERT_EQUAL(h.used, 40);
    policy_heap_alloc(&h, p, 40, 0);
    policy_heap_clear(&h);
}

static void the_cap_holds(void)
{
    struct policy_heap h = { .cap = 1000 };
    void *p = policy_heap_alloc(&h, NULL, 0, 900);

    CU_ASSERT_PTR_NOT_NULL(p);
    CU_ASSERT_PTR_NULL(policy_heap_alloc(&h, NULL, 0, 101));
    CU_ASSERT_PTR_NULL(policy_heap_alloc(&h, p, 900, 1001));
    CU_ASSERT_EQUAL(h.used, 900);
    p = policy_heap_alloc(&h, p, 900, 100);
    CU_ASSERT_EQUAL(h.used, 100);
    policy_heap_alloc(&h, p, 100, 0);
    policy_heap_clear(&h);
}

UNIT_MAIN("heap",
          { "blocks do not overlap", blocks_do_not_overlap },
          { "a block is moved whole", a_block_is_moved_whole },
          { "the cap holds", the_cap_holds })
