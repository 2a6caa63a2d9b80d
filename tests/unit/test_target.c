/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From a configuration to plans: which targets, in which order. */
#include "engine/target.h"

#include "engine/balance.h"
#include "engine/fetched.h"
#include "engine/principal.h"

#include "unit.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- a configuration by hand ------------------------------------------- */

static struct str gpu_hosts[] = { STR("http://10.0.8.1:8000/v1"),
                                  STR("http://10.0.8.2:8000/v1"),
                                  STR("http://10.0.8.3:8000/v1") };
static struct str one_host[] = { STR("https://api.example/v1") };
static struct conf_credential keys[] = {
    { .name = STR("main"), .weight = 3 },
    { .name = STR("batch"), .weight = 1 },
};
static struct conf_provider providers[] = {
    { .name = STR("openai"), .plugin = STR("openai"), .base_urls = one_host,
      .n_base_urls = 1, .keys = keys, .n_keys = 2 },
    { .name = STR("gpu"), .plugin = STR("openai"), .base_urls = gpu_hosts,
      .n_base_urls = 3 },
    { .name = STR("sim"), .plugin = STR("openai"),
      .unix_socket = STR("/run/sim") },
};

#define OPENAI (&providers[0])
#define GPU (&providers[1])
#define SIM (&providers[2])

static struct conf_target smart[] = { { OPENAI, STR("gpt-6"), 1, 0 },
                                      { SIM, STR("echo"), 1, 0 } };
static struct conf_target fast[] = { { OPENAI, STR("gpt-mini"), 3, 0 },
                                     { GPU, STR("llama"), 1, 0 } };
static struct conf_target stars[] = { { OPENAI, STR("*"), 1, 0 },
                                      { SIM, STR("pre-*-post"), 1, 0 },
                                      { SIM, STR("fixed"), 1, 0 } };
static struct conf_target longer[] = { { SIM, STR("longer"), 1, 0 } };
static struct conf_model models[] = {
    { .name = STR("smart"), .targets = smart, .n_targets = 2,
      .fallback = longer, .n_fallback = 1 },
    { .name = STR("fast"), .balance = BALANCE_WEIGHTED, .targets = fast,
      .n_targets = 2 },
    { .name = STR("gpt-*"), .targets = stars, .n_targets = 3 },
    { .name = STR("gpt-4*"), .targets = longer, .n_targets = 1 },
    { .name = STR("*-large"), .targets = longer, .n_targets = 1 },
    { .name = STR("smaller"), .targets = longer, .n_targets = 1 },
};

static struct config config;
static struct plugin_set *plugins;
static struct engine *engine;
static struct arena *arena;
static struct plan plan;
static struct err err;

