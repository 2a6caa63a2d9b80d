/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Addresses: literals, resolved, failed, not yet; hosts of URLs. */
#include "engine/addresses.h"

#include "unit.h"

#include <unistd.h>

static struct snapshot *snapshot_of(const char *const *rows)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("addresses", 1, &err);
    struct snapshot *s;
    int fd;

    for (; b && rows[0]; rows += 2)
        snapshot_builder_add(b, str_of(rows[0]),
                             (struct str){ rows[1], strlen(rows[1]) + 1 },
                             &err);
    fd = snapshot_builder_seal(b, &err);
    s = snapshot_open(fd, &err);
    close(fd);
    snapshot_builder_free(b);
    return s;
}

static void literals_need_no_keeper(void)
{
    struct addresses *a = addresses_new();
    const char *why = "x";

    UNIT_STR(addresses_find(a, STR("10.0.8.1"), &why), "10.0.8.1");
    CU_ASSERT_PTR_NULL(why);
    UNIT_STR(addresses_find(a, STR("::1"), &why), "[::1]");
    CU_ASSERT_PTR_NULL(addresses_find(a, STR("api.example"), &why));
    CU_ASSERT_PTR_NULL(why);
    CU_ASSERT_PTR_NULL(addresses_find(a, STR(""), &why));
    addresses_free(a);
    addresses_free(NULL);
}

static void the_newest_snapshot_counts(void)
{
    static const char *const first[] = { "a.example", "192.0.2.1", "b.example",
                                         "!no such name", NULL };
    static const char *const second[] = {
        "a.example", "192.0.2.2,[2001:db8::1]", NULL
    };
    struct addresses *a = addresses_new();
    struct snapshot *s = snapshot_of(first);
    const char *why;

    addresses_update(a, s);
    snapshot_unref(s); /* a has its own reference */
    UNIT_STR(addresses_find(a, STR("a.example"), &why), "192.0.2.1");
    CU_ASSERT_PTR_NULL(addresses_find(a, STR("b.example"), &why));
    UNIT_STR(why, "no such name");
    CU_ASSERT_PTR_NULL(addresses_find(a, STR("c.example"), &why));
    CU_ASSERT_PTR_NULL(why);
    s = snapshot_of(second);
    addresses_update(a, s);
    snapshot_unref(s);
    UNIT_STR(addresses_find(a, STR("a.example"), &why),
             "192.0.2.2,[2001:db8::1]");
    CU_ASSERT_PTR_NULL(addresses_find(a, STR("b.example"), &why));
    CU_ASSERT_PTR_NULL(why);
    addresses_free(a);
}

struct watcher {
    struct addresses_watch w;
    struct addresses *a;
    struct addresses_watch *drop, *take;
    int told;
};

static void on_update(void *ud)
{
    struct watcher *x = ud;

    x->told++;
    if (x->drop)
        addresses_unwatch(x->drop);
    if (x->take)
        addresses_watch(x->a, x->take);
}

/* Told once each; those taken out meanwhile are not, those new in are not. */
static void watchers_are_told(void)
{
    static const char *const rows[] = { "a.example", "192.0.2.1", NULL };
    struct addresses *a = addresses_new();
    struct snapshot *s = snapshot_of(rows);
    struct watcher x[4];

    for (int i = 0; i < 4; i++) {
        x[i] = (struct watcher){ .w = { .fn = on_update, .ud = &x[i] },
                                 .a = a };
        if (i < 3) {
            addresses_watch(a, &x[i].w);
            addresses_watch(a, &x[i].w);
        }
    }
    x[2].drop = &x[0].w; /* told first: the last to come */
    x[1].drop = &x[1].w;
    x[1].take = &x[3].w;
    addresses_update(a, s);
    UNIT_INT(x[0].told, 0);
    UNIT_INT(x[1].told, 1);
    UNIT_INT(x[2].told, 1);
    UNIT_INT(x[3].told, 0);
    addresses_update(a, s);
    UNIT_INT(x[1].told, 1);
    UNIT_INT(x[2].told, 2);
    UNIT_INT(x[3].told, 1);
    for (int i = 0; i < 4; i++)
        addresses_unwatch(&x[i].w);
    addresses_update(a, s);
    UNIT_INT(x[2].told, 2);
    snapshot_unref(s);
    addresses_free(a);
}

static void hosts_of_urls(void)
{
    static const struct {
        const char *url, *host;
    } rows[] = {
        { "https://api.openai.com/v1", "api.openai.com" },
        { "http://10.0.8.1:8000/v1", "10.0.8.1" },
        { "http://[2001:db8::1]:8000/v1", "2001:db8::1" },
        { "https://user:pw@host.example", "host.example" },
        { "http://h?x@y", "h" },
        { "https://h#f", "h" },
        { "ftp://h/", NULL },
        { "h/v1", NULL },
        { "http://", NULL },
        { "http://:80/", NULL },
        { "http://[::1", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str h = url_host(str_of(rows[i].url));

        CU_ASSERT_EQUAL(h.p == NULL, rows[i].host == NULL);
        if (rows[i].host && !str_is(h, rows[i].host))
            printf("\n%s: " STR_FMT, rows[i].url, STR_ARG(h));
        if (rows[i].host)
            CU_ASSERT_TRUE(str_is(h, rows[i].host));
    }
}

UNIT_MAIN("addresses", {"literals need no keeper", literals_need_no_keeper},
          {"the newest snapshot counts", the_newest_snapshot_counts},
          {"watchers are told", watchers_are_told},
          {"hosts of URLs", hosts_of_urls})
