/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Values shared by processes: operations, ends, room, and sudden deaths. */
#include "engine/kv_shard.h"

#include "base/clock.h"
#include "unit.h"

#include "engine/metrics_column.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct kv_found found;

static struct kv *kv_or_die(uint64_t bytes, bool shared)
{
    struct err err = { 0 };
    struct kv *kv = kv_new(bytes, shared, &err);

    if (!kv) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return kv;
}

static struct kv_at at(const char *key, uint64_t now_ms)
{
    return (struct kv_at){ STR("test"), str_of(key), now_ms };
}

static struct kv_value text(const char *z)
{
    return (struct kv_value){ .type = KV_TEXT, .text = str_of(z) };
}

static struct kv_value whole(int64_t i)
{
    return (struct kv_value){ .type = KV_INT, .i = i };
}

static const struct kv_value none = { .type = KV_NONE };

static void keeps_what_was_set(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value real = { .type = KV_REAL, .d = 0.1 };
    struct kv_value no = { .type = KV_BOOL, .i = 0 };
    struct kv_value v;
    struct kv_at a = at("k", 1000);

    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    v = text("hello");
    UNIT_INT(kv_set(kv, &a, &v, KV_FOREVER), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(str_is(found.value.text, "hello"));
    CU_ASSERT_EQUAL(found.ttl_ms, KV_FOREVER);
    UNIT_INT(kv_set(kv, &a, &real, 50), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.value.type, KV_REAL);
    CU_ASSERT_EQUAL(found.value.d, 0.1);
    UNIT_INT(found.ttl_ms, 50);
    UNIT_INT(kv_set(kv, &a, &no, KV_FOREVER), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.value.type, KV_BOOL);
    UNIT_INT(found.value.i, 0);
    a.space = STR("other");
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    a.space = STR("test");
    UNIT_INT(kv_delete(kv, &a), 0);
    UNIT_INT(kv_delete(kv, &a), -ERR_NOTFOUND);
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    kv_free(kv);
}

/* Every length of key and text on both sides of every cell's edge. */
static void texts_of_any_length(void)
{
    static char key[KV_KEY_MAX + 1], big[KV_TEXT_MAX + 1];
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = { .type = KV_TEXT };
    struct kv_at a = { STR("s"), STR_NULL, 1 };
    int bad = 0;

    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)('a' + i % 23);
    for (size_t n = 0; n <= KV_TEXT_MAX; n += n < 200 ? 1 : 57) {
        a.key = (struct str){ key, n % (KV_KEY_MAX + 1) };
        v.text = (struct str){ big, n };
        bad += kv_set(kv, &a, &v, KV_FOREVER) != 0;
        bad += kv_get(kv, &a, &found) != 0;
        bad += !str_eq(found.value.text, v.text);
    }
    UNIT_INT(bad, 0);
    v.text = (struct str){ big, KV_TEXT_MAX + 1 };
    UNIT_INT(kv_set(kv, &a, &v, 1), -ERR_LIMIT);
    UNIT_INT(kv_add(kv, &a, &v, 1), -ERR_LIMIT);
    UNIT_INT(kv_cas(kv, &a, &none, &v, 1), -ERR_LIMIT);
    a.key = (struct str){ key, KV_KEY_MAX + 1 };
    UNIT_INT(kv_get(kv, &a, &found), -ERR_LIMIT);
    kv_free(kv);
}

static void ends_in_time(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = text("x");
    struct kv_at a = at("k", 1000);
    int64_t n = 0;

    kv_set(kv, &a, &v, 100);
    a.now_ms = 1099;
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.ttl_ms, 1);
    UNIT_INT(kv_add(kv, &a, &v, 100), -ERR_EXISTS);
    a.now_ms = 1100;
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    UNIT_INT(kv_add(kv, &a, &v, 100), 0);
    a.key = STR("n");
    UNIT_INT(kv_incr(kv, &a, 5, 60, &n), 0);
    a.now_ms += 59; /* a window: later calls do not move its end */
    UNIT_INT(kv_incr(kv, &a, -2, 60, &n), 0);
    UNIT_INT(n, 3);
    a.now_ms += 1;
    UNIT_INT(kv_incr(kv, &a, 1, 60, &n), 0);
    UNIT_INT(n, 1);
    kv_free(kv);
}