static void begin(size_t n_models)
{
    const char *build = getenv("PENSTOCK_BUILD");
    char path[4096];

    snprintf(path, sizeof path, "%s/plugins/openai.so", build ? build : ".");
    memset(&err, 0, sizeof err);
    plugins = plugin_set_new();
    if (plugin_set_load(plugins, STR("openai"), path, &err) < 0)
        printf("\n%s", err.msg);
    CU_ASSERT_FATAL(err.code == 0);
    config = (struct config){ .providers = providers,
                              .n_providers = N_OF(providers),
                              .models = models, .n_models = n_models };
    engine = engine_new(&config, plugins, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
    engine_seed(engine, 42);
    arena = arena_new(16 << 20);
}

static void end(void)
{
    arena_free(arena);
    engine_free(engine);
    plugin_set_free(plugins);
}

static int plan_for(const char *model)
{
    memset(&err, 0, sizeof err);
    return engine_plan(engine, arena, str_of(model), NULL, &plan, &err);
}

/* The plan as text: "a b c". */
static const char *planned(const char *model)
{
    static char text[1000];
    size_t at = 0;

    text[0] = '\0';
    if (plan_for(model) < 0)
        return err.msg;
    for (size_t i = 0; i < plan.n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s" STR_FMT,
                               i ? " " : "",
                               STR_ARG(plan.list[i].target->name));
    return text;
}

/* ---- names ------------------------------------------------------------- */

static void plans_blocks(void)
{
    begin(N_OF(models));
    UNIT_STR(planned("smart"), "openai/gpt-6 sim/echo sim/longer");
    CU_ASSERT(str_is(plan.model, "smart"));
    CU_ASSERT_PTR_EQUAL(plan.list[0].target->group, &models[0]);
    CU_ASSERT(str_is(plan.list[0].target->base_url, "https://api.example/v1"));
    CU_ASSERT(!plan.list[0].dropped);
    end();
}

static void plans_patterns(void)
{
    begin(N_OF(models));
    UNIT_STR(planned("gpt-6"), "openai/6 sim/pre-6-post sim/fixed");
    CU_ASSERT(str_is(plan.model, "gpt-*"));
    UNIT_STR(planned("gpt-4o"), "sim/longer"); /* longest prefix */
    UNIT_STR(planned("gpt-large"), "openai/large sim/pre-large-post sim/fixed");
    UNIT_STR(planned("any-large"), "sim/longer");
    CU_ASSERT(str_is(engine_model_block(engine, STR("gpt-6")), "gpt-*"));
    CU_ASSERT(str_is(engine_model_block(engine, STR("smart")), "smart"));
    UNIT_INT(engine_model_block(engine, STR("sim/echo")).n, 0);
    UNIT_INT(engine_model_block(engine, STR("gpt-6\n")).n, 0);
    CU_ASSERT(plan_for("gpt-") == -ERR_MODEL_NOT_FOUND); /* '*' is nothing */
    end();
}

static void opens_providers_without_blocks(void)
{
    begin(0);
    CU_ASSERT(engine_is_open(engine));
    UNIT_STR(planned("openai/a/b"), "openai/a/b");
    CU_ASSERT(str_is(plan.list[0].target->model, "a/b"));
    CU_ASSERT_PTR_NULL(plan.list[0].target->group);
    UNIT_STR(planned("gpt-6"),
             "There is no model 'gpt-6' here; write provider/model, with one "
             "of: gpu, openai, sim.");
    CU_ASSERT(plan_for("openai/") == -ERR_MODEL_NOT_FOUND);
    CU_ASSERT(plan_for("/gpt") == -ERR_MODEL_NOT_FOUND);
    end();
    begin(N_OF(models));
    CU_ASSERT(!engine_is_open(engine));
    CU_ASSERT(plan_for("openai/gpt-6") == -ERR_MODEL_NOT_FOUND);
    end();
}

static void names_near_models(void)
{
    struct str allowed[] = { STR("smaller"), STR("fast") };
    struct principal who = { .id = STR("x"), .models = allowed,
                             .n_models = 2 };

    begin(N_OF(models));
    UNIT_STR(planned("Smarter"), "There is no model 'Smarter' here; near it "
                                 "are: smart, smaller, fast.");
    memset(&err, 0, sizeof err);
    UNIT_INT(engine_plan(engine, arena, STR("smarter"), &who, &plan, &err),
             -ERR_MODEL_NOT_FOUND);
    UNIT_STR(err.msg, "There is no model 'smarter' here; near it are: "
                      "smaller, fast.");
    end();
}

static void refuses_odd_names(void)
{
    char big[300];

    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    begin(0);
    CU_ASSERT(plan_for("") == -ERR_MODEL_NOT_FOUND);
    CU_ASSERT(plan_for(big) == -ERR_MODEL_NOT_FOUND);
    CU_ASSERT(strlen(err.msg) < 250);
    CU_ASSERT(plan_for("sim/a\nb") == -ERR_MODEL_NOT_FOUND);
    CU_ASSERT(plan_for("sim/\xff") == -ERR_MODEL_NOT_FOUND);
    end();
}

static void lists_names(void)
{
    struct str names[10];

    begin(N_OF(models));
    UNIT_INT((int)engine_model_names(engine, names, 10), 3);
    CU_ASSERT(str_is(names[2], "smaller"));
    UNIT_INT((int)engine_model_names(engine, names, 1), 1);
    UNIT_INT((int)engine_providers(engine), 3);
    CU_ASSERT(engine_provider(engine, 1)->conf == GPU);
    CU_ASSERT(engine_provider_find(engine, STR("sim"))->conf == SIM);
    CU_ASSERT_PTR_NULL(engine_provider_find(engine, STR("nobody")));
    end();
}

static void lists_targets(void)
{
    const struct target *list[20];
    size_t n;

    begin(N_OF(models));
    n = engine_targets(engine, list, 20);
    CU_ASSERT(n > 2);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_FALSE(str_eq(list[i]->name, list[k]->name));
        CU_ASSERT_PTR_NULL(memchr(list[i]->name.p, '*', list[i]->name.n));
    }
    UNIT_INT((int)engine_targets(engine, list, 1), 1);
    end();
    begin(0);
    UNIT_INT((int)engine_targets(engine, list, 20), 0);
    end();
}

