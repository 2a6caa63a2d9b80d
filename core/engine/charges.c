/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A mark's name is written before its hash is, and the hash is what a reader
 * compares; workers look at the time of their birth, when the master does
 * not write.
 */
#include "engine/charges.h"

#include "base/share.h"
#include "base/siphash.h"

#include <stdio.h>
#include <string.h>

struct refused {
    _Atomic uint64_t body, until_ms;
};

struct charges {
    _Atomic uint32_t refusing; /* bodies that were ever noted */
    uint64_t claims;
    struct refused bodies[CHARGES_BODIES];
    struct plugin_mark marks[CHARGES_MARKS];
};

struct charges *charges_new(struct err *err)
{
    struct share s;
    char layout[96];

    /* a quarantine outlives the program; what stands for bodies is of one
     * image, and so is met by no body of the next */
    snprintf(layout, sizeof layout, "charges 1 all %zu mark %zu",
             sizeof(struct charges), sizeof(struct plugin_mark));
    if (share_open(&s, "charges", layout, sizeof(struct charges), err) != 0)
        return NULL;
    return (struct charges *)s.map;
}

void charges_free(struct charges *c)
{
    struct share s = { .map = (char *)c };

    share_close(&s);
}

/* ---- plugins' files ----------------------------------------------------- */

struct plugin_mark *charges_find(const struct charges *c, struct str name,
                                 struct str hash)
{
    for (size_t i = 0; i < CHARGES_MARKS; i++) {
        const struct plugin_mark *k = &c->marks[i];

        if (k->used && str_is(hash, k->hash) && str_is(name, k->name))
            return (struct plugin_mark *)(uintptr_t)k; /* c's, as it came */
    }
    return NULL;
}

/** A free one, else the one that was claimed longest ago and is not out. */
static struct plugin_mark *spare(struct charges *c)
{
    struct plugin_mark *best = NULL;

    for (size_t i = 0; i < CHARGES_MARKS; i++) {
        struct plugin_mark *k = &c->marks[i];

        if (!atomic_load(&k->out) && (!best || k->used < best->used))
            best = k;
    }
    return best;
}

struct plugin_mark *charges_claim(struct charges *c, struct str name,
                                  struct str hash)
{
    struct plugin_mark *k = charges_find(c, name, hash);

    if (!k && name.n < sizeof k->name && hash.n < sizeof k->hash &&
        (k = spare(c))) {
        memset(k, 0, sizeof *k);
        memcpy(k->name, name.p, name.n);
        memcpy(k->hash, hash.p, hash.n);
    }
    if (k)
        k->used = ++c->claims;
    return k;
}

struct plugin_mark *charges_next(const struct charges *c, uint32_t *at)
{
    while (*at < CHARGES_MARKS) {
        const struct plugin_mark *k = &c->marks[(*at)++];

        if (k->used)
            return (struct plugin_mark *)(uintptr_t)k;
    }
    return NULL;
}

/* ---- bodies ------------------------------------------------------------- */

uint64_t charges_body(struct str body)
{
    uint64_t h = siphash(siphash_process_key(), body);

    return h ? h : 1;
}

void charges_refuse(struct charges *c, uint64_t body, uint64_t until_ms)
{
    struct refused *to = &c->bodies[0];

    for (size_t i = 0; i < CHARGES_BODIES; i++) {
        struct refused *r = &c->bodies[i];

        if (atomic_load(&r->body) == body) {
            to = r;
            break;
        }
        if (atomic_load(&r->until_ms) < atomic_load(&to->until_ms))
            to = r;
    }
    atomic_store(&to->until_ms, until_ms);
    atomic_store(&to->body, body);
    atomic_store(&c->refusing, 1);
}

bool charges_refused(const struct charges *c, struct str body,
                     uint64_t now_ms)
{
    uint64_t h;

    if (!atomic_load_explicit(&c->refusing, memory_order_relaxed))
        return false;
    h = charges_body(body);
    for (size_t i = 0; i < CHARGES_BODIES; i++) {
        if (atomic_load(&c->bodies[i].body) == h)
            return atomic_load(&c->bodies[i].until_ms) > now_ms;
    }
    return false;
}

void charges_forgive(struct charges *c)
{
    atomic_store(&c->refusing, 0);
    for (size_t i = 0; i < CHARGES_BODIES; i++) {
        atomic_store(&c->bodies[i].until_ms, 0);
        atomic_store(&c->bodies[i].body, 0);
    }
}

/* ---- the book ----------------------------------------------------------- */

void charge_note(struct charge_book *b, const struct charge *c)
{
    b->list[b->at] = *c;
    b->at = (b->at + 1) % CHARGES_BOOK;
}

static bool counts(const struct charge *c, const struct plugin_mark *mark,
                   uint64_t now_ms)
{
    return c->mark == mark && mark && c->at_ms + CHARGES_MS > now_ms;
}

/** Is the i-th line the first that counts with its caller (or body)? */
static bool is_first(const struct charge_book *b, size_t i, bool caller,
                     uint64_t now_ms)
{
    const struct charge *c = &b->list[i];

    for (size_t k = 0; k < i; k++) {
        const struct charge *d = &b->list[k];

        if (counts(d, c->mark, now_ms) &&
            (caller ? d->who == c->who : d->body == c->body))
            return false;
    }
    return true;
}

struct charge_sum charge_sum(const struct charge_book *b,
                             const struct plugin_mark *mark, uint64_t now_ms)
{
    struct charge_sum s = { 0 };

    for (size_t i = 0; i < CHARGES_BOOK; i++) {
        const struct charge *c = &b->list[i];

        if (!counts(c, mark, now_ms))
            continue;
        s.n++;
        s.own += c->who == 0;
        s.callers += c->who && is_first(b, i, true, now_ms);
        s.bodies += c->body && is_first(b, i, false, now_ms);
    }
    return s;
}

bool charge_is_plugins(const struct charge_sum *s)
{
    return s->n >= CHARGES_MOST &&
           (s->callers >= 2 || s->bodies >= 2 || s->own >= CHARGES_MOST);
}

void charge_forget(struct charge_book *b, const struct plugin_mark *mark)
{
    for (size_t i = 0; i < CHARGES_BOOK; i++) {
        if (b->list[i].mark == mark)
            b->list[i].mark = NULL;
    }
}
