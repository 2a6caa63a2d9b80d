/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The canonical form: defaults, sugar, the catalogue, who may call; dump and
 * load is the identity; where each value came from.
 */
#include "config_fixture.h"
#include "engine/config_builtin.h"
#include "engine/config_dump.h"
#include "engine/config_table.h"
#include "engine/config_unit.h"
#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* Every key at least once, and sugar wherever there is some. */
static const char everything[] =
    "server { workers = 3, user = 'penstock', max_body = '8MiB',\n"
    "         max_connections = 100, max_header = '16KiB',\n"
    "         max_header_fields = 50, header_timeout = '5s',\n"
    "         body_timeout = '6s', idle_timeout = '7s', write_stall = '8s',\n"
    "  drain_timeout = '9s', high_water = '128KiB', low_water = '32KiB' }\n"
    "state '/var/lib/penstock' plugin_path '/usr/lib/penstock/plugins'\n"
    "listen '0.0.0.0:8443' { detail = 'full', cors = { origins = 'a://b' },\n"
    "    trusted_proxies = { '10.0.0.0/8', '::1' } }\n"
    "listen '127.0.0.1:8080' { anonymous = 'local' }\n"
    "metrics '0.0.0.0:9091'\n"
    "defaults { timeouts = { connect = '2s', head = '9s', total = '1m' },\n"
    "           retries = { attempts = 5 }, pool = { max = 9 } }\n"
    "provider 'openai' { keys = { { env('K1', 'one'), name = 'main',\n"
    "    weight = 3 }, env('K2', 'two') }, timeouts = { idle = '3s' } }\n"
    "provider 'gpu' { vendor = 'vllm', health = { path = '/up' },\n"
    "    base_url = { 'http://10.0.8.1:8000/v1', 'http://10.0.8.2:8000/v1' },\n"
    "    tags = { region = 'eu', ['a-b'] = 'c\"d' }, http2 = true }\n"
    "provider 'acme' { vendor = 'openai-compatible', insecure = true,\n"
    "    base_url = 'https://api.acme.example/v1', timeouts={ gap='2s' },\n"
    "    auth = { header = 'x-acme-key', prefix = 'Key ' }, keys = 'client',"
    "    settings = { deep = { 1, 2.5, { x = true } } },\n"
    "    quirks = { rename = { max_tokens = 'max_completion_tokens' },\n"
    "        reasoning_in = 'reasoning', reasoning_out = 'text',\n"
    "        drop = 'store', errors = { EMPTY = 'quota' } }, unix_socket ="
    " '/run/acme', headers = { ['x-team'] = 'search' },\n"
    "    ca_file = '/etc/passwd', proxy = 'http://proxy.example:3128' }\n"
    "provider 'mine' { plugin='mine', base_url='http://h',keys={},"FIXTURE_LOAD
    "provider 'moonshot' { keys = { { env('K3', 'three'), exchange = true }"
    "    }, quirks = { rename = { seed = 'mine' }, drop = { 'user', 'x' } } }\n"
    "model 'smart' { 'openai/a/b', 'acme/c' } model 'fast' {\n"
    "    { 'gpu/l', weight = 3 }, 'openai/x', fallback = { 'acme/y' } }\n"
    "model 'plain' {balance='order',affinity='session',affinity_ttl='5m',on={\n"
    "context_length='smart',content_filter='smart'},{'gpu/l',max_concurrent=3}"
    ",on_exhausted={model='smart', reply='-'} } model 'claude-*' {'openai/*'}"
    "team 'all' team 'search' { parent='all', models={ 'fast', 'claude-*' },\n"
    "tags = { a = 'b' }, limits = { requests = '6/s',\n"
    "tokens = '4k/min', concurrent = 4 } }\n"
    "key 'ci' { team = 'search', user = 'bot', sha256 = '" SHA "',\n"
    "    expires = '2027-03-31', cidrs = '10.2.0.0/16', disabled = true,\n"
    "    models = 'smart', endpoints = { 'chat' }, tags = { x = 'y' } }\n"
    "admin 'unix:/run/a' { tokens = { { env('K6', 'six'), name = 'x' } } }\n"
    "policies { 'auth', { 'route', mode = 'observe', fail = 'open',\n"
    "    endpoints = { 'chat', 'models' }, conf = { n = 1, s = 'x' } },'jwt'}\n"
    "endpoint 'embeddings' { max_body = '1MiB' }\n"
    "service 'authz' { url = 'https://authz.internal/v1',\n"
    "    token = env('K4', 'four'), headers = { ['x-team'] = 'search' },\n"
    "    timeout = '300ms', max_body = '64KiB', ca_file = '/etc/passwd',"
    "    observe = 'all' } limits { memory = '1MiB', full = 'allow' }\n"
    "redis 'main' { url = 'rediss://r:6379/3', user = 'u', password = env('K5',"
    "'five'), connect_timeout='1s', timeout='20ms', ca_file='/etc/passwd' }"
    "endpoint 'chat' { validate = false, max_messages = 100, max_tools = 20,\n"
    "  max_images = 5, max_tokens = 4096, max_tokens_over = 'clamp' }"
    "endpoint 'files' { anthropic_provider = 'gpu' }" FIXTURE_LEDGER
    FIXTURE_FETCHED FIXTURE_JWTS FIXTURE_RELOAD FIXTURE_ALERT
    "log { to = '/var/log/penstock.log', format = 'text', level = 'debug' }\n";

