/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Services and Redis: their URLs, the structs that come of them, secrets. */
#include "base/snapshot.h"
#include "config_fixture.h"
#include "engine/config_unit.h"

static void want(struct str got, const char *text)
{
    char z[512];

    snprintf(z, sizeof z, STR_FMT, STR_ARG(got));
    UNIT_STR(z, text);
}

static void redis_urls(void)
{
    static const struct {
        const char *url, *host, *path;
        int port, db;
        bool tls;
    } good[] = {
        { "redis://h", "h", "", 6379, 0, false },
        { "redis://h/", "h", "", 6379, 0, false },
        { "redis://10.0.0.1:1/15", "10.0.0.1", "", 1, 15, false },
        { "rediss://redis.internal:6380/2", "redis.internal", "", 6380, 2,
          true },
        { "rediss://[::1]", "::1", "", 6379, 0, true },
        { "redis://[2001:db8::1]:7000/1", "2001:db8::1", "", 7000, 1, false },
        { "unix:///run/redis.sock", "", "/run/redis.sock", 6379, 0, false },
        { "unix:///r?db=7", "", "/r", 6379, 7, false },
    };
    static const char *const bad[] = {
        "h", "redis:h", "redis://", "redis:///0", "redis://h:0",
        "redis://h:65536", "redis://h/x", "redis://h/0/1", "redis://h/99999",
        "redis://h?db=1", "redis://h/-1", "redis://[::1", "redis://[h]",
        "rediss://u:p@h", "http://h", "unix://", "unix://h/path", "unix:///",
        "unix:///r?db=", "unix:///r?x=1", "redis:// h", "",
    };
    struct conf_redis_url u;
    char why[256];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_TRUE_FATAL(conf_redis_url(str_of(good[i].url), &u));
        want(u.host, good[i].host);
        want(u.unix_path, good[i].path);
        UNIT_INT(u.port, good[i].port);
        UNIT_INT(u.db, good[i].db);
        UNIT_INT(u.tls, good[i].tls);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *v = json_string(bad[i]);

        if (conf_value_ok(CONF_REDIS, STR_NULL, v, why, sizeof why))
            printf("\n%s passed", bad[i]);
        CU_ASSERT_FALSE(
            conf_value_ok(CONF_REDIS, STR_NULL, v, why, sizeof why));
        json_decref(v);
    }
}

static struct config *open_text(const char *text)
{
    struct config_paths paths = fixture_paths();
    struct snapshot *s = NULL;
    struct config *c = NULL;
    struct err err;
    json_t *canonical = fixture_check(text, &err);
    int fd = canonical ? config_bundle(canonical, &paths, 1, &err) : -1;

    if (fd >= 0) {
        s = snapshot_open(fd, &err);
        close(fd);
        CU_ASSERT(str_find(snapshot_section(s, STR("config")),
                           STR("planted")) < 0);
        c = config_open(s, &err);
        snapshot_unref(s);
    }
    if (!c)
        printf("\n%s: %s", err.at, err.msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    json_decref(canonical);
    return c;
}

static void services(void)
{
    const struct conf_service *s;
    struct config *c;

    setenv("SERVICE_TOKEN", "planted-1", 1);
    c = open_text("provider 'sim'\n"
                  "service 'authz' { url = 'https://authz.internal/v1/', "
                  "token = env 'SERVICE_TOKEN', headers = { ['x-a'] = 'b' }, "
                  "timeout = '300ms', max_body = '64KiB', "
                  "ca_file = '/etc/passwd', observe = 'all' }\n"
                  "service 'plain' { url = 'http://127.0.0.1:1' }");
    UNIT_INT(c->n_services, 2);
    s = &c->services[0];
    want(s->name, "authz");
    want(s->url, "https://authz.internal/v1");
    want(secret_reveal(&s->token), "planted-1");
    UNIT_INT(s->n_headers, 1);
    want(s->headers[0].key, "x-a");
    want(s->headers[0].value, "b");
    UNIT_INT(s->timeout_ms, 300);
    UNIT_INT(s->max_body, 64 << 10);
    want(s->ca_file, "/etc/passwd");
    CU_ASSERT_TRUE(s->observe_all);
    s = &c->services[1];
    UNIT_INT(s->timeout_ms, 1000);
    UNIT_INT(s->max_body, 1 << 20);
    CU_ASSERT_FALSE(s->observe_all || secret_is_set(&s->token));
    UNIT_INT(s->ca_file.n, 0);
    config_free(c);
}

static void redises(void)
{
    const struct conf_redis *r;
    struct config *c;

    setenv("REDIS_PASSWORD", "planted with spaces", 1);
    c = open_text("provider 'sim'\n"
                  "redis 'main' { url = 'rediss://redis.internal:7000/3', "
                  "user = 'u', password = env 'REDIS_PASSWORD', "
                  "timeout = '20ms', connect_timeout = '300ms', "
                  "ca_file = '/etc/passwd' }\n"
                  "redis 'sock' { url = 'unix:///run/redis?db=2' }");
    UNIT_INT(c->n_redis, 2);
    r = &c->redis[0];
    want(r->name, "main");
    want(r->host, "redis.internal");
    UNIT_INT(r->port, 7000);
    UNIT_INT(r->db, 3);
    CU_ASSERT_TRUE(r->tls);
    want(r->user, "u");
    want(secret_reveal(&r->password), "planted with spaces");
    UNIT_INT(r->timeout_ms, 20);
    UNIT_INT(r->connect_timeout_ms, 300);
    want(r->ca_file, "/etc/passwd");
    r = &c->redis[1];
    want(r->unix_path, "/run/redis");
    UNIT_INT(r->host.n, 0);
    UNIT_INT(r->db, 2);
    UNIT_INT(r->timeout_ms, 50);
    UNIT_INT(r->connect_timeout_ms, 1000);
    config_free(c);
    fixture_clear();
}

UNIT_MAIN("config_outside", { "Redis URLs", redis_urls },
          { "services", services }, { "Redis", redises })
