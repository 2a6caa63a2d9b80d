/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Shared values under processes that count, are killed and are stopped. */
#include "kv_unit.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct kv_found found;

/* Where a holder is kept from running for longer than our patience nothing
 * was counted: once more. Any other failure ends the process. */
static void count_to(struct kv *kv, int times)
{
    struct kv_at a = kv_place("n", 1);
    int64_t n;
    int rc;

    for (int k = 0; k < times; k++) {
        do {
            rc = kv_incr(kv, &a, 1, KV_FOREVER, &n);
        } while (rc == -ERR_BUSY);
        if (rc != 0)
            _exit(1);
    }
    _exit(0);
}

static void four_count_exactly(void)
{
    enum { PROCESSES = 4, EACH = 50000 };
    struct kv *kv = kv_or_die(1 << 20, true);
    struct kv_at a = kv_place("n", 1);
    pid_t pids[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            count_to(kv, EACH);
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
    if (kv_shard_lock(s, KV_PATIENCE_MS) != 0)
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

    kv_shard_lock(s, KV_PATIENCE_MS);
    kv_shard_put(s, &a, &v, KV_FOREVER);
    kv_shard_put(s, &b, &v, KV_FOREVER);
    kv_shard_drop(s, &a);
    kv_shard_unlock(s);
    pid = holder(s, SIGKILL, lose_cells);
    waitpid(pid, &status, 0);
    UNIT_INT(kv_shard_lock(s, KV_PATIENCE_MS), 0);
    UNIT_INT(cells_missing(s), 0);
    CU_ASSERT_PTR_NULL(kv_shard_find(s, &a));
    CU_ASSERT_PTR_NOT_NULL(kv_shard_find(s, &b));
    kv_shard_unlock(s);
    UNIT_INT(kv_shard_lock(s, KV_PATIENCE_MS), 0);
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
    struct kv_value v = kv_whole(4);
    struct kv_name b = named("b");
    int status;

    kv_shard_lock(s, KV_PATIENCE_MS);
    kv_shard_put(s, &b, &v, KV_FOREVER);
    kv_shard_unlock(s);
    waitpid(holder(s, SIGKILL, knot), &status, 0);
    UNIT_INT(kv_shard_lock(s, KV_PATIENCE_MS), 0);
    CU_ASSERT_PTR_NULL(kv_shard_find(s, &b));
    kv_shard_put(s, &b, &v, KV_FOREVER);
    CU_ASSERT_PTR_NOT_NULL(kv_shard_find(s, &b));
    UNIT_INT(cells_missing(s), 0);
    kv_shard_unlock(s);
    munmap(s, kv_shard_size(512));
}

static void a_stopped_holder_costs_little(void)
{
    struct kv *kv = kv_or_die(KV_MEMORY_MIN, true);
    struct kv_at a = kv_place("k", 1);
    pid_t pid = holder(kv_shard_at(kv, &a), SIGSTOP, NULL);
    uint64_t t0, waited = 0, least = UINT64_MAX;
    int status;

    waitpid(pid, &status, WUNTRACED);
    t0 = clock_mono_ms();
    UNIT_INT(kv_get(kv, &a, &found), -ERR_BUSY);
    CU_ASSERT_TRUE(clock_mono_ms() - t0 >= KV_PATIENCE_MS - 1);
    /* Not once more for each request. The machine may pause us in one of
     * them or between them; a wait would be in all of them. */
    for (int i = 0; i < 20; i++) {
        t0 = clock_mono_ms();
        UNIT_INT(kv_get(kv, &a, &found), -ERR_BUSY);
        t0 = clock_mono_ms() - t0;
        waited += t0 >= KV_PATIENCE_MS - 1;
        least = t0 < least ? t0 : least;
    }
    CU_ASSERT_TRUE(waited < 10 && least < KV_PATIENCE_MS / 10);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    UNIT_INT(kv_get(kv, &a, &found), -ERR_NOTFOUND);
    kv_free(kv);
}

/* Texts that tell whether they are whole: one letter, as often as it says. */
static void storm(struct kv *kv, unsigned seed)
{
    static char room[KV_TEXT_MAX];
    struct kv_value v = { .type = KV_TEXT };
    struct kv_at a = { STR("storm"), STR_NULL, 1 };
    char key[16];
    int rc;

    for (;;) {
        seed = seed * 1103515245 + 12345;
        snprintf(key, sizeof key, "%u", seed >> 16 & 63);
        a.key = str_of(key);
        v.text = (struct str){ room, (seed >> 8) % 900 };
        memset(room, 'a' + (int)(v.text.n % 26), v.text.n);
        if (seed % 5 == 0)
            rc = kv_delete(kv, &a);
        else
            rc = kv_set(kv, &a, &v, KV_FOREVER);
        if (rc && rc != -ERR_NOTFOUND && rc != -ERR_BUSY)
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

static int broken_values(struct kv *kv, bool alone)
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
        case -ERR_BUSY: bad += alone; break; /* a busy machine's affair */
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
        bad += broken_values(kv, false);
    }
    for (int i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
    }
    bad += broken_values(kv, true);
    UNIT_INT(bad, 0);
    kv_free(kv);
}

UNIT_MAIN("kv_deaths", { "four processes count exactly", four_count_exactly },
          { "death with the lock", death_with_the_lock },
          { "a damaged shard is emptied", a_damaged_shard_is_emptied },
          { "a stopped holder costs little", a_stopped_holder_costs_little },
          { "kills in a storm", kills_in_a_storm })
