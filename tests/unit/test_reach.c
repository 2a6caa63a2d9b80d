/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Policies over a real HTTP client and a real Redis connection, against a
 * service and a Redis that misbehave; requests that end meanwhile.
 */
#include "fake_redis.h"
#include "policy_unit.h"
#include "upstream.h"

#include "base/snapshot.h"
#include "policy/reach.h"

enum { SERVICE_TIMEOUT = 150 };

struct rig {
    struct fake f;
    struct loop *loop;
    struct up *up;
    struct fr fr;
    struct http_client *client;
    struct addresses *addresses;
    struct loop_timer guard;
    struct conf_service service;
    struct conf_redis redis;
    char url[64];
};

static struct loop *running;
static char seen[8192]; /* heads and bodies that the service got */

static void wake_and_stop(void *req)
{
    ((struct fake *)req)->wakes++;
    loop_stop(running);
}

static void on_guard(void *ud)
{
    (void)ud;
    loop_stop(running);
}

/* By path; what is not named here is answered with 200 and its path. */
static void serve(struct up_conn *c, struct str head, struct str body)
{
    static const struct {
        const char *path, *answer;
        bool close;
    } rows[] = {
        { " /v1/silent ", "", false },
        { " /v1/head ", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe",
          false },
        { " /v1/cut ", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe", true },
        { " /v1/close ", "", true },
        { " /v1/junk ", "SSH-2.0-x\r\n\r\n", true },
        { " /v1/redirect ", "HTTP/1.1 302 Found\r\nLocation: "
          "http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", false },
        { " /v1/huge ", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
          false },
        { " /v1/500 ", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nX-A: b\r\n"
          "\r\noops", false },
    };
    size_t n = strlen(seen);

    snprintf(seen + n, sizeof seen - n, STR_FMT STR_FMT, STR_ARG(head),
             STR_ARG(body));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_find(head, str_of(rows[i].path)) < 0)
            continue;
        up_send(c, rows[i].answer);
        if (i == 6) {
            for (int k = 0; k < 10000; k++)
                up_send(c, "0123456789");
        }
        c->close_when_sent = rows[i].close;
        return;
    }
    if (str_find(head, STR(" /v1/once")) >= 0 && c->served > 1) {
        c->close_when_sent = true; /* one request a connection, unannounced */
        return;
    }
    up_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
               "{\"ok\":true}");
}

static void rig_open(struct rig *r, const char *host, const char *body)
{
    static char source[2048];
    struct reach_means means;

    memset(r, 0, sizeof *r);
    seen[0] = '\0';
    r->loop = running = loop_new();
    r->up = up_new(r->loop, 1, 0, NULL);
    r->up->serve = serve;
    fr_listen(&r->fr, r->loop);
    r->client = http_client_new(r->loop, 64, NULL);
    r->addresses = addresses_new();
    loop_timer_init(&r->guard, r->loop, on_guard, NULL);
    fake_init(&r->f);
    snprintf(r->url, sizeof r->url, "http://%s:%d/v1", host, r->up->port);
    r->service = (struct conf_service){ .name = STR("authz"),
                                        .url = str_of(r->url),
                                        .token = { STR("x"), STR("tok") },
                                        .timeout_ms = SERVICE_TIMEOUT,
                                        .max_body = 50000 };
    r->redis = (struct conf_redis){ .name = STR("main"),
                                    .host = STR("127.0.0.1"),
                                    .port = (uint16_t)r->fr.port,
                                    .timeout_ms = 60,
                                    .connect_timeout_ms = 200 };
    r->f.config.services = &r->service;
    r->f.config.redis = &r->redis;
    r->f.config.n_services = r->f.config.n_redis = 1;
    snprintf(source, sizeof source,
             "local r = ps.redis('main') local s = ps.http('authz')\n"
             "return { api = 1, admit = function(req)\n%s\nend }", body);
    fake_policy(&r->f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(&r->f, NULL));
    policy_set_loop(r->f.set, r->loop);
    means = (struct reach_means){ r->loop, r->client, r->addresses,
                                    NULL };
    UNIT_INT(policy_set_reach(r->f.set, &means), 0);
    UNIT_INT(policy_set_reach(r->f.set, &means), 0); /* once is enough */
    r->f.run.wake = wake_and_stop;
}

static void rig_clear(struct rig *r)
{
    fake_clear(&r->f);
    http_client_free(r->client);
    addresses_free(r->addresses);
    loop_timer_stop(&r->guard);
    up_free(r->up);
    fr_stop(&r->fr);
    loop_free(r->loop);
}

static void turn(struct rig *r, uint64_t ms)
{
    loop_timer_set(&r->guard, ms);
    loop_run(r->loop);
}

