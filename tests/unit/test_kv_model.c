/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Random operations, beside a table that does the same in a few lines. */
#include "kv_unit.h"

static struct kv_found found;

enum { MODEL_KEYS = 40, MODEL_STEPS = 200000 };

/* What must be there: a number, or a text of that many letters. */
static struct model {
    bool there, text;
    int64_t n;
    uint64_t ends_ms;
} model[MODEL_KEYS];

static uint32_t dice_seed = 7;

static uint32_t dice(uint32_t n)
{
    dice_seed = dice_seed * 1103515245 + 12345;
    return (dice_seed >> 16) % n;
}

static struct kv_value value_of(const struct model *m)
{
    static char room[1000];

    if (!m->there)
        return kv_none;
    memset(room, 'a' + (int)(m->n % 26), sizeof room);
    return m->text ? (struct kv_value){ .type = KV_TEXT,
                                        .text = { room, (size_t)m->n } }
                   : kv_whole(m->n);
}

/* One random operation on both; what it returned agrees. */
static bool model_step(struct kv *kv, struct model *m, const struct kv_at *a)
{
    uint64_t ttl = 1 + dice(50);
    struct model next = { true, dice(2) == 1, dice(900), a->now_ms + ttl };
    struct kv_value v = value_of(&next), is;
    bool good, same, number = !m->there || !m->text;
    int64_t n = 0;

    switch (dice(6)) {
    case 0:
        good = kv_set(kv, a, &v, ttl) == 0;
        *m = next;
        return good;
    case 1:
        good = kv_add(kv, a, &v, ttl) == (m->there ? -ERR_EXISTS : 0);
        if (!m->there)
            *m = next;
        return good;
    case 2:
        good = kv_incr(kv, a, 3, ttl, &n) == (number ? 0 : -ERR_EXISTS);
        if (!number)
            return good;
        if (!m->there)
            *m = (struct model){ true, false, 0, a->now_ms + ttl };
        m->n += 3;
        return good && n == m->n;
    case 3:
        good = kv_delete(kv, a) == (m->there ? 0 : -ERR_NOTFOUND);
        m->there = false;
        return good;
    case 4:
        is = value_of(m);
        same = dice(3) != 0;
        if (!same)
            is = kv_whole(-5);
        good = kv_cas(kv, a, &is, &kv_none, 0) == (same ? 0 : -ERR_EXISTS);
        if (same)
            m->there = false;
        return good;
    default: break;
    }
    good = kv_get(kv, a, &found) == (m->there ? 0 : -ERR_NOTFOUND);
    is = value_of(m);
    return good && kv_same(&found.value, &is) &&
           (!m->there || found.ttl_ms == m->ends_ms - a->now_ms);
}

static void agrees_with_a_model(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_at a = kv_place("", 1);
    char key[32];
    int bad = 0;

    for (int i = 0; i < MODEL_STEPS; i++) {
        uint32_t k = dice(MODEL_KEYS);

        a.now_ms += dice(3);
        if (model[k].there && model[k].ends_ms <= a.now_ms)
            model[k].there = false;
        snprintf(key, sizeof key, "key %u", k);
        a.key = str_of(key);
        bad += !model_step(kv, &model[k], &a);
    }
    UNIT_INT(bad, 0);
    kv_free(kv);
}

UNIT_MAIN("kv_model", { "agrees with a model", agrees_with_a_model })
