/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A text to a bundle to typed structs: every field, from the snapshot alone;
 * secrets apart; fast enough to be done in a worker's turn.
 */
#include "base/snapshot.h"
#include "config_fixture.h"

#include "base/log.h"
#include "engine/alert.h"

#include <time.h>

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define PEM "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
#define PEM_KEY "-----BEGIN PRIVATE KEY-----\ny\n-----END PRIVATE KEY-----"

static void want(struct str got, const char *text)
{
    char z[512];

    snprintf(z, sizeof z, STR_FMT, STR_ARG(got));
    UNIT_STR(z, text);
}

/* The bundle of a text; "@" in it is the fixture's folder. */
static struct snapshot *bundle(const char *text, struct err *err)
{
    struct config_paths paths = fixture_paths();
    struct snapshot *s = NULL;
    struct buf full = BUF_INIT(4 << 20);
    json_t *tree, *canonical = NULL;
    int fd = -1;

    *err = (struct err){0};
    for (; *text; text++) {
        if (*text == '@')
            buf_puts(&full, fixture_folder);
        else
            buf_putc(&full, *text);
    }
    tree = conf_load_text(buf_str(&full), "c", err);
    if (tree)
        canonical = config_check(tree, &paths, err);
    if (canonical)
        fd = config_bundle(canonical, &paths, 7, err);
    if (fd >= 0) {
        s = snapshot_open(fd, err);
        close(fd);
    }
    json_decref(tree);
    json_decref(canonical);
    buf_clear(&full);
    return s;
}

static struct config *open_text(const char *text)
{
    struct err err;
    struct snapshot *s = bundle(text, &err);
    struct config *c = s ? config_open(s, &err) : NULL;

