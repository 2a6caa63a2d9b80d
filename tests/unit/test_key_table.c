/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The key table: base and delta, teams and those above, what a row becomes. */
#include "engine/key_table.h"

#include "base/sha256.h"

#include "unit.h"

#include <unistd.h>

static struct err err;
static struct arena *arena;
static struct config config;
static struct key_table *table;

static void begin(void)
{
    err = (struct err){ 0 };
    arena = arena_new(1 << 20);
    table = key_table_new();
    config = (struct config){ 0 };
}

static void end(void)
{
    key_table_free(table);
    arena_free(arena);
}

static struct conf_key key_of(const char *text)
{
    struct conf_key k = { .name = str_of(text) };

    sha256(str_of(text), k.sha256);
    return k;
}

static void add(struct key_table_builder *b, const char *text)
{
    struct conf_key k = key_of(text);

    UNIT_INT(key_table_builder_add(b, &k, STR_NULL, false), 0);
}

static int take(struct key_table_builder *b)
{
    int fd = key_table_builder_seal(b, &err), rc;
    struct snapshot *s = fd < 0 ? NULL : snapshot_open(fd, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    close(fd);
    rc = key_table_update(table, s);
    snapshot_unref(s);
    return rc;
}

static struct principal *look(const char *text)
{
    struct principal *p = NULL;
    unsigned char sum[SHA256_BYTES];

    sha256(str_of(text), sum);
    UNIT_INT(key_table_principal(table, &config, sum, arena, &p), 0);
    return p;
}

static void says_when_it_knows_nothing(void)
{
    struct principal *p = NULL;
    unsigned char sum[SHA256_BYTES] = { 1 };

    begin();
    CU_ASSERT(!key_table_ready(table));
    UNIT_INT(key_table_principal(table, &config, sum, arena, &p),
             -ERR_AUTH_UNAVAILABLE);
    UNIT_INT(take(key_table_builder_new(1, 0, &err)), 0);
    CU_ASSERT(key_table_ready(table));
    CU_ASSERT_PTR_NULL(look("nobody"));
    end();
}

static void brings_every_field_back(void)
{
    struct str models[] = { STR("gpt-*"), STR("fast") };
    struct str endpoints[] = { STR("chat") }, cidrs[] = { STR("10.0.0.0/8") };
    struct conf_pair tags[] = { { STR("env"), STR("prod") } };
    struct conf_key k = key_of("k");
    const struct str limits =
        STR("{\"requests\":\"600/min\",\"concurrent\":4}");
    struct key_table_builder *b;
    const struct principal *p;

    begin();
    b = key_table_builder_new(1, 0, &err);
    k.user = STR("ada");
    k.expires_ms = 123456;
    k.disabled = true;
    k.models = models;
    k.n_models = 2;
    k.endpoints = endpoints;
    k.n_endpoints = 1;
    k.cidrs = cidrs;
    k.n_cidrs = 1;
    k.tags = tags;
    k.n_tags = 1;
    UNIT_INT(key_table_builder_add(b, &k, limits, false), 0);
    UNIT_INT(take(b), 0);
    p = look("k");
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    key_table_free(table); /* what was found lives on */
    table = NULL;
    CU_ASSERT(str_is(p->id, "k") && str_is(p->key, "k"));
    CU_ASSERT(str_is(p->user, "ada") && p->team.n == 0);
    CU_ASSERT(p->disabled && p->expires_ms == 123456);
    CU_ASSERT(str_is(p->limits.requests, "600/min"));
    UNIT_INT(p->limits.tokens.n, 0);
    UNIT_INT(p->limits.concurrent, 4);
    UNIT_INT(p->n_models, 2);
    CU_ASSERT(str_is(p->models[0], "gpt-*") && str_is(p->models[1], "fast"));
    CU_ASSERT(str_is(p->endpoints[0], "chat"));
    CU_ASSERT(str_is(p->cidrs[0], "10.0.0.0/8"));
    UNIT_INT(p->n_tags, 1);
    CU_ASSERT(str_is(p->tags[0].key, "env") &&
              str_is(p->tags[0].value, "prod"));
    end();
}

static void finds_each_of_many(void)
{
    struct key_table_builder *b;
    char text[32];

    begin();
    b = key_table_builder_new(1, 0, &err);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "key %d", i);
        add(b, text);
    }
    UNIT_INT(take(b), 0);
    UNIT_INT(key_table_count(table), 1000);
    for (int i = 0; i < 1010; i++) {
        const struct principal *p;

        snprintf(text, sizeof text, "key %d", i);
        p = look(text);
        if (i < 1000)
            CU_ASSERT(p && str_is(p->id, text));
        if (i >= 1000)
            CU_ASSERT_PTR_NULL(p);
    }
    end();
}

static void a_delta_counts_before_its_base(void)
{
    struct key_table_builder *b;
    struct conf_key k = key_of("b");

    begin();
    b = key_table_builder_new(7, 0, &err);
    add(b, "a");
    add(b, "b");
    UNIT_INT(take(b), 0);
    b = key_table_builder_new(8, 7, &err);
    UNIT_INT(key_table_builder_add(b, &k, STR_NULL, true), 0);
    add(b, "c");
    UNIT_INT(take(b), 0);
    CU_ASSERT(look("a") && !look("b") && look("c"));
    b = key_table_builder_new(9, 6, &err); /* of a base that is not here */
    add(b, "d");
    UNIT_INT(take(b), -ERR_NOTFOUND);
    CU_ASSERT(look("c") && !look("d"));
    b = key_table_builder_new(10, 0, &err); /* a base drops the delta */
    add(b, "b");
    UNIT_INT(take(b), 0);
    CU_ASSERT(!look("a") && look("b") && !look("c"));
    end();
}

