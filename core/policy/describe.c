/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Loading one policy to look at it. */
#include "policy/describe.h"

#include "net/hash.h"
#include "policy/state.h"

int policy_describe(const struct config *c, const struct conf_policy *p,
                    struct policy_about *out, struct err *err)
{
    struct policy_env env = { .config = c };
    struct policy_state *st = NULL;
    bool found;

    if (budget_timer_start() != 0)
        return err_set(err, ERR_IO, "no timer for the CPU budget of policies");
    env.hash = hash_new();
    if (env.hash)
        st = policy_state_new(&env, p, err);
    else
        err_set(err, ERR_NOMEM, "no memory for policies");
    for (int i = 0; st && i < PHASE_COUNT; i++) {
        out->has[i] = st->fn[i] != LUA_NOREF;
        out->open[i] = st->open[i];
    }
    found = st != NULL;
    policy_state_free(st);
    hash_free(env.hash);
    budget_timer_stop();
    return found ? 0 : -err->code;
}
