/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Listening sockets: reading and writing their addresses, and opening one per
 * worker slot. Numbers only; nothing here resolves a name.
 */
#ifndef PENSTOCK_NET_LISTEN_H
#define PENSTOCK_NET_LISTEN_H

#include "base/err.h"

#include <sys/socket.h>

enum { LISTEN_TEXT_MAX = 128, LISTEN_BACKLOG = 4096 };

struct listen_addr {
    struct sockaddr_storage ss; /* AF_INET, AF_INET6 or AF_UNIX */
    socklen_t len;
};

/**
 * Read "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "*:8080" (all of
 * IPv4) or "unix:/run/penstock.sock". Port 0 = the system picks.
 *
 * Errors: -ERR_CONFIG, *err says what is wrong with it.
 */
int listen_parse(struct str text, struct listen_addr *out, struct err *err);

/** The text of an address, as listen_parse reads it; "?" for others. */
void listen_format(const struct sockaddr_storage *ss, char *out, size_t size);

/** True for 127.0.0.0/8, ::1, an IPv4-mapped loopback, or a Unix socket. */
bool listen_is_loopback(const struct sockaddr_storage *ss);

/**
 * Open `n` listening sockets on one address: non-blocking, close-on-exec.
 *
 * TCP: one SO_REUSEPORT socket per slot, after a bind without it has shown
 * that no other instance serves the address; with port 0 all share the port
 * that the first was given. Unix: one socket, n descriptors of it; a dead
 * socket file is replaced, a living one is an error; mode 0666 (who may
 * connect is the folder's matter).
 *
 *   fds  out  n descriptors, the caller's; worthless on failure
 *
 * Errors: -ERR_CONFIG   the text
 *         -ERR_EXISTS   somebody listens there
 *         -ERR_IO       the system said no
 * Cost:   blocking system calls; for the start of the master only
 */
int listen_open(struct str text, size_t n, int *fds, struct err *err);

/**
 * More sockets at the address of `fd`, which was opened by listen_open or by
 * the service manager: for slots that it has none for yet. Where the address
 * cannot be shared (Unix, or a TCP socket without SO_REUSEPORT, or of another
 * user) they are further descriptors of the same socket.
 *
 * Errors: -ERR_IO; then none is left open
 */
int listen_more(int fd, size_t n, int *fds, struct err *err);

/** The bound address of a listening socket; 0 or -ERR_IO. */
int listen_address(int fd, struct listen_addr *out);

#endif