static json_t *check(const char *text)
{
    struct err err;
    json_t *canonical = fixture_check(text, &err);

    if (!canonical)
        printf("\n%s: %s", err.at, err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(canonical);
    return canonical;
}

static void says(const char *text, const char *want)
{
    struct err err;
    json_t *canonical = fixture_check(text, &err);

    CU_ASSERT_PTR_NULL(canonical);
    UNIT_STR(err.msg, want);
    json_decref(canonical);
}

/* Value at a JSON Pointer, as text. */
static const char *at(const json_t *tree, const char *pointer)
{
    static char text[512];
    struct str rest = str_of(pointer + 1), part;
    char *json, name[128], *tilde;

    while (tree && rest.p) {
        part = str_split(&rest, '/');
        snprintf(name, sizeof name, STR_FMT, STR_ARG(part));
        while ((tilde = strstr(name, "~1"))) {
            *tilde = '/';
            memmove(tilde + 1, tilde + 2, strlen(tilde + 2) + 1);
        }
        tree = json_is_array(tree) ? json_array_get(tree, (size_t)atol(name))
                                   : json_object_get(tree, name);
    }
    json = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
    snprintf(text, sizeof text, "%s", json ? json : "absent");
    free(json);
    return text;
}

static void all_keys_are_used(void)
{
    json_t *tree = check(everything);
    char *text = json_dumps(tree, JSON_COMPACT), key[64];

    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope == SCOPE_tls ||
            strstr("tls client_ca client_auth client_crl policy_path",
                   conf_rows[i].key))
            continue; /* they need files */
        snprintf(key, sizeof key, "\"%s\":", conf_rows[i].key);
        if (!strstr(text, key))
            printf("\n%s is not in this test", key);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, key));
    }
    free(text);
    json_decref(tree);
}

static void defaults(void)
{
    json_t *t = check("provider 'sim'");

    UNIT_STR(at(t, "/server/workers"), "\"auto\"");
    UNIT_STR(at(t, "/server/max_body"), "\"32MiB\"");
    UNIT_STR(at(t, "/server/max_connections"), "20000");
    UNIT_STR(at(t, "/listen"), "{\"127.0.0.1:8080\":{\"anonymous\":\"local\","
                               "\"detail\":\"brief\"}}");
    UNIT_STR(at(t, "/defaults/timeouts"),
             "{\"connect\":\"5s\",\"first_event\":\"120s\",\"idle\":\"120s\","
             "\"total\":\"10m\",\"commit_after\":\"15s\"}"); /* head: by kind */
    UNIT_STR(at(t, "/policies/0/name"), "\"auth\"");
    UNIT_STR(at(t, "/policies/1/name"), "\"validate\"");
    UNIT_STR(at(t, "/policies/3/name"), "\"route\"");
    UNIT_STR(at(t, "/policies/1/mode"), "\"enforce\"");
    UNIT_STR(at(t, "/provider/sim/plugin"), "\"sim\"");
    UNIT_STR(at(t, "/provider/sim/keys"), "[]");
    UNIT_STR(at(t, "/metrics"), "absent");
    UNIT_STR(at(t, "/@"), "absent");
    json_decref(t);
}

