/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The features' names, and the line that tells of them. */
#include "wire/codec_report.h"

#include "base/err.h"
#include "wire/neutral.h"

static const struct {
    const char *name, *what;
} features[] = {
#define FEATURE(id, name, what) { name, what },
#include "wire/codec_feature.def"
#undef FEATURE
};

_Static_assert(FEATURE_COUNT <= 64, "a report is a bit per feature");

const char *codec_feature_name(enum codec_feature f)
{
    return features[f].name;
}

const char *codec_feature_what(enum codec_feature f)
{
    return features[f].what;
}

bool codec_any(const struct codec_report *r, enum codec_fate fate)
{
    return r->fate[fate] ||
           (fate == FATE_DROPPED && (r->members || r->unread));
}

struct names_out {
    struct buf *out;
    size_t left;
    bool any, full;
    int rc;
};

static void put_name(struct names_out *o, struct str name)
{
    size_t want = name.n + (o->any ? 2 : 0);

    if (o->full || o->rc)
        return;
    if (want + 5 > o->left) { /* room for ", ..." */
        o->full = true;
        if (o->left >= 5)
            o->rc = buf_puts(o->out, o->any ? ", ..." : "...");
        return;
    }
    if (o->any)
        o->rc = buf_puts(o->out, ", ");
    for (size_t i = 0; i < name.n && !o->rc; i++) {
        unsigned char c = (unsigned char)name.p[i];

        o->rc = buf_putc(o->out, c > 0x20 && c < 0x7F && c != ','
                                     ? (char)c
                                     : c == ' ' ? ' ' : '?');
    }
    o->left -= want;
    o->any = true;
}

static void put_members(struct names_out *o, const struct neutral_extra *e)
{
    for (; e; e = e->next)
        put_name(o, e->name);
}

int codec_report_names(const struct codec_report *r, enum codec_fate fate,
                       size_t max, struct buf *out)
{
    struct names_out o = { .out = out, .left = max };

    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        if (codec_noted(r, fate, (enum codec_feature)f))
            put_name(&o, str_of(features[f].name));
    }
    if (fate == FATE_DROPPED) {
        put_members(&o, r->members);
        put_members(&o, r->unread);
    }
    return o.rc;
}
