/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Programs of the operator's that are run for what they write. Each has its
 * own session, without a terminal, "/" as its folder, nothing to read, nowhere
 * to complain, no descriptor and no setting of ours but those it is given; it
 * has the rights of this process, and can get no others. What takes too long,
 * or writes too much, is killed with all that it started and that is still of
 * its group, and so is what runs at programs_close. Where this process dies
 * without that, the program dies with it, but not what it started.
 *
 * Nothing here waits: a program is asked whether it has ended when its output
 * has, and again after 5 ms, which double up to 200.
 */
#ifndef PENSTOCK_KEEPER_PROGRAM_H
#define PENSTOCK_KEEPER_PROGRAM_H

#include "base/buf.h"
#include "net/loop.h"

enum { PROGRAMS_MAX = 16 }; /* at a time, dying ones included */

struct program;

struct programs {
    struct loop *loop;
    struct program *list;
    size_t n;
};

/** Kills what runs. */
void programs_close(struct programs *all);

struct program_spec {
    /* Each with a NUL behind: the full path and its arguments; "NAME=value" */
    struct str words, settings;
    unsigned limit_ms;
    size_t output_max;
    /** It ended: how, and what it wrote (borrowed); or `why` it is no good.
     * Never from within program_start. */
    void (*on_done)(void *ud, const char *why, int status, struct str output);
    void *ud;
};

/** NULL with *why. */
struct program *program_start(struct programs *all,
                              const struct program_spec *spec,
                              const char **why);
/** Kill it; no on_done. NULL is fine. */
void program_cancel(struct program *p);

#endif
