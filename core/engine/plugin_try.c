/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A plugin's trial. dlopen runs the plugin's constructors, and its first
 * calls are those most likely to crash or hang; so all of that happens first
 * in a child that has no rights, no files but a pipe, and little time. What
 * it was doing when it died is read from its breadcrumb.
 *
 *   child   fds closed, rights dropped -> dlopen -> selftest -> for each
 *           settings text: check, open, close -> one struct verdict
 *   parent  waits for the verdict or the time limit; kills; reaps
 */
#include "engine/crumb.h"
#include "engine/plugin_host.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERDICT_MAGIC 0x56455244u

/* What the child says at its end; a shorter one is no verdict. */
struct verdict {
    uint32_t magic;
    int32_t rc;
    uint32_t n; /* settings that passed */
    struct err err;
    char base_url[PLUGIN_URL_MAX], version[PLUGIN_VERSION_MAX];
};

struct identity {
    bool change;
    uid_t uid;
    gid_t gid;
};

/* ---- in the child ------------------------------------------------------ */

static void signals_as_new(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_files(int keep)
{
    int null = open("/dev/null", O_RDWR);
    long top = sysconf(_SC_OPEN_MAX);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (keep != 3 && dup2(keep, 3) < 0)
        _exit(1);
    if (close_range(4, ~0U, 0) == 0)
        return;
    top = top > 0 && top < 65536 ? top : 65536; /* a kernel before 5.9 */
    for (int fd = 4; fd < top; fd++)
        close(fd);
}

static void cap(int what, rlim_t most)
{
    struct rlimit r = { most, most };

    setrlimit(what, &r); /* the time limit holds in any case */
}

static int drop_rights(const struct identity *who, struct err *err)
{
    cap(RLIMIT_CORE, 0);
    cap(RLIMIT_FSIZE, 0);
    cap(RLIMIT_NOFILE, 64);
    if (who->change &&
        (setgroups(1, &who->gid) < 0 || setresgid(who->gid, who->gid,
                                                  who->gid) < 0 ||
         setresuid(who->uid, who->uid, who->uid) < 0))
        return err_errno(err, "cannot become user %u", (unsigned)who->uid);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user clears it */
    return 0;
}

static int op_failed(const struct plugin_self *self, const char *op, ps_rc rc,
                     struct err *err)
{
    if (rc == PS_OK || rc == PS_DECLINED)
        return 0;
    return err_at(err, ERR_CONFIG, self->err.at, "its %s failed: %s", op,
                  self->err.code ? self->err.msg : plugin_rc_text(rc));
}

static int try_settings(const struct plugin *p, struct plugin_self *self,
                        struct str provider, struct str settings,
                        struct err *err)
{
    struct plugin_inst *i;
    int rc = plugin_settings_check(p->ops.settings, settings, err);

    if (rc == 0)
        rc = op_failed(self, "check", plugin_check(p, self, settings), err);
    if (rc < 0)
        return rc;
    i = plugin_open(p, provider, STR("http://127.0.0.1"), settings, err);
    plugin_close(i);
    return i ? 0 : -ERR_CONFIG;
}

static int try_all(const struct plugin_trial *t, struct verdict *v)
{
    struct err *err = &v->err;
    struct plugin_self self = { .pub = { &plugin_services, sizeof self.pub } };
    const ps_plugin *d = NULL;
    struct plugin p;
    int rc;

    crumb_enter(CRUMB_PLUGIN, t->name, STR("load"), STR_NULL);
    rc = plugin_dlopen(t->staged, t->name, &d, err);
    crumb_leave();
    if (rc < 0)
        return rc;
    plugin_init(&p, d);
    self.plugin = p.name;
    memcpy(v->version, p.version, sizeof v->version);
    snprintf(v->base_url, sizeof v->base_url, "%s",
             p.ops.base_url ? p.ops.base_url : "");
    rc = op_failed(&self, "selftest", plugin_selftest(&p, &self), err);
    v->n = rc == 0 ? 0 : (uint32_t)t->n_settings;
    for (size_t i = 0; rc == 0 && i < t->n_settings; i++) {
        rc = try_settings(&p, &self,
                          t->providers ? t->providers[i] : STR("trial"),
                          t->settings[i].n ? t->settings[i] : STR("{}"), err);
        v->n += rc == 0;
    }
    return rc;
}

static void child(const struct plugin_trial *t, const struct identity *who,
                  int pipe_fd, pid_t parent)
{
    struct verdict v = { .magic = VERDICT_MAGIC,
                         .n = (uint32_t)t->n_settings }; /* none's fault */

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    signals_as_new();
    close_files(pipe_fd);
    v.rc = drop_rights(who, &v.err);
    if (v.rc == 0)
        v.rc = try_all(t, &v);
    _exit(write(3, &v, sizeof v) == (ssize_t)sizeof v ? 0 : 1);
}

/* ---- in the parent ----------------------------------------------------- */

static int find_user(const char *user, struct identity *who, struct err *err)
{
    struct passwd *pw;

    memset(who, 0, sizeof *who);
    if (!user || !*user || geteuid() != 0)
        return 0;
    pw = getpwnam(user);
    if (!pw)
        return err_set(err, ERR_CONFIG, "there is no user '%s'", user);
    *who = (struct identity){ true, pw->pw_uid, pw->pw_gid };
    return 0;
}

/* Read the verdict: 1 = whole, 0 = the child ended without, -1 = too late. */
static int await_verdict(int fd, uint64_t deadline_ms, struct verdict *v)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    size_t have = 0;
    uint64_t now;
    ssize_t got;
    int ready;

    while (have < sizeof *v) {
        now = clock_mono_ms();
        ready = now < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return -1;
        got = read(fd, (char *)v + have, sizeof *v - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return 0;
        have += (size_t)got;
    }
    return v->magic == VERDICT_MAGIC;
}

static const char *doing(const struct crumb *c)
{
    if (atomic_load(&c->kind) == CRUMB_NONE)
        return "at its end";
    return c->what;
}

/** The child's own words; they name the plugin, but not twice. */
static int refusal(const struct plugin_trial *t, const struct verdict *v,
                   struct err *err)
{
    bool of_one = t->providers && v->n < t->n_settings;
    bool named = strncmp(v->err.msg, "plugin ", 7) == 0;

    if (t->refused)
        *t->refused = v->n < t->n_settings ? v->n : t->n_settings;
    if (named)
        return err_at(err, ERR_CONFIG, v->err.at, "%s", v->err.msg);
    if (!of_one)
        return err_at(err, ERR_CONFIG, v->err.at, "plugin " STR_FMT ": %s",
                      STR_ARG(t->name), v->err.msg);
    return err_at(err, ERR_CONFIG, v->err.at, "plugin " STR_FMT " refuses "
                  "provider " STR_FMT ": %s", STR_ARG(t->name),
                  STR_ARG(t->providers[v->n]), v->err.msg);
}

static int judge(const struct plugin_trial *t, int found, int status,
                 const struct verdict *v, const struct crumb *c,
                 struct err *err)
{
    uint32_t limit = t->timeout_ms ? t->timeout_ms : PLUGIN_TRIAL_MS;

    if (found > 0 && v->rc == 0) {
        if (t->base_url)
            snprintf(t->base_url, PLUGIN_URL_MAX, "%s", v->base_url);
        if (t->version)
            memcpy(t->version, v->version, PLUGIN_VERSION_MAX);
        return 0;
    }
    if (found > 0)
        return refusal(t, v, err);
    if (found < 0)
        return err_set(err, ERR_CONFIG,
                       "plugin " STR_FMT ": no end of its trial within %u ms "
                       "(%s)",
                       STR_ARG(t->name), limit, doing(c));
    if (WIFSIGNALED(status))
        return err_set(err, ERR_CONFIG,
                       "plugin " STR_FMT ": crashed in its trial with signal "
                       "%d, %s (%s)",
                       STR_ARG(t->name), WTERMSIG(status),
                       strsignal(WTERMSIG(status)), doing(c));
    return err_set(err, ERR_CONFIG,
                   "plugin " STR_FMT ": ended the process in its trial with "
                   "exit code %d (%s)",
                   STR_ARG(t->name), WEXITSTATUS(status), doing(c));
}

/* The child has written its verdict, is late or is dead: end its group in
 * any case, so that what a plugin started does not stay. */
static int end_child(pid_t pid)
{
    int status = 0;

    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int run(const struct plugin_trial *t, const struct identity *who,
               struct crumb *c, struct err *err)
{
    uint64_t limit = t->timeout_ms ? t->timeout_ms : PLUGIN_TRIAL_MS;
    struct crumb *mine = crumb_here;
    struct verdict v = { 0 };
    pid_t self = getpid(), pid;
    int fds[2], found, status;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(err, "cannot make a pipe");
    crumb_here = c;
    pid = fork();
    if (pid == 0)
        child(t, who, fds[1], self);
    crumb_here = mine;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return err_errno(err, "cannot fork");
    }
    setpgid(pid, pid); /* whoever comes first */
    found = await_verdict(fds[0], clock_mono_ms() + limit, &v);
    status = end_child(pid);
    v.err.at[sizeof v.err.at - 1] = v.err.msg[sizeof v.err.msg - 1] = '\0';
    v.base_url[sizeof v.base_url - 1] = '\0';
    v.version[sizeof v.version - 1] = '\0';
    close(fds[0]);
    return judge(t, found, status, &v, c, err);
}

int plugin_try_in_child(const struct plugin_trial *t, struct err *err)
{
    struct identity who;
    struct crumb *c;
    int rc = find_user(t->user, &who, err);

    if (rc < 0)
        return rc;
    if (t->refused)
        *t->refused = t->n_settings;
    c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c == MAP_FAILED)
        return err_errno(err, "no memory for a plugin's trial");
    rc = run(t, &who, c, err);
    munmap(c, sizeof *c);
    return rc;
}
