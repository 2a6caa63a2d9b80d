/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The board of alerts, with times made up: what whom is owed, and when. */
#include "engine/alert.h"

#include "unit.h"

static struct alert_board b;
static struct alert_wish wishes[2];
static uint64_t now;

static void fresh(size_t receivers)
{
    const struct str names[] = { STR("ops"), STR("night") };

    memset(&b, 0, sizeof b);
    now = 100000;
    for (size_t i = 0; i < 2; i++)
        wishes[i] = (struct alert_wish){ .kinds = UINT32_MAX,
                                         .quiet_ms = 1000 };
    alert_receivers(&b, names, wishes, receivers);
}

static int raise_breaker(const char *where)
{
    return alert_raise(&b, ALERT_BREAKER, ALERT_WARNING, str_of(where),
                       STR("open"), now);
}

static int clear_breaker(const char *where)
{
    return alert_clear(&b, ALERT_BREAKER, str_of(where), now);
}

/* What it is owed now; all of it is told. */
static size_t tell(size_t who, struct alert_note *notes, size_t max)
{
    size_t n = alert_owed(&b, &wishes[who], now, notes, max);

    for (size_t i = 0; i < n; i++)
        alert_told(&b, &wishes[who], &notes[i]);
    return n;
}

/* Who looks sees the last reason; who was told is not told again. */
static void other_words(void)
{
    struct alert_note n[4];
    struct str at = STR("configuration");

    fresh(1);
    alert_reword(&b, ALERT_RELOAD, at, STR("nothing stands there"));
    UNIT_INT(alert_list(&b, n, 4), 0);
    alert_raise(&b, ALERT_RELOAD, ALERT_WARNING, at, STR("one"), now);
    UNIT_INT(tell(0, n, 4), 1);
    alert_raise(&b, ALERT_RELOAD, ALERT_WARNING, at, STR("two"), now);
    alert_reword(&b, ALERT_RELOAD, at, STR("two"));
    UNIT_INT(alert_list(&b, n, 4), 1);
    CU_ASSERT_STRING_EQUAL(n[0].what, "two");
    UNIT_INT(tell(0, n, 4), 0);
    alert_clear(&b, ALERT_RELOAD, at, now);
    alert_reword(&b, ALERT_RELOAD, at, STR("three"));
    UNIT_INT(alert_list(&b, n, 4), 0);
}

static void begins_and_ends_once(void)
{
    struct alert_note n[4];

    fresh(1);
    CU_ASSERT(raise_breaker("a/m") >= 0);
    now += 500;
    CU_ASSERT(raise_breaker("a/m") >= 0); /* each look says so */
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].kind, ALERT_BREAKER);
    UNIT_INT(n[0].cleared, false);
    UNIT_INT(n[0].since_ms, 100000);
    CU_ASSERT_STRING_EQUAL(n[0].where, "a/m");
    raise_breaker("a/m");
    UNIT_INT(tell(0, n, 4), 0);
    clear_breaker("a/m");
    UNIT_INT(tell(0, n, 4), 0); /* not quiet yet */
    alert_sweep(&b, wishes, 1);
    now += 1000;
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].cleared, true);
    UNIT_INT(n[0].until_ms, 100500);
    UNIT_INT(tell(0, n, 4), 0);
    alert_sweep(&b, wishes, 1);
    UNIT_INT(clear_breaker("a/m"), -1); /* its place is free */
}

static void what_flaps_is_said_once(void)
{
    struct alert_note n[4];
    size_t said = 0;

    fresh(1);
    for (int i = 0; i < 1000; i++) {
        raise_breaker("a/m");
        said += tell(0, n, 4);
        now += 400;
        clear_breaker("a/m");
        said += tell(0, n, 4);
        alert_sweep(&b, wishes, 1);
        now += 500;
    }
    UNIT_INT(said, 1);
    UNIT_INT(n[0].since_ms, 100000);
    now += 1000;
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].cleared, true);
}

