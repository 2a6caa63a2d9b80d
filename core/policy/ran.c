/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a policy did, as it is told to who runs it. */
#include "policy/ran.h"

#include "policy/probe.h"

static uint64_t counted(const struct policy_state *st)
{
    return st->env->probe ? st->env->probe->instructions : 0;
}

void policy_ran_begin(struct policy_run *run, const struct policy_state *st,
                      enum policy_phase p, uint64_t now_ns)
{
    run->ran = (struct policy_ran){ .policy = st->conf->name, .phase = p,
                                    .observed = st->conf->observe,
                                    .open = st->open[p] };
    run->ran.instructions = counted(st);
    run->began_ns = now_ns;
}

void policy_ran_add(struct policy_run *run, const struct policy_state *st,
                    uint64_t t0_ns, uint64_t ns, bool waits)
{
    struct policy_ran *ran = &run->ran;

    ran->ns += ns;
    if (waits) {
        ran->waits++;
        return;
    }
    ran->waited_ns = t0_ns + ns - run->began_ns - ran->ns;
    ran->instructions = counted(st) - ran->instructions;
}

void policy_ran_verdict(struct policy_run *run,
                        const struct policy_result *out, bool failed,
                        struct str why)
{
    struct policy_ran *ran = &run->ran;

    ran->verdict = failed ? POLICY_FAILED : out->verdict;
    if (failed)
        ran->what = why;
    else if (out->verdict == POLICY_DENY || out->verdict == POLICY_STOP)
        ran->what = out->code;
    else if (out->verdict == POLICY_PRINCIPAL)
        ran->what = out->principal->id;
    else if (out->verdict == POLICY_SKIP || out->verdict == POLICY_NEXT ||
             out->verdict == POLICY_AGAIN || out->verdict == POLICY_QUEUE)
        ran->what = out->message;
}