static void add_team(struct key_table_builder *b, const char *name,
                     const char *parent, const char *model)
{
    struct str list = str_of(model);
    struct conf_pair tag = { STR("team"), str_of(name) };
    struct key_team t = { .name = str_of(name), .parent = str_of(parent),
                          .models = &list, .n_models = 1, .tags = &tag,
                          .n_tags = 1 };

    UNIT_INT(key_table_builder_team(b, &t), 0);
}

static void follows_teams_upwards(void)
{
    struct str wide = STR("*");
    struct conf_team own = { .name = STR("files"), .models = &wide,
                             .n_models = 1 };
    struct conf_key k = key_of("k"), f = key_of("f"), lost = key_of("l");
    struct sockaddr_storage peer = { .ss_family = AF_UNIX };
    struct key_table_builder *b;
    struct principal *p;

    begin();
    config.teams = &own;
    config.n_teams = 1;
    b = key_table_builder_new(1, 0, &err);
    k.team = STR("leaf");
    f.team = STR("files");
    lost.team = STR("gone");
    UNIT_INT(key_table_builder_add(b, &k, STR_NULL, false), 0);
    UNIT_INT(key_table_builder_add(b, &f, STR_NULL, false), 0);
    UNIT_INT(key_table_builder_add(b, &lost, STR_NULL, false), 0);
    add_team(b, "leaf", "top", "gpt-*");
    add_team(b, "top", "", "*-mini");
    add_team(b, "files", "", "never");
    UNIT_INT(take(b), 0);
    p = look("k");
    UNIT_INT(p->n_teams, 2);
    CU_ASSERT(principal_may_use(p, STR("gpt-mini")));
    CU_ASSERT(!principal_may_use(p, STR("gpt-max"))); /* the top's word */
    CU_ASSERT(!principal_may_use(p, STR("o-mini")));
    UNIT_INT(p->n_tags, 1);
    CU_ASSERT(str_is(p->tags[0].value, "leaf")); /* nearest first */
    p = look("f"); /* the configuration's wins */
    CU_ASSERT(principal_may_use(p, STR("anything")));
    p = look("l");
    UNIT_INT(principal_admit(p, STR("chat"), &peer, 0, &err),
             -ERR_NOT_ALLOWED);
    end();
}

static void joins_what_a_policy_made(void)
{
    struct str wide = STR("file-*");
    struct conf_team own = { .name = STR("files"), .models = &wide,
                             .n_models = 1,
                             .limits = { .requests = STR("5/min") } };
    struct principal p = { .id = STR("ann"), .team = STR("leaf") };
    struct principal f = { .id = STR("bob"), .team = STR("files"),
                           .team_limits = { .requests = STR("9/min"),
                                            .concurrent = 2 } };
    struct principal no = { .id = STR("eve"), .team = STR("nobody's") };
    struct key_table_builder *b;

    begin();
    config.teams = &own;
    config.n_teams = 1;
    UNIT_INT(key_table_join(NULL, &config, arena, &p), 0); /* no store */
    UNIT_INT(p.n_teams, 0);
    config.admin.keys_store = true; /* there is one, and it was not read */
    UNIT_INT(key_table_join(table, &config, arena, &p),
             -ERR_AUTH_UNAVAILABLE);
    UNIT_INT(key_table_join(table, &config, arena, &f), 0);
    CU_ASSERT(principal_may_use(&f, STR("file-1")));
    CU_ASSERT(!principal_may_use(&f, STR("gpt-mini")));
    CU_ASSERT(str_is(f.team_limits.requests, "5/min")); /* the team's */
    UNIT_INT(f.team_limits.concurrent, 2);              /* it has none */
    b = key_table_builder_new(1, 0, &err);
    add_team(b, "leaf", "top", "gpt-*");
    add_team(b, "top", "", "*-mini");
    UNIT_INT(take(b), 0);
    UNIT_INT(key_table_join(table, &config, arena, &p), 0);
    UNIT_INT(p.n_teams, 2);
    CU_ASSERT(principal_may_use(&p, STR("gpt-mini")));
    CU_ASSERT(!principal_may_use(&p, STR("gpt-max")));
    CU_ASSERT(p.n_tags == 1 && str_is(p.tags[0].value, "leaf"));
    UNIT_INT(key_table_join(table, &config, arena, &no), 0);
    CU_ASSERT(principal_may_use(&no, STR("anything")) && !no.fault);
    end();
}

static void refuses_what_is_no_table(void)
{
    struct snapshot_builder *b;
    struct snapshot *s;
    int fd;

    begin();
    b = snapshot_builder_new("keys", 1, &err);
    snapshot_builder_add(b, STR("head"), STR("nonsense"), &err);
    fd = snapshot_builder_seal(b, &err);
    snapshot_builder_free(b);
    s = snapshot_open(fd, &err);
    close(fd);
    UNIT_INT(key_table_update(table, s), -ERR_SYNTAX);
    CU_ASSERT(!key_table_ready(table) && !key_table_is_base(s));
    snapshot_unref(s);
    end();
}

UNIT_MAIN("key_table",
          { "says when it knows nothing", says_when_it_knows_nothing },
          { "brings every field back", brings_every_field_back },
          { "finds each of many", finds_each_of_many },
          { "a delta counts before its base", a_delta_counts_before_its_base },
          { "follows teams upwards", follows_teams_upwards },
          { "joins what a policy made", joins_what_a_policy_made },
          { "refuses what is no table", refuses_what_is_no_table })
