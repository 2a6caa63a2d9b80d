/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * HTTP out: start, pause, resume, cancel; on_done exactly once. Narrow on
 * purpose, so that what stands behind it (libcurl's multi_socket) can change.
 *
 * One client per worker; it owns the connection pool, which outlives reloads.
 * Names are never resolved here: the caller passes addresses, and a call that
 * would need the resolver fails with HTTP_FAIL_ADDRESS. Nothing is retried
 * here, not even on a kept connection that turned out dead (HTTP_FAIL_RESET
 * with `reused`): retries have one owner, the flow.
 *
 * Callbacks come from the loop, never from within a function of this file;
 * any function but http_client_free may be called in them, on any call.
 */
#ifndef PENSTOCK_NET_HTTP_CLIENT_H
#define PENSTOCK_NET_HTTP_CLIENT_H

#include "base/err.h"
#include "net/http_header.h"
#include "net/loop.h"

struct http_client;
struct http_call;

enum http_fail {
    HTTP_OK = 0,
    HTTP_FAIL_ADDRESS,  /* no address for the host */
    HTTP_FAIL_CONNECT,  /* refused, unreachable */
    HTTP_FAIL_CONNECT_TIMEOUT,
    HTTP_FAIL_TLS,      /* handshake or certificate */
    HTTP_FAIL_RESET,    /* ended before any byte of the answer */
    HTTP_FAIL_CUT,      /* ended within the answer */
    HTTP_FAIL_PROTOCOL, /* not HTTP, bad framing, head too large */
    HTTP_FAIL_INTERNAL, /* memory, a bug; the text says */
};

struct http_call_spec {
    struct str method, url;   /* http:// or https://; copied */
    const char *unix_path;    /* connect here instead; or NULL */
    const char *addresses;    /* "1.2.3.4,[::1]": where the host lives (with a
                                 proxy: the proxy's host); copied; not needed
                                 for literal hosts or unix_path */
    const struct http_header *headers; /* copied; Host, Content-Length and
                                 other framing fields are left out: they come
                                 from the URL and the body */
    size_t n_headers;
    struct str body;          /* borrowed until on_done or cancel returned */
    uint32_t connect_timeout_ms;
    bool small_reads;         /* the answer trickles: a small read buffer */
    bool http2;               /* by TLS, one stream per connection; else 1.1 */
    const char *proxy;        /* URL, or NULL = none whatever the environment */
    const char *ca_file;      /* PEM; NULL = the system's */
    bool insecure;            /* do not check the certificate */
    uint32_t pool_max;        /* most calls at a time to this origin; further
                                 ones wait for their turn; 0: any number */
    uint32_t pool_idle_ms, pool_lifetime_ms; /* of its connections; 0: 90 s
                                 without a call, 10 min in all */
    bool beside;              /* no caller's: on a connection of its own, which
                                 is kept, and not counted as a call */
};

struct http_answer {
    int status;
    const struct http_header *headers; /* borrowed during on_head */
    size_t n_headers;
};

struct http_call_result {
    enum http_fail fail;
    char text[160];      /* what went wrong, for logs; never a secret */
    bool reused;         /* the connection had served a call before */
    bool sent;           /* some of the request had left */
    uint64_t bytes_out, bytes_in;
    uint32_t connect_us; /* TCP (and TLS) time; 0 when reused */
};

struct http_call_ops {
    /** The final head (1xx skipped). */
    void (*on_head)(void *ud, const struct http_answer *a);
    /** Body bytes, borrowed during the call; may call pause or cancel. */
    void (*on_data)(void *ud, struct str bytes);
    /** Over; the call is gone when this returns. Never after cancel. */
    void (*on_done)(void *ud, const struct http_call_result *r);
};

/** `max_idle`: idle connections kept (at least the expected concurrency). */
struct http_client *http_client_new(struct loop *l, size_t max_idle,
                                    struct err *err);
/** Cancels what runs. */
void http_client_free(struct http_client *c);

/**
 * Start a call; no callback from within. NULL with *err on failure.
 * Cost: see docs/design/performance.md; one block for all fields.
 */
struct http_call *http_client_start(struct http_client *c,
                                    const struct http_call_spec *spec,
                                    const struct http_call_ops *ops, void *ud,
                                    struct err *err);

/** No more on_data until resumed: the socket is not read, TCP pushes back.
 * on_done waits too while bytes are held back. */
void http_call_pause(struct http_call *x);
void http_call_resume(struct http_call *x);

/** Close the transfer now (safe inside its own callbacks); no callback comes
 * after this returns. The connection is closed unless the answer was whole. */
void http_call_cancel(struct http_call *x);

/** Has the whole request left? Then spec.body may be freed early. */
bool http_call_body_sent(const struct http_call *x);

size_t http_client_active(const struct http_client *c);

/*
 * Connections by origin, scheme, host and port as a URL has them, or a
 * socket's path. Limits are those of the origin's last call.
 *
 * _is_full  are as many calls under way as its pool_max allows?
 * _lacks    how many connections fewer are open than calls were under way at
 *           a time in the last minutes
 */
bool http_client_is_full(const struct http_client *c, struct str url,
                         const char *unix_path);
uint32_t http_client_lacks(struct http_client *c, struct str url,
                           const char *unix_path);

struct http_client_sums {
    uint32_t open, idle; /* connections now */
    /* since the start */
    uint64_t opened, reused; /* connections made; calls on a kept one */
    uint64_t closed_idle;    /* for nobody had used them for so long */
    uint64_t waited;         /* calls that pool_max kept waiting */
};
struct http_client_sums http_client_sums(const struct http_client *c);

#endif
