/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How many calls a target may have: its line's word, its provider's, and what
 * was found out within them. */
#include "engine/target.h"

#include "unit.h"

#define NOW 100000

static struct str host[] = { STR("http://10.0.8.1:8000/v1") };
static struct conf_provider gpu = { .name = STR("gpu"),
                                    .plugin = STR("openai"),
                                    .base_urls = host, .n_base_urls = 1 };
static struct conf_target two[] = { { &gpu, STR("a"), 1, 0 },
                                    { &gpu, STR("b"), 1, 7 } };
static struct conf_model model = { .name = STR("m"), .targets = two,
                                   .n_targets = 2 };
static struct config config = { .providers = &gpu, .n_providers = 1,
                                .models = &model, .n_models = 1 };
static struct plugin_set *plugins;
static struct engine *engine;
static struct health *health;
static struct arena *arena;
static struct plan plan;

static void begin(uint32_t most, uint32_t min, uint32_t max)
{
    const char *build = getenv("PENSTOCK_BUILD");
    struct err err = { 0 };
    char path[4096];

    gpu.max_concurrent = most;
    gpu.adaptive = (struct aimd_range){ min, max };
    snprintf(path, sizeof path, "%s/plugins/openai.so", build ? build : ".");
    plugins = plugin_set_new();
    CU_ASSERT_FATAL(plugin_set_load(plugins, STR("openai"), path, &err) == 0);
    engine = engine_new(&config, plugins, &err);
    health = health_new(2, &err);
    arena = arena_new(1 << 16);
    CU_ASSERT_FATAL(engine && health && arena);
    engine_use_health(engine, health, 1);
    CU_ASSERT_FATAL(engine_plan(engine, arena, STR("m"), NULL, &plan,
                                &err) == 0);
}

static void end(void)
{
    engine_free(engine);
    plugin_set_free(plugins);
    health_free(health);
    arena_free(arena);
}

static uint32_t most(size_t i)
{
    return target_most(plan.list[i].target);
}

static void nothing_is_said(void)
{
    begin(0, 0, 0);
    UNIT_INT(most(0), 0);
    UNIT_INT(most(1), 7);
    UNIT_INT(health_limit(plan.list[1].target->cell), 7);
    end();
}

static void a_line_wins_over_its_provider(void)
{
    begin(20, 0, 0);
    UNIT_INT(most(0), 20);
    UNIT_INT(most(1), 7);
    end();
}

static void what_is_found_out_stays_below(void)
{
    begin(20, 2, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct target *t = plan.list[i].target;

        UNIT_INT(most(i), i ? 7 : 20);
        CU_ASSERT(aimd_bad(&t->cell->aimd, t->adaptive, NOW, NOW + 1, 10));
        UNIT_INT(most(i), 7);
        CU_ASSERT(aimd_bad(&t->cell->aimd, t->adaptive, NOW + 2, NOW + 3, 4));
        UNIT_INT(most(i), 2);
        UNIT_INT(health_limit(t->cell), 2);
    }
    CU_ASSERT(!target_is_full(plan.list[0].target));
    CU_ASSERT(health_take(health, plan.list[0].target->cell, 0, 2));
    CU_ASSERT(health_take(health, plan.list[0].target->cell, 1, 2));
    CU_ASSERT(target_is_full(plan.list[0].target));
    end();
}

static void ranges_are_brought_together(void)
{
    begin(0, 9, 12);
    UNIT_INT(most(0), 12);
    UNIT_INT(most(1), 7);
    UNIT_INT(plan.list[1].target->adaptive.min, 7);
    end();
}

UNIT_MAIN("target_places", { "nothing is said", nothing_is_said },
          { "a line wins", a_line_wins_over_its_provider },
          { "found out", what_is_found_out_stays_below },
          { "ranges", ranges_are_brought_together })
