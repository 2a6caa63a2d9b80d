/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where the flow meets the policies: what they see of a request, what they
 * leave of it, and running their phases. */
#ifndef PENSTOCK_FLOW_POLICIES_H
#define PENSTOCK_FLOW_POLICIES_H

#include "flow/request.h"

struct retry_cause; /* retry.h */

/* view.c: what policies see */
extern const struct policy_view request_view;
/** Head and body go: keep what policies' log may ask, if there is one. */
void view_keep(struct request *r);

/**
 * phase.c: run a phase. STEP_WAIT (and waiting_on), STEP_FAIL where a policy
 * refused or failed, else `next`; what else was decided is in *out.
 */
enum step phase_run(struct request *r, enum policy_phase p, enum step next,
                    struct policy_result *out);

/** The two halves of it: ask (POLICY_DONE or _WAIT), and what comes of a
 * verdict. */
int phase_ask(struct request *r, enum policy_phase p,
              struct policy_result *out);
/** r->run, ready for that phase. */
void phase_prepare(struct request *r, enum policy_phase p);
enum step phase_verdict(struct request *r, enum policy_phase p, enum step next,
                        const struct policy_result *out);

/* steps_policy.c: policies around a try */
/** The head of an answer that serves is there: ask `response` of it? */
bool response_open(struct request *r);
/* steps_error.c: the try has failed; r->run.failed is what upstream_error gets
 * to see of it, NULL where nobody asks. While the try is there. */
void error_open(struct request *r, const struct retry_cause *why);
/** What `response` made of the client's head; returns the new n. */
size_t response_fields(const struct request *r, struct http_header *h,
                       size_t n, size_t max);

/* log_out.c: what became of it, for the log phase; in the arena, or NULL */
struct policy_out *log_out(struct request *r);

/* body.c: the body as policies left it */
struct str body_text(const struct request *r);
/** NULL before it is read, and once it is not kept. */
const struct json *body_index(const struct request *r);
int body_rewrite(void *req, struct buf *text, struct json *index,
                 struct err *err); /* of struct policy_view */
void body_remodel(void *req, struct str model); /* the same */
struct str body_user(const struct request *r);
struct str body_temperature(const struct request *r); /* as JSON */
void body_keep(struct request *r); /* for view_keep */
/** Keep, and free text and index. */
void body_drop(struct request *r);

/* body_try.c: from here on the body is the try's, until its end; idempotent */
int body_try_begin(struct request *r); /* 0 or -ERR_NOMEM */
void body_try_end(struct request *r);

/* hints.c: what the client says in its head */
struct str hints_session(struct request *r);
size_t hints_tags(void *req, const struct conf_pair **out);
void hints_keep(struct request *r); /* for view_keep */

#endif