static void counts_exactly(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value v = text("x"), top = whole(INT64_MAX);
    struct kv_at a = at("k", 1);
    int64_t n = 7;

    kv_set(kv, &a, &v, KV_FOREVER);
    UNIT_INT(kv_incr(kv, &a, 1, KV_FOREVER, &n), -ERR_EXISTS);
    UNIT_INT(n, 7);
    kv_set(kv, &a, &top, KV_FOREVER);
    UNIT_INT(kv_incr(kv, &a, 1, KV_FOREVER, &n), -ERR_LIMIT);
    UNIT_INT(kv_incr(kv, &a, 0, KV_FOREVER, &n), 0);
    CU_ASSERT_EQUAL(n, INT64_MAX);
    kv_free(kv);
}

static void swaps_what_is_there(void)
{
    struct kv *kv = kv_or_die(1 << 20, false);
    struct kv_value a1 = text("a"), b = text("b"), one = whole(1);
    struct kv_value real = { .type = KV_REAL, .d = 1.0 };
    struct kv_value yes = { .type = KV_BOOL, .i = 1 };
    struct kv_at a = at("k", 1);

    UNIT_INT(kv_cas(kv, &a, &a1, &b, 0), -ERR_EXISTS);
    UNIT_INT(kv_cas(kv, &a, &none, &a1, 500), 0);
    UNIT_INT(kv_cas(kv, &a, &none, &b, 0), -ERR_EXISTS);
    a.now_ms = 101;
    UNIT_INT(kv_cas(kv, &a, &a1, &b, 0), 0);
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(str_is(found.value.text, "b"));
    UNIT_INT(found.ttl_ms, 400);
    UNIT_INT(kv_cas(kv, &a, &b, &one, 9), 0);
    UNIT_INT(kv_cas(kv, &a, &yes, &one, 0), -ERR_EXISTS);
    UNIT_INT(kv_cas(kv, &a, &real, &yes, 0), 0);
    UNIT_INT(kv_cas(kv, &a, &yes, &none, 0), 0);
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    kv_free(kv);
}

/* ---- room ------------------------------------------------------------ */

static void fills_and_evicts(void)
{
    static struct metrics_column column;
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, false);
    struct kv_value v = text("some value of forty bytes, more or less.");
    struct kv_at a = at("", 1);
    char key[32];
    int kept = 0, ended = 0;

    metrics_here(&column);
    a.key = STR("for ever");
    kv_set(kv, &a, &v, KV_FOREVER);
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        if (kv_set(kv, &a, &v, 1000000 + (uint64_t)i) != 0 ||
            kv_get(kv, &a, &found) != 0)
            ended++; /* what was just set is there */
    }
    UNIT_INT(ended, 0);
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kept += kv_get(kv, &a, &found) == 0;
    }
    CU_ASSERT_TRUE(kept > 350 && kept < 1000);
    a.key = STR("for ever");
    UNIT_INT(kv_get(kv, &a, &found), 0);
    CU_ASSERT_TRUE(column.count == 1);
    metrics_here(NULL);
    kv_free(kv);
}

static void the_expired_go_first(void)
{
    static struct metrics_column column;
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, false);
    struct kv_value v = whole(1);
    struct kv_at a = at("", 1);
    char key[32];
    int lost = 0;

    metrics_here(&column);
    for (int i = 0; i < 600; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kv_set(kv, &a, &v, i < 300 ? 10 : 100000);
    }
    a.now_ms = 50;
    for (int i = 600; i < 850; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        kv_set(kv, &a, &v, 100000);
    }
    for (int i = 300; i < 850; i++) {
        snprintf(key, sizeof key, "key %d", i);
        a.key = str_of(key);
        lost += kv_get(kv, &a, &found) != 0;
    }
    UNIT_INT(lost, 0);
    CU_ASSERT_TRUE(column.count == 0);
    metrics_here(NULL);
    kv_free(kv);
}

/* ---- processes ------------------------------------------------------- */

