/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A kv memory for tests. */
#ifndef PENSTOCK_KV_UNIT_H
#define PENSTOCK_KV_UNIT_H

#include "engine/kv_shard.h"

#include "unit.h"

static inline struct kv *kv_or_die(uint64_t bytes, bool shared)
{
    struct err err = { 0 };
    struct kv *kv = kv_new(bytes, shared, &err);

    if (!kv) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return kv;
}

static inline struct kv_at kv_place(const char *key, uint64_t now_ms)
{
    return (struct kv_at){ STR("test"), str_of(key), now_ms };
}

static inline struct kv_value kv_text(const char *z)
{
    return (struct kv_value){ .type = KV_TEXT, .text = str_of(z) };
}

static inline struct kv_value kv_whole(int64_t i)
{
    return (struct kv_value){ .type = KV_INT, .i = i };
}

static const struct kv_value kv_none = { .type = KV_NONE };

#endif