/* Every target of the first model: openai/gpt-6, sim/echo, sim/longer. */
static void open_breakers(struct health *h, uint64_t now)
{
    static const char *const names[] = { "openai/gpt-6", "sim/echo",
                                         "sim/longer" };

    for (size_t i = 0; i < N_OF(names); i++) {
        struct health_cell *c = health_find(h, str_of(names[i]), 1);

        for (int k = 0; k < BREAKER_ROW; k++)
            breaker_judge(&c->breaker, now, 0, BREAKER_BAD, 0, 0);
    }
}

static void is_ready_while_a_target_is_usable(void)
{
    struct health *h = health_new(4, &err);
    struct provider *p;

    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    begin(1);
    engine_use_health(engine, h, 1);
    CU_ASSERT(engine_is_ready(engine, 1000));
    open_breakers(h, 1000);
    CU_ASSERT(!engine_is_ready(engine, 1000));
    UNIT_INT(plan_for("smart"), 0);
    CU_ASSERT(!target_is_usable(plan.list[0].target, 1000));
    CU_ASSERT(target_is_usable(plan.list[0].target, 60000)); /* half-open */
    CU_ASSERT(engine_is_ready(engine, 60000));
    p = engine_provider(engine, 0);
    p->credentials[0].rest->until_ms = p->credentials[1].rest->until_ms =
        70000;
    CU_ASSERT(!target_is_usable(plan.list[0].target, 60000));
    CU_ASSERT(engine_is_ready(engine, 60000)); /* sim has no key to rest */
    atomic_store(&plan.list[1].target->cell->rest.until_ms, 61000);
    CU_ASSERT(!target_is_usable(plan.list[1].target, 60000));
    CU_ASSERT(target_is_usable(plan.list[1].target, 61000));
    end();
    health_free(h);
}

static void tries_a_parked_key_where_it_is_the_only_one(void)
{
    struct provider *p;

    begin(0);
    p = engine_provider(engine, 0); /* has two */
    for (size_t i = 0; i < p->n_credentials; i++)
        rest_park(credential_rest(&p->credentials[i]), 1000, 0);
    CU_ASSERT(!provider_is_parked(p, 1000));
    CU_ASSERT_PTR_NULL(provider_credential(p, 1000));
    p->n_credentials = 1;
    CU_ASSERT(provider_is_parked(p, 1000));
    CU_ASSERT(!provider_has_credential(p, 1000));
    CU_ASSERT_PTR_EQUAL(provider_credential(p, 1000), p->credentials);
    CU_ASSERT(!provider_is_parked(p, 1000 + REST_PARK_MS));
    rest_mended(credential_rest(p->credentials));
    rest_cool(credential_rest(p->credentials), 1000, 5000, 0);
    CU_ASSERT_PTR_NULL(provider_credential(p, 1000));
    p->n_credentials = 2;
    end();
}

