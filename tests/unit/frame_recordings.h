/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* All recordings of one framing, however they are cut. */
#ifndef PENSTOCK_UNIT_FRAME_RECORDINGS_H
#define PENSTOCK_UNIT_FRAME_RECORDINGS_H

#include "frame_record.h"
#include "recording.h"

/** Which: its answers, `is` says; of at least so many frames each; at least so
 * many of them. */
struct frame_recordings {
    enum framing kind;
    bool (*is)(json_t *doc);
    int frames, least;
    int seen;
};

static inline void frame_recording(const char *path, const char *name,
                                   struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    struct buf body = BUF_INIT(64u << 20);
    struct frame_recordings *all = ud;
    struct frames r;

    (void)path;
    (void)name;
    if (all->is(doc)) {
        recording_body(doc, &body);
        check_frames(&r, all->kind, buf_str(&body));
        UNIT_INT(r.rc, 0);
        CU_ASSERT(r.n >= all->frames);
        frames_clear(&r);
        all->seen++;
    }
    buf_clear(&body);
    json_decref(doc);
}

static inline void check_frame_recordings(struct frame_recordings all)
{
    char path[512];

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", frame_recording, &all) == 0)
        UNIT_SKIP("no recordings");
    CU_ASSERT(all.seen >= all.least);
}

#endif
