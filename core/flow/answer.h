/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's answer on its way out: what the client has of it already, and
 * what is kept back. Embedded in struct request, which frees it.
 */
#ifndef PENSTOCK_FLOW_ANSWER_H
#define PENSTOCK_FLOW_ANSWER_H

#include "base/buf.h"
#include "wire/framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLD_MAX (256u << 10) /* bytes of an answer kept back */
#define TAIL_BYTES 2048

/** The answer as far as the client is concerned. */
struct answer {
    int status;
    bool head_sent;     /* head commit */
    bool content_sent;  /* content commit */
    bool paused;        /* upstream waits for the client */
    bool finish_seen, done_seen;
    bool error_sent;    /* the client has an error event */
    bool passed;        /* forwarded without scanning whole: see tail */
    uint32_t number;    /* of the client's next event, if they have numbers */
    uint64_t events;
    struct buf held;    /* bytes kept back; freed at content commit */
    struct framer framer;
    char *tail;         /* last TAIL_BYTES of a large answer */
    size_t tail_n;
};

#endif
