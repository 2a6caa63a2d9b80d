/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/output_request.h"

#include "flow/events.h"
#include "flow/limits_hold.h"
#include "flow/policies.h"

static void on_ask(void *ud, struct policy_window *w, struct policy_result *out)
{
    struct request *r = ud;

    r->run.window = w;
    phase_ask(r, PHASE_OUTPUT, out);
    r->run.window = NULL;
}

static void on_fail(void *ud, struct policy_window *w, const char *why,
                    struct policy_result *out)
{
    struct request *r = ud;

    phase_prepare(r, PHASE_OUTPUT);
    r->run.window = w;
    policy_output_fail(r->gen->policies, &r->run, why, out);
    r->run.window = NULL;
}

static const struct output_ops ops = { .ask = on_ask, .fail = on_fail };

/* ---- verdicts ---------------------------------------------------------- */

static int refuse(struct request *r, const struct policy_result *p)
{
    struct attempt *t = r->attempt;

    t->decided = t->refused = t->ended = true;
    r->kept = (struct kept_error){ 0 };
    r->err = (struct err){ .code = ERR_NONE };
    r->retry_after_ms = 0;
    if (p)
        phase_verdict(r, PHASE_OUTPUT, STEP_FAIL, p);
    else
        request_fail(r, ERR_OVERLOADED, "gateway");
    r->side = "gateway";
    return -ERR_CANCELLED;
}

static void note_stop(struct request *r, const struct policy_result *p)
{
    struct str text = arena_fmt(r->arena, "stopped: " STR_FMT,
                                STR_ARG(p->code));

    if (text.p)
        request_note(r, p->policy, text);
}

int request_output_verdict(struct request *r, int rc)
{
    struct attempt *t = r->attempt;
    const struct policy_result *p = output_verdict(t->output);

    if (rc != -ERR_CANCELLED)
        return refuse(r, NULL);
    if (p->verdict != POLICY_STOP)
        return refuse(r, p);
    note_stop(r, p);
    if (output_stop(t->output, &r->usage, r->facts.include_usage))
        return refuse(r, NULL);
    t->decided = t->ended = true;
    return 0;
}

/* ---- an answer's life -------------------------------------------------- */

void request_output_begin(struct request *r)
{
    struct attempt *t = r->attempt;
    const struct wire_text_ops *wire = wire_text_ops(r->endpoint->dialect);
    struct policy_output wants;
    bool counts = t->mode == MODE_STREAM && limits_watches(r);

    if (t->broken || (t->mode != MODE_STREAM && t->mode != MODE_BODY))
        return;
    if (!wire)
        return;
    if (!policy_output_wants(r->gen->policies, str_of(r->endpoint->name),
                             &wants)) {
        if (!counts)
            return;
        wants = (struct policy_output){ .kinds = 0 };
    }
    t->output = output_new(&wants, r->endpoint->dialect, wire, r->arena, &ops,
                           r);
    if (!t->output) {
        refuse(r, NULL);
        return;
    }
    if (wants.acting || limits_may_finish(r))
        output_may_end(t->output);
    r->answer.held.max = t->mode == MODE_BODY &&
                                 !output_only_observes(t->output)
                             ? OUTPUT_MAX
                             : HOLD_MAX;
}

int request_output_body(struct request *r, struct str *body)
{
    struct output *o = r->attempt->output;
    bool edited = false;
    int rc = output_body(o, &r->flow->scratch, &edited);

    if (rc)
        return request_output_verdict(r, rc);
    if (output_verdict(o)->verdict == POLICY_STOP)
        note_stop(r, output_verdict(o));
    if (edited)
        *body = output_bytes(o);
    return 0;
}

int request_output_too_large(struct request *r)
{
    int rc = output_give_up(r->attempt->output,
                            "the answer is too large to be looked at");

    return rc ? request_output_verdict(r, rc) : 0;
}

void request_output_cut(struct request *r)
{
    struct attempt *t = r->attempt;
    struct output *o = t->output;
    int rc;

    if (!o || t->decided || !r->answer.content_sent || t->mode != MODE_STREAM)
        return;
    rc = output_end(o);
    if (rc == 0 || rc == -ERR_CANCELLED)
        stream_send(r, output_bytes(o));
    output_sent(o);
}
