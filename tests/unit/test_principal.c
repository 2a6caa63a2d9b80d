/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys by their digest, and what a principal may do from where. */
#include "engine/principal.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct sockaddr_storage peer(const char *text)
{
    struct sockaddr_storage ss = { 0 };
    struct sockaddr_in *in = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        ss.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        ss.ss_family = AF_INET6;
    else
        ss.ss_family = AF_UNIX;
    return ss;
}

static bool from(const char *network, const char *address)
{
    struct str cidr = str_of(network);
    struct principal p = { .id = STR("x"), .cidrs = &cidr, .n_cidrs = 1 };
    struct sockaddr_storage ss = peer(address);

    return principal_admit(&p, STR("chat"), &ss, 0, NULL) == 0;
}

static void knows_networks(void)
{
    CU_ASSERT(from("10.2.0.0/16", "10.2.255.1"));
    CU_ASSERT(!from("10.2.0.0/16", "10.3.0.1"));
    CU_ASSERT(from("10.2.0.0/16", "::ffff:10.2.3.4"));
    CU_ASSERT(!from("10.2.0.0/16", "::ffff:10.3.3.4"));
    CU_ASSERT(from("10.0.0.0/7", "11.1.1.1"));
    CU_ASSERT(!from("10.0.0.0/7", "12.1.1.1"));
    CU_ASSERT(from("192.0.2.7", "192.0.2.7"));
    CU_ASSERT(!from("192.0.2.7", "192.0.2.8"));
    CU_ASSERT(from("0.0.0.0/0", "203.0.113.9"));
    CU_ASSERT(!from("0.0.0.0/0", "2001:db8::1"));
    CU_ASSERT(from("2001:db8::/33", "2001:db8:7fff::1"));
    CU_ASSERT(!from("2001:db8::/33", "2001:db8:8000::1"));
    CU_ASSERT(from("::1", "::1"));
    CU_ASSERT(from("::/0", "2001:db8::1"));
    CU_ASSERT(from("::ffff:10.0.0.0/104", "10.9.9.9"));
}

static void bad_networks_allow_nothing(void)
{
    static const char *const bad[] = {
        "",        "/",           "10.0.0.0/33",  "10.0.0.0/-1", "10.0.0.0/",
        "10/8",    "::/129",      "10.0.0.0/8 ",  "*",           "localhost",
        "::1/0x8", "10.0.0.0/8/", "1.2.3.4.5/32",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT(!from(bad[i], "10.0.0.1"));
        CU_ASSERT(!from(bad[i], "::1"));
    }
    CU_ASSERT(!from("0.0.0.0/0", "unix"));
    CU_ASSERT(!from("::/0", "unix"));
}

static void admits(void)
{
    struct str endpoints[] = { STR("chat"), STR("emb*") };
    struct principal p = { .id = STR("x") };
    struct sockaddr_storage ss = peer("192.0.2.1");
    struct err err = { 0 };

    UNIT_INT(principal_admit(&p, STR("chat"), &ss, 1000, NULL), 0);
    UNIT_INT(principal_admit(&p, STR("chat"), NULL, 1000, NULL), 0);
    p.endpoints = endpoints;
    p.n_endpoints = 2;
    UNIT_INT(principal_admit(&p, STR("embeddings"), &ss, 1000, NULL), 0);
    UNIT_INT(principal_admit(&p, STR("models"), &ss, 1000, &err),
             -ERR_NOT_ALLOWED);
    UNIT_STR(err.msg, "This key may not use the endpoint 'models'.");
    p.expires_ms = 1001;
    UNIT_INT(principal_admit(&p, STR("chat"), &ss, 1000, NULL), 0);
    UNIT_INT(principal_admit(&p, STR("chat"), &ss, 1001, NULL),
             -ERR_INVALID_API_KEY);
    p.expires_ms = 0;
    p.disabled = true;
    UNIT_INT(principal_admit(&p, STR("chat"), &ss, 1000, NULL),
             -ERR_INVALID_API_KEY);
}

static void lists_models_by_glob(void)
{
    struct str models[] = { STR("gpt-*"), STR("smart") };
    struct str team[] = { STR("*-mini"), STR("smart") };
    struct principal p = { .id = STR("x") };

    CU_ASSERT(principal_may_use(&p, STR("anything")));
    p.models = models;
    p.n_models = 2;
    CU_ASSERT(principal_may_use(&p, STR("gpt-6")));
    CU_ASSERT(!principal_may_use(&p, STR("xgpt-6")));
    p.team_models = team; /* both must agree */
    p.n_team_models = 2;
    CU_ASSERT(!principal_may_use(&p, STR("gpt-6")));
    CU_ASSERT(principal_may_use(&p, STR("gpt-6-mini")));
    CU_ASSERT(!principal_may_use(&p, STR("claude-mini")));
    CU_ASSERT(principal_may_use(&p, STR("smart")));
}

