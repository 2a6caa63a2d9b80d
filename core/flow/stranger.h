/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Clients whose certificate was refused: on_stranger of http_handler. */
#ifndef PENSTOCK_FLOW_STRANGER_H
#define PENSTOCK_FLOW_STRANGER_H

#include "base/str.h"

#include <sys/socket.h>

struct strangers {
    uint64_t second; /* of the monotonic clock */
    uint32_t lines;  /* written in it */
};

/** Count one, and write a line unless there were many; ud = struct flow. */
void flow_on_stranger(void *ud, void *tag, const struct sockaddr_storage *peer,
                      struct str subject, const char *why);

#endif