static void sugar_and_catalogue(void)
{
    json_t *t = check(everything);

    UNIT_STR(at(t, "/model/smart/targets/0/target"), "\"openai/a/b\"");
    UNIT_STR(at(t, "/model/smart/balance"), "\"order\"");
    UNIT_STR(at(t, "/model/fast/balance"), "\"weighted\"");
    UNIT_STR(at(t, "/model/fast/targets/1/weight"), "1");
    UNIT_STR(at(t, "/model/plain/balance"), "\"order\"");
    UNIT_STR(at(t, "/provider/openai/keys/0"),
             "{\"secret\":{\"default\":\"one\",\"$env\":\"K1\"},"
             "\"name\":\"main\",\"weight\":3}");
    UNIT_STR(at(t, "/provider/openai/keys/1/name"), "\"2\"");
    UNIT_STR(at(t, "/provider/openai/base_url"),
             "[\"https://api.openai.com/v1\"]");
    UNIT_STR(at(t, "/provider/openai/timeouts/connect"), "\"2s\"");
    UNIT_STR(at(t, "/provider/openai/timeouts/idle"), "\"3s\"");
    UNIT_STR(at(t, "/provider/openai/retries/attempts"), "5");
    UNIT_STR(at(t, "/provider/acme/keys"), "\"client\"");
    UNIT_STR(at(t, "/provider/acme/quirks/drop"), "[\"store\"]");
    UNIT_STR(at(t, "/provider/moonshot/quirks/rename"),
             "{\"seed\":\"mine\",\"max_completion_tokens\":\"max_tokens\"}");
    UNIT_STR(at(t, "/provider/moonshot/quirks/drop"),
             "[\"user\",\"x\",\"seed\"]");
    UNIT_STR(at(t, "/provider/gpu/keys"), "[]");
    json_decref(t);
}

static void dump_and_load(void)
{
    json_t *t = check(everything), *again;
    struct buf text = BUF_INIT(1 << 20);
    char *json = json_dumps(t, JSON_INDENT(2));

    again = check(json);
    CU_ASSERT_TRUE(json_equal(t, again));
    json_decref(again);
    free(json);
    UNIT_INT(config_dump_text(t, NULL, &text), 0);
    buf_putc(&text, '\0');
    again = check(buf_str(&text).p);
    CU_ASSERT_TRUE(json_equal(t, again));
    json_decref(again);
    buf_clear(&text);
    json_decref(t);
}

static void where_from(void)
{
    static const char text[] = "server {\n max_body = '1MiB' }\n"
                               "defaults { timeouts = {\n idle = '9s' } }\n"
                               "provider 'groq' {\n keys = env('G', 'g') }\n"
                               "model 'm' {\n 'groq/x' }\n";
    static const char *const want[][2] = {
        {"/server/max_body", "penstock.conf:2"},
        {"/server/workers", "default"},
        {"/provider/groq/base_url", "vendor groq"},
        {"/provider/groq/plugin", "vendor groq"},
        {"/provider/groq/timeouts/idle", "defaults at penstock.conf:4"},
        {"/provider/groq/timeouts/total", "default"},
        {"/provider/groq/keys/0/secret", "penstock.conf:6"},
        {"/model/m/targets/0/target", "penstock.conf:8"},
        {"/policies", "default"},
        {"/listen/127.0.0.1:8080", "default"},
    };
    struct config_paths paths = fixture_paths();
    struct err err = {0};
    json_t *tree = conf_load_text(str_of(text), "penstock.conf", &err), *why;
    json_t *canonical = config_check_why(tree, &paths, &why, &err);
    struct buf out = BUF_INIT(1 << 20);

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        UNIT_STR(json_string_value(json_object_get(why, want[i][0])),
                 want[i][1]);
    UNIT_INT(config_dump_text(canonical, why, &out), 0);
    CU_ASSERT(str_find(buf_str(&out), STR("max_body = \"1MiB\", -- "
                                          "penstock.conf:2\n")) > 0);
    buf_clear(&out);
    json_decref(tree);
    json_decref(canonical);
    json_decref(why);
}

