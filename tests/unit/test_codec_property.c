/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What is written and read again is what it was: decode(encode(x)) = x. For
 * dialects that cannot say all that chat says: what was said once in theirs is
 * said the same from then on. */
#include "neutral_random.h"

#define ROUNDS 3000

static void tools(struct rnd *g)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"z\":{},\"a\":{\"minimum\":1e2"
        "}}}",
        "{ \"type\" : \"object\" }",
    };

    for (unsigned n = rnd(g, 4); n; n--) {
        struct neutral_tool *t = neutral_add_tool(g->r, g->a);

        t->name = rnd_name(g);
        if (rnd(g, 2))
            t->description = rnd_jstr(g);
        t->raw_schema = str_of(PICK(g, schemas));
        t->schema_typed = true;
        t->strict = (int)rnd(g, 3) - 1;
        rnd_cache(g, &t->cache);
        if (g->chat && rnd(g, 6) == 0)
            t->custom = true;
        if (rnd(g, 8) == 0) {
            *t = (struct neutral_tool){ .name = STR("search"), .strict = -1 };
            t->raw_unknown = STR("{\"type\":\"search\",\"x\":[1]}");
        }
    }
    if (!g->r->tools)
        return;
    g->r->choice.kind = rnd(g, 5);
    if (g->r->choice.kind == CHOICE_NAMED)
        g->r->choice.name = rnd_name(g);
    if (g->chat || (g->r->choice.kind != CHOICE_UNSET &&
                    g->r->choice.kind != CHOICE_NONE))
        g->r->parallel = (int)rnd(g, 3) - 1;
}

static void reasoning(struct rnd *g)
{
    static const char *const efforts[] = { "low", "medium", "high", "xhigh",
                                           "max" };
    struct neutral_reasoning *t = &g->r->reasoning;
    bool forced = g->r->choice.kind > CHOICE_NONE;

    t->kind = rnd(g, 4);
    if ((forced || g->results) && t->kind == REASONING_BUDGET && !g->chat)
        t->kind = REASONING_OFF;
    if (forced && t->kind == REASONING_ADAPTIVE && !g->chat)
        t->kind = REASONING_UNSET;
    if (t->kind == REASONING_BUDGET)
        t->budget = 1024 + rnd(g, 9000);
    if (t->kind == REASONING_ADAPTIVE)
        t->effort = str_of(PICK(g, efforts));
    if (t->kind == REASONING_ADAPTIVE && !g->chat && rnd(g, 2))
        t->display = STR("summarized");
    if (t->kind == REASONING_OFF && g->chat && rnd(g, 2))
        t->effort = STR("none");
}

static void settings(struct rnd *g)
{
    struct neutral_request *r = g->r;
    bool thinking = r->reasoning.kind > REASONING_OFF;

    r->max_tokens = 20000 + rnd(g, 1000);
    for (int p = 0; p < PARAM_COUNT; p++) {
        if (neutral_param_name(p, r->from) && (g->chat || !thinking) &&
            rnd(g, 3) == 0)
            r->param[p] = p == PARAM_LOGIT_BIAS ? STR("{\"7\":-1.5e1}")
                                                : rnd_number(g);
    }
    r->param[PARAM_LOGPROBS] = g->chat && rnd(g, 2) ? STR("true") : STR_NULL;
    for (unsigned n = rnd(g, 3); n; n--) {
        struct neutral_name *s = arena_alloc(g->a, sizeof *s);

        s->name = rnd_str(g);
        s->next = r->stops;
        r->stops = s;
    }
    if (rnd(g, 2))
        r->user = rnd_str(g);
    if (rnd(g, 4) == 0)
        r->service_tier = STR("flex");
    r->stream = rnd(g, 2);
    rnd_cache(g, &r->cache);
    if (rnd(g, 3) == 0) {
        struct neutral_extra *e = arena_alloc(g->a, sizeof *e);

        *e = (struct neutral_extra){ NULL, STR("new \"x\""),
                                     STR("{\"a\": 1e2}") };
        r->extras = e;
    }
    if (rnd(g, 3) == 0) {
        r->format.kind = FORMAT_SCHEMA;
        r->format.raw_schema = STR("{\"type\":\"object\",\"minimum\":1}");
        r->format.schema_typed = true;
        if (g->chat)
            r->format.name = rnd_name(g);
    }
}

