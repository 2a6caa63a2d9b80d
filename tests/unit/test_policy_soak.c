/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Many calls at a time over one policy, that wait, fail, are cancelled, run
 * out of every budget: each ends as it must, and nothing of it is left, in
 * the policy's heap or in the process. 30,000 of them; a million with
 * PENSTOCK_LONG=1.
 */
#include "policy_unit.h"

#include "net/loop.h"
#include "policy/outside.h"

#include <malloc.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

enum { SLOTS = 200, SHORT = 30000, LONG = 1000000, MIB = 1 << 20 };

/* What a call does; `every`: of so many calls one is like that, 0: the rest. */
static const struct kind {
    const char *name;
    int every;
    enum policy_verdict ends;
    bool cancelled;
    const char *body;
} kinds[] = {
    { "cpu", 20011, POLICY_FAILED, false,
      "while true do pcall(function() while true do end end) end" },
    { "late cpu", 20021, POLICY_FAILED, false,
      "ps.sleep(1) while true do pcall(ps.sleep) end" },
    { "memory", 5003, POLICY_FAILED, false,
      "local s = 'x' while true do s = s .. s end" },
    { "late memory", 5009, POLICY_FAILED, false,
      "ps.sleep(2) local s = 'x' while true do s = s .. s end" },
    { "wall", 20029, POLICY_FAILED, false, "ps.sleep(60000)" },
    { "pattern", 2003, POLICY_FAILED, false,
      "ps.sleep(0) string.find(('a'):rep(300), '.-.-.-b')" },
    { "error", 13, POLICY_FAILED, false, "error('x')" },
    { "late error", 17, POLICY_FAILED, false, "ps.sleep(1) error({})" },
    { "no decision", 29, POLICY_FAILED, false, "return 1" },
    { "cancelled", 11, POLICY_NONE, true,
      "local t <close> = closer ps.sleep(1000) error('too late')" },
    { "cancelled later", 19, POLICY_NONE, true,
      "pcall(function() ps.sleep(0) ps.sleep(1000) end)" },
    { "waits", 7, POLICY_DENY, false,
      "for i = 1, 3 do ps.sleep(i) end return ps.deny('overloaded', 'x')" },
    { "waits inside pcall", 5, POLICY_NONE, false,
      "local t <close> = closer pcall(pcall, ps.sleep, 1)" },
    { "loads", 23, POLICY_NONE, false,
      "assert(load('local a = ... return a')(req.id) == req.id)" },
    { "asks", 31, POLICY_NONE, false,
      "local a = http:get('/x') assert(a.status == 200 and #a.body == 3)" },
    { "asks in vain", 37, POLICY_NONE, true,
      "pcall(http.get, http, '/x') error('too late')" },
    { "asks later", 41, POLICY_NONE, true, "ps.sleep(0) http:get('/x')" },
    { "keeps", 43, POLICY_NONE, false,
      "for i = 1, 9 do req.ctx['k' .. i] = ('x'):rep(i) end "
      "assert(req.ctx.k9 == 'xxxxxxxxx' and not req.ctx.k0)" },
    { "denies", 3, POLICY_DENY, false, "return ps.deny('overloaded')" },
    { "works", 0, POLICY_NONE, false,
      "local t = {} for i = 1, 10 do t[i] = req.id .. i end "
      "assert(table.concat(t):find('r%-110'))" },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct slot {
    struct fake f; /* its config and set are not used */
    const struct kind *kind;
    bool woken;
    int waits;
};

static struct loop *loop;
static struct policy_set *set;
static struct slot slots[SLOTS];
static unsigned long begun, ended, wrong, of_kind[KINDS];
static bool plain; /* no calls but those that work */

/* Questions to the service; answered a round later, whoever still waits. */
static uint64_t asked[SLOTS];
static size_t n_asked;
static unsigned long answered, late;

static void on_wake(void *req)
{
    struct slot *s = (struct slot *)req; /* f is its first member */

    s->woken = true;
    loop_stop(loop);
}

static uint64_t on_http(void *ud, uint64_t wait, const struct outside_http *q,
                        struct outcome **now)
{
    (void)ud;
    (void)q;
    *now = NULL;
    if (n_asked == SLOTS)
        return 0;
    asked[n_asked++] = wait;
    return answered + n_asked;
}

static void on_cancel(void *ud, uint64_t number)
{
    (void)ud;
    (void)number;
    late++;
}

static bool answer(void)
{
    size_t n = n_asked;

    n_asked = 0;
    for (size_t i = 0; i < n; i++)
        policy_wake(policy_set_env(set), asked[i],
                    outcome_http(200, NULL, 0, STR("yes")));
    answered += n;
    return n > 0;
}

static void open_policy(struct fake *f)
{
    static const struct outside outside = { .http = on_http,
                                            .cancel = on_cancel };
    static struct conf_service service = { .name = STR("s"),
                                           .url = STR("http://s.test"),
                                           .timeout_ms = 1000,
                                           .max_body = 1024 };
    static char source[16384];
    size_t n;

    n = (size_t)snprintf(source, sizeof source,
                         "local closer = setmetatable({}, { __close = "
                         "function() end }) local kind = {} "
                         "local http = ps.http('s')\n");
    for (size_t i = 0; i < KINDS; i++)
        n += (size_t)snprintf(source + n, sizeof source - n,
                              "kind['%s'] = function(req) %s end\n",
                              kinds[i].name, kinds[i].body);
    snprintf(source + n, sizeof source - n,
             "return { api = 1, admit = function(req) "
             "return kind[req.model](req) end }");
    fake_init(f);
    fake_policy(f, "p", source);
    f->config.services = &service;
    f->config.n_services = 1;
    CU_ASSERT_TRUE_FATAL(fake_open(f, NULL));
    set = f->set;
    policy_set_outside(set, &outside);
    policy_set_loop(set, loop);
}

static const struct kind *next_kind(void)
{
    for (size_t i = 0; i < KINDS && !plain; i++) {
        if (kinds[i].every && begun % (unsigned)kinds[i].every == 0)
            return &kinds[i];
    }
    return &kinds[KINDS - 1];
}

static void finish(struct slot *s)
{
    if (s->f.out.verdict != s->kind->ends) {
        if (wrong++ < 10)
            printf("\n%s: verdict %d, %s", s->kind->name, s->f.out.verdict,
                   s->f.notes);
    }
    of_kind[s->kind - kinds]++;
    ended++;
    arena_free(s->f.arena);
    s->kind = NULL;
}

/* Begin or go on; at the end the slot is free. */
static void turn(struct slot *s)
{
    int rc = policy_run(set, PHASE_ADMIT, &s->f.run, &s->f.out);

    s->woken = false;
    if (rc == POLICY_DONE) {
        finish(s);
    } else if (s->kind->cancelled && s->waits++ ==
               (strstr(s->kind->name, "later") != NULL)) {
        policy_cancel(&s->f.run);
        s->f.out.verdict = POLICY_NONE;
        finish(s);
    }
}

static void begin(struct slot *s)
{
    begun++;
    fake_init(&s->f);
    s->kind = next_kind();
    s->waits = 0;
    s->f.fields[FIELD_MODEL] = text_value(s->kind->name);
    s->f.run.wake = on_wake;
    turn(s);
}

/* One round over all slots; waits for the loop when nobody could go on. */
static void round_of(unsigned long total)
{
    bool moved = answer(), waits = false;

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &slots[i];

        if (!s->kind && begun >= total)
            continue;
        moved |= !s->kind || s->woken;
        if (!s->kind)
            begin(s);
        else if (s->woken)
            turn(s);
        waits |= s->kind && !s->woken;
    }
    if (!moved && waits)
        loop_run(loop);
}