static void open_or_closed(void)
{
    json_t *t = check("provider 'sim' listen '[::1]:1'\n"
                      "listen 'unix:/run/x' listen '0.0.0.0:2' "
                      "{ anonymous = 'public' }\n"
                      "listen '0.0.0.0:3' { anonymous = 'none' }");

    UNIT_STR(at(t, "/listen/[::1]:1/anonymous"), "\"local\"");
    UNIT_STR(at(t, "/listen/unix:~1run~1x/anonymous"), "\"local\"");
    UNIT_STR(at(t, "/listen/0.0.0.0:2/anonymous"), "\"public\"");
    json_decref(t);
    t = check("provider 'sim' listen '0.0.0.0:1' team 'x'");
    UNIT_STR(at(t, "/listen/0.0.0.0:1/anonymous"), "\"none\"");
    json_decref(t);
    says("provider 'sim' listen '0.0.0.0:1'",
         "listen \"0.0.0.0:1\": is reached from outside and no key is "
         "configured; write key \"name\" { sha256 = \"...\" }, or anonymous = "
         "\"public\" to let everybody in");
    says("provider 'sim' listen '[::]:1' { anonymous = 'local' }",
         "listen \"[::]:1\": is reached from outside and no key is "
         "configured; write key \"name\" { sha256 = \"...\" }, or anonymous = "
         "\"public\" to let everybody in");
}

static void rules(void)
{
    says("", "provider: there is none; write provider \"openai\", or provider "
             "\"sim\" to try without a key");
    says("provider 'sim' provider 'x' { vendor = 'openai-compatible' }",
         "provider \"x\": base_url is missing; write base_url = "
         "\"https://api.example.com/v1\"");
    says("provider 'x' { plugin = 'x' }", /* which may know its URL */
         "provider \"x\": keys is missing; write keys = { env \"NAME\" }, or "
         "keys = {} where it needs none");
    says("provider 'x' { vendor = 'sim', keys = { { env('A', 'a'), name = 'n' "
         "}, { env('B', 'b'), name = 'n' } } }",
         "provider \"x\" keys[2]: there are two keys named \"n\"");
    says("provider 'sim' { keys = env('A', 'two words') }",
         "provider \"sim\" keys[1].secret: holds a space, a line end or "
         "another byte that no key has");
    says("provider 'sim' model 'm' { 'sim/*' }",
         "model \"m\" targets[1].target: \"sim/*\" has a '*', but the model's "
         "name has none; write the upstream model");
    says("provider 'sim' policies { 'auth', 'auth' }",
         "policies[2]: \"auth\" is listed twice");
    says("provider 'sim' key 'a' { sha256 = '" SHA "' } key 'b' { sha256 = '"
         "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08' }",
         "key \"b\" sha256: is that of key \"a\" too");
    says("provider 'sim' model 'm' { targets = 'sim/a', 'sim/b' }",
         "model \"m\": 'targets' is given twice: by name and by position");
    says("provider 'sim' model 'm' { {} }",
         "model \"m\" targets[1].target: is missing; write \"provider/model\"");
    says("provider 'sim' { ca_file = '/nowhere/ca.pem' }",
         "provider \"sim\" ca_file: cannot read /nowhere/ca.pem: No such file "
         "or directory");
    says("provider 'sim' state env 'UNSET_STATE'",
         "state: the environment variable UNSET_STATE is not set; set it, or "
         "write env(\"UNSET_STATE\", \"default\")");
}

static void json_input(void)
{
    struct err err;
    json_t *t = fixture_check("{\"provider\": {\"sim\": {}}, \"server\": "
                              "{\"workers\": 0}}", &err);

    CU_ASSERT_PTR_NULL(t);
    UNIT_STR(err.at, "/server/workers");
    t = fixture_check("{\"provder\": {}}", &err);
    CU_ASSERT_PTR_NULL(t);
    UNIT_STR(err.msg, "provder: unknown directive 'provder'; did you mean "
                      "'provider'?");
    t = check("{\"provider\": {\"sim\": {\"tags\": {\"a\": \"b\"}}}}");
    UNIT_STR(at(t, "/provider/sim/tags"), "{\"a\":\"b\"}");
    json_decref(t);
}

