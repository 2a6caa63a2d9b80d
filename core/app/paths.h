/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where things are: what the build was configured with, unless the
 * environment says otherwise, or the program lies in a build tree and finds
 * its plugins, policies and catalogue there.
 *
 * State and control socket: root (and a service user whose folders were made
 * for it) has /var/lib/penstock and /run/penstock; everybody else has a
 * private folder in $XDG_RUNTIME_DIR, or /tmp/penstock-<uid>. The folders
 * that systemd made for a service ($STATE_DIRECTORY, $RUNTIME_DIRECTORY) count
 * before these.
 */
#ifndef PENSTOCK_APP_PATHS_H
#define PENSTOCK_APP_PATHS_H

#include "base/err.h"

#define PATHS_MAX 512

struct paths {
    char plugins[PATHS_MAX];   /* $PENSTOCK_PLUGIN_PATH */
    char policies[PATHS_MAX];  /* $PENSTOCK_POLICY_PATH: the shipped ones */
    char catalogue[PATHS_MAX]; /* vendors.json in $PENSTOCK_CATALOGUE_PATH */
    char state[PATHS_MAX];     /* $PENSTOCK_STATE; where the file names none */
    char socket[PATHS_MAX];    /* -s, $PENSTOCK_SOCKET */
    char sim[PATHS_MAX];       /* private folder of the mock upstream */
    char divert[PATHS_MAX];    /* all providers connect to this socket, and no
                                  secret is read (config_divert); "" = no */
};

/** `socket` is the -s option or NULL. Errors: LIMIT (a path is too long). */
int paths_find(struct paths *p, const char *socket, struct err *err);

/** The variable that names the state folder; NULL: it is the usual one. */
const char *paths_state_from(void);

/**
 * The socket of a running instance, for verbs that speak to one: -s,
 * $PENSTOCK_SOCKET, else our own instance's if there is one, else the
 * system's.
 */
int paths_instance(char *out, size_t size, const char *socket,
                   struct err *err);

/** Make the folder, and those above it where they are missing. It must be a
 * folder of ours or of root, not writable by others. */
int paths_make(const char *folder, int mode, struct err *err);

#endif