/* Run the phase to its end; how long it took. */
static uint64_t run(struct rig *r)
{
    uint64_t begin = loop_now_ms(r->loop);
    int turns = 0, rc;

    while ((rc = fake_run(&r->f, PHASE_ADMIT)) == POLICY_WAIT &&
           turns++ < 1000)
        turn(r, 5000);
    UNIT_INT(rc, POLICY_DONE);
    return loop_now_ms(r->loop) - begin;
}

static struct snapshot *snapshot_of(const char *host, const char *text)
{
    struct err err = { 0 };
    struct snapshot_builder *b = snapshot_builder_new("addresses", 1, &err);
    struct snapshot *s;
    int fd;

    snapshot_builder_add(b, str_of(host),
                         (struct str){ text, strlen(text) + 1 }, &err);
    fd = snapshot_builder_seal(b, &err);
    s = snapshot_open(fd, &err);
    close(fd);
    snapshot_builder_free(b);
    return s;
}

/* ---- services --------------------------------------------------------- */

static void a_call_as_it_goes_out(void)
{
    struct rig r;

    rig_open(&r, "127.0.0.1",
             "local a = s:post('/check', { json = { n = 1 },\n"
             "  headers = { ['x-a'] = 'b' }, query = { q = '1 2' } })\n"
             "ps.note(a.status .. tostring(a.json.ok))\n"
             "local b = s:delete('/k') ps.note(b.status)");
    run(&r);
    UNIT_STR(r.f.notes, "p: 200true\np: 200\n");
    CU_ASSERT(strncmp(seen, "POST /v1/check?q=1%202 HTTP/1.1\r\n", 33) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\r\nauthorization: Bearer tok\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\r\nx-a: b\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\r\nuser-agent: penstock/"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(seen, "\r\ncontent-type: application/json\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\r\n\r\n{\"n\":1}DELETE /v1/k "));
    UNIT_INT(r.up->n, 1); /* one connection, kept */
    rig_clear(&r);
}

static void a_service_at_its_worst(void)
{
    static const struct {
        const char *path, *notes;
        bool late; /* ends with the timeout */
    } rows[] = {
        { "/silent", "p: nil timeout\n", true },
        { "/head", "p: nil timeout\n", true },
        { "/cut", "p: nil cut: ", false },
        { "/close", "p: nil reset: ", false },
        { "/junk", "p: nil protocol: ", false },
        { "/huge", "p: nil too large\n", false },
        { "/redirect", "p: 302 nil\n", false },
        { "/500", "p: 500 nil\n", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[256];
        struct rig r;
        uint64_t ms;

        snprintf(body, sizeof body, "local a, e = s:get('%s')\nps.note("
                 "tostring(a and a.status) .. ' ' .. tostring(e))",
                 rows[i].path);
        rig_open(&r, "127.0.0.1", body);
        ms = run(&r);
        if (strncmp(r.f.notes, rows[i].notes, strlen(rows[i].notes)) != 0)
            printf("\n%s: %s", rows[i].path, r.f.notes);
        CU_ASSERT(strncmp(r.f.notes, rows[i].notes, strlen(rows[i].notes)) ==
                  0);
        if (rows[i].late)
            CU_ASSERT(ms >= SERVICE_TIMEOUT - 10 && ms < SERVICE_TIMEOUT * 10);
        rig_clear(&r);
    }
}

static void nobody_listens(void)
{
    struct rig r;

    rig_open(&r, "127.0.0.1",
             "local a, e = s:get('/') ps.note(e:match('^connect:'))");
    loop_io_stop(&r.up->io);
    close(r.up->fd);
    r.up->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    loop_io_init(&r.up->io, r.loop, r.up->fd, up_on_accept, r.up);
    run(&r);
    UNIT_STR(r.f.notes, "p: connect:\n");
    rig_clear(&r);
}

/* A kept connection that the service has closed is no reason to fail: whether
 * we see it before, or when the request is on its way. */
static void a_dead_connection_is_made_anew(void)
{
    for (int i = 0; i < 2; i++) {
        struct rig r;

        rig_open(&r, "127.0.0.1",
                 "for i = 1, 3 do\n"
                 "  local a, e = s:post('/once' .. i, { body = 'x' })\n"
                 "  ps.note(tostring(a and a.status) .. tostring(e)) end");
        UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
        turn(&r, 5000);
        if (i)
            up_shut(&r.up->conn[0], true);
        run(&r);
        UNIT_STR(r.f.notes, "p: 200nil\np: 200nil\np: 200nil\n");
        UNIT_INT(r.up->n, 3);
        rig_clear(&r);
    }
}

/* ---- addresses -------------------------------------------------------- */

static void waits_for_an_address(void)
{
    struct snapshot *s;
    struct rig r;

    rig_open(&r, "authz.internal", "local a, e = s:get('/') "
                                   "ps.note(a.status)");
    UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
    turn(&r, 20);
    UNIT_INT(r.up->n, 0);
    s = snapshot_of("authz.internal", "127.0.0.1");
    addresses_update(r.addresses, s);
    snapshot_unref(s);
    run(&r);
    UNIT_STR(r.f.notes, "p: 200\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\r\nHost: authz.internal:"));
    rig_clear(&r);
}

