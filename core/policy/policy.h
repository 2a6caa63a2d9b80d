/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Policies: Lua files, one state per worker, policy and generation; a phase of
 * a policy is one call in a pooled coroutine under CPU, wall and memory
 * budgets. This header is all that the floors above know of Lua.
 *
 * The request stays flow's: policies read it through struct policy_view.
 */
#ifndef PENSTOCK_POLICY_POLICY_H
#define PENSTOCK_POLICY_POLICY_H

#include "base/arena.h"
#include "engine/config.h"
#include "engine/limit_claim.h"
#include "engine/principal.h"
#include "engine/target.h"
#include "net/tls_peer.h"
#include "policy/tries.h"
#include "wire/dialect.h"

enum policy_phase {
#define PHASE_ROW(id, name, fail, called, when) PHASE_##id,
#include "policy/phases.def"
#undef PHASE_ROW
    PHASE_COUNT
};

const char *policy_phase_name(enum policy_phase p);

/** What `req` can tell; the names in Lua are those of policy_fields[]. */
enum policy_field {
    FIELD_ID,          /* string */
    FIELD_ENDPOINT,    /* "chat" */
    FIELD_DIALECT,     /* "openai-chat" */
    FIELD_METHOD,
    FIELD_PATH,
    FIELD_CLIENT_IP,
    FIELD_CREDENTIAL,  /* what the caller presented, or nil */
    FIELD_SESSION,     /* what holds a conversation together, or nil */
    FIELD_MODEL,       /* from here on: only once the body is read */
    FIELD_STREAM,      /* boolean */
    FIELD_MAX_TOKENS,  /* integer or nil */
    FIELD_TEMPERATURE, /* number or nil */
    FIELD_USER,        /* string or nil */
    FIELD_BODY_SIZE,   /* integer */
    FIELD_STATUS,      /* integer; log only */
    FIELD_COUNT
};

enum policy_value_type {
    VALUE_NIL,
    VALUE_STRING,
    VALUE_INT,
    VALUE_NUMBER, /* s: as JSON writes it */
    VALUE_BOOL,
    VALUE_NOT_YET
};

struct policy_value {
    enum policy_value_type type;
    struct str s;
    int64_t i;
};

/** What one policy did in a phase, when it is through. */
struct policy_ran {
    struct str policy;
    enum policy_phase phase;
    int verdict; /* enum policy_verdict, as the policy meant it; an error is
                    POLICY_FAILED */
    struct str what; /* a denial's code, a principal's id, an error's text */
    bool observed;   /* its verdict was noted, no more */
    bool open;       /* an error counts as no opinion */
    uint16_t waits;
    uint64_t ns, waited_ns; /* its own work; waiting */
    uint64_t instructions;  /* 0 = nobody counts them: policy/probe.h */
};

struct policy_view {
    void (*field)(void *req, enum policy_field f, struct policy_value *out);
    struct str (*header)(void *req, struct str name);
    /** The client's certificate, or NULL. May be NULL: there are none. */
    const struct tls_peer *(*client_cert)(void *req);
    /** ps.note and the engine's own remarks; for the access line and explain */
    void (*note)(void *req, struct str policy, struct str text);
    /** A policy is through; `what` is in the arena. May be NULL. */
    void (*ran)(void *req, const struct policy_ran *ran);
    /** x-penstock-tags; how many. May be NULL: none. */
    size_t (*tags)(void *req, const struct conf_pair **out);
    /**
     * A policy's edits of the body have become a new text: check it and take
     * both, the index being the text's. Nothing is changed on an error, and
     * both stay the caller's. May be NULL: nothing can be edited.
     */
    int (*rewrite)(void *req, struct buf *text, struct json *index,
                   struct err *err);
    /**
     * A policy gave another model to a request whose path names it: from here
     * on it is that one. `model` lives as long as the request. May be NULL.
     */
    void (*remodel)(void *req, struct str model);
    /** Nano-USD of its tries, -1 = not known; in log. May be NULL. */
    int64_t (*cost)(void *req);
    /** The plan for another model's name. May be NULL: there are none. */
    int (*plan)(void *req, struct str model, struct plan *out,
                struct err *err);
};

enum policy_verdict {
    POLICY_NONE,      /* no policy had an opinion */
    POLICY_DENY,      /* code, status, message, retry_after_ms */
    POLICY_PRINCIPAL, /* authenticate: `principal` */
    POLICY_SKIP,      /* attempt: not this target; message */
    POLICY_ANSWER,    /* 200 with `message` for its text; finish */
    POLICY_STOP,      /* output: end the answer; finish, and its name as code */
    POLICY_AGAIN,     /* upstream_error: the same target, after after_ms */
    POLICY_NEXT,      /* the next target; of `plan` where that is set */
    POLICY_GIVE_UP,   /* no further try */
    POLICY_QUEUE,     /* admit: wait for what claim->wanted says, max_wait_ms at
                         most, then run the phase on */
    POLICY_FAILED,    /* a script error under fail = "closed" */
};

