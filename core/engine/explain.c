/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Explain rings. Each place has a sequence number: odd while it is written.
 * A reader copies and looks at the number again; a place that changed under
 * its hands is a request that was just replaced.
 */
#include "engine/explain_ring.h"

#include "base/err.h"

#include <stdio.h>

/* Set once per process, see cells_enter. */
static struct explain_ring *here;

void explain_here(struct explain_ring *r)
{
    here = r;
}

#define CUT_DEPTH 16 /* deeper facts are never a place to cut at */
#define CUT_TAIL "\"cut\":true}"

struct cut {
    char open[CUT_DEPTH]; /* brackets not yet closed */
    size_t depth, size;   /* how many; the bytes before the cut */
};

/** Step over one byte outside of strings; notes commas as places to cut. */
static void cut_step(struct cut *now, struct cut *last, char c, size_t at)
{
    if (c == '{' || c == '[') {
        if (now->depth < CUT_DEPTH)
            now->open[now->depth] = c;
        now->depth++;
    } else if (c == '}' || c == ']') {
        now->depth--;
    } else if (c == ',' && now->depth > 0 && now->depth <= CUT_DEPTH) {
        *last = *now;
        last->size = at;
    }
}

/** Write `json` to p->text; a longer one is cut at its last whole fact, and
 * its brackets are closed. */
static void put_text(struct explain_place *p, struct str json)
{
    struct cut now = { .depth = 0 }, last = { .depth = 0 };
    const size_t room = EXPLAIN_MAX_BYTES - CUT_DEPTH - sizeof CUT_TAIL;
    bool in_string = false;

    p->size = (uint32_t)json.n;
    if (json.n <= EXPLAIN_MAX_BYTES) {
        memcpy(p->text, json.p, json.n);
        return;
    }
    for (size_t i = 0; i < room; i++) {
        if (json.p[i] == '\\' && in_string)
            i++;
        else if (json.p[i] == '"')
            in_string = !in_string;
        else if (!in_string)
            cut_step(&now, &last, json.p[i], i);
    }
    memcpy(p->text, json.p, last.size);
    while (last.depth > 1)
        p->text[last.size++] = last.open[--last.depth] == '{' ? '}' : ']';
    p->text[last.size] = last.size ? ',' : '{';
    last.size++;
    memcpy(p->text + last.size, CUT_TAIL, sizeof CUT_TAIL - 1);
    p->size = (uint32_t)(last.size + sizeof CUT_TAIL - 1);
}

void explain_put(struct str id, struct str json)
{
    struct explain_place *p;
    uint64_t seq, head;

    if (!here || id.n == 0 || id.n >= sizeof p->id)
        return;
    head = atomic_load_explicit(&here->head, memory_order_relaxed);
    p = &here->places[head % EXPLAIN_PLACES];
    seq = atomic_load_explicit(&p->seq, memory_order_relaxed);
    atomic_store_explicit(&p->seq, seq | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memcpy(p->id, id.p, id.n);
    p->id[id.n] = '\0';
    put_text(p, json);
    atomic_store_explicit(&p->seq, (seq | 1) + 1, memory_order_release);
    atomic_store_explicit(&here->head, head + 1, memory_order_release);
}

static int copy(const struct explain_place *p, struct str id, struct buf *out)
{
    uint64_t seq = atomic_load_explicit(&p->seq, memory_order_acquire);
    size_t mark = out->n;
    uint32_t size = p->size;
    int rc;

    if (seq == 0 || (seq & 1) || size > EXPLAIN_MAX_BYTES)
        return -ERR_NOTFOUND;
    if (id.n >= sizeof p->id || memcmp(p->id, id.p, id.n) != 0 ||
        p->id[id.n] != '\0')
        return -ERR_NOTFOUND;
    rc = buf_put(out, (struct str){ p->text, size });
    if (rc)
        return rc;
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&p->seq, memory_order_relaxed) == seq)
        return 0;
    out->n = mark;
    return -ERR_NOTFOUND;
}

int explain_find(const struct explain_ring *r, struct str id, struct buf *out)
{
    uint64_t used = atomic_load_explicit(&r->head, memory_order_acquire);

    if (id.n == 0)
        return -ERR_NOTFOUND;
    for (size_t i = 0; i < EXPLAIN_PLACES && i < used; i++) {
        int rc = copy(&r->places[i], id, out);

        if (rc != -ERR_NOTFOUND)
            return rc;
    }
    return -ERR_NOTFOUND;
}
