/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Takes memory with `new`, and lives with what that does where there is none
 * as its settings say: "right" catches it, "nothrow" asks for a null pointer,
 * "thrown" lets it out, which ends the process. */
#include <penstock/plugin.h>

#include <new>

namespace {

enum class How { right, nothrow, thrown } how;

ps_rc open_inst(ps_inst *i) noexcept
{
    ps_str s;

    how = How::right;
    if (i->svc->setting(i, ps_z("/how"), &s) != PS_OK)
        return PS_OK;
    if (ps_is(s, "\"nothrow\""))
        how = How::nothrow;
    if (ps_is(s, "\"thrown\""))
        how = How::thrown;
    return PS_OK;
}

char *take(size_t n)
{
    if (how == How::nothrow)
        return new (std::nothrow) char[n];
    if (how == How::thrown)
        return new char[n];
    try {
        return new char[n];
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

ps_rc watch(ps_try *, ps_str, ps_str data) noexcept
{
    char *copy = take(data.n + 1);

    if (!copy)
        return PS_ENOMEM;
    memcpy(copy, data.p, data.n);
    delete[] copy;
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
    p.settings = "{\"properties\":{\"how\":{\"type\":\"string\"}}}";
    p.open = open_inst;
    p.watch = watch;
    return p;
}

constexpr ps_provider ops = make();

} // namespace

PS_PLUGIN(PS_PROVIDER, "odd_new", "1", &ops);
