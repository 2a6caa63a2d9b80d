/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Who is asked first where balance = "ewma": by speed, load, weight, health. */
#include "engine/target.h"

#include "unit.h"

#define NOW 100000

static struct str host[] = { STR("http://10.0.8.1:8000/v1") };
static struct conf_provider gpu = { .name = STR("gpu"),
                                    .plugin = STR("openai"),
                                    .base_urls = host, .n_base_urls = 1 };
static struct conf_target three[] = { { &gpu, STR("a"), 1, 0 },
                                      { &gpu, STR("b"), 1, 0 },
                                      { &gpu, STR("c"), 1, 0 } };
static struct conf_target last[] = { { &gpu, STR("last"), 1, 0 } };
static struct conf_model model = { .name = STR("m"), .balance = BALANCE_EWMA,
                                   .targets = three, .n_targets = 3,
                                   .fallback = last, .n_fallback = 1 };

static struct config config;
static struct plugin_set *plugins;
static struct engine *engine;
static struct health *health;
static struct health_cell *cell[3];
static int first[3]; /* how often each was asked first */

static void begin(size_t n)
{
    static const char *const names[] = { "gpu/a", "gpu/b", "gpu/c" };
    const char *build = getenv("PENSTOCK_BUILD");
    struct err err = { 0 };
    char path[4096];

    snprintf(path, sizeof path, "%s/plugins/openai.so", build ? build : ".");
    plugins = plugin_set_new();
    CU_ASSERT_FATAL(plugin_set_load(plugins, STR("openai"), path, &err) == 0);
    model.n_targets = n;
    config = (struct config){ .providers = &gpu, .n_providers = 1,
                              .models = &model, .n_models = 1 };
    engine = engine_new(&config, plugins, &err);
    health = health_new(2, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
    CU_ASSERT_PTR_NOT_NULL_FATAL(health);
    engine_seed(engine, 42);
    engine_use_health(engine, health, 1);
    for (size_t i = 0; i < 3; i++)
        cell[i] = health_find(health, str_of(names[i]), 1);
}

static void end(void)
{
    engine_free(engine);
    plugin_set_free(plugins);
    health_free(health);
    for (size_t i = 0; i < 3; i++)
        three[i].weight = 1;
}

/* A plan, balanced; its order as text: "bac". */
static const char *order(uint64_t now)
{
    static char text[8];
    struct arena *a = arena_new(1 << 20);
    struct err err = { 0 };
    struct plan p;

    UNIT_INT(engine_plan(engine, a, STR("m"), NULL, &p, &err), 0);
    UNIT_INT(p.n_first, model.n_targets);
    engine_balance(engine, &p, now);
    for (size_t i = 0; i < p.n_first; i++)
        text[i] = p.list[i].target->model.p[0];
    text[p.n_first] = '\0';
    UNIT_INT(p.n, p.n_first + 1);
    CU_ASSERT(str_eq(p.list[p.n - 1].target->model, STR("last")));
    arena_free(a);
    return text;
}

static void ask(int times, uint64_t now)
{
    memset(first, 0, sizeof first);
    while (times--)
        first[order(now)[0] - 'a']++;
}

static void hear(int i, uint64_t ms)
{
    speed_heard(&cell[i]->speed, NOW, ms);
}

static void the_faster_of_two(void)
{
    begin(2);
    ask(1000, NOW); /* nothing is known: by chance */
    CU_ASSERT(first[0] > 400 && first[1] > 400);
    hear(0, 900);
    hear(1, 300);
    ask(100, NOW);
    UNIT_INT(first[1], 100);
    UNIT_STR(order(NOW), "ba");
    hear(1, 1200); /* the last is forgotten at once where it is slower */
    UNIT_STR(order(NOW), "ab");
    end();
}

static void calls_under_way_weigh(void)
{
    begin(2);
    hear(0, 900);
    hear(1, 300);
    for (int i = 0; i < 2; i++)
        CU_ASSERT(health_take(health, cell[1], (uint32_t)i, 0));
    UNIT_STR(order(NOW), "ba"); /* 300 * 3 is not more than 900 */
    CU_ASSERT(health_take(health, cell[1], 0, 0));
    UNIT_STR(order(NOW), "ab");
    health_reap(health, 77, 0); /* who held two of them died */
    UNIT_INT(health_inflight(health, cell[1]), 1);
    UNIT_STR(order(NOW), "ba");
    end();
}

static void of_three_the_slowest_is_never_first(void)
{
    begin(3);
    hear(0, 100);
    hear(1, 200);
    hear(2, 300);
    ask(3000, NOW);
    CU_ASSERT(first[0] > 1850 && first[0] < 2150); /* two of three pairs */
    CU_ASSERT(first[1] > 850 && first[1] < 1150);
    UNIT_INT(first[2], 0);
    end();
}

static void weights_say_who_is_drawn(void)
{
    three[0].weight = 8;
    begin(3);
    ask(2000, NOW); /* alike but for that */
    CU_ASSERT(first[0] > 1000 && first[1] > 100 && first[2] > 100);
    end();
}

static const struct target *engine_target(size_t i)
{
    static const struct target *list[4];

    return i < engine_targets(engine, list, 4) ? list[i] : NULL;
}

static void degraded(int i)
{
    atomic_store(&cell[i]->trend.until_ms, NOW + 1000);
}

static void a_degraded_one_is_drawn_less_and_costs_more(void)
{
    begin(2);
    hear(0, 100);
    hear(1, 300);
    degraded(0);
    UNIT_STR(order(NOW), "ba"); /* 4 times 100 */
    UNIT_STR(order(NOW + 1000), "ab"); /* it is over */
    end();
    begin(3);
    degraded(2);
    ask(3000, NOW); /* alike but for that, and it loses each pair */
    UNIT_INT(first[2], 0);
    UNIT_INT(target_weight(engine_target(2), NOW), 500);
    UNIT_INT(target_weight(engine_target(1), NOW), 1000);
    end();
}

static void what_was_taken_out_comes_last(void)
{
    begin(3);
    hear(0, 100);
    hear(1, 200);
    hear(2, 300);
    for (uint64_t at = NOW - 9000; at < NOW; at += 1000)
        autooff_refused(&cell[0]->autooff, at, AUTOOFF_GONE, 0);
    UNIT_STR(order(NOW), "bca");
    CU_ASSERT_FALSE(target_is_usable(engine_target(0), NOW));
    end();
}

static void a_new_one_is_in_the_middle(void)
{
    begin(3);
    hear(0, 100);
    hear(1, 500);
    ask(300, NOW);
    CU_ASSERT(first[0] > 100 && first[1] == 0 && first[2] > 100);
    end();
}

static void a_slow_one_is_asked_again_later(void)
{
    begin(2);
    hear(1, 8000);
    for (uint64_t t = NOW; t < NOW + 6 * SPEED_IDLE_MS; t += 1000)
        speed_heard(&cell[0]->speed, t, 300);
    CU_ASSERT(strcmp(order(NOW + 4 * SPEED_IDLE_MS), "ab") == 0);
    CU_ASSERT(strcmp(order(NOW + 6 * SPEED_IDLE_MS), "ba") == 0);
    end();
}

static void the_sick_come_last(void)
{
    uint64_t probe, open;

    begin(3);
    hear(0, 100);
    hear(1, 200);
    hear(2, 300);
    for (int k = 0; k < BREAKER_ROW; k++)
        breaker_judge(&cell[0]->breaker, NOW, 0, BREAKER_BAD, 0, 0);
    atomic_store(&cell[1]->rest.until_ms, NOW + 500);
    UNIT_STR(order(NOW), "cab");
    atomic_store(&cell[1]->rest.until_ms, 0);
    UNIT_STR(order(NOW), "bca");
    open = NOW + breaker_wait_ms(&cell[0]->breaker, NOW);
    UNIT_INT(order(open)[0], 'a'); /* a probe is due */
    CU_ASSERT(breaker_enter(&cell[0]->breaker, open, 7, 0, &probe));
    ask(100, open); /* and one is enough */
    UNIT_INT(first[0], 0);
    breaker_leave(&cell[0]->breaker, probe);
    for (int i = 0; i < 3; i++)
        atomic_store(&cell[i]->rest.until_ms, open + 500);
    UNIT_INT(strlen(order(open)), 3); /* all: any order */
    end();
}

static bool by_load;

/* Who has a conversation, of those of `tenant`. */
static char holder(const char *tenant, int session)
{
    struct arena *a = arena_new(1 << 20);
    struct err err = { 0 };
    struct plan p;
    char name[32], got;

    snprintf(name, sizeof name, "session-%d", session);
    UNIT_INT(engine_plan(engine, a, STR("m"), NULL, &p, &err), 0);
    engine_balance(engine, &p, NOW);
    engine_stick(&p, str_of(tenant), str_of(name), by_load, NOW);
    got = p.list[0].target->model.p[0];
    CU_ASSERT(str_eq(p.list[p.n - 1].target->model, STR("last")));
    arena_free(a);
    return got;
}

static void conversations_stay(void)
{
    int moved = 0, differ = 0, n[3] = { 0 };
    char was[1000];

    three[0].weight = 2;
    begin(3);
    hear(0, 9000); /* however slow */
    for (int i = 0; i < 1000; i++) {
        was[i] = holder("t", i);
        n[was[i] - 'a']++;
        differ += holder("u", i) != was[i];
    }
    CU_ASSERT(n[0] > 440 && n[0] < 560); /* by weight */
    CU_ASSERT(n[1] > 200 && n[2] > 200);
    CU_ASSERT(differ > 500); /* another tenant's is another one */
    atomic_store(&cell[1]->rest.until_ms, NOW + 500);
    for (int i = 0; i < 1000; i++) {
        char now = holder("t", i);

        CU_ASSERT(now != 'b');
        moved += now != was[i] && was[i] != 'b';
    }
    UNIT_INT(moved, 0); /* but those of the sick one */
    atomic_store(&cell[1]->rest.until_ms, 0);
    for (int i = 0; i < 1000; i++)
        moved += holder("t", i) != was[i];
    UNIT_INT(moved, 0);
    end();
}

static void none_goes_to_a_full_one(void)
{
    three[0].max_concurrent = 1;
    begin(3);
    CU_ASSERT(health_take(health, cell[0], 0, 1));
    for (int i = 0; i < 50; i++)
        CU_ASSERT(holder("t", i) != 'a');
    end();
    three[0].max_concurrent = 0;
}

/* Where prompts that begin alike are many, the next one takes what is more
 * than half as much again. */
static void none_goes_to_a_busy_one(void)
{
    int n = 0;

    three[0].weight = 1;
    begin(3);
    for (int i = 0; i < 5; i++)
        CU_ASSERT(health_take(health, cell[0], 0, 0));
    for (int i = 0; i < 50; i++)
        n += holder("t", i) == 'a';
    CU_ASSERT(n > 0); /* a conversation stays for all that */
    by_load = true;
    for (int i = 0; i < 50; i++)
        CU_ASSERT(holder("t", i) != 'a');
    for (int i = 0; i < 3; i++)
        CU_ASSERT(health_take(health, cell[1], 0, 0) &&
                  health_take(health, cell[2], 0, 0));
    n = 0;
    for (int i = 0; i < 50; i++)
        n += holder("t", i) == 'a';
    CU_ASSERT(n > 0); /* 5 of 11: no more than 1.5 times 3.7 */
    by_load = false;
    end();
}

UNIT_MAIN("balance_ewma", { "none goes to a busy one",
                            none_goes_to_a_busy_one },
          { "the faster of two", the_faster_of_two },
          { "calls under way weigh", calls_under_way_weigh },
          { "of three the slowest is never first",
            of_three_the_slowest_is_never_first },
          { "weights say who is drawn", weights_say_who_is_drawn },
          { "a degraded one is drawn less and costs more",
            a_degraded_one_is_drawn_less_and_costs_more },
          { "what was taken out comes last", what_was_taken_out_comes_last },
          { "a new one is in the middle", a_new_one_is_in_the_middle },
          { "a slow one is asked again later",
            a_slow_one_is_asked_again_later },
          { "the sick come last", the_sick_come_last },
          { "conversations stay", conversations_stay },
          { "none goes to a full one", none_goes_to_a_full_one })
