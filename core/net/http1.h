/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading HTTP/1.x requests (RFC 9110, 9112): pure, no I/O, no allocation,
 * the same at any split of the bytes.
 *
 * Strict, because two parsers that disagree on where a request ends make a
 * smuggler's road: CRLF only, no folded lines, no blank before a colon, one
 * Content-Length or one `Transfer-Encoding: chunked` and never both, one
 * valid Host. What is refused has a status and a reason; the connection that
 * it came on cannot be read further.
 */
#ifndef PENSTOCK_NET_HTTP1_H
#define PENSTOCK_NET_HTTP1_H

#include "net/http_header.h"

enum {
    HTTP1_METHOD_MAX = 32,
    HTTP1_EXT_MAX = 16384,    /* bytes of chunk extensions of a body */
    HTTP1_TRAILER_MAX = 8192, /* bytes of its trailer section */
};

enum http1_rc {
    HTTP1_MORE, /* all bytes are seen; give more */
    HTTP1_DATA, /* chunks only: a run of data was found */
    HTTP1_DONE, /* the end of the head, or of the body */
    HTTP1_BAD,  /* refused: status, why */
};

struct http1_limits {
    size_t head_bytes; /* request line and fields with their line ends */
    uint32_t max_fields;
};

struct http1_span {
    uint32_t off, n; /* within the bytes given to http1_head_feed */
};

/** A head while it is read, and what it said. Zero it to begin. */
struct http1_head {
    uint32_t size;      /* after HTTP1_DONE: bytes of the head */
    uint32_t searched;  /* no LF in what lies before */
    uint32_t fields_at; /* where the fields begin; 0 = line not read */
    uint32_t n_fields;
    struct http1_span method;
    struct http1_span path;      /* as sent; "/" where an absolute form has
                                    none; "*" for the server itself */
    struct http1_span query;     /* without '?' */
    struct http1_span authority; /* of an absolute form; n 0 = none */
    uint64_t length;             /* Content-Length */
    uint8_t minor;               /* HTTP/1.minor */
    bool blank_seen;             /* one empty line before is skipped */
    bool has_host, has_length, has_coding;
    bool chunked;
    bool close, keep_alive; /* tokens of Connection */
    bool persistent;        /* what both and the version come to */
    bool expect_continue;
    int status;      /* HTTP1_BAD: 400, 414, 417, 431, 501 or 505 */
    const char *why; /* HTTP1_BAD: for the client and the log */
};

/**
 * Read on. `in` is all that came since the head began, each time with more
 * at its end (it may have moved).
 *
 * Returns HTTP1_MORE, HTTP1_DONE (h->size bytes are the head), HTTP1_BAD.
 * Cost: each byte is looked at once, whatever the split.
 */
enum http1_rc http1_head_feed(struct http1_head *h,
                              const struct http1_limits *limits,
                              struct str in);

/**
 * The fields of a head that is DONE, in order; the value of Host is that of
 * an absolute target's authority where there was one.
 *
 *   out  out  h->n_fields of them, borrowed from `in`
 */
void http1_head_fields(const struct http1_head *h, struct str in,
                       struct http_header *out);

static inline struct str http1_span_str(struct http1_span s, struct str in)
{
    return (struct str){ in.p + s.off, s.n };
}

/** A chunked body while it is read. Zero it to begin. */
struct http1_chunks {
    uint8_t state, digits, name_n;
    char name[18];       /* of the trailer field being read, lower case */
    uint64_t left;       /* of the chunk */
    uint32_t ext_bytes, trailer_bytes;
    const char *why;     /* HTTP1_BAD */
};

/**
 * Read on. Extensions and trailers are checked and thrown away.
 *
 *   used  out  bytes of `in` that are done with (the run of data included)
 *   data  out  HTTP1_DATA: a run of the body within `in`; call again with
 *              the rest
 *   returns    MORE, DATA, DONE (the rest of `in` is not ours), BAD
 */
enum http1_rc http1_chunks_feed(struct http1_chunks *c, struct str in,
                                size_t *used, struct str *data);

#endif
