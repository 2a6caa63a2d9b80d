/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the codec_converse_*.c files: Amazon Bedrock's Converse dialect,
 * which targets speak and no client of ours: two of the codec's functions are
 * not there. */
#ifndef PENSTOCK_WIRE_CODEC_CONVERSE_H
#define PENSTOCK_WIRE_CODEC_CONVERSE_H

#include "wire/codec_anthropic.h"
#include "wire/codec_stream.h"

/* ---- requests ----------------------------------------------------------- */

/** One request being written. What a Claude model is to think it is told in
 * Anthropic's own words, so that writer's state is the first member. */
struct converse_out {
    struct aw aw;
    bool claude;
    uint32_t documents; /* named so far: names are unique in a request */
    bool text, document; /* what the open turn has */
};

int converse_encode_request(const struct neutral_request *r,
                            const struct codec_target *target,
                            struct arena *a, struct buf *out,
                            struct codec_report *report,
                            struct codec_names *names, struct err *err);
void converse_put_system(struct converse_out *w);
void converse_put_messages(struct converse_out *w);
void converse_put_tools(struct converse_out *w);
/** A cachePoint as an element of its own, where a mark stands. */
void converse_put_mark(struct converse_out *w,
                       const struct neutral_cache *cache);
/** True when it can be written; notes why where it cannot. */
bool converse_can_block(struct converse_out *w,
                        const struct neutral_block *b);
void converse_put_block(struct converse_out *w,
                        const struct neutral_block *b);
bool converse_can_media(struct converse_out *w,
                        const struct neutral_media *m);
void converse_put_media(struct converse_out *w,
                        const struct neutral_media *m);

/** redactedContent from and to Anthropic's `data`. The text that is read may
 * be in the arena; a blob that holds no such text stays as it is. */
struct jstr converse_redacted_read(struct jstr blob, struct arena *a);
void converse_redacted_put(struct cw *c, struct jstr data);

/* ---- answers ------------------------------------------------------------ */

enum converse_kind {
    CONVERSE_NONE,
    CONVERSE_TEXT,
    CONVERSE_THINKING,
    CONVERSE_CALL,
    CONVERSE_SKIPPED, /* the provider's own tool at work */
};

struct converse_in {
    struct codec_in base;
    enum converse_kind open;
    int64_t index;       /* of the open block */
    bool said;           /* something of the open block went out */
    bool any_call, finished;
    struct in_call call;
    struct in_half half;
};

int converse_in_init(struct codec_in *in);
int converse_decode_body(struct codec_in *in, struct str body,
                         neutral_sink sink, void *ud, struct err *err);
int converse_decode_event(struct codec_in *in, struct str event,
                          struct str data, neutral_sink sink, void *ud,
                          struct err *err);
/** Blocks: one of a whole answer, a stream's start, delta and end. */
int converse_block(struct converse_in *in, uint32_t block);
int converse_start(struct converse_in *in);
int converse_delta(struct converse_in *in);
int converse_close(struct converse_in *in);

/** The end's reason by Converse's word for it. */
enum neutral_finish converse_finish(struct jstr word);
/** TokenUsage, in disjoint counts, as Converse says them. */
void converse_read_usage(const struct json *j, uint32_t node,
                         struct usage *out);
/** HTTP status of an exception by its name; 0: not known. */
int converse_status(struct str name);
/** "ThrottlingException" of "com.x#ThrottlingException:http://...". */
struct str converse_error_name(struct str type);
/** Does a message of the event stream say an error? */
bool converse_is_error(struct str event);

#endif
