/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/capable.h"

#include "flow/generation.h"
#include "wire/needs.h"
#include "wire/token_guess.h"

/* What is looked at once for a request, when a target asks for it. */
struct wants {
    bool known, counted;
    uint32_t needs;
    uint64_t tokens;
};

static size_t left(const struct plan *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += !p->list[i].dropped;
    return n;
}

static const char *missing(struct request *r, const struct ability *a,
                           struct wants *w)
{
    uint32_t lacks;

    if (!w->known && a->lacks) {
        w->needs = wire_needs(r->endpoint->dialect, &r->json);
        w->known = true;
    }
    lacks = a->lacks & w->needs;
    return lacks ? wire_need_name(lacks & -lacks) : NULL;
}

/* The guess is rather too much for English: only what is over by a third is
 * certain enough. */
static bool is_too_long(struct request *r, const struct ability *a,
                        struct wants *w)
{
    if (!a->context || r->body_bytes < (uint64_t)a->context)
        return false; /* a token has a byte at least */
    if (!w->counted) {
        w->tokens = token_guess(r->endpoint->dialect, &r->json);
        w->counted = true;
    }
    return w->tokens * 3 / 4 > (uint64_t)a->context;
}

static struct str why_not(struct request *r, const struct target *t,
                           struct wants *w)
{
    const struct ability *a = ability_find(r->gen->abilities,
                                           t->provider->conf->name, t->model);
    const char *lack;

    if (!a)
        return STR_NULL;
    lack = missing(r, a, w);
    if (lack)
        return arena_fmt(r->arena, "its model has no %s", lack);
    if (is_too_long(r, a, w))
        return arena_fmt(r->arena, "about %llu tokens do not fit into its "
                         "%lld", (unsigned long long)w->tokens,
                         (long long)a->context);
    return STR_NULL;
}

/* ---- what a model is for ------------------------------------------------ */

static enum model_kind asked_for(const struct request *r)
{
    switch (r->endpoint->dialect) {
    case DIALECT_OPENAI_EMBEDDINGS:
    case DIALECT_GEMINI_EMBED:
    case DIALECT_GEMINI_BATCH:
        return KIND_EMBED;
    case DIALECT_ANTHROPIC_PATHS:
        return KIND_UNKNOWN;
    case DIALECT_PASSTHROUGH:
        return strcmp(r->endpoint->name, "rerank") == 0 ? KIND_RERANK
                                                        : KIND_UNKNOWN;
    case DIALECT_GEMINI_COUNT: /* vectors' models count as well */
        return KIND_UNKNOWN;
    default:
        return KIND_CHAT;
    }
}

enum model_kind capable_kind(const struct request *r, const struct target *t)
{
    const struct ability *a;

    if (t->kind_known)
        return (enum model_kind)t->kind;
    a = ability_find(r->gen->abilities, t->provider->conf->name, t->model);
    return a ? a->kind : KIND_UNKNOWN;
}

static struct str say_kind(struct request *r, enum model_kind kind)
{
    static const char *const words[] = {
        [KIND_CHAT] = "its model is for chat",
        [KIND_EMBED] = "its model makes embeddings and nothing else",
        [KIND_RERANK] = "its model ranks documents and does nothing else",
    };

    return arena_dup(r->arena, str_of(words[kind]));
}

static void drop(struct request *r, struct candidate *c, struct str why)
{
    c->dropped = true;
    c->why = why;
    request_note(r, STR("capability"),
                 arena_fmt(r->arena, "passed over " STR_FMT ": " STR_FMT,
                           STR_ARG(c->target->name), STR_ARG(why)));
}

/* None of these is asked, be it the only one: an answer would be of another
 * sort, or a provider's guess at what was meant. */
static void drop_other_kinds(struct request *r)
{
    enum model_kind want = asked_for(r), kind = KIND_UNKNOWN;
    struct candidate *last = NULL;

    for (size_t i = 0; want != KIND_UNKNOWN && i < r->plan.n; i++) {
        struct candidate *c = &r->plan.list[i];

        if (c->dropped)
            continue;
        kind = capable_kind(r, c->target);
        if (kind == KIND_UNKNOWN || kind == want)
            continue;
        drop(r, c, say_kind(r, kind));
        last = c;
    }
    if (last && !left(&r->plan))
        err_at(&r->refused, ERR_INVALID_REQUEST, "model",
               "The model '" STR_FMT "' does not serve %s: " STR_FMT ".",
               STR_ARG(r->facts.model), r->endpoint->name,
               STR_ARG(last->why));
}

void capable_drop(struct request *r)
{
    struct str why[PLAN_MAX];
    size_t n, unable = 0;
    struct wants w = { 0 };

    drop_other_kinds(r);
    n = left(&r->plan);
    if (n < 2 || !r->gen->abilities)
        return;
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct candidate *c = &r->plan.list[i];

        why[i] = c->dropped ? STR_NULL : why_not(r, c->target, &w);
        unable += why[i].p != NULL;
    }
    for (size_t i = 0; i < r->plan.n && unable < n; i++) {
        struct candidate *c = &r->plan.list[i];

        if (why[i].p)
            drop(r, c, why[i]);
    }
}
