/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Two bytes: dialect, whole or streamed, what is held; how policies behave.
 * Then an event stream, or a body. Whatever a provider sends, what leaves is
 * JSON again, numbers of Responses events grow, and policies see whole
 * characters.
 */
#include "flow/output.h"
#include "wire/anthropic_text.h"
#include "wire/gemini.h"
#include "wire/openai.h"
#include "wire/responses.h"
#include "wire/watch.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

enum { STOPS = 1, DENIES = 2, FAILS = 4, GROWS = 8, FINISHES = 64 };

#define NUMBER_MAX ((int64_t)1 << 53)

struct run {
    struct output *o;
    struct json j, check;
    struct sse left; /* what the client gets */
    uint8_t how;
    bool ended, over; /* by us; by its last event */
    bool numbered;   /* its events have numbers */
    int64_t number;  /* of the last one */
    bool whole_only; /* some texts of the dialect cannot be said in pieces */
};

static void on_ask(void *ud, struct policy_window *w, struct policy_result *out)
{
    struct run *r = ud;
    struct str s = output_text_now(w->text), rest = s;
    ptrdiff_t at;

    *out = (struct policy_result){ .verdict = POLICY_NONE };
    MUST(str_utf8_valid(s));
    MUST(!r->ended);
    if (r->how & STOPS && str_find(s, STR("STOP")) >= 0)
        out->verdict = POLICY_STOP;
    if (r->how & DENIES && str_find(s, STR("DENY")) >= 0)
        out->verdict = POLICY_DENY;
    output_text_begin(w->text);
    while ((at = str_find(rest, STR("ab"))) >= 0) {
        size_t place = (size_t)(rest.p - s.p) + (size_t)at;

        MUST(!output_text_swap(w->text, place, 2,
                               r->how & GROWS ? STR("****") : STR("*")));
        rest = (struct str){ s.p + place + 2, s.n - place - 2 };
    }
    MUST(!output_text_end(w->text));
}

static void on_fail(void *ud, struct policy_window *w, const char *why,
                    struct policy_result *out)
{
    struct run *r = ud;

    (void)w;
    (void)why;
    *out = (struct policy_result){
        .verdict = r->how & FAILS ? POLICY_FAILED : POLICY_NONE };
}

static const struct output_ops ops = { on_ask, on_fail };

static int check_event(void *ud, const struct sse_event *ev)
{
    struct run *r = ud;
    int64_t number;

    MUST(!ev->cut);
    if (!ev->data.p || str_is(ev->data, "[DONE]"))
        return 0;
    MUST(json_scan(&r->check, ev->data, NULL, NULL) == 0);
    number = watch_number(&r->check, 0, "sequence_number");
    if (!r->numbered || number < 0 || number > NUMBER_MAX)
        return 0;
    MUST(number > r->number);
    r->number = number;
    return 0;
}

/* What leaves is a stream of JSON. */
static void check(struct run *r)
{
    MUST(sse_feed(&r->left, output_bytes(r->o), check_event, r, NULL) == 0);
    output_sent(r->o);
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct run *r = ud;
    bool done = ev->data.p && str_is(ev->data, "[DONE]");
    bool end = str_is(ev->event, "response.completed");
    bool last = done || end || str_is(ev->event, "message_stop");
    int rc;

    if (!ev->data.p || ev->cut)
        return 0;
    /* as the flow does: what is no JSON is the provider's fault */
    if (!done && (json_scan(&r->j, ev->data, NULL, NULL) ||
                  r->j.nodes[0].type != JSON_T_OBJECT))
        return -ERR_SYNTAX;
    rc = output_event(r->o, ev, last && !end ? NULL : &r->j, last);
    r->over |= last;
    if (rc) {
        struct usage none = USAGE_NONE;

        /* what was cut where it cannot be said again */
        MUST(rc == -ERR_CANCELLED || (r->whole_only && rc == -ERR_NOTFOUND));
        r->ended = true;
        if (rc == -ERR_CANCELLED &&
            output_verdict(r->o)->verdict == POLICY_STOP)
            MUST(output_stop(r->o, &none, true) == 0);
    }
    check(r);
    return rc;
}

/* The stream ends where it is. Where no text came yet there is nothing to say
 * it like, and items of Responses may contradict themselves: an error. */
static int finish(struct run *r)
{
    struct usage none = USAGE_NONE;
    int rc = output_finish(r->o, WIRE_FINISH_LENGTH, &none, true);

    MUST(!rc || rc == -ERR_CANCELLED || rc == -ERR_SYNTAX ||
         (r->whole_only && rc == -ERR_NOTFOUND));
    return rc;
}

static void stream(struct run *r, struct str text)
{
    struct sse sse;
    int rc;

    sse_init(&sse, 1 << 20);
    sse_init(&r->left, 64 << 20);
    rc = sse_feed(&sse, text, on_event, r, NULL);
    if (!rc && (r->how & FINISHES && !r->over ? finish(r)
                                              : output_end(r->o)) == 0)
        check(r);
    MUST(sse_eof(&r->left, check_event, r, NULL) == 0);
    sse_clear(&sse);
    sse_clear(&r->left);
}

static void body(struct run *r, struct str text)
{
    bool edited;

    if (json_scan(&r->j, text, NULL, NULL) ||
        r->j.nodes[0].type != JSON_T_OBJECT)
        return;
    if (output_body(r->o, &r->j, &edited) == 0 && edited)
        MUST(json_scan(&r->check, output_bytes(r->o), NULL, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_output wants = { .kinds = 7, .acting = 7 };
    struct arena *a = arena_new(16 << 20);
    struct str text = { (const char *)data + 2, size - 2 };
    struct run r = { .ended = false };
    static const struct wire_text_ops *const dialects[] = {
        &openai_text_ops, &anthropic_text_ops, &gemini_text_ops,
        &responses_text_ops,
    };
    unsigned d;

    if (size < 2 || !a) {
        arena_free(a);
        return 0;
    }
    d = (data[0] & 1) | (data[1] & 32) >> 4;
    r.whole_only = d > 1;
    r.numbered = d == 3;
    r.number = -1;
    wants.all = data[0] & 4;
    for (int k = 0; k < WIRE_KINDS; k++)
        wants.hold[k] = data[0] >> 4;
    r.how = data[1];
    if (data[1] & 16) /* thinking is observed, arguments are nobody's */
        wants.acting = 1, wants.kinds = 5;
    r.o = output_new(&wants, DIALECT_OPENAI_CHAT,
                     dialects[d], a, &ops, &r);
    MUST(r.o);
    output_may_end(r.o);
    if (data[0] & 2)
        body(&r, text);
    else
        stream(&r, text);
    output_free(r.o);
    json_clear(&r.j);
    json_clear(&r.check);
    arena_free(a);
    return 0;
}
