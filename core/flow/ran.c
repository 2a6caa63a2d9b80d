/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Marks of policies, in blocks of a few: most requests meet four or less. */
#include "flow/ran.h"

#include "flow/format.h"

enum { BLOCK = 6, MAX_WHAT = 200 };

struct mark {
    struct policy_ran ran;
    uint16_t from, to; /* its notes */
};

struct ran_block {
    struct ran_block *next;
    uint32_t n;
    struct mark marks[BLOCK];
};

/* The output phase runs for each piece of an answer: a policy's runs are one
 * mark, with the time of all and the last verdict. Its notes stand in the mark
 * where no other's came between. */
static bool joins(struct ran_list *t, const struct policy_ran *ran,
                  uint32_t notes)
{
    for (struct ran_block *m = t->first; m; m = m->next) {
        for (uint32_t i = 0; i < m->n; i++) {
            struct mark *k = &m->marks[i];

            if (k->ran.phase != PHASE_OUTPUT ||
                !str_eq(k->ran.policy, ran->policy))
                continue;
            k->ran.ns += ran->ns;
            k->ran.instructions += ran->instructions;
            if (ran->verdict != POLICY_NONE) {
                k->ran.verdict = ran->verdict;
                k->ran.what = ran->what;
            }
            k->to = k->to == t->notes ? (uint16_t)notes : k->to;
            t->notes = notes;
            return true;
        }
    }
    return false;
}

void ran_add(struct ran_list *t, struct arena *a, const struct policy_ran *ran,
               uint32_t notes)
{
    struct ran_block *m = t->last;

    if (ran->phase == PHASE_OUTPUT && joins(t, ran, notes))
        return;
    if (t->n == RAN_MAX)
        return;
    if (!m || m->n == BLOCK) {
        m = arena_alloc(a, sizeof *m);
        if (!m)
            return;
        if (t->last)
            t->last->next = m;
        else
            t->first = m;
        t->last = m;
    }
    m->marks[m->n++] = (struct mark){ *ran, (uint16_t)t->notes,
                                      (uint16_t)notes };
    t->n++;
    t->notes = notes;
}

static const char *verdict_name(int verdict)
{
    switch (verdict) {
    case POLICY_DENY: return "deny";
    case POLICY_PRINCIPAL: return "principal";
    case POLICY_SKIP: return "skip";
    case POLICY_ANSWER: return "answer";
    case POLICY_STOP: return "stop";
    case POLICY_AGAIN: return "again";
    case POLICY_NEXT: return "next";
    case POLICY_GIVE_UP: return "give_up";
    case POLICY_QUEUE: return "queue";
    case POLICY_FAILED: return "failed";
    case POLICY_NONE: break;
    }
    return "none";
}

static void put_number(struct buf *b, const char *name, uint64_t v)
{
    if (!v)
        return;
    buf_puts(b, name);
    format_u64(b, v);
}

static void put_notes(struct buf *b, const struct mark *m)
{
    for (uint16_t i = m->from; i < m->to; i++) {
        buf_puts(b, i == m->from ? ",\"notes\":[" : ",");
        format_u64(b, i);
    }
    if (m->to > m->from)
        buf_putc(b, ']');
}

enum { WORDS = 96 }; /* phase and verdict: words of ours */

static char *put(char *at, struct str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static void put_words(struct buf *b, const struct policy_ran *ran)
{
    char *from = buf_reserve(b, WORDS), *at = from;

    if (!at)
        return;
    at = put(at, STR(",\"phase\":\""));
    at = put(at, str_of(policy_phase_name(ran->phase)));
    at = put(at, STR("\",\"verdict\":\""));
    at = put(at, str_of(verdict_name(ran->verdict)));
    *at++ = '"';
    buf_commit(b, (size_t)(at - from));
}

static void put_mark(struct buf *b, const struct mark *m)
{
    const struct policy_ran *ran = &m->ran;
    struct str what = ran->what;

    buf_puts(b, "{\"policy\":");
    buf_json_str(b, ran->policy);
    put_words(b, ran);
    if (what.n) {
        what.n = what.n < MAX_WHAT ? what.n : MAX_WHAT;
        buf_puts(b, ",\"what\":");
        buf_json_str(b, what);
    }
    if (ran->observed)
        buf_puts(b, ",\"mode\":\"observe\"");
    if (ran->verdict == POLICY_FAILED && ran->open)
        buf_puts(b, ",\"fail\":\"open\"");
    buf_puts(b, ",\"us\":");
    format_u64(b, ran->ns / 1000);
    put_number(b, ",\"waits\":", ran->waits);
    put_number(b, ",\"waited_us\":",
               ran->waits ? ran->waited_ns / 1000 : 0);
    put_number(b, ",\"instructions\":", ran->instructions);
    put_notes(b, m);
    buf_putc(b, '}');
}

void ran_write(const struct ran_list *t, struct buf *b)
{
    const char *comma = "[";

    for (const struct ran_block *m = t->first; m; m = m->next) {
        for (uint32_t i = 0; i < m->n; i++, comma = ",") {
            buf_puts(b, comma);
            put_mark(b, &m->marks[i]);
        }
    }
    buf_puts(b, t->n ? "]" : "[]");
}
