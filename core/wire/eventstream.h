/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS event streams (application/vnd.amazon.eventstream): binary messages of
 * typed headers and a payload, each with two checksums. Bytes in, in whatever
 * pieces, messages out, checked: both sums, all lengths, every header. The
 * calling form is that of all framers: init, feed, eof, clear
 * (wire/framing.h puts them behind one).
 *
 *     u32 total | u32 headers | u32 crc of these 8 bytes
 *     headers: u8 name length, name, u8 type, value
 *     payload | u32 crc of all before          numbers are big-endian
 *
 * The lengths are believed only once their own sum is right, so that a broken
 * one cannot make us wait for gigabytes.
 *
 * Used by the conformance runner; flow comes to it with Bedrock.
 * Source: smithy.io/2.0/aws/amazon-eventstream.html (read 2026-11).
 */
#ifndef PENSTOCK_WIRE_EVENTSTREAM_H
#define PENSTOCK_WIRE_EVENTSTREAM_H

#include "base/buf.h"
#include "base/err.h"

#define EVENTSTREAM_MAX_HEADERS 64
#define EVENTSTREAM_MAX_HEADER_BYTES (128u << 10) /* all of a message */
#define EVENTSTREAM_MAX_VALUE 32767

/* The numbers are the wire's. */
enum eventstream_type {
    EVENTSTREAM_TRUE,
    EVENTSTREAM_FALSE,
    EVENTSTREAM_INT8,
    EVENTSTREAM_INT16,
    EVENTSTREAM_INT32,
    EVENTSTREAM_INT64,
    EVENTSTREAM_BYTES,
    EVENTSTREAM_STRING,
    EVENTSTREAM_TIME, /* milliseconds since 1970 */
    EVENTSTREAM_UUID, /* 16 bytes */
};

struct eventstream_header {
    struct str name;
    enum eventstream_type type;
    struct str value; /* the bytes on the wire, without their length */
    int64_t number;   /* of integers and times; 1 and 0 of true and false */
};

struct eventstream_message {
    struct str raw;     /* the very bytes */
    struct str headers; /* for eventstream_next */
    struct str payload;
};

/** All in a message is borrowed until the return; 0 = go on, else the end. */
typedef int (*eventstream_on_message)(void *ud,
                                      const struct eventstream_message *m);

/** One stream. Fields are the framer's own. */
struct eventstream {
    struct buf held; /* a message's bytes so far; no memory between them */
    bool dead;
};

/** `max_message` is the cap on one message's bytes, at least that of an empty
 * one. No memory is taken. */
void eventstream_init(struct eventstream *s, size_t max_message);

/**
 * Take bytes; call `fn` for each message that they complete, in order. After
 * an error, or when `fn` ended it, the stream cannot be fed again
 * (-ERR_CLOSED).
 *
 *   returns  0, what fn returned, or an error
 *
 * Errors:  SYNTAX  a wrong sum or length, a malformed or repeated header
 *          LIMIT   a message over max_message, over 64 headers or 128 KiB of
 *                  them, a value over 32,767 bytes
 *          NOMEM
 * Cost:    about 2.5 ns per byte, for the sum; a message that lies whole in
 *          the bytes is not copied
 */
int eventstream_feed(struct eventstream *s, struct str bytes,
                     eventstream_on_message fn, void *ud, struct err *err);

/** The stream has ended. Errors: SYNTAX when that was inside a message. */
int eventstream_eof(struct eventstream *s, struct err *err);

/** Forget the stream and free what is held; eventstream_init makes it new. */
void eventstream_clear(struct eventstream *s);

/**
 * Take the first header off *headers; false when there is none left, or it
 * is malformed (never so in what the framer gave out).
 */
bool eventstream_next(struct str *headers, struct eventstream_header *out);

/** A string header by its name; p is NULL where there is none. O(headers). */
struct str eventstream_text(const struct eventstream_message *m,
                            const char *name);

#endif
