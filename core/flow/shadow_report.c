/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Counts and samples of a shadow. */
#include "flow/shadow_report.h"

#include <stdio.h>
#include <string.h>

static bool equal(const struct shadow_diff *a, const struct shadow_diff *b)
{
    return a->phase == b->phase && strcmp(a->live, b->live) == 0 &&
           strcmp(a->candidate, b->candidate) == 0;
}

static void count(struct shadow_report *s, const struct shadow_diff *d)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        if (equal(&s->rows[i].what, d)) {
            s->rows[i].n++;
            return;
        }
    }
    if (s->n_rows == SHADOW_ROWS) {
        s->more++;
        return;
    }
    s->rows[s->n_rows].what = *d;
    s->rows[s->n_rows++].n = 1;
}

void shadow_report_add(struct shadow_report *s, const struct shadow_diff *d,
                       struct str id, const char *note)
{
    s->differ++;
    count(s, d);
    if (s->n_samples == SHADOW_SAMPLES)
        return;
    s->samples[s->n_samples].what = *d;
    snprintf(s->samples[s->n_samples].id, sizeof s->samples->id, STR_FMT,
             STR_ARG(id));
    snprintf(s->samples[s->n_samples].note, sizeof s->samples->note, "%s",
             note);
    s->n_samples++;
}

static void put_diff(struct buf *out, const struct shadow_diff *d)
{
    buf_printf(out, "\"phase\":\"%s\",\"live\":", d->phase);
    buf_json_str(out, str_of(d->live));
    buf_puts(out, ",\"candidate\":");
    buf_json_str(out, str_of(d->candidate));
}

static void put_sums(struct buf *out, const struct shadow_report *s)
{
    const struct {
        const char *name;
        uint64_t n;
    } sums[] = { { "requests", s->requests }, { "phases", s->phases },
                 { "same", s->same },         { "differ", s->differ },
                 { "undecided", s->undecided }, { "failed", s->failed },
                 { "edits", s->edits },       { "skipped", s->skipped },
                 { "more", s->more } };

    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        buf_printf(out, "%s\"%s\":%llu", i ? "," : "{", sums[i].name,
                   (unsigned long long)sums[i].n);
}

void shadow_report_put(const struct shadow_report *s, struct buf *out)
{
    put_sums(out, s);
    buf_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < s->n_rows; i++) {
        buf_puts(out, i ? ",{" : "{");
        put_diff(out, &s->rows[i].what);
        buf_printf(out, ",\"n\":%llu}", (unsigned long long)s->rows[i].n);
    }
    buf_puts(out, "],\"samples\":[");
    for (size_t i = 0; i < s->n_samples; i++) {
        buf_puts(out, i ? ",{\"id\":" : "{\"id\":");
        buf_json_str(out, str_of(s->samples[i].id));
        buf_putc(out, ',');
        put_diff(out, &s->samples[i].what);
        buf_puts(out, ",\"note\":");
        buf_json_str(out, str_of(s->samples[i].note));
        buf_putc(out, '}');
    }
    buf_puts(out, "]}");
}
