/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The board. A cell is busy while its texts are written, and `turn` is
 * another one afterwards, so that a reader in another process knows whether
 * its copy is whole.
 */
#include "engine/alert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CELL_FREE, CELL_BUSY, CELL_RAISED, CELL_CLEARED };

const struct alert_row alert_rows[ALERT_KINDS] = {
#define ALERT_ROW(id, name, severity, owner, help, act)                        \
    [ALERT_##id] = { name, ALERT_##severity, ALERT_OF_##owner, help, act },
#include "engine/alert.def"
#undef ALERT_ROW
};

const char alert_names[] =
#define ALERT_ROW(id, name, severity, owner, help, act) "|" name
#include "engine/alert.def"
#undef ALERT_ROW
    ;

_Static_assert(ALERT_KINDS <= 32, "a wish has a bit for each");

const char *alert_severity_name(enum alert_severity s)
{
    return s == ALERT_CRITICAL ? "critical" : "warning";
}

static void copy(char *to, size_t size, struct str s)
{
    snprintf(to, size, STR_FMT, STR_ARG(s));
}

static bool stands(const struct alert_cell *c)
{
    uint32_t s = atomic_load(&c->state);

    return s == CELL_RAISED || s == CELL_CLEARED;
}

/* Compared as far as a cell holds it. */
static bool is_at(const struct alert_cell *c, enum alert_kind kind,
                  struct str where)
{
    size_t n = where.n < ALERT_WHERE - 1 ? where.n : ALERT_WHERE - 1;

    return stands(c) && c->kind == (uint32_t)kind &&
           memcmp(c->where, where.p, n) == 0 && c->where[n] == '\0';
}

static struct alert_cell *find(const struct alert_board *b,
                               enum alert_kind kind, struct str where)
{
    for (size_t i = 0; i < ALERT_CELLS; i++) {
        if (is_at(&b->cells[i], kind, where))
            return (struct alert_cell *)(uintptr_t)&b->cells[i];
    }
    return NULL;
}

static uint32_t count(const struct alert_board *b, enum alert_kind kind,
                      bool raised)
{
    uint32_t n = 0;

    for (size_t i = 0; i < ALERT_CELLS; i++) {
        const struct alert_cell *c = &b->cells[i];

        n += c->kind == (uint32_t)kind && stands(c) &&
             (!raised || atomic_load(&c->state) == CELL_RAISED);
    }
    return n;
}

uint32_t alert_count(const struct alert_board *b, enum alert_kind kind)
{
    return count(b, kind, true);
}

/** A free cell, busy now; NULL: there is none, or the kind has its share. */
static struct alert_cell *claim(struct alert_board *b, enum alert_kind kind)
{
    if (count(b, kind, false) >= ALERT_OF_A_KIND)
        return NULL;
    for (size_t i = 0; i < ALERT_CELLS; i++) {
        uint32_t none = CELL_FREE;

        if (atomic_compare_exchange_strong(&b->cells[i].state, &none,
                                           CELL_BUSY))
            return &b->cells[i];
    }
    return NULL;
}

static void write_cell(struct alert_cell *c, enum alert_severity severity,
                       struct str what, uint64_t now_ms)
{
    c->severity = severity;
    copy(c->what, sizeof c->what, what);
    atomic_store(&c->since_ms, now_ms);
    atomic_store(&c->told, 0);
    atomic_store(&c->over, 0);
    atomic_fetch_add(&c->turn, 1);
    atomic_store(&c->state, CELL_RAISED);
}

/** It stands there already, or did until a moment ago. False: its cell was
 * given away meanwhile. */
static bool renew(struct alert_cell *c, enum alert_severity severity,
                  struct str what, uint64_t now_ms)
{
    uint32_t state = atomic_load(&c->state);

    if (severity > c->severity && state > CELL_BUSY) {
        if (!atomic_compare_exchange_strong(&c->state, &state, CELL_BUSY))
            return false;
        write_cell(c, severity, what, now_ms);
        return true;
    }
    if (state != CELL_CLEARED)
        return state == CELL_RAISED;
    if (atomic_load(&c->over))
        atomic_store(&c->since_ms, now_ms);
    return atomic_compare_exchange_strong(&c->state, &state, CELL_RAISED);
}

int alert_raise(struct alert_board *b, enum alert_kind kind,
                enum alert_severity severity, struct str where,
                struct str what, uint64_t now_ms)
{
    struct alert_cell *c = find(b, kind, where);

    if (c && renew(c, severity, what, now_ms))
        return (int)(c - b->cells);
    c = claim(b, kind);
    if (!c)
        return -1;
    c->kind = kind;
    copy(c->where, sizeof c->where, where);
    write_cell(c, severity, what, now_ms);
    return (int)(c - b->cells);
}

void alert_reword(struct alert_board *b, enum alert_kind kind,
                  struct str where, struct str what)
{
    struct alert_cell *c = find(b, kind, where);
    char text[ALERT_WHAT];
    uint32_t raised = CELL_RAISED;

    copy(text, sizeof text, what);
    if (!c || strcmp(c->what, text) == 0 ||
        !atomic_compare_exchange_strong(&c->state, &raised, CELL_BUSY))
        return;
    memcpy(c->what, text, sizeof c->what);
    atomic_fetch_add(&c->turn, 1);
    atomic_store(&c->state, CELL_RAISED);
}

static void clear_cell(struct alert_cell *c, uint64_t now_ms)
{
    uint32_t raised = CELL_RAISED;

    if (atomic_load(&c->state) != CELL_RAISED)
        return;
    atomic_store(&c->until_ms, now_ms);
    atomic_compare_exchange_strong(&c->state, &raised, CELL_CLEARED);
}

int alert_clear(struct alert_board *b, enum alert_kind kind, struct str where,
                uint64_t now_ms)
{
    struct alert_cell *c = find(b, kind, where);

    if (!c)
        return -1;
    clear_cell(c, now_ms);
    return (int)(c - b->cells);
}

bool alert_is_raised(const struct alert_board *b, enum alert_kind kind,
                     struct str where)
{
    const struct alert_cell *c = find(b, kind, where);

    return c && atomic_load(&c->state) == CELL_RAISED;
}

/* ---- a look at all ------------------------------------------------------ */

void alert_pass_begin(struct alert_pass *p, struct alert_board *b,
                      enum alert_owner owner, uint64_t now_ms)
{
    *p = (struct alert_pass){ .board = b, .owner = owner, .now_ms = now_ms };
}

void alert_found(struct alert_pass *p, enum alert_kind kind,
                 enum alert_severity severity, struct str where,
                 const char *what, ...)
{
    char text[ALERT_WHAT];
    va_list ap;
    int i;

    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    i = alert_raise(p->board, kind, severity, where, str_of(text), p->now_ms);
    if (i >= 0)
        p->found[i] = true;
}

void alert_pass_keep(struct alert_pass *p, enum alert_kind kind)
{
    for (size_t i = 0; i < ALERT_CELLS; i++)
        p->found[i] |= p->board->cells[i].kind == (uint32_t)kind;
}

void alert_pass_end(struct alert_pass *p)
{
    for (size_t i = 0; i < ALERT_CELLS; i++) {
        struct alert_cell *c = &p->board->cells[i];

        if (!p->found[i] && stands(c) && c->kind < ALERT_KINDS &&
            alert_rows[c->kind].owner == p->owner)
            clear_cell(c, p->now_ms);
    }
}

/* ---- reading ------------------------------------------------------------ */

/** A whole copy, or false. */
static bool look(const struct alert_board *b, size_t i, struct alert_note *n)
{
    const struct alert_cell *c = &b->cells[i];
    uint32_t turn = atomic_load(&c->turn), state = atomic_load(&c->state);

    if ((state != CELL_RAISED && state != CELL_CLEARED) ||
        c->kind >= ALERT_KINDS)
        return false;
    *n = (struct alert_note){
        .cell = (uint32_t)i, .turn = turn, .kind = (enum alert_kind)c->kind,
        .severity = (enum alert_severity)c->severity,
        .since_ms = atomic_load(&c->since_ms),
        .until_ms = state == CELL_CLEARED ? atomic_load(&c->until_ms) : 0 };
    memcpy(n->where, c->where, sizeof n->where);
    memcpy(n->what, c->what, sizeof n->what);
    n->where[sizeof n->where - 1] = n->what[sizeof n->what - 1] = '\0';
    return atomic_load(&c->state) == state && atomic_load(&c->turn) == turn;
}

size_t alert_list(const struct alert_board *b, struct alert_note *notes,
                  size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < ALERT_CELLS && n < max; i++)
        n += look(b, i, &notes[n]) && notes[n].until_ms == 0;
    return n;
}

