/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The control socket: one JSON object a line each way,
 *
 *     {"verb":"status"}            {"version":"0.1.0", ...}
 *     {"verb":"explain","id":"…"}  {"explain":{...}} or {"error":{"message":…}}
 *
 * Verbs of keys, teams, audit and backup are the keeper's: they are forwarded
 * (keeper/desk.h) and answered in turn; `backup` sends a descriptor along.
 *
 * The kernel says who asks (SO_PEERCRED): root, the service user, who started
 * us and group "penstock" may do everything, everybody else may look.
 */
#ifndef PENSTOCK_APP_CONTROL_H
#define PENSTOCK_APP_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

#include <poll.h>

struct control;
struct master;

enum { CONTROL_MAX_CONNS = 16, CONTROL_LINE_MAX = 32768 };

/** Listen there. Errors: EXISTS (another instance answers), IO, NOMEM. */
struct control *control_new(const char *path, struct err *err);
/** The same on a socket that listens already; it is ours from now on. */
struct control *control_adopt(const char *path, int fd, struct err *err);
/** The listening socket. */
int control_fd(const struct control *c);
/** Another has it now: take no more connections, and leave the file. */
void control_hand_over(struct control *c);
/** Closes and removes the socket; NULL is fine. */
void control_free(struct control *c);
/** In a child: close what it inherited; the socket's file stays. */
void control_close_fds(struct control *c);

/** What to wait for: fills at most CONTROL_MAX_CONNS + 1; returns how many. */
size_t control_poll(const struct control *c, struct pollfd *p);
/** Serve what poll found in them. */
void control_serve(struct control *c, struct master *m,
                   const struct pollfd *p, size_t n);

/** The keeper's answer to what was forwarded, and its end. control_keeper.c */
struct message; /* app/message.h */
void control_answer(struct master *m, const struct message *msg);
void control_keeper_gone(struct master *m);
/** A keeper is there: ask it what waited for one. */
void control_keeper_ready(struct master *m);
/** What has waited for too long is told so; call it each turn. */
void control_keeper_step(struct master *m, uint64_t now_ms);

/** The admin API wishes for a reload (MSG_WISH). control_reload.c */
struct post;
void control_wish(struct master *m, struct post *p, struct message *msg);
/** It was carried out, or refused. */
struct reload_wish;
void control_wished(struct master *m, const struct reload_wish *w,
                    struct str text);

/** Answer a connection that waits under this ticket; gone is fine. */
void control_tell(struct master *m, uint32_t ticket, struct str answer);

/** The answer to `status`: one JSON object. control_status.c */
int control_status(const struct master *m, struct buf *out);

/** Connect, and wait for answers as long as they take: a reload's may be
 * minutes away. What fails here fails again, and is told, when it is asked. */
void control_patience(int *sock, const char *path);

/** One request and its answer, in a client. `reply` takes the line without
 * its newline. *sock is kept open for the next (-1 before the first).
 * Errors: NOTFOUND (nobody listens), IO, CLOSED. */
int control_ask(int *sock, const char *path, struct str request,
                struct buf *reply, struct err *err);
/** The same with a descriptor sent along; -1 = none. */
int control_ask_fd(int *sock, const char *path, struct str request, int fd,
                   struct buf *reply, struct err *err);

#endif
