/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.targets(): the list, what is known of each, and for how long. */
#include "policy_unit.h"

static uint64_t on_clock(void *ud)
{
    (void)ud;
    return 5000;
}

static void lists_what_is_lent(void)
{
    static struct conf_pair eu = { STR("region"), STR("eu") };
    static const struct policy_clock clock = { on_clock, on_clock, NULL };
    struct credential keys[] = { { .own = { .until_ms = 6000 } },
                                 { .own = { .until_ms = 5001 } },
                                 { .own = { .until_ms = 5000 } } };
    struct conf_provider conf[] = { { .name = STR("a") },
                                    { .name = STR("b"), .tags = &eu,
                                      .n_tags = 1 } };
    struct provider open[] = {
        { .conf = &conf[0], .credentials = keys, .n_credentials = 2 },
        { .conf = &conf[1], .credentials = keys, .n_credentials = 3 } };
    struct target targets[] = {
        { .name = STR("a/m"), .provider = &open[0], .model = STR("m"),
          .weight = 3 },
        { .name = STR("b/n"), .provider = &open[1], .model = STR("n") } };
    const struct target *list[] = { &targets[0], &targets[1] };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p",
                "local kept return { api = 1, request = function()"
                " if kept then return kept.name end"
                " for i, t in ipairs(ps.targets()) do"
                " ps.note(i .. t.name .. t.provider .. t.model .. t.weight .."
                " tostring(t.tags.region) .. tostring(t.resting)) kept = t"
                " end end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    policy_set_clock(f.set, &clock);
    UNIT_INT(policy_set_targets(f.set, list, 2), 0);
    fake_run(&f, PHASE_REQUEST);
    UNIT_STR(f.notes, "p: 1a/mam3niltrue\np: 2b/nbn0eufalse\n");
    f.notes[0] = '\0';
    fake_run(&f, PHASE_REQUEST);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "target is over"));
    fake_clear(&f);
}

static void mistakes_raise(void)
{
    fake_shows("show(#ps.targets())", "p: 0\n");
    fake_fails("return ps.targets(1)[1].name", "index a nil value");
}

UNIT_MAIN("api_target", { "lists what is lent", lists_what_is_lent },
          { "mistakes raise", mistakes_raise })
