/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Looking up the service user, and becoming it. */
#include "app/rights.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static gid_t operators(void)
{
    const struct group *g = getgrnam("penstock");

    return g ? g->gr_gid : (gid_t)-1;
}

int rights_find(struct rights *r, struct str user, struct err *err)
{
    const struct passwd *pw;
    int n = RIGHTS_MAX_GROUPS;
    char name[64];

    *r = (struct rights){ .operators = operators(), .uid = geteuid(),
                          .gid = getegid() };
    if (user.n == 0)
        return 0;
    if (user.n >= sizeof name)
        return err_at(err, ERR_CONFIG, "server user", "the name is too long");
    snprintf(name, sizeof name, STR_FMT, STR_ARG(user));
    pw = getpwnam(name);
    if (!pw)
        return err_at(err, ERR_CONFIG, "server user",
                      "there is no user '%s' on this system", name);
    if (pw->pw_uid == geteuid())
        return 0;
    if (geteuid() != 0)
        return err_at(err, ERR_CONFIG, "server user",
                      "only root can start workers as '%s'", name);
    r->change = true;
    r->uid = pw->pw_uid;
    r->gid = pw->pw_gid;
    if (getgrouplist(name, r->gid, r->groups, &n) < 0)
        return err_at(err, ERR_CONFIG, "server user",
                      "'%s' is in more than %d groups", name,
                      RIGHTS_MAX_GROUPS);
    r->n_groups = (size_t)n;
    return 0;
}

int rights_drop(const struct rights *r, struct err *err)
{
    if (r->change) {
        if (setgroups(r->n_groups, r->groups) != 0 ||
            setresgid(r->gid, r->gid, r->gid) != 0 ||
            setresuid(r->uid, r->uid, r->uid) != 0)
            return err_errno(err, "cannot become uid %u", (unsigned)r->uid);
        if (setuid(0) == 0)
            return err_set(err, ERR_BUG, "root could be had back");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, "prctl");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return 0;
}

void rights_limits(void)
{
    struct rlimit files, none = { 0, 0 };

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
