/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The control socket's connections, for the two files that serve them. */
#ifndef PENSTOCK_APP_CONTROL_IMPL_H
#define PENSTOCK_APP_CONTROL_IMPL_H

#include "app/control.h"

#include <jansson.h>
#include <sys/types.h>
#include <sys/un.h>

struct conn {
    int fd; /* -1 = free */
    int given;       /* a descriptor that came with a request; -1 = none */
    bool is_operator;
    uid_t uid;
    uint32_t ticket; /* of what it waits for; 0 = nothing */
    bool on_keeper;  /* that is the keeper's answer */
    json_t *held;    /* a request until there is a keeper; NULL = none */
    uint64_t held_ms;
    struct buf in, out;
};

struct control {
    int fd;
    bool handed; /* another master has the socket */
    uint32_t tickets;
    struct sockaddr_un at;
    struct conn conns[CONTROL_MAX_CONNS];
};

/* control.c */

int control_put_error(struct buf *out, const char *message);
/** The keeper's answer is in c->out: send it, go on with what waits. */
void control_go_on(struct master *m, struct conn *c);

/** A ticket for what is answered later. */
void control_wait(struct master *m, struct conn *c);

/* control_targets.c: verbs about targets, {"verb", "name"} */

int control_target_list(struct master *m, struct conn *c, json_t *request);
int control_target_switch(struct master *m, struct conn *c, json_t *request);

/* control_reload.c: verbs about generations */

int control_reload(struct master *m, struct conn *c, json_t *request);
int control_rollback(struct master *m, struct conn *c, json_t *request);
int control_generations(struct master *m, struct conn *c, json_t *request);

/* control_shadow.c: {"verb", "dir", "rate"} */

int control_shadow(struct master *m, struct conn *c, json_t *request);
int control_shadow_show(struct master *m, struct conn *c, json_t *request);
int control_shadow_stop(struct master *m, struct conn *c, json_t *request);
/* upgrade.c */

int control_upgrade(struct master *m, struct conn *c, json_t *request);

/* control_plugins.c: {"verb"}, or {"verb", "name"} to end a quarantine */

int control_plugin_list(struct master *m, struct conn *c, json_t *request);
int control_plugin_release(struct master *m, struct conn *c, json_t *request);

/* control_keeper.c */

/** Have it in the keeper's audit, as far as there is one; nobody waits. False:
 * there is none, or it cannot be asked now. */
bool control_audit(struct master *m, const struct conn *c, json_t *request);

/** Ask the keeper; c->ticket is set, or an error is put into c->out. */
int control_forward(struct master *m, struct conn *c, json_t *request);

#endif
