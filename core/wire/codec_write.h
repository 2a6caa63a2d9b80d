/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Writing JSON onto a buffer: commas by themselves, the first failure kept
 * (and nothing written after it), so that the code reads like the text it
 * makes. For the codec_*.c files.
 */
#ifndef PENSTOCK_WIRE_CODEC_WRITE_H
#define PENSTOCK_WIRE_CODEC_WRITE_H

#include "base/err.h"
#include "wire/jstr.h"

struct jw {
    struct buf *b;
    int rc;
    bool comma; /* one is due before the next value or key */
};

/** Bytes as they are. */
static inline void jw_bytes(struct jw *w, struct str s)
{
    if (!w->rc)
        w->rc = buf_put(w->b, s);
}

static inline void jw_sep(struct jw *w)
{
    if (w->comma)
        jw_bytes(w, STR(","));
    w->comma = true;
}

static inline void jw_open(struct jw *w, char bracket)
{
    jw_sep(w);
    jw_bytes(w, (struct str){ &bracket, 1 });
    w->comma = false;
}

static inline void jw_close(struct jw *w, char bracket)
{
    jw_bytes(w, (struct str){ &bracket, 1 });
    w->comma = true;
}

/** A name that needs no escapes. */
static inline void jw_key(struct jw *w, const char *name)
{
    jw_sep(w);
    jw_bytes(w, STR("\""));
    jw_bytes(w, (struct str){ name, strlen(name) });
    jw_bytes(w, STR("\":"));
    w->comma = false;
}

/** A value, raw. */
static inline void jw_raw(struct jw *w, struct str raw)
{
    jw_sep(w);
    jw_bytes(w, raw);
}

/** The same within one line, as an event stream must have it: line ends of
 * JSON stand between its tokens only, and mean nothing. */
static inline void jw_raw_line(struct jw *w, struct str raw)
{
    jw_sep(w);
    while (raw.n) {
        size_t run = 0;

        while (run < raw.n && raw.p[run] != '\n' && raw.p[run] != '\r')
            run++;
        jw_bytes(w, (struct str){ raw.p, run });
        run += run < raw.n;
        raw = (struct str){ raw.p + run, raw.n - run };
    }
}

static inline void jw_jstr(struct jw *w, struct jstr s)
{
    jw_sep(w);
    jw_bytes(w, STR("\""));
    jw_bytes(w, (struct str){ s.p, s.n });
    jw_bytes(w, STR("\""));
}

static inline void jw_text(struct jw *w, struct str s)
{
    jw_sep(w);
    jw_bytes(w, STR("\""));
    if (!w->rc)
        w->rc = jstr_put_escaped(w->b, s);
    jw_bytes(w, STR("\""));
}

static inline void jw_int(struct jw *w, int64_t v)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10));
    if (v < 0)
        digits[--at] = '-';
    jw_raw(w, (struct str){ digits + at, sizeof digits - at });
}

static inline void jw_bool(struct jw *w, bool v)
{
    jw_raw(w, v ? STR("true") : STR("false"));
}

/* Members: name and value; the last two write nothing for what is absent. */

static inline void jw_member_raw(struct jw *w, const char *name,
                                 struct str raw)
{
    jw_key(w, name);
    jw_raw(w, raw);
}

static inline void jw_member_text(struct jw *w, const char *name,
                                  struct str s)
{
    jw_key(w, name);
    jw_text(w, s);
}

static inline void jw_member_jstr(struct jw *w, const char *name,
                                  struct jstr s)
{
    jw_key(w, name);
    jw_jstr(w, s);
}

static inline void jw_member_int(struct jw *w, const char *name, int64_t v)
{
    jw_key(w, name);
    jw_int(w, v);
}

static inline void jw_member_bool(struct jw *w, const char *name, bool v)
{
    jw_key(w, name);
    jw_bool(w, v);
}

static inline void jw_opt_raw(struct jw *w, const char *name, struct str raw)
{
    if (raw.p)
        jw_member_raw(w, name, raw);
}

static inline void jw_opt_jstr(struct jw *w, const char *name, struct jstr s)
{
    if (s.p)
        jw_member_jstr(w, name, s);
}

#endif