static void four_count_exactly(void)
{
    enum { PROCESSES = 4, EACH = 50000 };
    struct kv *kv = kv_or_die(1 << 20, true);
    struct kv_at a = at("n", 1);
    pid_t pids[PROCESSES];
    int64_t n = 0;

    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (int k = 0; k < EACH; k++) {
                if (kv_incr(kv, &a, 1, KV_FOREVER, &n) != 0)
                    _exit(1);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;

        waitpid(pids[i], &status, 0);
        UNIT_INT(status, 0);
    }
    UNIT_INT(kv_get(kv, &a, &found), 0);
    UNIT_INT(found.value.i, PROCESSES * EACH);
    kv_free(kv);
}

static struct kv_shard *shared_shard(uint32_t n_cells)
{
    struct kv_shard *s = mmap(NULL, kv_shard_size(n_cells),
                              PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED || kv_shard_init(s, n_cells, true) != 0)
        exit(2);
    return s;
}

static struct kv_name named(const char *key)
{
    struct str k = str_of(key);

    return (struct kv_name){ STR("t"), k, str_hash(k, 3), 1 };
}

/** Every cell is in an entry, on the free list, or was never used. */
static uint32_t cells_missing(struct kv_shard *s)
{
    uint32_t known = s->n_cells - s->fresh, listed = 0;

    for (uint32_t p = s->free; p; p = kv_shard_cell(s, p)->more.next)
        listed++;
    CU_ASSERT_EQUAL(listed, s->n_free);
    known += listed;
    for (uint32_t i = 0; i <= s->mask; i++) {
        uint32_t p = atomic_load(&kv_shard_buckets(s)[i]);

        for (; p; p = atomic_load(&kv_shard_cell(s, p)->head.chain))
            known += kv_shard_cells_of(&kv_shard_cell(s, p)->head);
    }
    return s->n_cells - known;
}

/** A child takes the lock, does something with it, and is killed by `how`. */
static pid_t holder(struct kv_shard *s, int how,
                    void (*harm)(struct kv_shard *))
{
    pid_t pid = fork();

    if (pid)
        return pid;
    if (kv_shard_lock(s) != 0)
        _exit(1);
    if (harm)
        harm(s);
    kill(getpid(), how);
    pause();
    _exit(1);
}

static void lose_cells(struct kv_shard *s)
{
    s->free = 0;
    s->n_free = 99;
    s->fresh += 40;
}

static void death_with_the_lock(void)
{
    struct kv_shard *s = shared_shard(1024);
    static char big[1000];
    struct kv_value v = { .type = KV_TEXT, .text = { big, sizeof big } };
    struct kv_name a = named("a"), b = named("b");
    int status;
    pid_t pid;

    kv_shard_lock(s);
    kv_shard_put(s, &a, &v, KV_FOREVER);
    kv_shard_put(s, &b, &v, KV_FOREVER);
    kv_shard_drop(s, &a);
    kv_shard_unlock(s);
    pid = holder(s, SIGKILL, lose_cells);
    waitpid(pid, &status, 0);
    UNIT_INT(kv_shard_lock(s), 0);
    UNIT_INT(cells_missing(s), 0);
    CU_ASSERT_PTR_NULL(kv_shard_find(s, &a));
    CU_ASSERT_PTR_NOT_NULL(kv_shard_find(s, &b));
    kv_shard_unlock(s);
    UNIT_INT(kv_shard_lock(s), 0);
    kv_shard_unlock(s);
    munmap(s, kv_shard_size(1024));
}

static void knot(struct kv_shard *s)
{
    struct kv_name b = named("b");
    struct kv_head *h = kv_shard_find(s, &b);

    h->chain = (uint32_t)((union kv_cell *)h - kv_shard_cell(s, 1)) + 1;
}