struct policy_result {
    enum policy_verdict verdict;
    struct str policy;  /* who said so */
    int err_code;       /* enum err_code; ERR_NONE for an own "x_..." code */
    struct str code;    /* stable name, for own codes too */
    int status;         /* of an own code; 0 = the row's */
    struct str message; /* in the request's arena */
    uint64_t retry_after_ms, max_wait_ms;
    enum wire_finish finish;
    struct principal *principal; /* in the request's arena */
    uint64_t after_ms;
    struct plan *plan; /* of another model, whose name is `message`; in the
                          request's arena */
};

struct policy_set;
struct policy_window;
struct policy_out; /* policy/out.h */
struct policy_call; /* a phase under way that waits */
struct policy_ctx;  /* policy/ctx.h */

/** One run of a phase for one request; embedded in the request, zeroed. */
struct policy_run {
    void *req; /* for the view */
    const struct policy_view *view;
    struct arena *arena;
    struct str endpoint;          /* for policies limited to some */
    enum dialect dialect;         /* the client's */
    const struct json *body;      /* its index, from validate on while it is
                                     kept; NULL: not there */
    const struct principal *principal; /* NULL before authenticate */
    struct plan *plan;            /* route only */
    struct policy_try *attempt;   /* attempt only */
    const struct policy_failed *failed; /* upstream_error only */
    struct policy_resp *response; /* response only */
    struct policy_window *window; /* output only; see policy/output.h */
    struct policy_out *ended;     /* log only */
    struct limit_claim *claim;    /* NULL: ps.take raises */
    void (*wake)(void *req);      /* a waiting run can go on: run it again */
    struct policy_call *call;     /* engine's own */
    struct policy_ctx *ctx;       /* of req.ctx, in the arena; NULL: empty */
    uint16_t at;                  /* next policy in the list; engine's own */
    struct policy_ran ran;        /* of the one under way; engine's own */
    uint64_t began_ns;            /* the same */
    uint64_t ended_ns; /* when its last policy was left; 0: none was asked */
};

enum { POLICY_DONE = 0, POLICY_WAIT = 1 };

/**
 * Compile and load every policy of the configuration (their own states,
 * frozen globals). Errors: CONFIG with file:line and Lua's message.
 */
struct policy_set *policy_set_new(const struct config *c, struct err *err);
void policy_set_free(struct policy_set *s);

/**
 * The same in parts, for who serves meanwhile: an empty set of which each
 * policy_set_step loads one policy (0.1 to 0.2 ms of CPU, more where the file
 * itself works). 1: there are more; 0: all are there; -ERR_x: it is to be
 * freed. Nothing else may be done with it before.
 */
struct policy_probe; /* policy/probe.h; NULL = none */
struct policy_set *policy_set_begin(const struct config *c,
                                    struct policy_probe *probe,
                                    struct err *err);
int policy_set_step(struct policy_set *s, struct err *err);
/** And the way back: free one policy's state; false: none is left. */
bool policy_set_shed(struct policy_set *s);

/** The worker's loop, without which no policy can wait (ps.sleep raises). */
struct loop;
void policy_set_loop(struct policy_set *s, struct loop *l);

/** What ps.now, ps.mono_ms, the ends of ps.kv and ticks go by. */
struct policy_clock {
    uint64_t (*mono_ms)(void *ud);
    uint64_t (*wall_ms)(void *ud);
    void *ud;
};

/** A clock in place of the system's (copied); for tests. Files are loaded by
 * the system's all the same. */
void policy_set_clock(struct policy_set *s, const struct policy_clock *c);

/** No metric and no log line comes of it: it runs beside the live one. */
void policy_set_quiet(struct policy_set *s);

/** The memory behind ps.kv, borrowed: shared in a worker, a test's own in a
 * test. Without it the functions of ps.kv raise. */
struct kv;
void policy_set_kv(struct policy_set *s, struct kv *kv);

/** Where ps.keys.get looks after the configuration's keys, borrowed; NULL:
 * nowhere. */
struct key_table;
void policy_set_keys(struct policy_set *s, const struct key_table *keys);

/** What ps.targets() tells of: the list is copied, the targets are borrowed
 * for the set's life. 0 or -ERR_NOMEM. */
int policy_set_targets(struct policy_set *s, const struct target *const *list,
                       size_t n);

/** Does any policy define this phase? (Skip the step when not.) */
bool policy_set_has(const struct policy_set *s, enum policy_phase p);

/**
 * Run a phase: the policies in list order, the first decision wins.
 * POLICY_DONE fills *out; POLICY_WAIT: call again after `wake`.
 * Cost: about 1 us per policy plus its own work.
 */
int policy_run(struct policy_set *s, enum policy_phase p,
               struct policy_run *run, struct policy_result *out);

/** The request is over while a run waits. Idempotent. */
void policy_cancel(struct policy_run *run);

/** Lua bytes in use by all states; errors counted per policy and phase. */
size_t policy_set_memory(const struct policy_set *s);

#endif
