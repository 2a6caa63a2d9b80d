/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Codecs: one dialect each, to and from the neutral form. Five functions a
 * dialect (where no client speaks it, without decode_request and encode);
 * whatever comes in and goes out, N codecs serve, not N x M. Pure: no clock,
 * no randomness, no I/O; the same input gives the same bytes.
 *
 *     client's body --decode_request--> neutral --encode_request--> body
 *     upstream's answer --decode_body/_event--> events --encode--> client's
 *
 * Source: docs/design/translation.md.
 */
#ifndef PENSTOCK_WIRE_CODEC_H
#define PENSTOCK_WIRE_CODEC_H

#include "wire/codec_loss.h"
#include "wire/codec_names.h"
#include "wire/codec_report.h"
#include "wire/codec_target.h"
#include "wire/neutral.h"
#include "wire/neutral_event.h"

struct codec_echo;
struct codec_in;  /* decodes one answer */
struct codec_out; /* encodes one answer */

/** <think> tags in the text of a chat answer. */
enum codec_tags {
    TAGS_AUTO,   /* an answer that begins with one begins with reasoning */
    TAGS_THINK,  /* also where the prompt had the opening one already */
    TAGS_TEXT,   /* are text */
};

/** By its name in a configuration, "auto", "think_tags", "text". */
enum codec_tags codec_tags_named(struct str name);

/** Where an answer's pieces go, and what may be used on the way. */
struct codec_in_opts {
    const struct codec_names *names; /* of the request's encoding; or NULL */
    struct str unique; /* our id of this attempt, for ids that are missing */
    enum codec_tags tags;
    int http_status;   /* from 400 on, a body is an error's, whatever it is */
    size_t max_held;   /* bytes that may be held back; 0 = 4 MiB */
    uint32_t *lost;    /* what no event says is noted there; or NULL */
};

struct codec_out_opts {
    bool stream;        /* else one whole answer, written at the end */
    bool include_usage; /* a stream's client asked for it (OpenAI) */
    bool legacy_functions; /* the client asked with `functions` (OpenAI) */
    bool base64;        /* vectors as base64 of floats (OpenAI) */
    const struct codec_echo *echo; /* Responses': what was asked; or NULL */
    struct str model;   /* as the client is to see it; absent: upstream's */
    struct str unique;  /* for an answer without an id */
    int64_t created;    /* seconds since 1970, where upstream says none */
    size_t max_held;    /* bytes of a whole answer; 0 = 16 MiB */
    uint32_t *lost;     /* what cannot be said is noted there; or NULL */
};

/** Dialects that no client speaks lack decode_request, encode, out_init. */
struct codec {
    enum dialect dialect;
    size_t in_size, out_size; /* of the states below */

    /**
     * Read a request. One walk over the index; what it does not know is
     * listed, not lost.
     *
     * Errors: INVALID_REQUEST (err->at: the field, as the dialect writes
     *         paths), LIMIT (too many of something), NOMEM
     * Cost:   O(nodes); some 150 bytes of arena per block
     */
    int (*decode_request)(const struct json *body, struct arena *a,
                          struct neutral_request *out, struct err *err);

    /**
     * Write a request for a target. What it cannot take is in *report: the
     * caller decides what a dropped feature means, a refused one has no
     * meaning that could be sent. `names` is for the answer's decoder.
     *
     * Errors: INVALID_REQUEST (nothing is left to send), LIMIT (out's cap),
     *         NOMEM
     */
    int (*encode_request)(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err);

    /**
     * A whole answer as events, or the body of an error (http_status), which
     * may be anything. SYNTAX when an answer is not JSON or not this
     * dialect's; what the sink returns; LIMIT; NOMEM.
     */
    int (*decode_body)(struct codec_in *in, struct str body,
                       neutral_sink sink, void *ud, struct err *err);

    /**
     * One event of a stream, data.p == NULL for its end, as none or some
     * neutral events. An end that is none (before the answer was finished)
     * comes out as ERROR. Events after END or ERROR give nothing.
     *
     * Cost: one scan; below a microsecond for a token
     */
    int (*decode_event)(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err);

    /**
     * A neutral event as bytes of this dialect: whole SSE events, or at END
     * or ERROR the whole answer. Appends nothing where there is nothing to
     * say. LIMIT, NOMEM; BUG for events out of order.
     */
    int (*encode)(struct codec_out *out, const struct neutral_event *ev,
                  struct buf *to);

    int (*in_init)(struct codec_in *in);
    int (*out_init)(struct codec_out *out);
};

/** The dialect's codec, or NULL: it has none. */
const struct codec *codec_for(enum dialect d);

/** States live in `a`, with what they hold; NULL when memory is out. */
struct codec_in *codec_in_new(const struct codec *c, struct arena *a,
                              const struct codec_in_opts *opts);
struct codec_out *codec_out_new(const struct codec *c, struct arena *a,
                                const struct codec_out_opts *opts);

/** The number of the event that it writes next, of a stream whose events have
 * numbers (Responses); else 0. */
uint32_t codec_out_number(const struct codec_out *out);

/** An encoder as a sink: ud is a struct codec_pipe. */
struct codec_pipe {
    struct codec_out *out;
    struct buf *to;
};
int codec_pipe(void *ud, const struct neutral_event *ev);

/** HTTP status of an error body that `encode` wrote or would write. */
int codec_error_status(enum dialect d, const struct neutral_error *e);

#endif