static void urls(void)
{
    static const char *const good[] = {
        "http://h", "https://h:1/v1", "http://[::1]:8000/v1",
        "http://10.0.0.1:65535/", "https://a-b.c_d.example/x/y",
    };
    static const char *const bad[] = {
        "h", "ftp://h", "http://", "http:///x", "http://h:0", "http://h:65536",
        "http://h:", "http://[::1", "http://[::1]x", "http://[h]:1",
        "http://u:p@h", "http://h/?q", "http://h/#f", "http://h /",
        "http://:1",
    };
    char why[256];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        json_t *v = json_string(good[i]);

        CU_ASSERT_TRUE(conf_value_ok(CONF_URL, STR_NULL, v, why, sizeof why));
        json_decref(v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *v = json_string(bad[i]);

        if (conf_value_ok(CONF_URL, STR_NULL, v, why, sizeof why))
            CU_FAIL("a bad URL passed");
        json_decref(v);
    }
    says("provider 'sim' { proxy = 'http://proxy' }",
         "provider \"sim\" proxy: \"http://proxy\" has no port; write "
         "\"http://proxy.example.com:3128\"");
    says("provider 'sim' { proxy = 'http://u:p@proxy:1' }",
         "provider \"sim\" proxy: holds a user name or password, which would "
         "be printed; leave it out");
}

