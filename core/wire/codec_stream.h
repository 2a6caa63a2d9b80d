/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the codecs' answers have in common: the state of a decoder and of an
 * encoder, and tool calls whose names the request changed. For codec_*.c.
 */
#ifndef PENSTOCK_WIRE_CODEC_STREAM_H
#define PENSTOCK_WIRE_CODEC_STREAM_H

#include "base/err.h"
#include "wire/codec.h"
#include "wire/codec_write.h"

#define CALLS_MAX 1024 /* tool calls of one answer */

/** What becomes of a call's arguments. */
enum call_mode {
    CALL_PLAIN,
    CALL_UNWRAP, /* free text in {"input": ...}: held, then taken out */
    CALL_TEXT,   /* the arguments are the answer's text */
};

/** A call that is open; the decoder fills in what upstream said. */
struct in_call {
    uint32_t choice;
    struct str id, name; /* borrowed until in_call_begin returns */
    bool custom;
    struct jstr signature;
    enum call_mode mode;
    struct buf args; /* CALL_UNWRAP */
};

struct codec_in {
    const struct codec *codec;
    struct arena *a;   /* for the answer */
    struct arena *tmp; /* for one event; reset before the next */
    struct json j;
    struct codec_in_opts opts;
    neutral_sink sink; /* of the call that is running */
    void *ud;
    struct err *err;
    bool started, ended;
    struct usage usage;
    size_t held; /* bytes that are held back now */
    uint32_t n_calls;
};

struct codec_out {
    const struct codec *codec;
    struct arena *a;
    struct codec_out_opts opts;
    bool started, ended;
    struct usage usage;
};

/** Note an event's start, usage and end, before it is written. BUG: a second
 * start, or something but an error or a ping before the first. */
int codec_out_note(struct codec_out *out, const struct neutral_event *ev);

static inline void out_lose(struct codec_out *out, enum codec_loss l)
{
    codec_lose(out->opts.lost, l);
}

/** Note that an event cannot be written. */
void out_lose_event(struct codec_out *out, const struct neutral_event *ev);

/** The word for the tier that served the request; NULL: the standard, or none
 * of `words` (bits of enum usage_tier), which is noted. */
const char *out_tier(struct codec_out *out, uint32_t words);

#define OPENAI_TIERS (1u << TIER_FLEX | 1u << TIER_PRIORITY)
#define ANTHROPIC_TIERS (1u << TIER_PRIORITY | 1u << TIER_BATCH)

/* ---- decoders ----------------------------------------------------------- */

/** To the sink; nothing after the end. Start the answer with in_start. */
int in_emit(struct codec_in *in, const struct neutral_event *ev);

/** The first half of a surrogate pair at the end of what went out. */
struct in_half {
    char half[6];
    bool has;
};

/**
 * A pair that a stream cut in two leaves in one piece: *text begins with the
 * half that was kept, and ends before one that is kept now.
 *
 * Errors: NOMEM
 */
int in_whole_pairs(struct codec_in *in, struct in_half *h, struct jstr *text);
/** What is still kept: it stands by itself. Empty: nothing was. */
struct jstr in_half_left(struct in_half *h);

/** An event of a text and a choice. */
int in_text(struct codec_in *in, enum neutral_event_type type,
            uint32_t choice, struct jstr text);

/** START once; id and model may be absent. */
int in_start(struct codec_in *in, struct str id, struct str model,
             int64_t created);

/** Take what is reported over what is known, and tell. */
int in_usage(struct codec_in *in, const struct usage *more);

int in_end(struct codec_in *in);

/** An error instead of an end. Texts are borrowed until it returns. */
int in_error(struct codec_in *in, const struct neutral_error *e);

/** The stream ended where it should not have. */
int in_cut(struct codec_in *in);

/** An error object or text of a provider. */
int in_error_node(struct codec_in *in, uint32_t node);
/** The body that came with an error's status, JSON or not. */
int in_error_body(struct codec_in *in, struct str body);

/** Scan into in->j: a JSON object, else SYNTAX. */
int in_scan(struct codec_in *in, struct str text);

/** Hold bytes back: 0, LIMIT or NOMEM with *in->err. */
int in_hold(struct codec_in *in, struct buf *b, struct str s);

/** Begin, go on and end a call; names are given back as the client has them. */
int in_call_begin(struct codec_in *in, struct in_call *call);
int in_call_args(struct codec_in *in, struct in_call *call,
                 struct jstr args);
int in_call_end(struct codec_in *in, struct in_call *call);

/** A picture in base64 goes on; of another type, or of none, it is lost. */
int in_media(struct codec_in *in, uint32_t choice, struct jstr type,
             struct jstr data);
/** The same of a data: URL; what an address leads to is lost. */
int in_data_url(struct codec_in *in, uint32_t choice, struct jstr url);

static inline void in_lose(struct codec_in *in, enum codec_loss l)
{
    codec_lose(in->opts.lost, l);
}

/** A member that is an object, a string, a count; else JSON_NONE, absent, -1.
 * Any node may be JSON_NONE. */
uint32_t in_member(const struct json *j, uint32_t object, struct str name);
struct jstr in_string(const struct json *j, uint32_t object, struct str name);
int64_t in_count(const struct json *j, uint32_t object, struct str name);

/** Usage objects, in disjoint counts. */
void chat_read_usage(const struct json *j, uint32_t node, struct usage *out);
void anthropic_read_usage(const struct json *j, uint32_t node,
                          struct usage *out);

/* ---- errors ------------------------------------------------------------- */

int codec_status_of(const struct neutral_error *e);
void chat_put_error(struct jw *w, const struct neutral_error *e,
                    bool same);
void anthropic_put_error(struct jw *w, const struct neutral_error *e,
                         bool same);

#endif