static void run_to(unsigned long total)
{
    while (ended < total)
        round_of(total);
}

static size_t in_use(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

static size_t resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

struct sizes {
    size_t lua, used, rss;
};

/* When no call is under way: the smallest of many samples is what lives,
 * whatever the collector was about. */
static struct sizes settle(void)
{
    struct sizes s = { (size_t)-1, (size_t)-1, 0 };

    plain = true;
    for (int i = 0; i < 4000; i++) {
        run_to(begun + 1);
        if (policy_set_memory(set) < s.lua)
            s.lua = policy_set_memory(set);
        if (in_use() < s.used)
            s.used = in_use();
    }
    malloc_trim(0); /* else 8 MiB that a policy had filled may stay cached */
    s.rss = resident();
    plain = false;
    return s;
}

static void print_kinds(void)
{
    for (size_t i = 0; i < KINDS; i++) {
        CU_ASSERT(of_kind[i] > 0);
        printf("%s%lu %s", i ? ", " : "\n", of_kind[i], kinds[i].name);
    }
}

static void nothing_is_left(void)
{
    unsigned long total = getenv("PENSTOCK_LONG") ? LONG : SHORT;
    struct sizes first, last;
    struct fake f;

    loop = loop_new();
    open_policy(&f);
    run_to(total / 10 > 10000 ? total / 10 : 10000);
    first = settle();
    run_to(total);
    last = settle();
    print_kinds();
    printf("\n%lu calls: Lua heap %zu -> %zu KB, in use %zu -> %zu KB, "
           "resident %zu -> %zu KB\n", ended, first.lua >> 10, last.lua >> 10,
           first.used >> 10, last.used >> 10, first.rss >> 10, last.rss >> 10);
    printf("%lu asked a service, %lu of them went first\n", answered, late);
    UNIT_INT(wrong, 0);
    CU_ASSERT(late > 0 && answered > late);
    CU_ASSERT(last.lua < first.lua + 64 * 1024);
    CU_ASSERT(last.used < first.used + 256 * 1024);
#if !defined(__SANITIZE_ADDRESS__) /* which keeps what was freed */
    CU_ASSERT(last.rss < first.rss + 4 * MIB);
#endif
    fake_clear(&f);
    loop_free(loop);
}

UNIT_MAIN("policy_soak", { "nothing is left", nothing_is_left })
