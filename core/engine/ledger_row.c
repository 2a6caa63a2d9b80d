/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A row as bytes: numbers, lengths, texts. It is read by the same build on
 * the same machine, or by a later one from a spill file: the first word tells
 * them apart. */
#include "engine/ledger.h"

#include <string.h>

enum { FORM = 1, TIER_BITS = 8 };

struct packed {
    uint32_t size, form;
    int64_t time_ms, cost_nusd, usage[6], ttft_ms;
    uint32_t ms, attempt;
    uint32_t tier; /* and above its 8 bits, where once was nothing, searches */
    int32_t status;
    uint8_t stream, estimated;
    uint16_t n[LEDGER_TEXTS];
};

const char *const ledger_columns[LEDGER_TEXTS] = {
#define LEDGER_TEXT(id, column, max) [LEDGER_##id] = column,
#include "engine/ledger.def"
#undef LEDGER_TEXT
};

static const uint16_t longest[LEDGER_TEXTS] = {
#define LEDGER_TEXT(id, column, max) [LEDGER_##id] = max,
#include "engine/ledger.def"
#undef LEDGER_TEXT
};

enum { ALL_TEXTS = 0
#define LEDGER_TEXT(id, column, max) + max
#include "engine/ledger.def"
#undef LEDGER_TEXT
};

_Static_assert(sizeof(struct packed) + ALL_TEXTS + 8 <= LEDGER_RECORD_MAX,
               "a record has room for all texts");

size_t ledger_pack(const struct ledger_row *row, void *to)
{
    const struct usage *u = &row->usage;
    struct packed p = {
        .form = FORM, .time_ms = row->time_ms, .cost_nusd = row->cost_nusd,
        .usage = { u->input, u->cache_read, u->cache_write,
                   u->cache_write_1h, u->output, u->reasoning },
        .ttft_ms = row->ttft_ms, .ms = row->ms, .attempt = row->attempt,
        .tier = u->tier | u->searches << TIER_BITS, .status = row->status,
        .stream = row->stream,
        .estimated = row->estimated,
    };
    char *at = (char *)to + sizeof p;

    for (int i = 0; i < LEDGER_TEXTS; i++) {
        struct str s = str_cut(row->text[i], longest[i]);

        p.n[i] = (uint16_t)s.n;
        if (s.n)
            memcpy(at, s.p, s.n);
        at += s.n;
    }
    while ((at - (char *)to) & 7)
        *at++ = '\0';
    p.size = (uint32_t)(at - (char *)to);
    memcpy(to, &p, sizeof p);
    return p.size;
}

bool ledger_unpack(struct str record, struct ledger_row *out)
{
    struct packed p;
    size_t at = sizeof p;
    uint32_t tier;

    if (record.n < sizeof p)
        return false;
    memcpy(&p, record.p, sizeof p);
    tier = p.tier & ((1u << TIER_BITS) - 1);
    if (p.size != record.n || p.form != FORM || tier >= USAGE_TIERS)
        return false;
    *out = (struct ledger_row){
        .time_ms = p.time_ms, .cost_nusd = p.cost_nusd,
        .usage = { .input = p.usage[0], .cache_read = p.usage[1],
                   .cache_write = p.usage[2], .cache_write_1h = p.usage[3],
                   .output = p.usage[4], .reasoning = p.usage[5],
                   .tier = tier, .searches = p.tier >> TIER_BITS },
        .ttft_ms = p.ttft_ms, .ms = p.ms, .attempt = p.attempt,
        .status = p.status, .stream = p.stream, .estimated = p.estimated,
    };
    for (int i = 0; i < LEDGER_TEXTS; i++) {
        if (p.n[i] > longest[i] || p.n[i] > record.n - at)
            return false;
        out->text[i] = (struct str){ record.p + at, p.n[i] };
        at += p.n[i];
    }
    return true;
}
