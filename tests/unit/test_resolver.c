/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The resolver with a name service of its own: published, kept, retried. */
#include "keeper/resolver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/addresses.h"

#include "unit.h"

#include <stdatomic.h>
#include <unistd.h>

static struct addresses *seen;
static int published;
static struct loop *loop;
static _Atomic int asked, broken;

static const char *lookup(const char *host, char *out, size_t size)
{
    asked++;
    if (strcmp(host, "bad.example") == 0)
        return "no such name";
    if (strcmp(host, "later.example") == 0 && broken)
        return "try again";
    snprintf(out, size, "192.0.2.%d,[2001:db8::1]", (int)strlen(host));
    return NULL;
}

static void on_publish(void *ud, int fd)
{
    struct err err = { 0 };
    struct snapshot *s = snapshot_open(fd, &err);

    (void)ud;
    published++;
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    addresses_update(seen, s);
    snapshot_unref(s);
}

static void on_timer(void *ud)
{
    (void)ud;
    loop_stop(loop);
}

static void turn_for(uint64_t ms)
{
    struct loop_timer t;

    loop_timer_init(&t, loop, on_timer, NULL);
    loop_timer_set(&t, ms);
    loop_run(loop);
    loop_timer_stop(&t);
}

static const char *address(const char *host, const char **why)
{
    return addresses_find(seen, str_of(host), why);
}

static void wait_for_address(const char *host)
{
    uint64_t end = clock_mono_ms() + 10000;
    const char *why = NULL;

    while (!address(host, &why) && clock_mono_ms() < end)
        turn_for(10);
}

static struct resolver *start(const char *const *hosts)
{
    struct err err = { 0 };
    struct resolver *r;

    resolver_lookup = lookup;
    log_open("/dev/null", LOG_JSON, LOG_ERROR);
    published = 0;
    asked = 0;
    loop = loop_new();
    seen = addresses_new();
    r = resolver_new(loop, on_publish, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (; *hosts; hosts++)
        UNIT_INT(resolver_add(r, str_of(*hosts)), 0);
    UNIT_INT(resolver_start(r, &err), 0);
    return r;
}

static void finish(struct resolver *r)
{
    resolver_free(r);
    loop_free(loop);
    addresses_free(seen);
}

static void publishes_what_it_found(void)
{
    static const char *const hosts[] = { "a.example", "bad.example",
                                         "a.example", "127.0.0.1", "::1", "",
                                         "bb.example", NULL };
    struct resolver *r = start(hosts);
    const char *why;

    wait_for_address("a.example");
    wait_for_address("bb.example");
    turn_for(50);
    UNIT_STR(address("a.example", &why), "192.0.2.9,[2001:db8::1]");
    UNIT_STR(address("bb.example", &why), "192.0.2.10,[2001:db8::1]");
    CU_ASSERT_PTR_NULL(address("bad.example", &why));
    UNIT_STR(why, "no such name");
    UNIT_INT(asked, 3); /* each once; numbers never */
    finish(r);
}

static void retries_a_failure(void)
{
    static const char *const hosts[] = { "later.example", NULL };
    struct resolver *r;
    const char *why = NULL;

    broken = 1;
    r = start(hosts);
    turn_for(100);
    CU_ASSERT_PTR_NULL(address("later.example", &why));
    UNIT_STR(why, "try again");
    broken = 0;
    wait_for_address("later.example");
    UNIT_STR(address("later.example", &why), "192.0.2.13,[2001:db8::1]");
    finish(r);
}

static void without_names_nothing_starts(void)
{
    static const char *const hosts[] = { "127.0.0.1", NULL };
    struct resolver *r = start(hosts);

    turn_for(30);
    UNIT_INT(published, 0);
    UNIT_INT(asked, 0);
    finish(r);
}

static const char *look_up_for_ever(const char *host, char *out, size_t size)
{
    (void)host;
    (void)out;
    (void)size;
    sleep(3);
    return "too late";
}

static void a_hanging_name_service_holds_nobody(void)
{
    static const char *const hosts[] = { "x.example", NULL };
    struct resolver *r = start(hosts);
    uint64_t begin;

    finish(r);
    r = start(hosts);
    resolver_free(r);
    resolver_lookup = look_up_for_ever;
    {
        struct err err = { 0 };

        r = resolver_new(loop, on_publish, NULL, &err);
        resolver_add(r, STR("y.example"));
        resolver_start(r, &err);
    }
    turn_for(50);
    begin = clock_mono_ms();
    resolver_free(r);
    CU_ASSERT_TRUE(clock_mono_ms() - begin < 1000);
    sleep(3); /* its memory is its own till here: leak checkers see it */
    loop_free(loop);
    addresses_free(seen);
}

UNIT_MAIN("resolver", {"publishes what it found", publishes_what_it_found},
          {"retries a failure", retries_a_failure},
          {"without names nothing starts", without_names_nothing_starts},
          {"a hanging name service holds nobody",
           a_hanging_name_service_holds_nobody})