static void a_damaged_shard_is_emptied(void)
{
    struct kv_shard *s = shared_shard(512);
    struct kv_value v = whole(4);
    struct kv_name b = named("b");
    int status;

    kv_shard_lock(s);
    kv_shard_put(s, &b, &v, KV_FOREVER);
    kv_shard_unlock(s);
    waitpid(holder(s, SIGKILL, knot), &status, 0);
    UNIT_INT(kv_shard_lock(s), 0);
    CU_ASSERT_PTR_NULL(kv_shard_find(s, &b));
    kv_shard_put(s, &b, &v, KV_FOREVER);
    CU_ASSERT_PTR_NOT_NULL(kv_shard_find(s, &b));
    UNIT_INT(cells_missing(s), 0);
    kv_shard_unlock(s);
    munmap(s, kv_shard_size(512));
}

static void a_stopped_holder_costs_little(void)
{
    struct kv_shard *s = shared_shard(512);
    pid_t pid = holder(s, SIGSTOP, NULL);
    int status;
    uint64_t t0;

    waitpid(pid, &status, WUNTRACED);
    t0 = clock_mono_ms();
    UNIT_INT(kv_shard_lock(s), -ERR_BUSY);
    CU_ASSERT_TRUE(clock_mono_ms() - t0 >= KV_PATIENCE_MS - 1);
    CU_ASSERT_TRUE(clock_mono_ms() - t0 < 2000);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    UNIT_INT(kv_shard_lock(s), 0);
    kv_shard_unlock(s);
    munmap(s, kv_shard_size(512));
}

/* Texts that tell whether they are whole: one letter, as often as it says. */
static void storm(struct kv *kv, unsigned seed)
{
    static char room[KV_TEXT_MAX];
    struct kv_value v = { .type = KV_TEXT };
    struct kv_at a = { STR("storm"), STR_NULL, 1 };
    char key[16];

    for (;;) {
        seed = seed * 1103515245 + 12345;
        snprintf(key, sizeof key, "%u", seed >> 16 & 63);
        a.key = str_of(key);
        v.text = (struct str){ room, (seed >> 8) % 900 };
        memset(room, 'a' + (int)(v.text.n % 26), v.text.n);
        if (seed % 5 == 0)
            kv_delete(kv, &a);
        else if (kv_set(kv, &a, &v, KV_FOREVER) != 0)
            _exit(1);
    }
}

static bool is_whole(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != 'a' + (int)(s.n % 26))
            return false;
    }
    return true;
}

static int broken_values(struct kv *kv)
{
    struct kv_at a = { STR("storm"), STR_NULL, 1 };
    char key[16];
    int bad = 0;

    for (int i = 0; i < 64; i++) {
        snprintf(key, sizeof key, "%d", i);
        a.key = str_of(key);
        switch (kv_get(kv, &a, &found)) {
        case 0: bad += !is_whole(found.value.text); break;
        case -ERR_NOTFOUND: break;
        default: bad++;
        }
    }
    return bad;
}

/* Three writers are killed and replaced again and again, in any instruction;
 * all that is left is whole and open. */
static void kills_in_a_storm(void)
{
    enum { WRITERS = 3, KILLS = 300 };
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, true);
    pid_t pids[WRITERS] = { 0 };
    int bad = 0, status;

    for (int i = 0; i < KILLS; i++) {
        pid_t *p = &pids[i % WRITERS];

        if (*p) {
            kill(*p, SIGKILL);
            waitpid(*p, &status, 0);
            UNIT_INT(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL);
        }
        *p = fork();
        if (*p == 0)
            storm(kv, (unsigned)i * 7919 + 1);
        usleep(500 + (useconds_t)(i * 37 % 1000));
        bad += broken_values(kv);
    }
    for (int i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
    }
    bad += broken_values(kv);
    UNIT_INT(bad, 0);
    kv_free(kv);
}

UNIT_MAIN("kv", { "keeps what was set", keeps_what_was_set },
          { "texts of any length", texts_of_any_length },
          { "ends in time", ends_in_time },
          { "counts exactly", counts_exactly },
          { "swaps what is there", swaps_what_is_there },
          { "fills and evicts", fills_and_evicts },
          { "the expired go first", the_expired_go_first },
          { "four processes count exactly", four_count_exactly },
          { "death with the lock", death_with_the_lock },
          { "a damaged shard is emptied", a_damaged_shard_is_emptied },
          { "a stopped holder costs little", a_stopped_holder_costs_little },
          { "kills in a storm", kills_in_a_storm })
