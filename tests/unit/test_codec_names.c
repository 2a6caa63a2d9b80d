/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Ids and names inside the vendors' limits, and back; targets; reports. */
#include "unit.h"

#include "wire/codec.h"

#define S64 "0123456789012345678901234567890123456789012345678901234567890123"

static struct arena *a;

static void ids_become(const char *in, const char *want)
{
    struct str out = codec_id_to_anthropic(str_of(in), a);

    if (!str_is(out, want))
        printf("\n%s: " STR_FMT ", not %s", in, STR_ARG(out), want);
    CU_ASSERT(str_is(out, want) && codec_name_legal(out));
    CU_ASSERT(str_eq(codec_id_to_anthropic(str_of(in), a), out));
}

static void ids_towards_anthropic(void)
{
    a = arena_new(1 << 20);
    ids_become("toolu_01AbC-_9", "toolu_01AbC-_9");
    ids_become(S64, S64);
    ids_become("functions.f:0", "psx_functions-2ef-3a0");
    ids_become("", "psx_");
    ids_become("psx_a", "psx_psx_a");
    ids_become("\xC3\xA9", "psx_-c3-a9");
    CU_ASSERT(str_starts(codec_id_to_anthropic(STR(S64 "x"), a),
                         STR("psh_")));
    arena_free(a);
}

/* What comes back is what went out, and nothing else is touched. */
static void ids_come_back(void)
{
    static const char *const ids[] = { "functions.f:0", "", "psx_a", "-", "a b",
                                       "call_1", "\x01\xFF", "psx_-41" };
    static const char *const others[] = { "toolu_1", "psx_-41", "psx_-4",
                                          "psx_-zz", "psh_00" };

    a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct str out = codec_id_to_anthropic(str_of(ids[i]), a);

        CU_ASSERT(str_is(codec_id_from_anthropic(out, a), ids[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CU_ASSERT(str_is(codec_id_from_anthropic(str_of(others[i]), a),
                         others[i]));
    arena_free(a);
}

static void ids_towards_chat(void)
{
    struct str nine;

    a = arena_new(1 << 20);
    CU_ASSERT(str_is(codec_id_to_chat(STR("a.b"), IDS_ANY, a), "a.b"));
    CU_ASSERT(str_is(codec_id_to_chat(STR("call_1"), IDS_40, a), "call_1"));
    UNIT_INT(codec_id_to_chat(STR(S64), IDS_40, a).n, 37);
    nine = codec_id_to_chat(STR("call_1"), IDS_9, a);
    UNIT_INT(nine.n, 9);
    CU_ASSERT(str_eq(codec_id_to_chat(nine, IDS_9, a), nine));
    CU_ASSERT(!str_eq(codec_id_made("call_", STR("r"), 1, a),
                      codec_id_made("call_", STR("r"), 2, a)));
    arena_free(a);
}

static void names_that_are_not_legal(void)
{
    struct str odd, odd2, lengthy;

    a = arena_new(1 << 20);
    CU_ASSERT(str_is(codec_name_to_wire(STR("get-it_9"), a), "get-it_9"));
    odd = codec_name_to_wire(STR("a.b"), a);
    odd2 = codec_name_to_wire(STR("a b"), a);
    lengthy = codec_name_to_wire(STR(S64 "x"), a);
    CU_ASSERT(codec_name_legal(odd) && codec_name_legal(lengthy));
    CU_ASSERT(str_starts(odd, STR("a_b_")) && !str_eq(odd, odd2));
    UNIT_INT(lengthy.n, 64);
    CU_ASSERT(codec_name_legal(codec_name_to_wire(STR(""), a)));
    arena_free(a);
}

static void targets_by_name(void)
{
    static const struct {
        enum dialect d;
        const char *model;
        uint32_t can, cannot;
    } cases[] = {
        { DIALECT_ANTHROPIC, "claude-sonnet-4-5-20250929",
          CAN_SAMPLE | CAN_THINK_BUDGET, CAN_EFFORT },
        { DIALECT_ANTHROPIC, "us.anthropic.claude-opus-4-5-v1:0", CAN_EFFORT,
          CAN_THINK_ADAPTIVE },
        { DIALECT_ANTHROPIC, "claude-sonnet-5", CAN_THINK_OFF, CAN_SAMPLE },
        { DIALECT_ANTHROPIC, "claude-sonnet-5-5", CAN_THINK_BETWEEN,
          CAN_THINK_OFF },
        { DIALECT_ANTHROPIC, "claude-next-9", CAN_THINK_ADAPTIVE,
          CAN_SAMPLE | CAN_FORCE_TOOL },
        { DIALECT_ANTHROPIC, "deepseek-flash", CAN_SAMPLE, CAN_SCHEMA },
        { DIALECT_OPENAI_CHAT, "openai/gpt-5.2", CAN_DEVELOPER, CAN_SAMPLE },
        { DIALECT_OPENAI_CHAT, "gpt-5.2-chat-latest", CAN_SAMPLE,
          CAN_DEVELOPER },
        { DIALECT_OPENAI_CHAT, "llama3", CAN_SAMPLE, CAN_MAX_COMPLETION },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct codec_target t = codec_target_of(cases[i].d,
                                                str_of(cases[i].model));

        CU_ASSERT((t.can & cases[i].can) == cases[i].can);
        CU_ASSERT((t.can & cases[i].cannot) == 0);
        CU_ASSERT(str_is(t.model, cases[i].model));
    }
}

static void reports_names(void)
{
    struct neutral_extra evil = { NULL, { "a\r\nb: c,\x80", 9 }, { 0 } };
    struct codec_report r = { 0 };
    struct buf b = BUF_INIT(1024);

    CU_ASSERT(!codec_any(&r, FATE_DROPPED));
    r.members = &evil;
    codec_note(&r, FATE_DROPPED, FEATURE_SEED);
    CU_ASSERT(codec_any(&r, FATE_DROPPED) && !codec_any(&r, FATE_REFUSED));
    codec_report_names(&r, FATE_DROPPED, 100, &b);
    CU_ASSERT(str_is(buf_str(&b), "seed, a??b: c??"));
    buf_reset(&b);
    codec_report_names(&r, FATE_DROPPED, 12, &b);
    CU_ASSERT(str_is(buf_str(&b), "seed, ..."));
    for (int f = 0; f < FEATURE_COUNT; f++)
        CU_ASSERT(codec_feature_name((enum codec_feature)f) &&
                  codec_feature_what((enum codec_feature)f));
    buf_clear(&b);
}

UNIT_MAIN("codec_names", { "ids towards Anthropic", ids_towards_anthropic },
          { "ids come back", ids_come_back },
          { "ids towards chat", ids_towards_chat },
          { "names that are not legal", names_that_are_not_legal },
          { "targets by name", targets_by_name },
          { "reports names", reports_names })