    if (!c)
        printf("\n%s: %s", err.at, err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    snapshot_unref(s); /* the configuration has its own reference */
    return c;
}

static void two_listeners(const struct config *c)
{
    UNIT_INT(c->n_listens, 2);
    want(c->listens[0].address, "127.0.0.1:8080");
    UNIT_INT(c->listens[0].anonymous, ANON_LOCAL);
    CU_ASSERT_TRUE(c->listens[0].detail_full);
    UNIT_INT(c->listens[0].n_tls, 0);
    UNIT_INT(c->listens[1].anonymous, ANON_PUBLIC);
    CU_ASSERT_FALSE(c->listens[1].detail_full);
    want(c->listens[1].trusted_proxies[1], "::1");
    UNIT_INT(c->listens[1].n_tls, 1);
    want(c->listens[1].tls[0].cert, PEM);
    want(c->listens[1].tls[0].key, PEM_KEY);
}

static void server_and_listeners(void)
{
    struct config *c;

    fixture_paths();
    fixture_put("cert.pem", PEM);
    fixture_put("key.pem", PEM_KEY "\n");
    c = open_text(
        "provider 'sim' metrics '0.0.0.0:9091' state '/s' plugin_path '/p'\n"
        "server { workers = 3, user = 'u', max_body = '8MiB', max_header = "
        "'16KiB', header_timeout = '1500ms', drain_timeout = '2m' }\n"
        "listen '127.0.0.1:8080' { detail = 'full' }\n"
        "listen '0.0.0.0:8443' { anonymous = 'public', trusted_proxies = "
        "{ '10.0.0.0/8', '::1' }, tls = { cert = '@/cert.pem', "
        "key = file '@/key.pem' } }\n"
        "kv { memory = '1MiB' }\n"
        "endpoint 'chat' { max_body = '2MiB', validate = false,\n"
        "  max_tools = 7, max_tokens = 99, max_tokens_over = 'clamp' }\n"
        "endpoint 'messages' { max_images = 3 }\n"
        "log { to = '/l', format = 'text', level = 'warn' }");
    UNIT_INT(snapshot_generation(c->bundle), 7);
    UNIT_INT(c->server.workers, 3);
    want(c->server.user, "u");
    UNIT_INT(c->server.max_body, 8 << 20);
    UNIT_INT(c->server.max_header_bytes, 16 << 10);
    UNIT_INT(c->server.max_header_fields, 100);
    UNIT_INT(c->server.max_connections, 20000);
    UNIT_INT(c->server.header_timeout_ms, 1500);
    UNIT_INT(c->server.body_timeout_ms, 60000);
    UNIT_INT(c->server.idle_timeout_ms, 75000);
    UNIT_INT(c->server.write_stall_ms, 60000);
    UNIT_INT(c->server.drain_timeout_ms, 120000);
    UNIT_INT(c->server.high_water, 256 << 10);
    UNIT_INT(c->server.low_water, 64 << 10);
    UNIT_INT(c->server.auth_failures, 60);
    want(c->state, "/s");
    want(c->plugin_path, "/p");
    want(c->metrics, "0.0.0.0:9091");
    two_listeners(c);
    UNIT_INT(c->n_endpoints, 2);
    UNIT_INT(c->endpoints[0].max_body, 2 << 20);
    UNIT_INT(c->kv_memory, 1 << 20);
    UNIT_INT(c->queue.length, 1000);
    UNIT_INT(c->queue.memory, 64 << 20);
    UNIT_INT(c->queue.max_wait_ms, 30000);
    UNIT_INT(c->queue.delay.target_ms, 500);
    UNIT_INT(c->queue.delay.interval_ms, 5000);
    UNIT_INT(c->shed.lag_ms, 1000);
    UNIT_INT(c->shed.memory, 0); /* by the machine's */
    UNIT_INT(c->shed.connections, 95);
    CU_ASSERT(c->endpoints[0].trusted && c->endpoints[0].clamp);
    UNIT_INT(c->endpoints[0].max_tools, 7);
    UNIT_INT(c->endpoints[0].max_tokens, 99);
    UNIT_INT(c->endpoints[0].max_messages, 0);
    CU_ASSERT(!c->endpoints[1].trusted && !c->endpoints[1].clamp);
    UNIT_INT(c->endpoints[1].max_images, 3);
    want(c->log.to, "/l");
    CU_ASSERT_FALSE(c->log.json);
    UNIT_INT(c->log.level, LOG_WARN);
    config_free(c);
}

static void first_provider(const struct conf_provider *p)
{
    want(p->name, "groq");
    want(p->vendor, "groq");
    want(p->plugin, "openai");
    want(p->base_urls[0], "https://api.groq.com/openai/v1");
    UNIT_INT(p->n_keys, 2);
    want(p->keys[0].name, "main");
    UNIT_INT(p->keys[0].weight, 3);
    want(p->keys[0].secret.ref, "env A");
    want(secret_reveal(&p->keys[0].secret), "a");
    want(p->keys[1].name, "2");
    want(secret_reveal(&p->keys[1].secret), "b");
    CU_ASSERT_PTR_NULL(p->auth_header.p);
    UNIT_INT(p->timeouts.idle_ms, 1000);
    UNIT_INT(p->timeouts.connect_ms, 5000);
    UNIT_INT(p->timeouts.head_ms, 0); /* the flow knows for which */
    UNIT_INT(p->timeouts.first_event_ms, 120000);
    UNIT_INT(p->timeouts.total_ms, 600000);
    UNIT_INT(p->timeouts.commit_after_ms, 15000);
    UNIT_INT(p->retries.attempts, 5);
    UNIT_INT(p->retries.same_target, 1);
    UNIT_INT(p->n_reasoning, 3); /* the catalogue's */
    want(p->reasoning[0], "openai/gpt-oss*");
    UNIT_INT(p->retries.budget, 10);
    UNIT_INT(p->max_concurrent, 0);
    UNIT_INT(p->adaptive.min, 0);
    UNIT_INT(p->quirks.n_drop, 3);
    want(p->quirks.drop[0], "logprobs");
    want(p->quirks.errors[0].value, "bad_request");
    want(p->quirks.reasoning_in, "reasoning");
    want(p->tags[0].key, "region");
    want(p->headers[0].value, "b");
    want(p->settings, "{\"n\":1}");
    want(p->proxy, "http://p:1");
    want(p->ca_file, "/etc/passwd");
    CU_ASSERT_TRUE(p->http2 && p->insecure);
}

static void providers_and_models(void)
{
    const struct conf_provider *p;
    struct config *c = open_text(
        "provider 'groq' { keys = { { env('A', 'a'), name = 'main', weight = 3"
        " }, env('B', 'b') }, timeouts = { idle = '1s' },\n"
        "  retries = { attempts = 5 }, tags = { region = 'eu' },\n"
        "  headers = { ['x-a'] = 'b' }, settings = { n = 1 }, http2 = true,\n"
        "  proxy = 'http://p:1', ca_file = '/etc/passwd', insecure = true }\n"
        "provider 'gpu' { vendor = 'vllm', base_url = { 'http://a/v1', "
        "'http://b/v1' }, unix_socket = '/sock', reasoning = { 'r1*' },\n"
        "  max_concurrent = 9, adaptive = { max = 8 },\n"
        "  auth = { header = 'x-key' } }\n"
        "provider 'pass' { vendor = 'openai', keys = 'client' }\n"
        "model 'fast' { { 'groq/a/b', weight = 3 }, 'gpu/c', "
        "fallback = { 'pass/d' },\n"
        "  retries = { same_target = 0, budget = '25%' } }\n"
        "model 'claude-*' { 'gpu/*' }");

    UNIT_INT(c->n_providers, 3);
    first_provider(&c->providers[0]);
    p = &c->providers[1];
    UNIT_INT(p->n_base_urls, 2);
    want(p->unix_socket, "/sock");
    UNIT_INT(p->n_reasoning, 1); /* its own, in place of the catalogue's */
    want(p->reasoning[0], "r1*");
    want(p->auth_header, "x-key");
    CU_ASSERT(p->auth_prefix.p && p->auth_prefix.n == 0);
    want(p->settings, "{}");
    UNIT_INT(p->max_concurrent, 9);
    UNIT_INT(p->adaptive.min, 1); /* its default */
    UNIT_INT(p->adaptive.max, 8);
    UNIT_INT(p->n_keys, 0);
    CU_ASSERT_TRUE(c->providers[2].keys_from_client);
    UNIT_INT(c->n_models, 2);
    UNIT_INT(c->models[0].balance, BALANCE_WEIGHTED);
    CU_ASSERT_PTR_EQUAL(c->models[0].targets[0].provider, &c->providers[0]);
    want(c->models[0].targets[0].model, "a/b");
    UNIT_INT(c->models[0].targets[0].weight, 3);
    UNIT_INT(c->models[0].targets[1].weight, 1);
    want(c->models[0].fallback[0].model, "d");
    UNIT_INT(c->models[0].retries.attempts, CONF_UNSET);
    UNIT_INT(c->models[0].retries.same_target, 0);
    UNIT_INT(c->models[0].retries.budget, 25);
    UNIT_INT(c->models[1].retries.budget, CONF_UNSET);
    want(c->models[1].targets[0].model, "*");
    UNIT_INT(c->models[1].balance, BALANCE_ORDER);
    config_free(c);
}

static void callers_and_policies(void)
{
    struct config *c = open_text(
        "provider 'sim' team 't' { models = { 'a', 'b-*' }, tags = { x = 'y' },"
        " limits = { requests = '600/min', concurrent = 4 } }\n"
        "limits { memory = '1MiB', full = 'allow' }\n"
        "key 'k' { sha256 = '" SHA "', team = 't', user = 'u',\n"
        "  disabled = true, expires = '2027-03-31T12:00:00Z',\n"
        "  models = 'a', endpoints = { 'chat', 'models' },\n"
        "  cidrs = '10.0.0.0/8', tags = { p = 'q' },\n"
        "  limits = { tokens = '4M/day' } }\n"
        "policies { 'auth', { 'route', mode = 'observe', fail = 'open', "
        "endpoints = 'chat', conf = { eu = 'x' } } }");
    char path[128];

    UNIT_INT(c->n_teams, 1);
    want(c->teams[0].models[1], "b-*");
    want(c->teams[0].tags[0].value, "y");
    want(c->teams[0].limits.requests, "600/min");
    UNIT_INT(c->teams[0].limits.tokens.n, 0);
    UNIT_INT(c->teams[0].limits.concurrent, 4);
    want(c->keys[0].limits.tokens, "4M/day");
    UNIT_INT(c->limiter.memory, 1 << 20);
    CU_ASSERT_TRUE(c->limiter.full_allows);
    UNIT_INT(c->n_keys, 1);
    want(c->keys[0].name, "k");
    want(c->keys[0].team, "t");
    want(c->keys[0].user, "u");
    UNIT_INT(c->keys[0].sha256[0], 0x9f);
    UNIT_INT(c->keys[0].sha256[31], 0x08);
    CU_ASSERT_TRUE(c->keys[0].disabled);
    CU_ASSERT(c->keys[0].expires_ms == 1806494400000);
    want(c->keys[0].endpoints[1], "models");
    want(c->keys[0].cidrs[0], "10.0.0.0/8");
    want(c->keys[0].models[0], "a");
    want(c->keys[0].tags[0].key, "p");
    UNIT_INT(c->n_policies, 2);
    want(c->policies[0].name, "auth");
    want(c->policies[0].conf, "{}");
    CU_ASSERT(!c->policies[0].observe && !c->policies[0].fail.n);
    snprintf(path, sizeof path, "%s/route.lua", fixture_folder);
    want(c->policies[1].path, path);
    want(c->policies[1].source, "return { api = 1 }\n-- route\n");
    want(c->policies[1].conf, "{\"eu\":\"x\"}");
    CU_ASSERT_TRUE(c->policies[1].observe);
    want(c->policies[1].fail, "open");
    want(c->policies[1].endpoints[0], "chat");
    config_free(c);
}

static void secrets_stand_apart(void)
{
    struct err err;
    struct snapshot *s = bundle("provider 'x' { vendor = 'openai', "
                                "keys = { file '@/key' } }", &err);

    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "keys[1].secret"));
    fixture_put("key", "canary-4711\r\n\n");
    s = bundle("provider 'x' { vendor = 'openai', keys = { file '@/key' } }",
               &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(str_find(snapshot_section(s, STR("config")),
                       STR("canary-47")) < 0);
    CU_ASSERT(str_find(snapshot_section(s, STR("secrets")),
                       STR("\"canary-4711\"")) > 0);
    snapshot_unref(s);
}

