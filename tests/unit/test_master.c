/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master with children that only answer: replaced, adopted, drained,
 * stopped, orphaned. The master under test is a child of ours; what it does
 * is seen in the shared cells, as its own children see it.
 */
#include "app/master.h"

#include "app/message.h"
#include "base/clock.h"
#include "engine/config.h"

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, POSTS = WORKERS + 3, WAIT_MS = 20000 };

/** What children do, told through memory that all share. */
struct script {
    _Atomic int hang;      /* this slot's worker stops turning its loop */
    _Atomic int fail;      /* workers say FAILED */
    _Atomic int stubborn;  /* workers ignore DRAIN */
    _Atomic int leavers;   /* two old workers leave: one is gone already */
    _Atomic int adopted[WORKERS]; /* who accepts for it, + 1 */
    _Atomic int ready;     /* how often a worker became ready */
    _Atomic int unlistened; /* posts that it was heard of, at a child's birth */
};

static struct script *script;
static struct cells *cells;
static struct config config;

/* ---- the children ------------------------------------------------------ */

static void hear(const struct child *c, const struct message *m)
{
    if (m->type == MSG_ADOPT)
        script->adopted[m->number] = (int)c->post->slot + 1;
    if (m->type == MSG_RELEASE && script->adopted[m->number] ==
        (int)c->post->slot + 1)
        script->adopted[m->number] = 0;
    if (m->type == MSG_STOP || (m->type == MSG_DRAIN && !script->stubborn))
        exit(0);
}

static int fake_run(const struct child *c)
{
    static struct message m;
    struct pollfd p = { .fd = c->sock, .events = POLLIN };
    int rc;

    if (script->fail && c->post->kind == PROC_WORKER) {
        message_send(c->sock, MSG_FAILED, 0, STR("a bad day"), -1);
        return 1;
    }
    for (size_t i = 0; i < c->m->n_posts; i++)
        script->unlistened += c->m->posts[i].unlistened;
    script->ready++;
    message_send(c->sock, MSG_READY, 0, STR_NULL, -1);
    for (;;) {
        if (script->hang != (int)c->post->slot + 1 ||
            c->post->kind != PROC_WORKER)
            cells_beat(c->post->cell, clock_mono_ms(), 0, 0);
        poll(&p, 1, 20);
        while ((rc = message_recv(c->sock, &m)) > 0)
            hear(c, &m);
        if (rc < 0)
            return 0;
    }
}

/** An old worker: one ends, the other accepts no more and has requests. */
static void old_worker(struct post *p, bool ends)
{
    struct err err = { 0 };
    struct pollfd word;
    siginfo_t info;
    int pair[2];

    CU_ASSERT_EQUAL_FATAL(message_pair(pair, &err), 0);
    *p = (struct post){ .kind = PROC_WORKER, .leaving = true, .ready_ms = 1,
                        .cell = cells_claim(cells, PROC_WORKER, 0),
                        .sock = pair[0] };
    cells_beat(p->cell, clock_mono_ms(), 0, 0);
    p->pid = fork();
    if (p->pid == 0) {
        if (ends)
            _exit(0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        message_send(pair[1], MSG_UNLISTENED, 0, STR_NULL, -1);
        for (;;)
            pause();
    }
    atomic_store(&p->cell->pid, (int32_t)p->pid);
    word = (struct pollfd){ .fd = pair[0], .events = POLLIN };
    if (ends) /* its status stays to be taken */
        waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT);
    else
        poll(&word, 1, WAIT_MS);
}

/* ---- the master -------------------------------------------------------- */

static int master_main(void)
{
    struct master m = { .config = &config, .cells = cells,
                        .started_ms = clock_mono_ms(), .n_workers = WORKERS,
                        .n_posts = WORKERS + 1, .lock_fd = -1,
                        .metrics_fd = -1, .admin_fd = -1, .sim_fd = -1,
                        .life = { -1, -1 } };
    sigset_t set;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    m.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    m.posts = calloc(POSTS, sizeof *m.posts);
    for (size_t i = 0; i < m.n_posts; i++) {
        m.posts[i].kind = i < WORKERS ? PROC_WORKER : PROC_KEEPER;
        m.posts[i].slot = i < WORKERS ? (uint32_t)i : 0;
        m.posts[i].sock = -1;
    }
    if (script->leavers) {
        old_worker(&m.posts[m.n_posts++], true);
        old_worker(&m.posts[m.n_posts++], false);
    }
    master_loop(&m);
    free(m.posts);
    return m.failed ? 7 : 0;
}

