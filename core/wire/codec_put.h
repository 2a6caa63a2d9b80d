/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Writing a request for a target; for the codec_*.c files. */
#ifndef PENSTOCK_WIRE_CODEC_PUT_H
#define PENSTOCK_WIRE_CODEC_PUT_H

#include "wire/codec.h"
#include "wire/codec_write.h"

/* more calls in one turn than any model makes; each is looked for once */
#define CALLS_A_TURN_MAX 512

/** One request being written. */
struct cw {
    struct jw w;
    const struct neutral_request *r;
    const struct codec_target *t;
    enum dialect to;
    struct arena *a;
    struct codec_report *report;
    struct codec_names *names;
    struct err *err;
};

static inline bool cw_can(const struct cw *c, uint32_t can)
{
    return (c->t->can & can) == can;
}

/** The client speaks the target's dialect: what it said may stay. */
static inline bool cw_same(const struct cw *c)
{
    return c->r->from == c->to && !c->t->strict;
}

static inline void cw_note(struct cw *c, enum codec_fate fate,
                           enum codec_feature f)
{
    codec_note(c->report, fate, f);
}

/** It has no meaning that could be sent; `where` it stands in the body. */
static inline void cw_refuse(struct cw *c, enum codec_feature f,
                             const char *where)
{
    codec_note(c->report, FATE_REFUSED, f);
    if (!c->report->where)
        c->report->where = where;
}

/**
 * The end of a request: its last bracket, and what failed on the way.
 *
 *   any  something stands in it for the model
 *
 * Errors: INVALID_REQUEST (nothing does), NOMEM, LIMIT
 */
int cw_finish(struct cw *c, bool any);

/** Who the user is, as its SHA-256 where that takes over `max` bytes (noted),
 * in the arena; p NULL: not said, or memory is out (that is kept). */
struct str cw_user(struct cw *c, size_t max);

/** Refuse an answer that shall be spoken. */
void cw_refuse_audio(struct cw *c);

/** The signature of a call's thought, where only Google's dialect has it. */
static inline void cw_unsigned(struct cw *c, const struct neutral_call *call)
{
    if (call->signature.n)
        cw_note(c, FATE_DROPPED, FEATURE_THINKING);
}

/** Keep the first failure. */
static inline void cw_fail(struct cw *c, int rc)
{
    if (!c->w.rc)
        c->w.rc = rc;
}

/** A tool's name as the target takes it; noted when changed. */
struct str cw_tool_name(struct cw *c, struct str name);
/** The same, and listed for the answer: where the tool is declared. */
struct str cw_declare_name(struct cw *c, struct str name,
                           enum codec_name_kind kind);

/** The tool by that name, or NULL. */
const struct neutral_tool *cw_tool(const struct cw *c, struct str name);

/** Note a block that only another dialect can say. */
void cw_unknown(struct cw *c, const struct neutral_unknown *u);

/** A member that asks for what a provider keeps: an earlier answer, a cache. */
bool cw_is_kept(enum dialect from, struct str name);

/** Members that only the client's dialect has: as they are, or reported. */
void cw_extras(struct cw *c);

/** The arguments of a call as a JSON object. */
void cw_args_object(struct cw *c, const struct neutral_call *call);

/** Base64 (the inside of a string) as text, escaped onto the output. */
void cw_base64_text(struct cw *c, struct jstr digits);

/**
 * A JSON schema for a target that knows few keywords: objects are closed,
 * keywords that it refuses move into the description.
 */
void cw_schema(struct cw *c, struct str raw);

/** A number as it is spelled, or `max` where it is larger (noted). */
void cw_clamped(struct cw *c, const char *name, struct str raw, double max,
                const char *max_text, enum codec_feature f);

#endif
