/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Two choices and the lesser load. One that is always the best would get all
 * calls of all workers at once; of two drawn by chance the better one is
 * nearly as good, and no worker has to know what the others do just now.
 */
#include "engine/target_engine.h"

#define ILL UINT64_MAX
#define WORSE 4 /* what a degraded one costs more: half its health, squared */

/* A candidate as the choice sees it. */
struct load {
    uint64_t cost;  /* ILL: after all others */
    uint32_t speed; /* 0 = not known */
    uint32_t calls;
    uint32_t weight; /* 0: not drawn */
};

uint32_t target_inflight(const struct target *t)
{
    const struct health *h = t->provider->health;

    return h && t->cell ? health_inflight(h, t->cell) : 0;
}

/* A new target counts as one in the middle: who thinks it the fastest
 * overloads it on its first day. */
static uint32_t median(const struct load *list, size_t n)
{
    uint32_t known[PLAN_MAX], v;
    size_t k = 0, at;

    for (size_t i = 0; i < n; i++) {
        v = list[i].speed;
        if (!v)
            continue;
        for (at = k++; at && known[at - 1] > v; at--)
            known[at] = known[at - 1];
        known[at] = v;
    }
    return k ? known[(k - 1) / 2] : 1;
}

bool target_is_ill(const struct target *t, uint64_t now_ms)
{
    return target_until_ms(t) > now_ms ||
           (t->cell && (!breaker_share(&t->cell->breaker, now_ms) ||
                        autooff_wait_ms(&t->cell->autooff, now_ms)));
}

static bool is_degraded(const struct target *t, uint64_t now_ms)
{
    return t->cell && trend_share(&t->cell->trend, now_ms) < 1000;
}

uint32_t target_weight(const struct target *t, uint64_t now_ms)
{
    return t->weight *
           (t->cell ? trend_share(&t->cell->trend, now_ms) : 1000);
}

static void look(const struct plan *p, struct load *list, uint64_t now_ms)
{
    uint32_t middle;

    for (size_t i = 0; i < p->n_first; i++) {
        const struct target *t = p->list[i].target;

        list[i] = (struct load){ .calls = target_inflight(t),
                                 .weight = target_weight(t, now_ms) };
        if (t->cell)
            list[i].speed = speed_now(&t->cell->speed, now_ms);
    }
    middle = median(list, p->n_first);
    for (size_t i = 0; i < p->n_first; i++) {
        struct load *l = &list[i];

        l->cost = (uint64_t)(l->speed ? l->speed : middle) *
                  ((uint64_t)l->calls + 1);
        if (is_degraded(p->list[i].target, now_ms))
            l->cost *= WORSE;
        if (!target_is_ill(p->list[i].target, now_ms))
            continue;
        l->cost = ILL;
        l->weight = 0;
    }
}

static size_t draw(struct balance *dice, const struct load *list, size_t n,
                   size_t but)
{
    uint64_t sum = 0, at;

    for (size_t i = 0; i < n; i++)
        sum += i == but ? 0 : list[i].weight;
    if (!sum)
        return but;
    at = balance_below(dice, sum);
    for (size_t i = 0; i < n; i++) {
        if (i == but)
            continue;
        if (at < list[i].weight)
            return i;
        at -= list[i].weight;
    }
    return but;
}

/* A probe is due: it is the way back, and who has it can go elsewhere. */
static size_t due(const struct plan *p, const struct load *list,
                  uint64_t now_ms)
{
    size_t i = 0;

    while (i < p->n_first &&
           (list[i].cost == ILL || !p->list[i].target->cell ||
            breaker_state(&p->list[i].target->cell->breaker, now_ms) ==
                BREAKER_CLOSED))
        i++;
    return i;
}

static void to_place(struct plan *p, struct load *list, size_t from, size_t to)
{
    struct candidate c = p->list[from];
    struct load l = list[from];

    for (; from > to; from--) {
        p->list[from] = p->list[from - 1];
        list[from] = list[from - 1];
    }
    p->list[to] = c;
    list[to] = l;
}

void engine_balance(struct engine *e, struct plan *p, uint64_t now_ms)
{
    struct load list[PLAN_MAX];
    size_t n = p->n_first, first, second, at;

    if (n < 2 || p->list[0].target->group->balance != BALANCE_EWMA)
        return;
    look(p, list, now_ms);
    first = due(p, list, now_ms);
    if (first == n) {
        first = draw(&e->dice, list, n, n);
        second = draw(&e->dice, list, n, first);
        if (second < n && list[second].cost < list[first].cost)
            first = second;
    }
    if (first < n) /* else all are ill */
        to_place(p, list, first, 0);
    for (size_t i = 2; i < n; i++) {
        for (at = i; at > 1 && list[at - 1].cost > list[i].cost; at--)
            ;
        to_place(p, list, i, at);
    }
}