/* ---- receivers ---------------------------------------------------------- */

static uint64_t hash_of(struct str s)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a; 0 is nobody */

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h ? h : 1;
}

static void forget(struct alert_board *b, uint32_t receiver)
{
    atomic_store(&b->receivers[receiver], 0);
    for (size_t i = 0; i < ALERT_CELLS; i++) {
        atomic_fetch_and(&b->cells[i].told, ~(1u << receiver));
        atomic_fetch_and(&b->cells[i].over, ~(1u << receiver));
    }
}

static bool is_one_of(uint64_t hash, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hash_of(names[i]) == hash)
            return true;
    }
    return false;
}

/** Where that name has its number, or the first free one. */
static uint32_t number_of(const struct alert_board *b, uint64_t hash)
{
    uint32_t free_one = 0;

    for (uint32_t i = ALERT_RECEIVERS + 1; i-- > 0;) {
        uint64_t at = atomic_load(&b->receivers[i]);

        if (at == hash)
            return i;
        if (at == 0)
            free_one = i;
    }
    return free_one;
}

void alert_receivers(struct alert_board *b, const struct str *names,
                     struct alert_wish *wishes, size_t n)
{
    for (uint32_t i = 0; i <= ALERT_RECEIVERS; i++) {
        uint64_t at = atomic_load(&b->receivers[i]);

        if (at && !is_one_of(at, names, n))
            forget(b, i);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hash_of(names[i]);

        wishes[i].receiver = number_of(b, hash);
        atomic_store(&b->receivers[wishes[i].receiver], hash);
    }
}