static pid_t master_start_as(bool fail, bool leavers)
{
    struct err err = { 0 };
    pid_t pid;
    int null = open("/dev/null", O_WRONLY);

    if (!script)
        script = mmap(NULL, sizeof *script, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(script, 0, sizeof *script);
    script->fail = fail;
    script->leavers = leavers;
    cells_free(cells);
    cells = cells_new(WORKERS + 4, 8, &err);
    config = (struct config){ .log = { .to = STR("stderr"), .json = true } };
    config.server.drain_timeout_ms = 60000;
    master_runs[PROC_WORKER] = fake_run;
    master_runs[PROC_KEEPER] = fake_run;
    pid = fork();
    if (pid == 0) {
        dup2(null, STDERR_FILENO);
        exit(master_main());
    }
    close(null);
    return pid;
}

static pid_t master_start(void)
{
    return master_start_as(false, false);
}

/* ---- what is seen ------------------------------------------------------ */

static pid_t worker_pid(uint32_t slot)
{
    struct process_cell *p;
    uint32_t at = 0;

    while ((p = cells_next(cells, &at))) {
        if (atomic_load(&p->kind) == PROC_WORKER &&
            atomic_load(&p->slot) == slot &&
            atomic_load(&p->state) == PROC_READY)
            return atomic_load(&p->pid);
    }
    return 0;
}

static bool all_ready(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (worker_pid(i) == 0)
            return false;
    }
    return true;
}

#define WAIT_FOR(cond)                                                         \
    do {                                                                       \
        uint64_t end_ = clock_mono_ms() + WAIT_MS;                             \
        while (!(cond) && clock_mono_ms() < end_)                              \
            usleep(1000);                                                      \
        CU_ASSERT_TRUE_FATAL(cond);                                            \
    } while (0)

static int count_folder(pid_t pid, const char *what)
{
    char path[64];
    DIR *d;
    int n = -2;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static int zombies_of(pid_t parent)
{
    char path[96], text[4096];
    int fd, n = 0;
    ssize_t size;
    struct str rest, one;
    uint64_t pid;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent,
             (int)parent);
    fd = open(path, O_RDONLY);
    size = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    rest = (struct str){ text, size > 0 ? (size_t)size : 0 };
    while (rest.p) {
        char stat[512];

        one = str_split(&rest, ' ');
        if (!str_u64(one, &pid))
            continue;
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY);
        size = fd < 0 ? 0 : read(fd, stat, sizeof stat - 1);
        if (fd >= 0)
            close(fd);
        stat[size > 0 ? size : 0] = '\0';
        n += strstr(stat, ") Z") != NULL;
    }
    return n;
}

static int end_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- stories ----------------------------------------------------------- */

static void backs_off(void)
{
    static const uint64_t want[] = { 0, 0, 1000, 2000, 4000, 8000, 16000,
                                     30000, 30000 };

    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
        UNIT_INT(post_backoff_ms(i), want[i]);
    UNIT_INT(post_backoff_ms(UINT32_MAX), 30000);
}

static void replaces_the_killed(void)
{
    pid_t master = master_start(), old;
    uint64_t begin;

    WAIT_FOR(all_ready());
    old = worker_pid(1);
    begin = clock_mono_ms();
    kill(old, SIGKILL);
    WAIT_FOR(worker_pid(1) != 0 && worker_pid(1) != old);
    printf("replaced in %d ms\n", (int)(clock_mono_ms() - begin));
    CU_ASSERT_TRUE(clock_mono_ms() - begin < 1000);
    kill(master, SIGTERM);
    UNIT_INT(end_of(master), 0);
}

static void the_early_dead_wait_and_are_adopted(void)
{
    pid_t master = master_start(), old, other;

    WAIT_FOR(all_ready());
    for (int i = 0; i < 2; i++) { /* twice, soon after the start */
        WAIT_FOR(worker_pid(2) != 0);
        old = worker_pid(2);
        kill(old, SIGKILL);
        WAIT_FOR(worker_pid(2) != old);
    }
    WAIT_FOR(script->adopted[2] != 0);
    CU_ASSERT_NOT_EQUAL(script->adopted[2], 3);
    UNIT_INT(worker_pid(2), 0);
    other = worker_pid(0);
    WAIT_FOR(worker_pid(2) != 0); /* after a second */
    WAIT_FOR(script->adopted[2] == 0);
    UNIT_INT(worker_pid(0), other);
    kill(master, SIGTERM);
    UNIT_INT(end_of(master), 0);
}

