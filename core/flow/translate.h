/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A try at a target that does not speak the client's dialect: the request is
 * decoded into the neutral form once, encoded for each target, and what comes
 * back is decoded and encoded for the client. The rest of the flow sees the
 * client's dialect only, as on the native path.
 *
 * Source: docs/design/translation.md.
 */
#ifndef PENSTOCK_FLOW_TRANSLATE_H
#define PENSTOCK_FLOW_TRANSLATE_H

#include "flow/request.h"

#include "wire/codec.h"

#define DROPPED_MAX 512 /* bytes of the request's in x-penstock-dropped */
#define TRANSLATED_BODY_MAX (16u << 20) /* of a whole answer, kept back */

/** Belongs to an attempt; in the request's arena but for buffers and index. */
struct translation {
    const struct codec *client, *target;
    struct codec_names names; /* copied: the client's bytes may go first */
    struct codec_in *in;
    struct codec_out *out;
    struct codec_unwrap *unwrap; /* of texts, on their way out; or NULL */
    struct buf body;   /* for upstream, before the vendor's edits */
    struct json index; /* of body */
    struct buf said;   /* for the client, of the event at hand */
    bool stream;       /* the client gets events */
    uint32_t vectors;  /* so many must come; 0: it is not known */
    uint32_t lost, told; /* of the answer, bits of codec_loss.def */
    struct str left_out; /* of the request, as x-penstock-dropped has it */
};

/** The api of a plugin that a request of dialect `from` for that upstream model
 * can be put into, for want of one that speaks it; or NULL. */
const ps_api *translate_api(const struct plugin *p, enum dialect from,
                            struct str model, bool stream);

/** The dialect of such an api; NONE: no codec knows it. */
enum dialect translate_dialect(const ps_api *api);

/**
 * Make the outgoing body of an attempt at a target of dialect `to`.
 *
 *   returns  t->translation set, or an error with the attempt unchanged
 *
 * Errors:  INVALID_REQUEST  this target cannot be told what is asked for:
 *                           another one might; err names the features
 *          TOO_LARGE        for its translation's memory, which is bounded
 *                           in proportion to the body
 *          OVERLOADED, INTERNAL  no memory; what was made is no JSON: logged
 */
int translate_begin(struct request *r, struct attempt *t, enum dialect to,
                    struct err *err);
void translate_end(struct attempt *t); /* idempotent */

/** Give back what only the outgoing request needed. */
void translate_shrink(struct attempt *t);
/** Give back what was read of a large body: no target is tried any more. */
void translate_forget(struct request *r);

/**
 * One event of upstream (data.p NULL: the end) becomes none or some events
 * for the client, in t->translation->said, and what was seen in them in *w:
 * an error is in *w only.
 *
 * Errors: SYNTAX, LIMIT, NOMEM; err says why
 */
int translate_event(struct request *r, struct str event, struct str data,
                    struct wire_watch *w, struct err *err);

/** The same for a whole answer. */
int translate_body(struct request *r, struct str body, struct wire_watch *w,
                   struct err *err);

/** A field of the provider's answer as the client's dialect says it, or
 * false: the client does not get it. Values are made in the arena. */
bool translate_field(const struct request *r, const struct attempt *t,
                     struct http_header *field);

#endif
