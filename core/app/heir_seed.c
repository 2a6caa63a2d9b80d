/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "app/heir_seed.h"

#include "app/master.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/share.h"
#include "keeper/ledger_seed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEIR_SEED_MS = 4000 }; /* LEDGER_SEED_MS, and a slow disk */

/* What the child says at its end. */
struct said {
    struct ledger_seeded got;
    char why[sizeof ((struct err *)0)->msg]; /* "" = all went well */
};

static void child(const struct master *m, struct limit_seeds *seeds, int fd)
{
    struct said said = { .why = "" };
    struct err err = { 0 };
    int rc = rights_drop(&m->loaded.rights, &err);

    if (!rc)
        rc = ledger_seed(m->ledger, seeds, &said.got, &err);
    if (rc)
        snprintf(said.why, sizeof said.why, "%s", err.msg);
    _exit(write(fd, &said, sizeof said) != sizeof said);
}

/* It is less than a pipe takes at once: all of it comes, or nothing. */
static bool hear(int fd, struct said *said)
{
    uint64_t until = clock_mono_ms() + HEIR_SEED_MS, now;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int rc = 0;

    while (rc <= 0 && (now = clock_mono_ms()) < until) {
        rc = poll(&p, 1, (int)(until - now));
        if (rc < 0 && errno != EINTR)
            break;
    }
    return rc == 1 && read(fd, said, sizeof *said) == sizeof *said;
}

static bool read_ledger(const struct master *m, struct limit_seeds *seeds,
                        struct said *said)
{
    int ends[2];
    bool good;
    pid_t pid;

    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(m, seeds, ends[1]);
    }
    close(ends[1]);
    good = pid > 0 && hear(ends[0], said);
    close(ends[0]);
    if (pid > 0)
        kill(pid, SIGKILL); /* it has answered, or it never will */
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return good;
}

static void fill(const struct master *m, struct limit_seeds *seeds)
{
    struct said said = { .why = "" };

    if (!read_ledger(m, seeds, &said))
        snprintf(said.why, sizeof said.why,
                 "the ledger was not read in %d ms", HEIR_SEED_MS);
    if (*said.why) {
        log_event(EV_upgrade_unseeded, LOG_Z("why", said.why),
                  LOG_I("names", limit_seeds_names(seeds)));
        return;
    }
    log_event(EV_upgrade_seeded, LOG_I("names", limit_seeds_names(seeds)),
              LOG_I("rows", (int64_t)said.got.rows),
              LOG_I("reach_s", (int64_t)(said.got.reach_ms / 1000)),
              LOG_I("cut", said.got.cut),
              LOG_I("left_out", (int64_t)limit_seeds_left_out(seeds)));
}

void heir_seed(struct master *m)
{
    struct limit_seeds *seeds;
    struct err err = { 0 };

    if (!m->heir.former)
        return;
    if (m->heir.fresh_limits)
        share_forget("seeds"); /* of the time before that memory */
    else if (!share_given("seeds"))
        return;
    seeds = limit_seeds_new(&err);
    if (!seeds) {
        log_event(EV_upgrade_unseeded, LOG_Z("why", err.msg));
        return;
    }
    if (m->heir.fresh_limits)
        fill(m, seeds);
    limiter_seed_take(m->limiter, seeds);
}