static void measures(void)
{
    static const struct {
        const char *text;
        uint64_t ms, bytes; /* 0: refused */
    } rows[] = {
        {"500ms", 500, 0}, {"30s", 30000, 0}, {"10m", 600000, 0},
        {"24h", 86400000, 0}, {"7d", 604800000, 0}, {"512B", 0, 512},
        {"64KiB", 0, 65536}, {"32MiB", 0, 32 << 20}, {"1GiB", 0, 1 << 30},
        {"30", 0, 0}, {"s", 0, 0}, {"-1s", 0, 0}, {"1.5s", 0, 0},
        {" 1s", 0, 0}, {"1 s", 0, 0}, {"1S", 0, 0}, {"1kb", 0, 0},
        {"99999999999999999999s", 0, 0}, {"18446744073709551615d", 0, 0},
        {"18446744073709551615GiB", 0, 0}, {"", 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ms = 0, bytes = 0, date;

        UNIT_INT(conf_duration(str_of(rows[i].text), &ms), rows[i].ms != 0);
        UNIT_INT(conf_size(str_of(rows[i].text), &bytes), rows[i].bytes != 0);
        UNIT_INT(ms, rows[i].ms);
        UNIT_INT(bytes, rows[i].bytes);
        CU_ASSERT_FALSE(conf_date(str_of(rows[i].text), &date));
    }
}

static void dates_and_addresses(void)
{
    bool local = false;
    uint64_t ms;

    CU_ASSERT_TRUE(conf_date(STR("2027-03-31"), &ms));
    CU_ASSERT(ms == 1806451200000);
    CU_ASSERT_TRUE(conf_date(STR("2028-02-29T23:59:59Z"), &ms));
    CU_ASSERT_FALSE(conf_date(STR("2027-02-29"), &ms));
    CU_ASSERT_FALSE(conf_date(STR("2027-13-01"), &ms));
    CU_ASSERT_FALSE(conf_date(STR("2027-03-31T24:00:00Z"), &ms));
    CU_ASSERT_FALSE(conf_date(STR("2027-03-31T12:00:00+02:00"), &ms));
    CU_ASSERT_TRUE(conf_cidr(STR("10.0.0.0/8")));
    CU_ASSERT_TRUE(conf_cidr(STR("2001:db8::/128")));
    CU_ASSERT_TRUE(conf_cidr(STR("127.0.0.1")));
    CU_ASSERT_FALSE(conf_cidr(STR("10.0.0.0/")));
    CU_ASSERT_FALSE(conf_cidr(STR("10.0.0.0/-1")));
    CU_ASSERT_FALSE(conf_cidr(STR("::/129")));
    CU_ASSERT_TRUE(conf_address(STR("127.1.2.3:0"), &local) && local);
    CU_ASSERT_TRUE(conf_address(STR("[::1]:80"), &local) && local);
    CU_ASSERT_TRUE(conf_address(STR("[::]:80"), &local) && !local);
    CU_ASSERT_TRUE(conf_address(STR("unix:/x"), &local) && local);
    CU_ASSERT_FALSE(conf_address(STR("unix:x"), &local));
    CU_ASSERT_FALSE(conf_address(STR("::1:80"), &local));
    CU_ASSERT_FALSE(conf_address(STR("127.0.0.1"), &local));
    CU_ASSERT_FALSE(conf_address(STR("127.0.0.1:65536"), &local));
    CU_ASSERT_FALSE(conf_address(STR(":80"), &local));
}

static void statically(void)
{
    struct config_paths paths = fixture_paths();
    struct err err = {0};
    json_t *tree = conf_load_text(
        STR("provider 'openai' state env 'UNSET_STATE'\n"
            "provider 'x' { vendor = 'sim', keys = file '/none' }\n"
            "listen '127.0.0.1:1' { tls = { cert = '/none', "
            "key = file '/none' } }"), "c", &err), *canonical;

    paths.static_only = true;
    canonical = config_check(tree, &paths, &err);
    UNIT_STR(err.msg, "");
    UNIT_STR(at(canonical, "/provider/openai/keys/0/secret"),
             "{\"$env\":\"OPENAI_API_KEY\"}");
    json_decref(canonical);
    paths.static_only = false;
    canonical = config_check(tree, &paths, &err);
    CU_ASSERT_PTR_NULL(canonical);
    json_decref(tree);
}

static void without_a_file(void)
{
    struct config_paths paths = fixture_paths();
    struct err err = {0};
    json_t *tree, *t;

    unsetenv("GROQ_API_KEY");
    unsetenv("OPENAI_API_KEY");
    tree = config_builtin(&paths, &err);
    t = config_check(tree, &paths, &err);
    UNIT_STR(at(t, "/provider/sim/vendor"), "\"sim\"");
    UNIT_STR(at(t, "/model"), "absent");
    UNIT_INT(config_set_sim_socket(t, "/run/sim"), 1);
    UNIT_STR(at(t, "/provider/sim/unix_socket"), "\"/run/sim\"");
    json_decref(t);
    json_decref(tree);
    setenv("GROQ_API_KEY", "k", 1);
    tree = config_builtin(&paths, &err);
    t = config_check(tree, &paths, &err);
    UNIT_STR(at(t, "/provider/sim"), "absent");
    UNIT_STR(at(t, "/provider/groq/keys/0/secret"),
             "{\"$env\":\"GROQ_API_KEY\"}");
    UNIT_INT(config_set_sim_socket(t, "/run/sim"), 0);
    json_decref(t);
    json_decref(tree);
    unsetenv("GROQ_API_KEY");
}

static void every_vendor(void)
{
    struct config_paths paths = fixture_paths();
    json_t *file = json_load_file(paths.catalogue, JSON_REJECT_DUPLICATES,
                                  NULL);
    json_t *vendors = json_object_get(file, "vendors"), *row;
    const char *name, *key;

    json_object_foreach(vendors, name, row) {
        static const char known[] = "plugin|base_url|own_url|env|keyless|read|"
            "by_name|auth|quirks|reasoning|models|usage|rate_limits|notes|"
            "source";
        char text[512];
        json_t *t, *v;

        json_object_foreach(row, key, v)
            CU_ASSERT_TRUE(conf_choice(str_of(known), str_of(key), NULL));
        CU_ASSERT(json_is_string(json_object_get(row, "source")));
        CU_ASSERT(json_is_string(json_object_get(row, "read")));
        snprintf(text, sizeof text, "provider '%s' { keys = env('A', 'b')%s }",
                 name, json_object_get(row, "base_url")
                           ? "" : ", base_url = 'http://h'");
        t = check(text);
        v = json_pack("{s:O}", "provider", json_object_get(t, "provider"));
        json_decref(t); /* the quirks too are right: load them as a file */
        key = json_dumps(v, 0);
        t = check(key);
        free((char *)key);
        json_decref(v);
        json_decref(t);
    }
    json_decref(file);
    fixture_clear();
}

UNIT_MAIN("config", {"defaults", defaults}, {"urls", urls},
          {"sugar and catalogue", sugar_and_catalogue},
          {"all keys are used", all_keys_are_used},
          {"dump and load", dump_and_load}, {"where from", where_from},
          {"open or closed", open_or_closed}, {"measures", measures},
          {"json", json_input}, {"statically", statically}, {"rules", rules},
          {"dates and addresses", dates_and_addresses},
          {"every vendor", every_vendor}, {"without a file", without_a_file})
