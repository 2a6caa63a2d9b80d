/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What keeper and mock have in common as children: a loop that ends when the
 * master says so. */
#ifndef PENSTOCK_APP_HELPER_H
#define PENSTOCK_APP_HELPER_H

#include "app/master.h"
#include "net/loop.h"

struct message; /* app/message.h */

struct helper {
    const struct child *child;
    struct loop *loop;
    struct loop_io sock;
    struct loop_timer beat;
    /** Messages of its own; NULL: none. A descriptor that it takes it sets to
     * -1 in the message. */
    void (*hear)(void *ud, struct message *m);
    void *ud;
    bool outlives_master; /* the end of the socketpair does not end it */
};

/** Drop rights, make the loop; 0 or -ERR_x. */
int helper_open(struct helper *h, const struct child *c, struct err *err);
/** Say READY and run until told to stop. */
void helper_run(struct helper *h);
void helper_close(struct helper *h);

/** Tell the master why it cannot start; the exit code. */
int helper_fail(const struct child *c, const struct err *err);

#endif