static void make(struct rnd *g, struct neutral_request *r, enum dialect d)
{
    struct neutral_message *m;

    g->chat = d == DIALECT_OPENAI_CHAT;
    g->r = r;
    g->marks = 4;
    g->next_id = 0;
    g->results = false;
    neutral_request_init(r, d);
    tools(g);
    if (rnd(g, 2)) {
        m = neutral_add_message(r, g->a, g->chat && rnd(g, 2)
                                             ? ROLE_DEVELOPER : ROLE_SYSTEM);
        rnd_text(g, m);
        if (rnd(g, 2))
            rnd_text(g, m);
    }
    for (unsigned n = 1 + rnd(g, 3); n; n--)
        rnd_turn(g);
    m = neutral_add_message(r, g->a, ROLE_USER);
    rnd_text(g, m);
    reasoning(g);
    settings(g);
}

static bool round_trip(struct rnd *g, enum dialect d)
{
    struct codec_target t = way_target(d);
    struct dump want, got;
    struct way w = { .out = BUF_INIT(64 << 20) }, back;
    bool ok;

    w.a = g->a;
    make(g, &w.r, d);
    dump_init(&want, 0);
    dump_init(&got, 0);
    dump_request(&want, &w.r);
    ok = way_out(&w, d, &t) == 0 && way_in(&back, d, buf_str(&w.out)) == 0;
    if (ok) {
        dump_request(&got, &back.r);
        ok = dump_same(codec_for(d) ? "round trip" : "", &got, &want);
        way_clear(&back);
    }
    ok = ok && !codec_any(&w.report, FATE_DROPPED) &&
         !codec_any(&w.report, FATE_REFUSED);
    if (!ok)
        printf("\n%s " STR_FMT, w.err.msg, STR_ARG(buf_str(&w.out)));
    dump_clear(&want);
    dump_clear(&got);
    buf_clear(&w.out);
    return ok;
}

static void check(enum dialect d)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct rnd g = { .state = seed * 7919 };
        bool ok;

        g.a = arena_new(64 << 20);
        ok = round_trip(&g, d);
        if (!ok)
            printf("\nseed %llu", (unsigned long long)seed);
        CU_ASSERT_FATAL(ok);
        arena_free(g.a);
    }
}

static void chat_again(void)
{
    check(DIALECT_OPENAI_CHAT);
}

static void anthropic_again(void)
{
    check(DIALECT_ANTHROPIC);
}

/* ---- said once, said for good ------------------------------------------- */

/* Another time: what was read is written, and read. */
static bool again(struct way *from, enum dialect d, struct way *to)
{
    struct codec_target t = way_target(d);

    return way_out(from, d, &t) == 0 &&
           way_in(to, d, buf_str(&from->out)) == 0;
}

static bool same(struct way *a, struct way *b)
{
    struct dump want, got;
    bool ok;

    dump_init(&want, 0);
    dump_init(&got, 0);
    dump_request(&want, &a->r);
    dump_request(&got, &b->r);
    ok = dump_same("said again", &got, &want);
    dump_clear(&want);
    dump_clear(&got);
    return ok;
}

/* A request that the dialect refuses is not counted in *said. */
static bool settles(struct rnd *g, enum dialect d, int *said)
{
    struct codec_target t = way_target(d);
    struct way w = { .out = BUF_INIT(64 << 20), .a = g->a }, one, two;
    bool ok = true;

    make(g, &w.r, DIALECT_OPENAI_CHAT);
    if (way_out(&w, d, &t) == 0) {
        ++*said;
        ok = way_in(&one, d, buf_str(&w.out)) == 0;
        if (ok) {
            ok = again(&one, d, &two) && same(&one, &two);
            way_clear(&two);
        }
        if (!ok)
            printf("\n%s " STR_FMT, one.err.msg, STR_ARG(buf_str(&w.out)));
        way_clear(&one);
    }
    buf_clear(&w.out);
    return ok;
}

static void check_settles(enum dialect d)
{
    int said = 0;

    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct rnd g = { .state = seed * 7919, .a = arena_new(64 << 20) };
        bool ok = settles(&g, d, &said);

        if (!ok)
            printf("\nseed %llu", (unsigned long long)seed);
        CU_ASSERT_FATAL(ok);
        arena_free(g.a);
    }
    CU_ASSERT(said > ROUNDS / 4);
}

static void responses_settles(void)
{
    check_settles(DIALECT_RESPONSES);
}

static void gemini_settles(void)
{
    check_settles(DIALECT_GEMINI);
}

UNIT_MAIN("codec_property", { "Responses settles", responses_settles },
          { "Google's settles", gemini_settles }, { "chat again", chat_again },
          { "Anthropic's again", anthropic_again })