/* Down for the whole of it, a receiver learns both afterwards, in order. */
static void nothing_is_lost_while_one_is_away(void)
{
    struct alert_note n[4];

    fresh(2);
    raise_breaker("a/m");
    UNIT_INT(tell(0, n, 4), 1);
    now += 60000;
    clear_breaker("a/m");
    now += 5000;
    UNIT_INT(tell(0, n, 4), 1);
    alert_sweep(&b, wishes, 2);
    UNIT_INT(tell(1, n, 4), 1);
    UNIT_INT(n[0].cleared, false);
    alert_sweep(&b, wishes, 2);
    UNIT_INT(tell(1, n, 4), 1);
    UNIT_INT(n[0].cleared, true);
    UNIT_INT(n[0].since_ms, 100000);
    UNIT_INT(n[0].until_ms, 160000);
    alert_sweep(&b, wishes, 2);
    UNIT_INT(clear_breaker("a/m"), -1);
}

static void tells_again_what_became_graver(void)
{
    struct alert_note n[4], before[4];

    fresh(1);
    alert_raise(&b, ALERT_CERT, ALERT_WARNING, STR("l"), STR("30"), now);
    UNIT_INT(alert_owed(&b, &wishes[0], now, before, 4), 1);
    alert_raise(&b, ALERT_CERT, ALERT_CRITICAL, STR("l"), STR("7"), now);
    alert_told(&b, &wishes[0], &before[0]); /* the other was under way */
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].severity, ALERT_CRITICAL);
    CU_ASSERT_STRING_EQUAL(n[0].what, "7");
    alert_raise(&b, ALERT_CERT, ALERT_WARNING, STR("l"), STR("8"), now);
    UNIT_INT(tell(0, n, 4), 0); /* less grave is no news */
}

/* It came back while the post that said it was over was under way. */
static void back_again_is_told_again(void)
{
    struct alert_note n[4];

    fresh(1);
    raise_breaker("a/m");
    tell(0, n, 4);
    clear_breaker("a/m");
    now += 1000;
    UNIT_INT(alert_owed(&b, &wishes[0], now, n, 4), 1);
    raise_breaker("a/m");
    alert_told(&b, &wishes[0], &n[0]);
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].cleared, false);
    clear_breaker("a/m");
    now += 1000;
    UNIT_INT(tell(0, n, 4), 1);
    UNIT_INT(n[0].cleared, true);
}

static void only_what_is_wished_for(void)
{
    struct alert_note n[4];

    fresh(2);
    wishes[1].kinds = 1u << ALERT_STORE;
    raise_breaker("a/m");
    UNIT_INT(tell(1, n, 4), 0);
    UNIT_INT(tell(0, n, 4), 1);
    clear_breaker("a/m");
    now += 1000;
    tell(0, n, 4);
    alert_sweep(&b, wishes, 2); /* nobody waits for the other */
    UNIT_INT(clear_breaker("a/m"), -1);
}

/* A new keeper, or another configuration: a name keeps what it was told. */
static void names_keep_their_marks(void)
{
    const struct str other[] = { STR("new"), STR("ops") };
    struct alert_note n[4];

    fresh(2);
    raise_breaker("a/m");
    tell(0, n, 4);
    tell(1, n, 4);
    alert_receivers(&b, other, wishes, 2);
    CU_ASSERT_NOT_EQUAL(wishes[0].receiver, wishes[1].receiver);
    UNIT_INT(tell(1, n, 4), 0); /* ops */
    UNIT_INT(tell(0, n, 4), 1); /* new */
}

static void a_flood_leaves_room(void)
{
    struct alert_note n[ALERT_CELLS];
    char name[32];

    fresh(1);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "t/%d", i);
        CU_ASSERT((raise_breaker(name) >= 0) == (i < ALERT_OF_A_KIND));
    }
    CU_ASSERT(alert_raise(&b, ALERT_STORE, ALERT_CRITICAL, STR("store"),
                          STR("x"), now) >= 0);
    UNIT_INT(alert_count(&b, ALERT_BREAKER), ALERT_OF_A_KIND);
    UNIT_INT(alert_owed(&b, &wishes[0], now, n, 10), 10);
    UNIT_INT(tell(0, n, ALERT_CELLS), ALERT_OF_A_KIND + 1);
    UNIT_INT(alert_list(&b, n, ALERT_CELLS), ALERT_OF_A_KIND + 1);
}

