/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the banner says of listeners, and the curl line that it prints. */
#include "app/banner.h"
#include "app/master.h"
#include "engine/config.h"

#include "unit.h"

static struct conf_listen listens[2];
static struct conf_provider providers[1];
static struct conf_model models[2];
static struct config config;
static struct master m;

static void prepare(void)
{
    listens[0] = (struct conf_listen){ .anonymous = ANON_LOCAL };
    listens[1] = (struct conf_listen){ .anonymous = ANON_NONE };
    providers[0] = (struct conf_provider){ .name = STR("sim"),
                                           .vendor = STR("sim") };
    config = (struct config){ .listens = listens, .n_listens = 1,
                              .providers = providers, .n_providers = 1,
                              .models = models };
    m = (struct master){ .config = &config, .n_workers = 2, .listeners.n = 1 };
    snprintf(m.listeners.list[0].address, sizeof m.listeners.list[0].address,
             "127.0.0.1:8080");
}

/** The banner; valid until the next. */
static const char *banner(void)
{
    static char *text;
    struct buf out = BUF_INIT(65536);

    free(text);
    UNIT_INT(banner_text(&m, &out), 0);
    text = buf_take(&out);
    return text;
}

#define SAYS(what) CU_ASSERT_PTR_NOT_NULL(strstr(banner(), what))
#define SAYS_NOT(what) CU_ASSERT_PTR_NULL(strstr(banner(), what))

static void names_who_may(void)
{
    prepare();
    SAYS("http://127.0.0.1:8080  open to programs on this machine");
    SAYS("curl http://127.0.0.1:8080/v1/chat/completions \\\n");
    SAYS("\"model\":\"sim/echo\"");
    SAYS_NOT("authorization");
    listens[0].anonymous = ANON_PUBLIC;
    SAYS("open to everybody");
    listens[0].anonymous = ANON_NONE;
    config.n_keys = 1;
    SAYS("for callers with a key");
    SAYS("-H \"authorization: Bearer $PENSTOCK_KEY\"");
}

static void names_a_model_that_there_is(void)
{
    prepare();
    config.n_models = 2;
    models[0].name = STR("claude-*");
    models[1].name = STR("fast");
    SAYS("\"model\":\"fast\"");
    config.n_models = 1;
    SAYS("\"model\":\"MODEL\"");
    config.n_models = 0;
    providers[0].name = STR("groq");
    providers[0].vendor = STR("groq");
    SAYS("\"model\":\"groq/MODEL\"");
}

static void shows_an_address_to_connect_to(void)
{
    struct conf_tls tls = { .cert = STR("x") };

    prepare();
    snprintf(m.listeners.list[0].address, sizeof m.listeners.list[0].address,
             "0.0.0.0:443");
    listens[0].tls = &tls;
    listens[0].n_tls = 1;
    SAYS("https://0.0.0.0:443  ");
    SAYS("curl -k https://127.0.0.1:443/v1/");
    snprintf(m.listeners.list[0].address, sizeof m.listeners.list[0].address,
             "[::]:443");
    SAYS("https://[::1]:443/v1/");
    snprintf(m.listeners.list[0].address, sizeof m.listeners.list[0].address,
             "unix:/run/x");
    SAYS("  unix:/run/x  ");
    SAYS_NOT("Try it");
}

static void shows_the_more_open_listener(void)
{
    prepare();
    config.n_listens = m.listeners.n = 2;
    listens[0].anonymous = ANON_NONE;
    listens[1].anonymous = ANON_LOCAL;
    snprintf(m.listeners.list[1].address, sizeof m.listeners.list[1].address,
             "127.0.0.1:9999");
    SAYS("curl http://127.0.0.1:9999/");
}

UNIT_MAIN("banner", {"names who may", names_who_may},
          {"names a model that there is", names_a_model_that_there_is},
          {"shows an address to connect to", shows_an_address_to_connect_to},
          {"shows the more open listener", shows_the_more_open_listener})
