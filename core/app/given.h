/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Sockets and other descriptors that the master was given at its birth: by the
 * program that it follows (app/heir.h), or by the service manager. What the
 * configuration asks for is taken from here before it is opened.
 */
#ifndef PENSTOCK_APP_GIVEN_H
#define PENSTOCK_APP_GIVEN_H

#include "app/listeners.h"

enum { GIVEN_MAX = 16, GIVEN_NAME = 320 };

struct given {
    struct listeners listeners; /* by their address as configured */
    struct {
        char name[GIVEN_NAME]; /* "metrics 127.0.0.1:9100", "control /run/x" */
        int fd;                /* -1 = taken */
        bool kept;             /* the service manager's */
    } fds[GIVEN_MAX];
    size_t n;
};

/** Note a descriptor, which is then ours. 0, -ERR_LIMIT. */
int given_add(struct given *g, const char *what, struct str address, int fd,
              bool kept);
/** The descriptor of that name, now the caller's; -1 = none. `kept` (or NULL)
 * says whether its file is the service manager's. */
int given_take(struct given *g, const char *what, struct str address,
               bool *kept);
/** Close what was not taken: other processes have it, so files stay. */
void given_clear(struct given *g);

/**
 * Take the sockets that the service manager passed ($LISTEN_FDS), by the
 * addresses that the configuration gives its listeners. One that is at none
 * of them is logged and closed. The variables are removed.
 *
 * Errors: NOMEM, LIMIT
 * Source: sd_listen_fds(3), read 2026-11
 */
int given_activated(struct given *g, const struct config *c, struct err *err);

#endif
