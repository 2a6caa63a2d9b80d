/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request: the state that its steps share. Only flow's own files include
 * this; the one writer of `step` is request_enter.
 * Ownership: strs point into the HTTP request (until it is shrunk at content
 * commit) or into the arena; what the access line needs later is in the arena.
 */
#ifndef PENSTOCK_FLOW_REQUEST_H
#define PENSTOCK_FLOW_REQUEST_H

#include "base/clock.h"
#include "base/slots.h"
#include "flow/account.h"
#include "flow/answer.h"
#include "flow/attempt.h"
#include "flow/generation.h"
#include "flow/ran.h"
#include "flow/stranger.h"
#include "wire/dialect.h"
#include "wire/texts.h"

enum step {
#define STEP_ROW(id, name, fn) STEP_##id,
#include "flow/steps.def"
#undef STEP_ROW
    STEP_COUNT,
    STEP_WAIT, /* returned by a step: run me again when woken */
    STEP_DONE, /* nothing more to do; the end of the answer does the rest */
};

#define MAX_MARKS 24    /* timeline entries; more are not recorded */
#define MAX_ATTEMPTS 8  /* attempt records; also the hard cap of tries */
#define MAX_NOTES 16
#define REQUEST_ARENA_MAX (4u << 20)
#define ERROR_BODY_MAX (64u << 10)
#define EVENT_MAX (16u << 20) /* one SSE event */
#define RETRY_KNOWN_MS 60000 /* a longer pause is not worth an SDK's wait */

struct mark {
    uint8_t step;
    uint64_t at_ns;
};

struct request {
    struct flow *flow;
    struct generation *gen;
    struct http_req *http; /* NULL once its on_end came */
    struct arena *arena;
    uint64_t slot;         /* id in flow->slots */
    struct request_cell *cell;
    char id[40];
    char trace[56];        /* outgoing traceparent, NUL-terminated */

    enum step step;
    const char *waiting_on;
    bool running, again, over, cancelled, logged;
    struct mark marks[MAX_MARKS];
    uint32_t n_marks;
    uint64_t begun_ns, busy_ns;

    const struct flow_listener *listener;
    const struct endpoint *endpoint;
    struct str method, path, rest, client_ip;
    struct sockaddr_storage client; /* behind trusted proxies: what they say */
    struct str credential; /* as presented; p NULL = none */
    struct str passed_credential; /* for providers with keys = "client" */
    struct principal *principal;
    enum family family;    /* in whose shape the caller reads errors */
    enum { ARRAY_NONE, ARRAY_ASKED, ARRAY_BEGUN } array; /* see gemini.h */
    bool want_detail, body_asked, body_done, auth_begun;
    int body_rc;
    uint64_t body_bytes;
    struct json json;      /* of the body as policies left it, see body.c */
    struct buf edited;     /* that body, where one was edited */
    struct kept_body *kept_body; /* while a try has its own: body_try.c */
    struct str asked;      /* the model's name as the client sent it */
    struct wire_request facts;
    struct str kept_user, kept_temperature; /* for policies' log */
    struct str session;
    struct conf_pair *tags;
    size_t n_tags;
    bool tags_read;
    int64_t tokens_most; /* what is above is lowered to it; 0 = nothing */
    struct neutral_request *neutral; /* once a target needs it */
    struct arena *reading; /* that of a large body; NULL: `arena` has it */
    struct str dropped;    /* by the translation for the try at hand */
    struct err refused;    /* why no target could be told; code 0: none */
    struct plan plan;
    uint32_t at;           /* candidate under way */
    uint64_t probe;        /* the slot of its breaker that we hold; or 0 */
    const struct target *held; /* we are among its calls, see order.h */
    bool *out;             /* per candidate: not again in this request */
    bool full;             /* a target had no place for it */
    struct queued *queued; /* it waits, see queue.h; NULL: it does not */
    bool taken_over;       /* by another model, see on_fault.h */
    bool moved;            /* the plan is not the first: what was tried is
                              out of it */
    bool given_up;         /* a policy said so */
    uint32_t same_target;  /* further tries at it so far */
    uint32_t tries_before; /* of models that it was degraded from */
    uint32_t queue_ms;     /* it waited, all in all */
    uint32_t paused_ms;    /* before further tries, the one that is included */
    bool reuse_retried;    /* a dead kept connection was tried again once */
    uint8_t n_degraded;    /* see degrade.h */
    const struct str *degraded; /* to this model, or "reply"; NULL: not */
    const struct str *pin; /* to keep who served it, see affinity.h; NULL */
    struct kept_error kept;
    struct policy_run run;
    uint64_t stamp_ns; /* when the next step begins, if known; 0: ask */
    struct ran_list ran;   /* of policies */
    struct passthrough *pass; /* see passthrough.h; NULL: a dialect of ours */
    struct shadow_mark *shadow; /* see shadow.h; NULL: not looked at */
    struct limit_claim claim; /* see limits_hold.h */
    struct str story;      /* its beginning, where somebody hears it */
    struct credential *credential_next; /* of the try to come */
    struct policy_try *try_next;        /* NULL: nobody asks */
    struct policy_resp *resp;           /* the same */
    uint64_t held_ms;                   /* upstream waits for a policy since */
    struct attempt *attempt;
    struct str upstream_id; /* the last answer's own id */
    struct attempt_record records[MAX_ATTEMPTS];
    uint32_t n_attempts;

