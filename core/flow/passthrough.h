/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests whose bodies pass as they are (wire/passthrough.h): where they go,
 * and what is put into the outgoing head and body. Whom they are for is said
 * by the model that the body names, as JSON or as a field of a form; where it
 * names none, by `endpoint "files" { provider = "openai" }`, and such a
 * request is then for "openai/files": to limits of models, logs and policies
 * that is its model's name.
 */
#ifndef PENSTOCK_FLOW_PASSTHROUGH_H
#define PENSTOCK_FLOW_PASSTHROUGH_H

#include "flow/request.h"

/** Of one request; in its arena. */
struct passthrough {
    struct str below;  /* of its path: what goes behind the base URL */
    bool named;        /* it names no model: r->asked is provider/endpoint */
    uint64_t upload;   /* bytes of a body that is not held; 0: it is */
    bool spent;        /* of which some have left: no other try is possible */
    size_t at, n;      /* of the model in a form's body; n 0: it is no form */
};

/** The head is read. 0, or -ERR_x with r->err: the path is not plain. */
int passthrough_begin(struct request *r);
/** It is known who calls. 0, or -ERR_x with r->err: nobody is configured for
 * the path, or policies forbid it; no stranger hears of either. */
int passthrough_admit(struct request *r);
/** Will the body go upstream as it comes, and not be held? Where its length
 * is allowed: `max`. */
bool passthrough_uploads(struct request *r, uint64_t max);
/** Has such a body begun to leave? Then nothing can be tried again. */
static inline bool passthrough_is_spent(const struct request *r)
{
    return r->pass && r->pass->spent;
}
/** The client's body did not come whole: the try has failed. */
void passthrough_cut(struct request *r);
/** The body is read: whom is it for? */
enum step passthrough_read(struct request *r);
/** Is it for the provider that is configured for its endpoint? */
static inline bool passthrough_is_named(const struct request *r)
{
    return r->pass && r->pass->named &&
           str_eq(r->asked, r->facts.model);
}

/* Of a try; 0 or -ERR_x. Only where r->pass is there. */
int passthrough_head(struct request *r, struct attempt *t);
int passthrough_body(struct request *r, struct attempt *t, struct err *err);
/** The call's body: what was built, or what comes. */
void passthrough_send(struct request *r, struct http_call_spec *spec);
int passthrough_url(const struct request *r, struct buf *url);

#endif