static void a_look_ends_what_it_does_not_find(void)
{
    struct alert_pass p;

    fresh(1);
    raise_breaker("old");
    alert_raise(&b, ALERT_RELOAD, ALERT_WARNING, STR("c"), STR("x"), now);
    alert_pass_begin(&p, &b, ALERT_OF_KEEPER, now);
    alert_found(&p, ALERT_BREAKER, ALERT_WARNING, STR("new"), "%d", 5);
    alert_pass_end(&p);
    CU_ASSERT(!alert_is_raised(&b, ALERT_BREAKER, STR("old")));
    CU_ASSERT(alert_is_raised(&b, ALERT_BREAKER, STR("new")));
    CU_ASSERT(alert_is_raised(&b, ALERT_RELOAD, STR("c"))); /* another's */
    alert_pass_begin(&p, &b, ALERT_OF_MASTER, now);
    alert_pass_keep(&p, ALERT_RELOAD);
    alert_pass_end(&p);
    CU_ASSERT(alert_is_raised(&b, ALERT_RELOAD, STR("c")));
    alert_pass_begin(&p, &b, ALERT_OF_MASTER, now);
    alert_pass_end(&p);
    CU_ASSERT(!alert_is_raised(&b, ALERT_RELOAD, STR("c")));
}

static void long_texts_are_cut(void)
{
    char name[400];
    struct alert_note n[2];

    fresh(1);
    memset(name, 'x', sizeof name);
    for (int i = 0; i < 2; i++)
        alert_raise(&b, ALERT_BREAKER, ALERT_WARNING,
                    (struct str){ name, sizeof name },
                    (struct str){ name, sizeof name }, now);
    UNIT_INT(alert_list(&b, n, 2), 1); /* and are found again */
    UNIT_INT(strlen(n[0].where), ALERT_WHERE - 1);
    UNIT_INT(strlen(n[0].what), ALERT_WHAT - 1);
}

static void waits_longer_each_time(void)
{
    UNIT_INT(alert_wait_ms(1, 0), 500);
    UNIT_INT(alert_wait_ms(1, 500), 1000);
    UNIT_INT(alert_wait_ms(2, 0), 1000);
    UNIT_INT(alert_wait_ms(7, 0), 30000);
    UNIT_INT(alert_wait_ms(1000, 30000), 60000);
    for (uint32_t i = 1; i < 100; i++) {
        CU_ASSERT(alert_wait_ms(i, UINT32_MAX) <= 60000);
        CU_ASSERT(alert_wait_ms(i, i * 7919) >= 500);
    }
}

static void shows_all_that_is_known(void)
{
    struct alert_note n[2];
    json_t *v;

    fresh(1);
    alert_raise(&b, ALERT_CREDENTIAL_PARKED, ALERT_CRITICAL, STR("a#\xc3"),
                STR("refused"), now);
    UNIT_INT(alert_list(&b, n, 2), 1);
    v = alert_json(&n[0], now + 5000, 1767225605000u);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(v, "since")),
                           "2026-01-01T00:00:00Z");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(v, "where")),
                           "a#?"); /* cut within a character */
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(v, "runbook")),
                           "docs/runbooks/credential_parked.md");
    json_decref(v);
}

UNIT_MAIN("alert", { "begins and ends once", begins_and_ends_once },
          { "other words", other_words },
          { "what flaps is said once", what_flaps_is_said_once },
          { "nothing is lost while one is away",
            nothing_is_lost_while_one_is_away },
          { "graver is told again", tells_again_what_became_graver },
          { "back again is told again", back_again_is_told_again },
          { "only what is wished for", only_what_is_wished_for },
          { "names keep their marks", names_keep_their_marks },
          { "a flood leaves room", a_flood_leaves_room },
          { "a look ends what it does not find",
            a_look_ends_what_it_does_not_find },
          { "long texts are cut", long_texts_are_cut },
          { "waits longer each time", waits_longer_each_time },
          { "shows all that is known", shows_all_that_is_known })
