/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* acme.c in C++17: the table of operations is made by a constexpr function,
 * so that nothing runs when the file is loaded. */
#include <penstock/plugin.h>

namespace {

ps_rc adjust(ps_try *t) noexcept
{
    ps_rename(t, "/max_tokens", "/max_completion_tokens");
    return ps_remove(t, "/store");
}

ps_rc classify(ps_try *t, ps_fault *f) noexcept
{
    if (ps_is(ps_answer_str(t, "/error/code"), "INSUFFICIENT_BALANCE"))
        ps_fault_set(f, PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL);
    return PS_OK;
}

constexpr ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};

constexpr ps_provider make()
{
    ps_provider p{};

    p.size = sizeof p;
    p.apis = apis;
    p.n_apis = 1;
    p.auth_header = "x-acme-key";
    p.adjust = adjust;
    p.classify = classify;
    return p;
}

constexpr ps_provider ops = make();

} // namespace

PS_PLUGIN(PS_PROVIDER, "acme_cxx", "1.0", &ops);