static void one_without_a_token_is_never_taken(void)
{
    struct fetched held = { .secret = STR("token"), .version = 1 };
    struct credential *c;
    struct provider *p;

    begin(0);
    p = engine_provider(engine, 0);
    c = p->credentials;
    c[0].fetched = &held;
    CU_ASSERT(str_is(credential_secret(&c[0]), "token"));
    p->n_credentials = 1;
    CU_ASSERT_PTR_EQUAL(provider_credential(p, 1000), c);
    held.secret = STR_NULL;
    CU_ASSERT(credential_lacks(&c[0]) && !credential_lacks(&c[1]));
    CU_ASSERT(!provider_has_credential(p, 1000));
    CU_ASSERT_PTR_NULL(provider_credential(p, 1000));
    rest_park(credential_rest(c), 1000, 0); /* not even as the only one */
    CU_ASSERT(!provider_is_parked(p, 1000));
    CU_ASSERT_PTR_NULL(provider_credential(p, 1000));
    p->n_credentials = 2;
    CU_ASSERT_PTR_EQUAL(provider_credential(p, 1000), &c[1]);
    c[0].fetched = NULL;
    end();
}

static void is_ready_where_names_are_open(void)
{
    begin(0);
    CU_ASSERT(engine_is_ready(engine, 1000));
    for (size_t i = 0; i < N_OF(providers); i++) {
        struct provider *p = engine_provider(engine, i);

        for (size_t k = 0; k < p->n_credentials; k++)
            p->credentials[k].own.until_ms = 2000;
    }
    CU_ASSERT(!engine_is_ready(engine, 1000));
    CU_ASSERT(engine_is_ready(engine, 2000));
    end();
    config.n_providers = 0;
    engine = engine_new(&config, NULL, &err);
    CU_ASSERT(!engine_is_ready(engine, 1000));
    engine_free(engine);
}

static void needs_plugins(void)
{
    struct plugin_set *none = plugin_set_new();

    memset(&err, 0, sizeof err);
    config = (struct config){ .providers = providers, .n_providers = 1 };
    CU_ASSERT_PTR_NULL(engine_new(&config, none, &err));
    UNIT_INT(err.code, ERR_CONFIG);
    UNIT_STR(err.msg, "provider openai: plugin 'openai' is not loaded");
    plugin_set_free(none);
}

/* ---- chance ------------------------------------------------------------ */

static const struct target *first_gpu(void)
{
    size_t i = 0;

    while (i + 1 < plan.n && plan.list[i].target->provider->conf != GPU)
        i++;
    return plan.list[i].target;
}

static void paces_credentials(void)
{
    struct provider *p;
    struct health_cell cell = { 0 };
    struct target t = { .name = STR("openai/m") };
    struct credential *batch;

    begin(0);
    p = engine_provider(engine, 0);
    batch = &p->credentials[1];
    t.provider = p;
    CU_ASSERT_PTR_NOT_NULL(target_credential(&t, 10, 1000)); /* no cell */
    CU_ASSERT(!target_is_paced(&t, 10, 1000));
    t.cell = &cell;
    pace_report(&cell.paces[0].tokens, 1000, 500, 9000);
    CU_ASSERT(target_has_paced(&t, 501, 1000));
    CU_ASSERT(!target_has_paced(&t, 500, 1000));
    for (int i = 0; i < 5; i++)
        CU_ASSERT_PTR_EQUAL(target_credential(&t, 501, 1000), batch);
    CU_ASSERT(!target_is_paced(&t, 501, 1000));
    pace_report(&cell.paces[1].requests, 1000, 0, 9000);
    CU_ASSERT(target_is_paced(&t, 501, 1000));
    CU_ASSERT(!target_is_paced(&t, 501, 10000)); /* full again */
    CU_ASSERT_PTR_NOT_NULL(target_credential(&t, 501, 1000)); /* never shut */
    p->credentials[0].own.until_ms = 2000; /* who rests does not count */
    CU_ASSERT(target_is_paced(&t, 1, 1000));
    p->credentials[1].own.until_ms = 2000;
    CU_ASSERT(!target_is_paced(&t, 1, 1000));
    CU_ASSERT_PTR_NULL(target_credential(&t, 1, 1000));
    end();
}

