/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One ps.test() as data: a configuration, a clock, and the requests (calls)
 * that go through the policy one after the other. The table of the test stays
 * on the stack of the test file's state, at TEST_TABLE; that of the call under
 * way, with what it takes over from the test, at CALL_TABLE: there fakes find
 * their functions.
 */
#ifndef PENSTOCK_POLICY_TEST_CASE_H
#define PENSTOCK_POLICY_TEST_CASE_H

#include "base/buf.h"
#include "policy/out.h"
#include "policy/output.h"
#include "policy/policy.h"
#include "policy/test.h"

#include <lua.h>

enum {
    TEST_TARGETS = 32,
    TEST_KEYS = 64,
    TEST_OUTSIDE = 16, /* services, and Redis */
    TEST_CALLS = 64,
    TEST_MODELS = 16,
    TEST_CHUNKS = 4096,
    TEST_LINES = 512, /* of a report */
    TEST_JSON_MAX = 4 << 20,
    TEST_TABLE = 2,
    CALL_TABLE = 3,
};

#define TEST_NOW_MS 1700000000000u /* where the clocks stand at first */
#define TEST_MONO_MS 1000000u

/** Texts that must all be there. */
struct test_texts {
    struct str *list;
    size_t n;
    bool given;
};

struct test_pairs {
    struct conf_pair *list;
    size_t n;
};

/** What the output phase is to see. */
struct test_window {
    struct str text;
    enum wire_kind kind;
    uint32_t choice, block;
    bool final;
};

struct test_expect {
    struct str principal, deny, message, fails, skip, answer, finish;
    struct str retry; /* of upstream_error, as test_diff.c tells it */
    struct str text, stop; /* of the window; p NULL = whatever it is */
    struct test_texts notes, targets;
    double status, retry_after; /* 0 = whatever it is */
    double waited_ms;           /* -1 = whatever it is */
    struct policy_value fields[FIELD_COUNT]; /* VALUE_NIL = whatever it is */
    struct str body; /* JSON; p NULL = whatever it is */
    bool body_is_text;
    struct conf_pair *head; /* fields that are set; p NULL: taken out */
    size_t n_head;
    struct test_pairs ctx; /* of req.ctx; value.p NULL: nothing there */
};

/** The plan of a model's name, for plan:use. */
struct test_model {
    struct str name;
    struct candidate list[TEST_TARGETS];
    size_t n;
};

/** All of it in the test's arena. */
struct test_call {
    struct str phase; /* empty where the policy has one only */
    struct policy_value fields[FIELD_COUNT];
    struct conf_pair *headers, *tags;
    size_t n_headers, n_tags;
    struct principal *principal;
    struct tls_peer *client_cert;
    struct candidate list[TEST_TARGETS];
    struct plan plan;
    struct test_model *models;
    size_t n_models;
    enum dialect dialect;
    struct str body_given; /* p NULL: made of the fields */
    bool open;             /* body and text are there */
    struct json body;      /* index of the text */
    struct buf text;
    struct policy_try try;
    struct policy_failed err;
    struct policy_resp resp;
    struct policy_out out;
    struct test_window window;
    struct str *chunks; /* of a block, one after the other */
    size_t n_chunks;
    struct test_pairs ctx; /* of req.ctx, before */
    double after_ms; /* that pass before it */
    bool running;    /* what it took stays taken */
    int64_t tokens;  /* that it came to; -1: those that were reserved */
    struct limit_claim claim;
    bool failed;     /* its code did, whatever that means in the phase */
    struct test_expect expect;
};

struct test_case {
    struct arena *arena;
    lua_State *L; /* of the test file */
    struct policy_probe *probe; /* or NULL */
    struct config config;
    struct conf_policy policy;
    struct conf_key keys[TEST_KEYS];
    struct conf_service services[TEST_OUTSIDE];
    struct conf_redis redis[TEST_OUTSIDE];
    struct conf_jwt jwts[TEST_OUTSIDE];
    uint64_t wall_ms, mono_ms; /* the clock */
    struct kv *kv;
    struct health *health; /* NULL: no target says how it is */
    struct limiter *limiter;
    struct test_call *call;    /* under way */
    uint64_t call_began_ms;    /* on the clock that never steps */
    struct str broken;         /* what a fake did wrong, or empty */
    struct buf notes, scratch; /* of the call; of a reader */
    struct policy_test_line *lines; /* of the report */
    size_t n_lines;
    bool differs;
};

/*
 * Readers raise what is wrong with a table: what is not known is refused, for
 * a test that checks nothing is worse than none. All run below lua_pcall.
 */