/* ---- keys -------------------------------------------------------------- */

#define KEYS 1000

static void make_keys(struct conf_key *keys, struct config *c)
{
    memset(keys, 0, KEYS * sizeof *keys);
    for (size_t i = 0; i < KEYS; i++) {
        keys[i].sha256[0] = (unsigned char)i;
        keys[i].sha256[31] = (unsigned char)(i >> 8);
        keys[i].name = STR("k");
    }
    c->keys = keys;
    c->n_keys = KEYS;
}

static void look_for_keys(const struct config *c)
{
    unsigned char digest[32] = { 0 };

    digest[0] = 999 & 255;
    digest[31] = 999 >> 8;
    CU_ASSERT_PTR_EQUAL(config_key_find(c, digest), &c->keys[999]);
    digest[16] = 1;
    CU_ASSERT_PTR_NULL(config_key_find(c, digest));
    memset(digest, 0, sizeof digest);
    CU_ASSERT_PTR_EQUAL(config_key_find(c, digest), &c->keys[0]);
}

static void finds_keys(void)
{
    static struct conf_key keys[KEYS];
    struct config c = { .owner = arena_new(1 << 20) };

    make_keys(keys, &c);
    look_for_keys(&c);
    UNIT_INT(config_key_index(&c), 0);
    CU_ASSERT_PTR_NOT_NULL(c.key_index);
    look_for_keys(&c);
    arena_free(c.owner);
}

static void makes_principals(void)
{
    struct conf_pair key_tags[] = { { STR("env"), STR("ci") } };
    struct conf_pair team_tags[] = { { STR("env"), STR("prod") },
                                     { STR("region"), STR("eu") } };
    struct str models[] = { STR("fast") };
    struct conf_team team = { .name = STR("search"), .models = models,
                              .n_models = 1, .tags = team_tags, .n_tags = 2 };
    struct conf_key key = { .name = STR("ci"), .team = STR("search"),
                            .tags = key_tags, .n_tags = 1, .expires_ms = 7 };
    struct config c = { .teams = &team, .n_teams = 1 };
    struct arena *a = arena_new(10000);
    struct principal *p = principal_of_key(a, &c, &key);

    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(str_is(p->id, "ci") && str_is(p->team, "search"));
    UNIT_INT(p->expires_ms, 7);
    UNIT_INT((int)p->n_tags, 2);
    CU_ASSERT(str_is(p->tags[0].value, "ci"));
    CU_ASSERT(str_is(p->tags[1].key, "region"));
    CU_ASSERT(principal_may_use(p, STR("fast")));
    CU_ASSERT(!principal_may_use(p, STR("smart")));
    key.team = STR_NULL;
    p = principal_of_key(a, &c, &key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    UNIT_INT((int)p->n_tags, 1);
    CU_ASSERT(principal_may_use(p, STR("smart")));
    arena_free(a);
}

/* What the teams above say holds as well; their tags come last. */
static void teams_above_hold(void)
{
    struct conf_pair tags[] = { { STR("env"), STR("prod") },
                                { STR("region"), STR("eu") } };
    struct str all_models[] = { STR("fast"), STR("smart") };
    struct str models[] = { STR("fast"), STR("slow") };
    struct conf_team teams[] = {
        { .name = STR("all"), .models = all_models, .n_models = 2,
          .tags = tags, .n_tags = 2,
          .limits = { .requests = STR("30/day") } },
        { .name = STR("part"), .parent = STR("all"), .models = models,
          .n_models = 2, .tags = tags, .n_tags = 1 },
    };
    struct conf_key key = { .name = STR("ci"), .team = STR("part") };
    struct config c = { .teams = teams, .n_teams = 2 };
    struct arena *a = arena_new(10000);
    struct principal *p = principal_of_key(a, &c, &key);

    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(principal_may_use(p, STR("fast")));
    CU_ASSERT(!principal_may_use(p, STR("slow")));
    CU_ASSERT(!principal_may_use(p, STR("smart")));
    UNIT_INT((int)p->n_teams, 2);
    CU_ASSERT(str_is(p->teams[1].name, "all"));
    CU_ASSERT(str_is(p->teams[1].limits.requests, "30/day"));
    UNIT_INT((int)p->n_tags, 2);
    CU_ASSERT(str_is(p->tags[1].value, "eu"));
    arena_free(a);
}

UNIT_MAIN("principal", { "teams above hold", teams_above_hold },
          { "knows networks", knows_networks },
          { "bad networks allow nothing", bad_networks_allow_nothing },
          { "admits", admits },
          { "lists models by glob", lists_models_by_glob },
          { "finds keys", finds_keys },
          { "makes principals", makes_principals })