static void shuffles_by_weight(void)
{
    int first = 0, hosts[3] = { 0 };

    begin(N_OF(models));
    for (int i = 0; i < 2000; i++) {
        UNIT_INT(plan_for("fast"), 0);
        UNIT_INT((int)plan.n, 4);
        first += plan.list[0].target->provider->conf == OPENAI;
        for (int k = 0; k < 3; k++)
            hosts[k] += str_eq(first_gpu()->base_url, gpu_hosts[k]);
    }
    CU_ASSERT(first > 1400 && first < 1600); /* 3 of 4 */
    CU_ASSERT(str_starts(first_gpu()->name, STR("gpu/llama@10.0.8.")));
    for (int i = 0; i < 3; i++)
        CU_ASSERT(hosts[i] > 560 && hosts[i] < 780);
    end();
}

static void orders_by_weight(void)
{
    static const uint32_t weights[] = { 0, 1, 1000000, 0 };
    struct balance dice;
    uint16_t order[4], seen;
    int heavy = 0;

    balance_seed(&dice, 7);
    for (int i = 0; i < 1000; i++) {
        balance_order(&dice, weights, 4, order);
        heavy += order[0] == 2;
        CU_ASSERT(order[0] + order[1] == 3 && order[2] + order[3] == 3);
        CU_ASSERT(order[2] == 0 || order[2] == 3);
        seen = 0;
        for (int k = 0; k < 4; k++)
            seen |= (uint16_t)(1 << order[k]);
        UNIT_INT(seen, 15);
    }
    CU_ASSERT(heavy > 990);
    balance_order(&dice, NULL, 0, order);
}

static void turns_credentials(void)
{
    struct provider *p;
    struct credential *c;
    char turns[9] = "";

    begin(0);
    p = engine_provider(engine, 0);
    for (int i = 0; i < 8; i++) {
        c = provider_credential(p, 1000);
        turns[i] = c == &p->credentials[0] ? 'm' : 'b';
    }
    UNIT_STR(turns, "mmbmmmbm");
    CU_ASSERT(str_is(p->credentials[1].label, "openai#batch"));
    p->credentials[0].own.until_ms = 2000;
    for (int i = 0; i < 3; i++)
        CU_ASSERT_PTR_EQUAL(provider_credential(p, 1999), &p->credentials[1]);
    p->credentials[1].own.until_ms = 2000;
    CU_ASSERT_PTR_NULL(provider_credential(p, 1999));
    CU_ASSERT_PTR_NOT_NULL(provider_credential(p, 2000));
    c = provider_credential(engine_provider(engine, 2), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(!c->conf && str_is(c->label, "sim"));
    end();
}

static void opens_lazily(void)
{
    struct provider *p;

    begin(0);
    p = engine_provider(engine, 2);
    CU_ASSERT_PTR_NULL(p->inst);
    UNIT_INT(provider_open(p, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(p->inst);
    UNIT_INT(provider_open(p, &err), 0);
    end();
}

UNIT_MAIN("target", { "without a token", one_without_a_token_is_never_taken },
          { "plans blocks", plans_blocks },
          { "plans patterns", plans_patterns },
          { "opens providers without blocks", opens_providers_without_blocks },
          { "names near models", names_near_models },
          { "refuses odd names", refuses_odd_names },
          { "lists names", lists_names }, { "lists targets", lists_targets },
          { "is ready while a target is usable",
            is_ready_while_a_target_is_usable },
          { "tries a parked key where it is the only one",
            tries_a_parked_key_where_it_is_the_only_one },
          { "is ready where names are open", is_ready_where_names_are_open },
          { "needs plugins", needs_plugins },
          { "shuffles by weight", shuffles_by_weight },
          { "orders by weight", orders_by_weight },
          { "paces credentials", paces_credentials },
          { "turns credentials", turns_credentials },
          { "opens lazily", opens_lazily })