/** Is something owed of this cell? Then `note` is it. */
static bool owes(const struct alert_board *b, size_t i,
                 const struct alert_wish *w, uint64_t now_ms,
                 struct alert_note *note)
{
    const struct alert_cell *c = &b->cells[i];
    uint32_t bit = 1u << w->receiver;
    bool told = atomic_load(&c->told) & bit, over = atomic_load(&c->over) & bit;

    if (!look(b, i, note) || !(w->kinds & 1u << note->kind))
        return false;
    if (note->until_ms == 0)
        return !told || over;
    if (!told) { /* that it began comes first */
        note->until_ms = 0;
        return true;
    }
    note->cleared = true;
    return !over && now_ms >= note->until_ms + w->quiet_ms;
}

size_t alert_owed(const struct alert_board *b, const struct alert_wish *w,
                  uint64_t now_ms, struct alert_note *notes, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < ALERT_CELLS && n < max; i++)
        n += owes(b, i, w, now_ms, &notes[n]);
    return n;
}

void alert_told(struct alert_board *b, const struct alert_wish *w,
                const struct alert_note *note)
{
    struct alert_cell *c = &b->cells[note->cell];
    uint32_t bit = 1u << w->receiver;

    if (atomic_load(&c->turn) != note->turn)
        return; /* it became graver meanwhile: that is told, too */
    if (note->cleared) {
        atomic_fetch_or(&c->over, bit);
        return;
    }
    atomic_fetch_and(&c->over, ~bit);
    atomic_fetch_or(&c->told, bit);
}

static bool awaited(const struct alert_cell *c, const struct alert_wish *w)
{
    return (w->kinds & 1u << c->kind) &&
           !(atomic_load(&c->over) & 1u << w->receiver);
}

void alert_sweep(struct alert_board *b, const struct alert_wish *wishes,
                 size_t n)
{
    for (size_t i = 0; i < ALERT_CELLS; i++) {
        struct alert_cell *c = &b->cells[i];
        uint32_t cleared = CELL_CLEARED;
        bool keep = false;

        for (size_t k = 0; k < n && atomic_load(&c->state) == cleared; k++)
            keep |= awaited(c, &wishes[k]);
        if (!keep)
            atomic_compare_exchange_strong(&c->state, &cleared, CELL_FREE);
    }
}

uint64_t alert_wait_ms(uint32_t failures, uint32_t dice)
{
    uint64_t ms = failures >= 7 ? 60000 : (uint64_t)500 << failures;

    if (ms > 60000)
        ms = 60000;
    return ms / 2 + dice % (ms / 2 + 1);
}
