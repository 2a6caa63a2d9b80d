/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Many answers through output policies that edit, stop, refuse, fail, use a
 * budget up, and whose clients leave: nothing of them is left. 60,000 events;
 * a million with PENSTOCK_LONG=1.
 */
#include "output_unit.h"

#include <malloc.h>
#include <unistd.h>

enum { SHORT = 60000, LONG = 1000000, AT_ONCE = 20, PIECES = 6 };

#define POLICY                                                                \
    "return { api = 1, window = { hold = 16 }, output = function(req, c, w)"  \
    " local n = tonumber(req.ctx.n or '0') + 1 req.ctx.n = tostring(n)"       \
    " w:replace('sk%-%d+', '[key]')"                                          \
    " if w.text:find('STOP', 1, true) then return ps.stop() end"              \
    " if w.text:find('DENY', 1, true) then return ps.deny('overloaded') end"  \
    " if w.text:find('FAIL', 1, true) then error('x') end"                    \
    " if w.text:find('BOMB', 1, true) then"                                   \
    "   local s = 'x' while true do s = s .. s end end"                       \
    " if w.text:find('SPIN', 1, true) then"                                   \
    "   while true do pcall(error) end end"                                   \
    " if w.text:find('SETS', 1, true) then w.text = w.text:lower() end end }"

/* `every`: of so many answers one says that in its third piece. */
static const struct kind {
    const char *piece;
    unsigned long every;
    enum policy_verdict ends;
} kinds[] = { { "SPIN", 9973, POLICY_FAILED }, { "BOMB", 1009, POLICY_FAILED },
              { "FAIL", 7, POLICY_FAILED },    { "STOP", 5, POLICY_STOP },
              { "DENY", 11, POLICY_DENY },     { "SETS", 3, POLICY_NONE },
              { "LEFT", 13, POLICY_NONE },     { "pass", 1, POLICY_NONE } };

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static unsigned long of_kind[KINDS], wrong, events;
static struct policy_set *set;

static const struct kind *kind_of(unsigned long n)
{
    const struct kind *k = kinds;

    while (n % k->every != 0)
        k++;
    of_kind[k - kinds]++;
    return k;
}

static void begin(struct story *s)
{
    memset(s, 0, sizeof *s);
    fake_init(&s->f);
    s->f.set = set;
    s->wire = wire_text_ops(DIALECT_OPENAI_CHAT);
    s->got = (struct buf)BUF_INIT(1 << 20);
    s->text = (struct buf)BUF_INIT(1 << 20);
    story_begin(s);
}

static void end(struct story *s, const struct kind *k)
{
    if (!s->rc && strcmp(k->piece, "LEFT") != 0) {
        story_feed(s, STR(FINISH));
        story_feed(s, STR(DONE));
    }
    if (output_verdict(s->o)->verdict != k->ends ||
        strstr(story_bytes(s), "sk-12")) {
        if (wrong++ < 10)
            printf("\n%s: %s %s", k->piece, s->f.notes, story_bytes(s));
    }
    s->f.set = NULL;
    story_clear(s);
}

/* So many answers side by side, a piece each in turn. */
static void answers(unsigned long *n)
{
    static struct story s[AT_ONCE];
    const struct kind *k[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++) {
        k[i] = kind_of(++*n);
        begin(&s[i]);
        story_feed(&s[i], STR(ROLE));
    }
    for (int p = 0; p < PIECES; p++) {
        for (int i = 0; i < AT_ONCE; i++) {
            const char *text = p == 2 ? k[i]->piece
                               : p % 2 ? "-1234 and more" : "a key: sk";

            if (s[i].rc)
                continue;
            story_say(&s[i], "content", text, strlen(text));
            events++;
        }
    }
    for (int i = 0; i < AT_ONCE; i++)
        end(&s[i], k[i]);
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

static void run_to(unsigned long total, unsigned long *n)
{
    while (events < total)
        answers(n);
}

static void nothing_is_left(void)
{
    unsigned long total = getenv("PENSTOCK_LONG") ? LONG : SHORT, n = 0;
    size_t lua, used, rss;
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", POLICY);
    CU_ASSERT_TRUE_FATAL(fake_open(&f, NULL));
    set = f.set;
    run_to(total / 3, &n);
    lua = policy_set_memory(set);
    used = mallinfo2().uordblks;
    rss = resident();
    run_to(total, &n);
    for (int i = 0; i < KINDS; i++) {
        CU_ASSERT(of_kind[i] > 0 || kinds[i].every > n);
        printf("%s%lu %s", i ? ", " : "\n", of_kind[i], kinds[i].piece);
    }
    printf("\n%lu events of %lu answers: Lua heap %zu -> %zu KB, in use "
           "%zu -> %zu KB, resident %zu -> %zu KB\n", events, n, lua >> 10,
           policy_set_memory(set) >> 10, used >> 10,
           (size_t)mallinfo2().uordblks >> 10, rss >> 10, resident() >> 10);
    UNIT_INT(wrong, 0);
    CU_ASSERT(policy_set_memory(set) < lua + (2 << 20)); /* and garbage */
#if !defined(__SANITIZE_ADDRESS__)
    CU_ASSERT(mallinfo2().uordblks < used + (3 << 20));
    CU_ASSERT(resident() < rss + (6 << 20));
#endif
    fake_clear(&f);
}

UNIT_MAIN("output_soak", { "nothing is left", nothing_is_left })