    struct answer answer;
    struct usage usage;
    int64_t cost_nusd;     /* of the tries that are over */
    bool cost_known, cost_unknown; /* of one of them */
    struct err err;        /* why it fails, for the client */
    struct str err_code, err_policy; /* an own code of a policy */
    int err_status;
    uint64_t retry_after_ms;
    const char *side;      /* "client", "gateway", "provider" */
    const char *ended;     /* how it ended, for the access line */
    struct policy_result *polite; /* a policy's answer, or NULL */
    struct str notes[MAX_NOTES];
    uint32_t n_notes;

    struct loop_timer timer;
    uint64_t total_at_ms, address_at_ms, head_at_ms, event_at_ms;
    uint64_t commit_at_ms, wake_at_ms;
    uint32_t total_ms;
    bool timed, total_passed;
    bool clients_total; /* it is the client's own patience */
    uint64_t last_data_ms, keepalive_ms;
    struct model_fetch *models;
    struct request *next_waiting, **prev_waiting; /* in one list of flow */
};

struct flow {
    struct flow_env env;
    struct generation *gen;
    struct graves graves; /* earlier ones */
    struct slots *slots;
    uint64_t nonce, seq;
    uint32_t probes;       /* ever begun, for their slots' names */
    size_t inflight;
    bool draining;
    struct json scratch;   /* for watching events; reused */
    struct wire_texts texts; /* of an event, for counting; reused */
    struct buf line;       /* for access lines; reused */
    struct loop_task flush; /* of gathered ones */
    uint64_t dice[4];      /* identity.c */
    struct request *spare; /* over, by next_waiting */
    uint32_t n_spare;
    struct request *waiting; /* for addresses; see steps_out.c */
    struct request *settling; /* over, but for a policy's log */
    struct strangers strangers;
    struct probes *prober; /* beside requests; NULL: none */
    struct shadow *shadow;   /* a candidate beside; NULL = none */
    uint64_t shadows;        /* ever begun */
    struct queue *queue;     /* see queue.h; NULL before the first waits */
    struct shedding *shedding;
    uint32_t shed_level;     /* see shedding.h; 0: none */
};

/* request.c */
struct request *request_new(struct flow *f, struct http_req *q);
void requests_free_spare(struct flow *f);
void request_run(struct request *r);
void request_end(struct request *r, int rc); /* on_end came */
/** Give up with err_code `code` (kept if r->err is set); STEP_FAIL. */
enum step request_fail(struct request *r, int code, const char *side);
void request_note(struct request *r, struct str policy, struct str text);
/** Link it into one of flow's lists, unless it is in one. */
void request_wait_in(struct request *r, struct request **list);
/** Forget what still waits for a policy's log: the worker ends. */
void request_drop(struct request *r);
void request_unwait(struct request *r); /* idempotent */
const char *step_name(enum step s);

/* stream.c: bytes from upstream to client */
void stream_head(struct request *r, const struct http_answer *a);
void stream_data(struct request *r, struct str bytes);
/** The answer ended: send what is held, or set the attempt's fault. */
void stream_eof(struct request *r);
/** Is this answer field one that the client gets? */
bool stream_is_passed(const struct request *r, struct str name);
/** Head commit: the client gets its 200 (or what came) now. */
void stream_commit_head(struct request *r);
/** The try has failed: broken is set, the first cause stays. */
void stream_fault(struct request *r, int cls, const char *why);

/* timers.c */
void timers_start_attempt(struct request *r);
void timers_arm(struct request *r);
/** Its first event came, or bytes of a whole answer: silence counts. */
void timers_begun(struct request *r);
/** The whole request's time begins, unless it has; NULL: the client's own. */
void timers_start_total(struct request *r, const struct conf_provider *p);
/** The name of the timer that the transport keeps for us has passed. */
void timers_connect_passed(struct request *r);
void on_request_timer(void *ud);

/* reply.c: answers made here */
void reply_error(struct request *r);
void reply_json(struct request *r, int status, struct str body);
int reply_answer(struct request *r); /* r->polite; 0 or -ERR_x */
size_t reply_headers(struct request *r, struct http_header *h, size_t max);
/** The request's error as its dialect is to tell it; borrows from r. */
struct wire_error reply_wire_error(const struct request *r);
const struct dialect_ops *request_dialect(const struct request *r);

/* models.c: GET /v1/models */
enum step step_models(struct request *r);
void models_cancel(struct request *r);
void model_list_free(struct model_list *m);

/* request.c: "req_", the process's nonce, a count */
void flow_new_id(struct flow *f, char id[40]);

/* steps_out.c */
enum step try_begin(struct request *r);
void try_close_record(struct request *r);
/* limits.c: what the configuration says of an endpoint's requests */
const struct conf_endpoint *limits_of(const struct request *r); /* or NULL */
/** Check the body that was read; 0 or -ERR_x with r->err. */
int limits_check(struct request *r);

#endif
