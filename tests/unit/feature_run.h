/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A feature of a request in one dialect on its way into another: what becomes
 * of it by the report, and where it stands in what is sent. The two must
 * agree: what nobody named must have arrived, what was dropped must not.
 */
#ifndef PENSTOCK_UNIT_FEATURE_RUN_H
#define PENSTOCK_UNIT_FEATURE_RUN_H

#include "codec_requests.h"
#include "feature_words.h"
#include "json_paths.h"

enum feature_row {
#define PLAIN(id, name, what) ROW_P_##id,
#include "feature_rows.def"
#undef PLAIN
    PLAIN_COUNT,
    ROW_FIRST = PLAIN_COUNT - 1,
#define FEATURE(id, name, what) ROW_##id,
#include "wire/codec_feature.def"
#undef FEATURE
    ROW_COUNT,
};

enum feature_client { CHAT, MESSAGES, RESPONSES, GOOGLE, CLIENT_COUNT };

static const enum dialect client_dialects[] = {
    [CHAT] = DIALECT_OPENAI_CHAT,
    [MESSAGES] = DIALECT_ANTHROPIC,
    [RESPONSES] = DIALECT_RESPONSES,
    [GOOGLE] = DIALECT_GEMINI,
};

/* ---- the samples -------------------------------------------------------- */

static const char *const samples[ROW_COUNT][CLIENT_COUNT] = {
#define SAID(row, client, text) [ROW_##row][client] = text,
#include "feature_requests.def"
#undef SAID
};

/* What each dialect's request holds beside the sample: its member, unless the
 * sample has it. */
static const struct {
    const char *member, *text;
} rest[CLIENT_COUNT][2] = {
    [CHAT] = { { "max_tokens", ",'max_tokens':9000" },
               { "'messages'", ",'messages':[" USER("hi") "]" } },
    [MESSAGES] = { { "max_tokens", ",'max_tokens':9000" },
                   { "'messages'", ",'messages':[" USER("hi") "]" } },
    [RESPONSES] = { { "max_output_tokens", ",'max_output_tokens':9000" },
                    { "'input'", ",'input':'hi'" } },
    [GOOGLE] = { { "generationConfig", ",'generationConfig':{"
                                       "'maxOutputTokens':9000}" },
                 { "'contents'", "," TURN("user", "{'text':'hi'}") } },
};

static inline const char *row_name(int row)
{
    static const char *const names[] = {
#define PLAIN(id, name, what) name,
#include "feature_rows.def"
#undef PLAIN
    };

    return row < PLAIN_COUNT
               ? names[row]
               : codec_feature_name((enum codec_feature)(row - PLAIN_COUNT));
}

static inline const char *row_what(int row)
{
    static const char *const whats[] = {
#define PLAIN(id, name, what) what,
#include "feature_rows.def"
#undef PLAIN
    };

    return row < PLAIN_COUNT
               ? whats[row]
               : codec_feature_what((enum codec_feature)(row - PLAIN_COUNT));
}

/* A plain feature is dropped by whatever is. */
static inline bool row_noted(const struct codec_report *r,
                             enum codec_fate fate, int row)
{
    if (row >= PLAIN_COUNT)
        return codec_noted(r, fate, (enum codec_feature)(row - PLAIN_COUNT));
    return fate == FATE_MAPPED ? r->fate[fate] != 0 : codec_any(r, fate);
}

/* A member that the row's rest would double is left out. */
static inline void put_rest(struct buf *b, enum feature_client c,
                            const char *sample)
{
    for (int i = 0; i < 2; i++) {
        const char *text = rest[c][i].text;

        if (strstr(sample, rest[c][i].member))
            continue;
        buf_puts(b, buf_len(b) > 1 ? text : text + 1);
    }
}

/* The whole request; without what stands in <>, or without the sample. */
static inline char *request_of(int row, enum feature_client c, bool whole)
{
    const char *sample = samples[row][c];
    bool split = strchr(sample, '<') != NULL, in = false;
    struct buf b = BUF_INIT(1 << 16);
    char *text;

    buf_putc(&b, '{');
    for (const char *p = sample; *p && (whole || split); p++) {
        if (*p == '<' || *p == '>')
            in = *p == '<';
        else if (whole || !in)
            buf_putc(&b, *p);
    }
    put_rest(&b, c, whole || split ? sample : "");
    buf_puts(&b, "}");
    buf_putc(&b, '\0');
    text = quoted(b.p);
    buf_clear(&b);
    return text;
}

/* ---- one of them -------------------------------------------------------- */

/* What goes with another feature where that is dropped. */
static inline bool goes_with(const struct codec_report *r, int row)
{
    return (row == ROW_BLANK_STOP &&
            codec_noted(r, FATE_DROPPED, FEATURE_STOP)) ||
           (row == ROW_CACHE_TTL &&
            codec_noted(r, FATE_DROPPED, FEATURE_CACHE));
}

struct cell {
    enum { NO_WORD, CARRIED, MAPPED, DROPPED, REFUSED } fate;
    struct buf places; /* where it stands in what is sent */
    struct codec_report report;
};

static const char *const fate_words[] = { "–", "translated", "mapped",
                                          "dropped", "refused" };

static inline int encode_of(struct way *w, const char *body,
                            enum feature_client c, enum dialect to,
                            const struct codec_target *t)
{
    int rc = way_in(w, client_dialects[c], str_of(body));

    if (!rc && client_dialects[c] == DIALECT_GEMINI)
        w->r.model = STR("m"); /* it stands in the path */
    return rc ? rc : way_out(w, to, t);
}

/* Where the sample is: by its mark, or by what is not there without it. */
static inline void find_places(struct cell *cell, struct way *w, int row,
                               enum feature_client c, enum dialect to,
                               const struct codec_target *t)
{
    char *bare;
    struct way other;

    if (strstr(samples[row][c], "MARK")) {
        paths_with(&cell->places, buf_str(&w->out), "MARK");
        return;
    }
    bare = request_of(row, c, false);
    if (encode_of(&other, bare, c, to, t) == 0)
        paths_changed(&cell->places, buf_str(&w->out), buf_str(&other.out));
    else
        printf("\n%s: %s", bare, other.err.msg);
    way_clear(&other);
    free(bare);
}

/* What becomes of a feature; cell->places is the caller's to clear. */
static inline void run_cell(struct cell *cell, int row,
                            enum feature_client c, enum dialect to,
                            const struct codec_target *t)
{
    struct way w;
    char *body;
    int rc;

    *cell = (struct cell){ .places = BUF_INIT(1 << 16) };
    if (!samples[row][c])
        return;
    body = request_of(row, c, true);
    rc = encode_of(&w, body, c, to, t);
    if (rc)
        printf("\n%s: %s", body, w.err.msg);
    CU_ASSERT(rc == 0);
    cell->report = w.report;
    cell->fate = row_noted(&w.report, FATE_REFUSED, row)   ? REFUSED
                 : goes_with(&w.report, row)               ? DROPPED
                 : row_noted(&w.report, FATE_DROPPED, row) ? DROPPED
                 : row_noted(&w.report, FATE_MAPPED, row)  ? MAPPED
                                                           : CARRIED;
    if (rc == 0)
        find_places(cell, &w, row, c, to, t);
    way_clear(&w);
    free(body);
}

#endif
