/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A client of a Redis at its worst: silent, gone, slow, closing, talking too
 * much. Nobody waits longer than the timeout, and no reply is ever somebody
 * else's.
 */
#include "redis_probe.h"

static void silence_costs_the_timeout(void)
{
    struct probe p;
    uint64_t ms;

    probe_init(&p);
    open_up(&p);
    p.fr.mute = true;
    for (uint64_t i = 0; i < 100; i++)
        send_to(&p, i, "ECHO", "x");
    ms = run(&p, 100, 5000);
    UNIT_INT(p.failed, 100);
    CU_ASSERT(ms >= TIMEOUT - 5 && ms < TIMEOUT * 10);
    UNIT_STR(p.last, "timeout");
    /* from now on nobody waits */
    UNIT_INT(send_to(&p, 1, "ECHO", "x"), 0);
    UNIT_STR(p.last, "down: it did not answer in time");
    UNIT_INT(redis_waiting(p.r), 0);
    run(&p, 0, 400); /* new connections, which are as silent */
    UNIT_INT(send_to(&p, 1, "ECHO", "x"), 0);
    CU_ASSERT(p.fr.n >= 2);
    p.fr.mute = false;
    for (int i = 0; i < 100 && !redis_is_up(p.r); i++)
        run(&p, 0, 50);
    send_to(&p, 1, "ECHO", "back");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "back");
    probe_clear(&p);
}

static bool swallow_second(struct fr_conn *c, const struct resp *command)
{
    static const char late[] = "$4\r\nlate\r\n";

    if (strcmp(fr_word(command, 0), "ECHO") != 0)
        return false;
    if (c->fr->n == 1 && strcmp(fr_word(command, 1), "two") == 0)
        return true; /* and its reply would be the next one's */
    if (c->fr->n == 1 && strcmp(fr_word(command, 1), "three") == 0)
        fr_say(c, str_of(late));
    return c->fr->n == 1 && strcmp(fr_word(command, 1), "three") == 0;
}

/* A reply that is late is nobody's: the connection went with the timeout. */
static void a_late_reply_is_nobodys(void)
{
    struct probe p;

    probe_init(&p);
    p.fr.serve = swallow_second;
    open_up(&p);
    send_to(&p, 1, "ECHO", "one");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "one");
    send_to(&p, 2, "ECHO", "two");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "timeout");
    for (int i = 0; i < 100 && !redis_is_up(p.r); i++)
        run(&p, 0, 20);
    UNIT_INT(p.fr.n, 2);
    send_to(&p, 3, "ECHO", "three");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "three");
    probe_clear(&p);
}

static void nobody_there(void)
{
    struct probe p;
    uint64_t ms;

    probe_init(&p);
    fr_stop(&p.fr);
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x"); /* not known to be down */
    ms = run(&p, 1, 1000);
    CU_ASSERT(ms < TIMEOUT);
    UNIT_STR(p.last, "down: Connection refused");
    UNIT_INT(send_to(&p, 1, "ECHO", "x"), 0);
    UNIT_STR(p.last, "down: Connection refused");
    fr_listen(&p.fr, p.loop);
    for (int i = 0; i < 200 && !redis_is_up(p.r); i++)
        run(&p, 0, 50);
    CU_ASSERT_TRUE(redis_is_up(p.r));
    probe_clear(&p);
}

static void no_address(void)
{
    struct probe p;

    probe_init(&p);
    p.addresses = NULL;
    p.why = "no such name";
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "down: no such name");
    p.why = NULL;
    run(&p, 0, 800); /* never known: the connect timeout says so */
    UNIT_INT(send_to(&p, 1, "ECHO", "x"), 0);
    UNIT_STR(p.last, "down: its address is not known");
    probe_clear(&p);
}

static bool refuse_auth(struct fr_conn *c, const struct resp *command)
{
    (void)command;
    fr_say(c, STR("-WRONGPASS no such user\r\n"));
    return true;
}

static void wrong_password(void)
{
    struct probe p;

    probe_init(&p);
    p.fr.serve = refuse_auth;
    p.spec.password = STR("canary");
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "down: it refused us: WRONGPASS no such user");
    probe_clear(&p);
}

/* An idle connection that Redis closes is made anew without a word. */
static void closed_when_idle(void)
{
    struct probe p;

    probe_init(&p);
    open_up(&p);
    run(&p, 0, 1100); /* a good one */
    fr_drop(&p.fr);
    run(&p, 0, 50);
    CU_ASSERT_TRUE(redis_is_up(p.r));
    UNIT_INT(p.fr.n, 2);
    send_to(&p, 1, "ECHO", "x");
    fr_drop(&p.fr); /* with a command under way */
    run(&p, 1, 1000);
    UNIT_STR(p.last, "down: it closed the connection");
    probe_clear(&p);
}

static bool say_bad(struct fr_conn *c, const struct resp *command)
{
    if (strcmp(fr_word(command, 0), "HUGE") == 0)
        fr_say(c, STR("*2147483647\r\n"));
    else if (strcmp(fr_word(command, 0), "JUNK") == 0)
        fr_say(c, STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    else if (strcmp(fr_word(command, 0), "TWICE") == 0)
        fr_say(c, STR("+one\r\n+two\r\n"));
    else
        return false;
    return true;
}

static void bad_replies(void)
{
    static const struct {
        const char *command, *says;
    } rows[] = {
        { "HUGE", "too large" },
        { "JUNK", "down: it does not speak Redis's protocol" },
    };

    for (size_t i = 0; i < 2; i++) {
        struct probe p;

        probe_init(&p);
        p.fr.serve = say_bad;
        open_up(&p);
        send_to(&p, 1, rows[i].command, NULL);
        run(&p, 1, 1000);
        UNIT_STR(p.last, rows[i].says);
        CU_ASSERT_FALSE(redis_is_up(p.r));
        probe_clear(&p);
    }
}

/* One reply too many, with nothing under way: the connection goes. */
static void unasked_for(void)
{
    struct probe p;

    probe_init(&p);
    p.fr.serve = say_bad;
    open_up(&p);
    send_to(&p, 1, "TWICE", NULL);
    run(&p, 1, 1000);
    UNIT_STR(p.last, "one");
    run(&p, 0, 20);
    CU_ASSERT_FALSE(redis_is_up(p.r));
    probe_clear(&p);
}

static void broken_trust(void)
{
    struct probe p;

    probe_init(&p);
    p.spec.tls = true;
    p.spec.ca_file = STR("/nosuch.pem");
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    run(&p, 1, 1000);
    UNIT_STR(p.last, "down: /nosuch.pem: there is no PEM certificate that can "
                     "be read");
    probe_clear(&p);
    probe_init(&p); /* the other side speaks no TLS */
    p.spec.tls = true;
    p.r = redis_new(p.loop, &p.spec);
    send_to(&p, 1, "ECHO", "x");
    run(&p, 1, 1000);
    CU_ASSERT(strcmp(p.last, "timeout") == 0 ||
              strcmp(p.last, "down: TLS: the handshake failed") == 0);
    probe_clear(&p);
}

UNIT_MAIN("redis_faults",
          { "silence costs the timeout", silence_costs_the_timeout },
          { "a late reply is nobody's", a_late_reply_is_nobodys },
          { "nobody there", nobody_there }, { "no address", no_address },
          { "wrong password", wrong_password },
          { "closed when idle", closed_when_idle },
          { "bad replies", bad_replies }, { "unasked for", unasked_for },
          { "broken trust", broken_trust })