/** Of a table at idx (absolute): give each member to the row of its name. */
struct test_row {
    const char *name;
    void (*read)(lua_State *L, struct test_case *t, void *into);
    size_t offset; /* of what `into` shall be */
};
/** All that a test, a call and what is expected may have; each list is ended
 * by a row without a name. */
extern const struct test_row test_case_rows[], test_call_rows[],
    test_expect_rows[];
void test_members(lua_State *L, struct test_case *t, const char *what,
                  const struct test_row *rows, void *into);
/** For rows: the value on top as a text, a number, pairs of texts. */
void test_read_str(lua_State *L, struct test_case *t, void *into);
void test_read_number(lua_State *L, struct test_case *t, void *into);
size_t test_read_pairs(lua_State *L, struct test_case *t,
                       struct conf_pair **into);
/** Length of the list on top; raises where it is none or longer. */
size_t test_list_length(lua_State *L, const char *what, size_t max);
void *test_need(lua_State *L, void *p);

/** From the table at TEST_TABLE: all but what belongs to calls. */
void test_case_read(lua_State *L, struct test_case *t);
/** Push the table of call `i` (from 0) with what it takes over from the
 * test; false after the last. */
bool test_call_push(lua_State *L, int i);
/** From the table on top. */
void test_call_read(lua_State *L, struct test_case *t, struct test_call *c);
/** Is it a name that calls have? */
bool test_call_has(const char *name);

/** test_out.c: what the test does not say of a policy_out, and of struct
 * policy_view. */
void test_out_init(struct policy_out *o);
void test_out_fill(struct test_call *c);
int64_t test_out_cost(void *req);
/** Put the test's texts into req.ctx; see what is there afterwards. */
struct policy_state;
bool test_ctx_fill(struct test_case *t, struct policy_run *run,
                   const struct policy_state *owner);
void test_ctx_compare(struct test_case *t, const struct policy_run *run,
                      const struct policy_state *owner);

/** test_json.c: the value on top as JSON; `what` stands in messages. */
void test_put_json(lua_State *L, struct buf *b, const char *what);

/** test_fake.c: what the policy waits for is the test's. */
struct outside test_outside(struct test_case *t);
uint64_t test_mono_ms(void *ud); /* for struct policy_clock */
uint64_t test_wall_ms(void *ud);

/** test_jwt.c: outside.jwt. */
uint64_t test_jwt(void *ud, uint64_t wait, const struct outside_jwt *q,
                  struct outcome **now);

/** test_request.c: what policies see, and the wake function whose presence
 * says that they may wait (fakes answer at once). */
extern const struct policy_view test_view;
void test_wake(void *req);
/** What the test does not say is as in some request of production. False: it
 * is told what cannot be. */
bool test_request_fill(struct test_case *t, enum policy_phase phase);

/** test_body.c: make the call's body and its fields; false: it is told why
 * not. Close in any case. */
bool test_body_open(struct test_case *t);
void test_body_close(struct test_call *c);
int test_body_rewrite(void *req, struct buf *text, struct json *index,
                      struct err *err); /* of struct policy_view */
void test_body_remodel(void *req, struct str model); /* the same */
void test_body_compare(struct test_case *t);

/** test_try.c: what the test does not say of a try and of an answer. */
void test_try_fill(struct test_case *t);
void test_head_compare(struct test_case *t, enum policy_phase phase);

/** test_kv.c: put what the test's kv says; compare what is there with kv in
 * the table on top (the call's expect). Both below lua_pcall. */
void test_kv_fill(lua_State *L, struct test_case *t);
void test_kv_compare(lua_State *L, struct test_case *t);

/** test_limit.c: what a call takes of limits, by the test's clock. Close
 * settles it; `admitted`: the policy did not refuse. */
struct limiter *test_limits_new(void);
struct limit_claim *test_limits_open(struct test_case *t);
void test_limits_close(struct test_case *t, bool admitted);
/** ps.queue: time passes until it can be taken, or it is a denial. */
void test_limits_wait(struct test_case *t, struct policy_result *r);

/** test_window.c: the output phase, which compares the text as well. */
void test_window_run(struct test_case *t, struct policy_set *s,
                     struct policy_run *run, struct policy_result *r);

/** test_diff.c: compare what came with what the call expects; adds lines. */
void test_compare(struct test_case *t, enum policy_phase phase,
                  const struct policy_result *r);
/** What the policy noted, for who looks for the reason. */
void test_show_notes(struct test_case *t);
/** Something that the call names: lines of what was wanted and what came. */
void test_item(struct test_case *t, const char *key, struct str want,
               struct str got);
/** Add a line; the text is copied. */
void test_line(struct test_case *t, char mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
