/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A client of one Redis: commands go down one connection, pipelined, and
 * their replies come back in order. One connection per worker is enough:
 * Redis runs one command at a time anyhow, what comes in one turn of the loop
 * leaves in one write, and with one order of commands nothing needs an id.
 *
 * Nobody waits longer than the timeout, whatever Redis does. A reply that is
 * late could be taken for another command's, so that a timeout ends the
 * connection; commands that were under way on it fail. While a connection
 * cannot be had (the last try failed) commands fail at once; while a first
 * one is being made, or one anew after Redis closed a good one, they wait
 * within their timeout. Tries are spaced by a jittered pause of up to 5 s.
 *
 * Callbacks come from the loop, never from within a function of this file;
 * any of its functions may be called in them, redis_free too.
 */
#ifndef PENSTOCK_NET_REDIS_H
#define PENSTOCK_NET_REDIS_H

#include "base/err.h"
#include "net/loop.h"
#include "net/redis_codec.h"

enum {
    REDIS_COMMANDS_MAX = 16384,    /* that wait for their reply */
    REDIS_QUEUE_MAX = 16 << 20,    /* bytes of commands not yet sent */
    REDIS_WHY = 160,
};

struct redis;

/** All of it is borrowed until redis_free. */
struct redis_spec {
    struct str name; /* for the log */
    struct str host, unix_path; /* one of them */
    uint16_t port;
    struct str user, password; /* empty: none */
    uint32_t db;
    bool tls;
    struct str ca_file; /* empty: the system's */
    uint32_t timeout_ms;         /* of a command */
    uint32_t connect_timeout_ms; /* TCP, TLS, password, first reply */
    /** Where the host lives: "1.2.3.4,[::1]"; NULL: not known yet (call
     * redis_addresses_changed then), or *why says that it cannot be. */
    const char *(*addresses)(void *ud, struct str host, const char **why);
    /**
     * A command's end, once: `reply` is the callee's; NULL: `why` tells
     * ("timeout", "down: ...", "too large"), and whether Redis ran it or not
     * is not known.
     */
    void (*done)(void *ud, uint64_t tag, struct resp *reply, const char *why);
    void *ud;
};

/** Begins to connect. NULL: no memory. */
struct redis *redis_new(struct loop *l, const struct redis_spec *spec);
/** What waits is forgotten: no callback comes any more. */
void redis_free(struct redis *r);

/**
 * Send a command when this turn ends.
 *
 *   tag      in   the caller's; given to done
 *   why      out  filled where 0 is returned: "down: ...", "too many commands"
 *   returns       a number for redis_cancel, or 0: not sent, done never comes
 *
 * Cost: one copy; about 40 bytes while it waits
 */
uint64_t redis_command(struct redis *r, const struct str *args, size_t n,
                       uint64_t tag, char why[REDIS_WHY]);

/** Nobody wants the reply any more: done never comes. Redis may run the
 * command all the same. A number that is over is ignored. */
void redis_cancel(struct redis *r, uint64_t number);

/** There are new addresses. */
void redis_addresses_changed(struct redis *r);

/** Is the connection up, and how many commands wait? For tests and status. */
bool redis_is_up(const struct redis *r);
size_t redis_waiting(const struct redis *r);

#endif
