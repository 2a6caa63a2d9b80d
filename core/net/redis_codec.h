/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Redis's protocol, by hiredis: commands to bytes, bytes to values. Pure; the
 * reader refuses what is larger than we want to hold, and RESP3.
 */
#ifndef PENSTOCK_NET_REDIS_CODEC_H
#define PENSTOCK_NET_REDIS_CODEC_H

#include "base/buf.h"
#include "net/resp.h"

enum {
    REDIS_REPLY_MAX = 1 << 20, /* bytes of one reply, and of texts in it */
    REDIS_ELEMENTS_MAX = 16384, /* of one reply, over all its lists */
    REDIS_DEPTH_MAX = 7,        /* lists in lists */
};

struct redis_codec;

struct redis_codec *redis_codec_new(void);
void redis_codec_free(struct redis_codec *c);

/** Bytes as they came. 0, -ERR_NOMEM, -ERR_LIMIT: a reply is too large. */
int redis_codec_feed(struct redis_codec *c, struct str bytes);

/**
 * The next whole reply. 1 = *out is the caller's; 0 = none yet.
 * -ERR_SYNTAX: these are no replies; -ERR_LIMIT: it is too large; -ERR_NOMEM.
 * After an error the codec is of no use any more.
 */
int redis_codec_next(struct redis_codec *c, struct resp **out);

/** Append a command. 0, -ERR_LIMIT, -ERR_NOMEM; nothing appended then. */
int redis_format(struct buf *to, const struct str *args, size_t n);

#endif