/* Those of a policy's conf: a reference there, the text beside it. */
static void secrets_of_policies(void)
{
    struct err err;
    struct snapshot *s;
    struct config *c;

    fixture_put("token", "canary-4712\n");
    s = bundle("provider 'sim'\n"
               "policies { { 'auth', conf = { token = file '@/token', "
               "eu = 'x' } } }", &err);
    UNIT_STR(err.msg, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(str_find(snapshot_section(s, STR("config")),
                       STR("canary-47")) < 0);
    c = config_open(s, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(str_find(c->policies[0].conf, STR("$file")) > 0);
    UNIT_INT(c->policies[0].n_secrets, 1);
    want(c->policies[0].secrets[0].name, "token");
    want(secret_reveal(&c->policies[0].secrets[0].secret), "canary-4712");
    config_free(c);
    snapshot_unref(s);
    s = bundle("provider 'sim'\n"
               "policies { { 'auth', conf = { token = env 'NOT_SET' } } }",
               &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "policy \"auth\" conf.token: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "NOT_SET is not set"));
}

static void receivers_of_alerts(void)
{
    struct config *c = open_text(
        "provider 'sim' server { memory_soft = '1GiB' }\n"
        "alert 'ops' { webhook = env('NOT_SET', 'https://h/secret'),\n"
        "    on = { 'breaker', 'cert' }, quiet = '1m' }\n"
        "alert 'all' { webhook = env('NOT_SET', 'http://[::1]:1/x') }");
    const struct conf_alert *a = c->alerts.list;
    struct err err = { 0 };

    UNIT_INT(c->server.memory.soft, 1u << 30);
    UNIT_INT(c->server.memory.hard, UINT64_C(4) << 30);
    UNIT_INT(c->alerts.n, 2);
    want(a[0].name, "ops");
    want(secret_reveal(&a[0].webhook), "https://h/secret");
    UNIT_INT(a[0].kinds, 1u << ALERT_BREAKER | 1u << ALERT_CERT);
    UNIT_INT(a[0].quiet_ms, 60000);
    UNIT_INT(a[1].kinds, UINT32_MAX);
    UNIT_INT(a[1].quiet_ms, 10000);
    config_free(c);
    CU_ASSERT_PTR_NULL(bundle("provider 'sim' alert 'ops' {\n"
                              "webhook = env('NOT_SET', 'h/secret') }",
                              &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "is no http:// or https:// URL"));
    CU_ASSERT_PTR_NULL(strstr(err.msg, "secret"));
}

static void workers_auto(void)
{
    struct config *c = open_text("provider 'sim'");

    CU_ASSERT(c->server.workers >= 1 && c->server.workers <= 256);
    config_free(c);
}

static uint64_t cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A thousand keys: ten times the 10 ms that it may take. */
static void a_thousand_keys(void)
{
    struct buf text = BUF_INIT(1 << 20);
    struct snapshot *s;
    struct config *c;
    struct err err;
    uint64_t start;

    buf_puts(&text, "provider 'sim' team 't'\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "key 'k%d' { team = 't', sha256 = '%064d', "
                   "cidrs = { '10.0.0.0/8' } }\n", i, i);
    buf_putc(&text, '\0');
    s = bundle(buf_str(&text).p, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    start = cpu_us();
    c = config_open(s, &err);
    CU_ASSERT(cpu_us() - start < 100000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    UNIT_INT(c->n_keys, 1000);
    UNIT_INT(c->keys[999].sha256[31], 0x99);
    config_free(c);
    snapshot_unref(s);
    buf_clear(&text);
}

static void a_bad_bundle(void)
{
    struct err err = {0};
    struct snapshot_builder *b = snapshot_builder_new("config", 1, &err);
    struct snapshot *s;
    int fd;

    snapshot_builder_add(b, STR("config"), STR("{\"key\":{\"a\":{}}}"), &err);
    snapshot_builder_add(b, STR("secrets"), STR("{}"), &err);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = snapshot_open(fd, &err);
    close(fd);
    CU_ASSERT_PTR_NULL(config_open(s, &err));
    UNIT_STR(err.msg, "the bundle: a key without its SHA-256");
    snapshot_unref(s);
    for (const char *const *f = (const char *const[]){"cert.pem", "key.pem",
                                                      "key", NULL}; *f; f++) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", fixture_folder, *f);
        unlink(path);
    }
    fixture_clear();
}

UNIT_MAIN("config_open", {"server and listeners", server_and_listeners},
          {"providers and models", providers_and_models},
          {"callers and policies", callers_and_policies},
          {"secrets stand apart", secrets_stand_apart},
          {"secrets of policies", secrets_of_policies},
          {"receivers of alerts", receivers_of_alerts},
          {"workers auto", workers_auto},
          {"a thousand keys", a_thousand_keys},
          {"a bad bundle", a_bad_bundle})