static void no_address_comes(void)
{
    static const char *const texts[] = { NULL, "!no such name" };
    static const char *const notes[] = { "p: timeout\n",
                                         "p: connect: no such name\n" };

    for (int i = 0; i < 2; i++) {
        struct rig r;

        rig_open(&r, "authz.internal", "ps.note(select(2, s:get('/')))");
        UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
        if (texts[i]) {
            struct snapshot *s = snapshot_of("authz.internal", texts[i]);

            addresses_update(r.addresses, s);
            snapshot_unref(s);
        }
        run(&r);
        UNIT_STR(r.f.notes, notes[i]);
        rig_clear(&r);
    }
}

/* ---- Redis ------------------------------------------------------------ */

static void redis_commands(void)
{
    struct rig r;

    rig_open(&r, "127.0.0.1", "ps.note(r:echo('hi')) ps.note(r:set('k', 1))");
    run(&r);
    UNIT_STR(r.f.notes, "p: hi\np: OK\n");
    UNIT_STR(r.fr.log, "PING\nECHO hi\nSET k\n");
    rig_clear(&r);
}

static void a_silent_redis(void)
{
    struct rig r;
    uint64_t ms;

    rig_open(&r, "127.0.0.1", "for i = 1, 100 do\n"
                              "  local v, e = r:echo('x')\n"
                              "  if i < 3 then ps.note(e) end\nend");
    for (int i = 0; i < 100 && !r.fr.commands; i++)
        turn(&r, 10);
    r.fr.mute = true;
    ms = run(&r); /* one timeout, then none waits */
    CU_ASSERT(ms >= 50 && ms < 600);
    UNIT_STR(r.f.notes, "p: timeout\np: down: it did not answer in time\n");
    rig_clear(&r);
}

/* ---- requests that end ------------------------------------------------- */

/* The reply comes when nobody is there, or somebody else. */
static void cancelled_while_waiting(void)
{
    struct rig r;

    rig_open(&r, "127.0.0.1", "ps.note(r:echo('one')) s:get('/x')\n"
                              "ps.note('end')");
    UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT); /* on Redis */
    policy_cancel(&r.f.run);
    turn(&r, 50);
    UNIT_INT(r.f.wakes, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.fr.log, "ECHO one"));
    UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
    turn(&r, 5000);
    UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT); /* on the service */
    policy_cancel(&r.f.run);
    turn(&r, 50);
    UNIT_INT(r.f.wakes, 1);
    UNIT_INT(http_client_active(r.client), 0);
    UNIT_STR(r.f.notes, "p: one\n");
    rig_clear(&r);
}

static void all_ends_while_waiting(void)
{
    static const char *const bodies[] = { "r:echo('x')", "s:get('/silent')",
                                          "s:get('/x')" };

    for (int i = 0; i < 3; i++) {
        struct rig r;

        rig_open(&r, i ? "127.0.0.1" : "authz.internal", bodies[i]);
        UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
        turn(&r, 5);
        rig_clear(&r); /* the set first */
    }
}

static void request_over(void *req)
{
    struct fake *f = req;

    policy_cancel(&f->run);
    policy_set_free(f->set);
    f->set = NULL;
    loop_stop(running);
}

/* The request that is woken was the last of its generation. */
static void the_set_ends_within(void)
{
    static const char *const bodies[] = {
        "r:echo('x')", "s:get('/x')", "s:get('/silent')", "s:get('/huge')",
        "ps.sleep(1)",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct rig r;

        rig_open(&r, "127.0.0.1", bodies[i]);
        UNIT_INT(fake_run(&r.f, PHASE_ADMIT), POLICY_WAIT);
        r.f.run.wake = request_over;
        turn(&r, 5000);
        CU_ASSERT_PTR_NULL(r.f.set);
        rig_clear(&r);
    }
}

UNIT_MAIN("reach", { "a call as it goes out", a_call_as_it_goes_out },
          { "a service at its worst", a_service_at_its_worst },
          { "nobody listens", nobody_listens },
          { "a dead connection is made anew", a_dead_connection_is_made_anew },
          { "waits for an address", waits_for_an_address },
          { "no address comes", no_address_comes },
          { "Redis commands", redis_commands },
          { "a silent Redis", a_silent_redis },
          { "cancelled while waiting", cancelled_while_waiting },
          { "all ends while waiting", all_ends_while_waiting },
          { "the set ends within", the_set_ends_within })
