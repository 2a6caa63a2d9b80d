/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/program.h"

#include "engine/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 5, LOOK_MAX_MS = 200, WORDS = 64, FILES = 1024,
       NOT_STARTED = 126 };

struct program {
    struct programs *all;
    struct program *next;
    struct program_spec spec;
    pid_t pid;
    int out; /* -1: it ended */
    struct buf output;
    struct loop_io io;
    struct loop_timer look, limit;
    unsigned look_ms; /* until it is looked at again */
};

static void drop(struct program *p)
{
    struct program **at = &p->all->list;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->all->n--;
    loop_timer_stop(&p->look);
    loop_timer_stop(&p->limit);
    if (p->out >= 0) {
        loop_io_stop(&p->io);
        close(p->out);
    }
    secret_wipe(&p->output);
    free(p);
}

static void kill_all(const struct program *p)
{
    kill(-p->pid, SIGKILL);
    kill(p->pid, SIGKILL); /* where its session is not made yet */
}

static void no_output(struct program *p)
{
    if (p->out < 0)
        return;
    loop_io_stop(&p->io);
    close(p->out);
    p->out = -1;
}

static void look_later(struct program *p)
{
    loop_timer_set(&p->look, p->look_ms);
    p->look_ms = p->look_ms < LOOK_MAX_MS / 2 ? 2 * p->look_ms : LOOK_MAX_MS;
}

/* From now on nobody wants it; it is dropped when it is dead. */
static void bury(struct program *p)
{
    kill_all(p);
    no_output(p);
    secret_wipe(&p->output);
    loop_timer_stop(&p->limit);
    p->spec.on_done = NULL;
    p->look_ms = LOOK_MS;
    look_later(p);
}

static void give_up(struct program *p, const char *why)
{
    void (*done)(void *, const char *, int, struct str) = p->spec.on_done;

    bury(p);
    done(p->spec.ud, why, 0, STR_NULL);
}

/* ---- its end ------------------------------------------------------------ */

static void ended(struct program *p, int status)
{
    char why[64] = "";

    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the program died of signal %d",
                 WTERMSIG(status));
    else if (WEXITSTATUS(status) == NOT_STARTED)
        snprintf(why, sizeof why, "the program cannot be started");
    if (p->spec.on_done)
        p->spec.on_done(p->spec.ud, *why ? why : NULL, WEXITSTATUS(status),
                        buf_str(&p->output));
    drop(p);
}

/* While it is not taken its number is nobody else's: what it left behind in
 * its group is killed before. */
static void on_look(void *ud)
{
    struct program *p = ud;
    siginfo_t info = { .si_pid = 0 };
    int status = SIGKILL; /* where somebody else took it */
    int rc = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);

    if ((rc == 0 && info.si_pid == 0) || (rc != 0 && errno == EINTR)) {
        look_later(p);
        return;
    }
    if (rc == 0) {
        kill(-p->pid, SIGKILL);
        waitpid(p->pid, &status, WNOHANG);
    }
    ended(p, status);
}

static void on_limit(void *ud)
{
    give_up(ud, "the program did not end in time");
}

static void on_output(void *ud, int what)
{
    struct program *p = ud;
    char part[4096];
    ssize_t n = read(p->out, part, sizeof part);

    (void)what;
    if (n > 0 && buf_put(&p->output, (struct str){ part, (size_t)n })) {
        explicit_bzero(part, sizeof part);
        give_up(p, "the program writes too much");
        return;
    }
    explicit_bzero(part, sizeof part);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    no_output(p);
    on_look(p);
}

/* ---- its begin ---------------------------------------------------------- */

struct image {
    char *words[WORDS + 1], *settings[WORDS + 1];
    int out, null;
    pid_t parent;
};

/* False: there are too many. */
static bool list_of(struct str all, char *list[WORDS + 1])
{
    size_t n = 0;

    while (all.n && n < WORDS) {
        size_t one = strlen(all.p) + 1;

        list[n++] = (char *)(uintptr_t)all.p;
        all.p += one;
        all.n -= one < all.n ? one : all.n;
    }
    list[n] = NULL;
    return all.n == 0;
}

static void close_files(void)
{
    int top = getdtablesize();

    if (close_range(3, ~0U, 0) == 0)
        return;
    for (int fd = 3; fd < top; fd++) /* a kernel before 5.9 */
        close(fd);
}

/* In the child, where threads of ours hold locks for ever: system calls and
 * nothing else. */
static _Noreturn void become(const struct image *i)
{
    const struct rlimit files = { FILES, FILES }, none = { 0, 0 };
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t all;

    /* no terminal of ours, and a group that is killed as one */
    if (setsid() < 0)
        _exit(NOT_STARTED);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != i->parent)
        _exit(NOT_STARTED);
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &plain, NULL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    umask(077);
    /* ports that the service's unit lets us listen on; a kernel before 4.3
     * knows none of it */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (dup2(i->null, 0) < 0 || dup2(i->out, 1) < 0 || dup2(i->null, 2) < 0 ||
        chdir("/") != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        _exit(NOT_STARTED);
    close_files();
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(NOT_STARTED);
    execve(i->words[0], i->words, i->settings);
    _exit(NOT_STARTED);
}

static int start(struct program *p)
{
    struct image i = { .parent = getpid() };
    int ends[2];

    if (!list_of(p->spec.words, i.words) || !i.words[0] ||
        !list_of(p->spec.settings, i.settings) || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    i.out = ends[1];
    i.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    p->out = ends[0];
    p->pid = i.null < 0 || fcntl(p->out, F_SETFL, O_NONBLOCK) ? -1 : fork();
    if (p->pid == 0)
        become(&i);
    close(ends[1]);
    if (i.null >= 0)
        close(i.null);
    if (p->pid > 0)
        return 0;
    close(p->out);
    return -1;
}

struct program *program_start(struct programs *all,
                              const struct program_spec *spec,
                              const char **why)
{
    struct program *p;

    *why = "too many programs run already";
    if (all->n >= PROGRAMS_MAX)
        return NULL;
    *why = "the program cannot be started";
    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->all = all;
    p->look_ms = LOOK_MS;
    p->spec = *spec;
    buf_init(&p->output, spec->output_max);
    if (start(p) != 0) {
        free(p);
        return NULL;
    }
    p->next = all->list;
    all->list = p;
    all->n++;
    loop_timer_init(&p->look, all->loop, on_look, p);
    loop_timer_init(&p->limit, all->loop, on_limit, p);
    loop_timer_set(&p->limit, spec->limit_ms);
    loop_io_init(&p->io, all->loop, p->out, on_output, p);
    loop_io_want(&p->io, LOOP_READ);
    *why = NULL;
    return p;
}

void program_cancel(struct program *p)
{
    if (p)
        bury(p);
}

void programs_close(struct programs *all)
{
    while (all->list) {
        kill_all(all->list);
        waitpid(all->list->pid, NULL, WNOHANG); /* else init does */
        drop(all->list);
    }
}
