/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What became of a request's features on their way into another dialect:
 * each of codec_feature.def is mapped (said in another way), dropped (not
 * said) or refused (it cannot be said, and leaving it out would give the
 * client what it did not ask for). Members that no dialect of ours knows are
 * dropped by their own names.
 */
#ifndef PENSTOCK_WIRE_CODEC_REPORT_H
#define PENSTOCK_WIRE_CODEC_REPORT_H

#include "base/buf.h"

enum codec_feature {
#define FEATURE(id, name, what) FEATURE_##id,
#include "wire/codec_feature.def"
#undef FEATURE
    FEATURE_COUNT,
};

enum codec_fate { FATE_MAPPED, FATE_DROPPED, FATE_REFUSED, FATE_COUNT };

struct codec_report {
    uint64_t fate[FATE_COUNT];             /* a bit per feature */
    const char *where; /* in the client's body: the first that is refused */
    const struct neutral_extra *members;   /* dropped, by name */
    const struct neutral_extra *unread;    /* the same, below the top */
};

static inline void codec_note(struct codec_report *r, enum codec_fate fate,
                              enum codec_feature f)
{
    r->fate[fate] |= UINT64_C(1) << f;
}

static inline bool codec_noted(const struct codec_report *r,
                               enum codec_fate fate, enum codec_feature f)
{
    return r->fate[fate] >> f & 1;
}

const char *codec_feature_name(enum codec_feature f);
const char *codec_feature_what(enum codec_feature f);

/** Anything dropped (members included) or refused? */
bool codec_any(const struct codec_report *r, enum codec_fate fate);

/**
 * The names of one fate, ", " between them, fit for a header: printable
 * ASCII, other bytes as '?', at most `max` bytes, "..." where it was cut.
 */
int codec_report_names(const struct codec_report *r, enum codec_fate fate,
                       size_t max, struct buf *out);

#endif
