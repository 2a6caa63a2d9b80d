/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Whose rights a process has. The user is looked up once, in the loader (the
 * name service may load libraries, which the master never does); what is
 * passed on are numbers.
 */
#ifndef PENSTOCK_APP_RIGHTS_H
#define PENSTOCK_APP_RIGHTS_H

#include "base/err.h"

#include <sys/types.h>

#define RIGHTS_MAX_GROUPS 64

struct rights {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
    gid_t groups[RIGHTS_MAX_GROUPS];
    size_t n_groups;
    gid_t operators; /* group "penstock", or (gid_t)-1 */
};

/**
 * Look up `user`. Without root nothing can be changed: an empty name or our
 * own is fine then, another is an error. Errors: CONFIG.
 */
int rights_find(struct rights *r, struct str user, struct err *err);

/** Become that user for good, in a child, first of all. No core dumps, no
 * way back to more rights. Errors: IO. */
int rights_drop(const struct rights *r, struct err *err);

/** In the master: as many descriptors as the hard limit gives, no cores. */
void rights_limits(void);

#endif