static void the_stuck_are_adopted_and_ended(void)
{
    pid_t master = master_start(), old;
    uint64_t begin;

    WAIT_FOR(all_ready());
    old = worker_pid(1);
    begin = clock_mono_ms();
    script->hang = 2;
    WAIT_FOR(script->adopted[1] != 0);
    CU_ASSERT_TRUE(clock_mono_ms() - begin >= 2000);
    script->hang = 0; /* it comes back: its slot too */
    WAIT_FOR(script->adopted[1] == 0);
    UNIT_INT(worker_pid(1), old);
    script->hang = 2;
    WAIT_FOR(worker_pid(1) != old);
    CU_ASSERT_TRUE(clock_mono_ms() - begin >= 10000);
    kill(master, SIGTERM);
    script->hang = 0;
    UNIT_INT(end_of(master), 0);
}

static void stops_the_stubborn(void)
{
    pid_t master = master_start();

    WAIT_FOR(all_ready());
    script->stubborn = 1;
    kill(master, SIGTERM);
    usleep(300000);
    UNIT_INT(waitpid(master, NULL, WNOHANG), 0);
    kill(master, SIGTERM);
    UNIT_INT(end_of(master), 0);
}

static void the_orphaned_hear_of_it(void)
{
    pid_t master = master_start(), pids[WORKERS];

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    WAIT_FOR(all_ready());
    for (uint32_t i = 0; i < WORKERS; i++)
        pids[i] = worker_pid(i);
    kill(master, SIGKILL);
    UNIT_INT(end_of(master), 1000 + SIGKILL);
    for (uint32_t i = 0; i < WORKERS; i++)
        UNIT_INT(end_of(pids[i]), 0);
    while (waitpid(-1, NULL, 0) > 0)
        continue; /* the keeper */
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void a_failed_start_is_one(void)
{
    UNIT_INT(end_of(master_start_as(true, false)), 7);
    UNIT_INT(script->ready, 1); /* the keeper */
}

static void deaths_leave_nothing(void)
{
    pid_t master = master_start();
    int fds, deaths = getenv("PENSTOCK_LONG") ? 1000 : 12;

    WAIT_FOR(all_ready());
    usleep(50000);
    fds = count_folder(master, "fd");
    CU_ASSERT_TRUE(fds > 0);
    while (deaths > 0) {
        usleep(1020000); /* no early deaths: those are waited for */
        for (uint32_t i = 0; i < WORKERS; i++, deaths--)
            kill(worker_pid(i), SIGKILL);
        WAIT_FOR(all_ready());
    }
    usleep(50000);
    UNIT_INT(count_folder(master, "fd"), fds);
    UNIT_INT(zombies_of(master), 0);
    kill(master, SIGTERM);
    UNIT_INT(end_of(master), 0);
}

/** Its word comes in the turn in which another's end moves its post. */
static void a_word_follows_its_post(void)
{
    pid_t master = master_start_as(false, true), pid;

    WAIT_FOR(all_ready());
    UNIT_INT(script->unlistened, 0);
    pid = worker_pid(1);
    kill(pid, SIGKILL);
    WAIT_FOR(worker_pid(1) != pid && all_ready());
    UNIT_INT(script->unlistened, 1);
    kill(master, SIGTERM);
    UNIT_INT(end_of(master), 0);
}

UNIT_MAIN("master", {"backs off", backs_off},
          {"replaces the killed", replaces_the_killed},
          {"the early dead wait and are adopted",
           the_early_dead_wait_and_are_adopted},
          {"the stuck are adopted and ended",
           the_stuck_are_adopted_and_ended},
          {"stops the stubborn", stops_the_stubborn},
          {"the orphaned hear of it", the_orphaned_hear_of_it},
          {"a failed start is one", a_failed_start_is_one},
          {"a word follows its post", a_word_follows_its_post},
          {"deaths leave nothing", deaths_leave_nothing})
