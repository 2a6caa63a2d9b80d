/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A strict HTTP/1.1 server (RFC 9110, 9112) on the loop: reads and writes its
 * sockets itself, plain or TLS, one request at a time per connection (further
 * pipelined bytes stay unread until the answer is done).
 *
 * The owner (flow, the keeper's admin, the mock) gives one handler. A request
 * lives from on_head to on_end; on_end comes exactly once for each on_head,
 * after the last byte was handed to the kernel or the client left, and the
 * request is gone when it returns. No other call comes after it.
 *
 * What is not valid HTTP never reaches the handler: it is answered here (400,
 * 408, 414, 417, 431, 501, 505; an OpenAI-shaped JSON error, unless
 * on_refusal writes another) and the connection is closed; one request in is
 * at most one request out.
 */
#ifndef PENSTOCK_NET_HTTP_SERVER_H
#define PENSTOCK_NET_HTTP_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http_header.h"
#include "net/loop.h"

#include <netinet/in.h>

struct http_server;
struct http_req;
struct tls_server; /* net/tls.h: certificates of a listener */
struct tls_peer;

struct http_limits {
    size_t head_bytes;       /* request line and fields; 431 (414: the line) */
    uint32_t max_fields;     /* 431 */
    uint32_t max_connections; /* accept is paused above it */
    uint32_t head_timeout_ms; /* first byte to end of head; 408 */
    uint32_t body_timeout_ms; /* longest silence while the body is read; 408 */
    uint32_t idle_timeout_ms; /* keep-alive without a request: closed */
    uint32_t write_stall_ms;  /* no byte taken by the client: closed */
    size_t high_water;        /* queued for a client: on_drained follows */
    size_t low_water;
};

/** What is refused before it is a request. All borrowed. */
struct http_refused {
    int status;
    int code;          /* ERR_x of that status */
    const char *why;   /* one line for the client */
    struct str path;   /* p NULL: the request line could not be read */
    struct str fields; /* what came of the head behind that line, as it came */
    char id[40];       /* out: told in the field id_field; empty = no such */
    const char *id_field;
};

struct http_handler {
    /** The head is read, the body is not. */
    void (*on_head)(void *ud, struct http_req *q);
    /**
     * The body that http_req_read_body asked for is complete (rc 0), or
     * failed: -ERR_TOO_LARGE, -ERR_REQUEST_TIMEOUT, -ERR_INVALID_REQUEST
     * (bad chunk framing), -ERR_NOMEM. Answer then; the connection closes
     * after it.
     */
    void (*on_body)(void *ud, struct http_req *q, int rc);
    /** Bytes of a body that is taken by parts are there. NULL where none is. */
    void (*on_part)(void *ud, struct http_req *q);
    /** Queued bytes fell to low_water after having passed high_water. */
    void (*on_drained)(void *ud, struct http_req *q);
    /**
     * Over. rc 0: the answer was sent whole. -ERR_CLOSED: the client left
     * (seen within one loop turn, in every state). -ERR_TIMEOUT: write stall.
     * -ERR_CANCELLED: http_reply_abort, or the server is freed.
     */
    void (*on_end)(void *ud, struct http_req *q, int rc);
    /** Write the refusal's body, JSON of at most 4 KB; false: the default.
     * NULL where all clients take that. */
    bool (*on_refusal)(void *ud, struct http_refused *w,
                       struct buf *body);
    /** A client's certificate was refused, its connection ends; `tag` is the
     * listener's, `subject` empty where none was sent. NULL: nobody asks. */
    void (*on_stranger)(void *ud, void *tag,
                        const struct sockaddr_storage *peer,
                        struct str subject, const char *why);
};

struct http_server *http_server_new(struct loop *l,
                                    const struct http_limits *limits,
                                    const struct http_handler *h, void *ud);
/** Ends every request (on_end -ERR_CANCELLED) and closes all connections. */
void http_server_free(struct http_server *s);

/** Take over new limits; connections in flight keep their timers. */
void http_server_limits(struct http_server *s, const struct http_limits *l);

/**
 * Accept on `fd` (borrowed, listening, non-blocking; TCP or Unix). `tag` is
 * what http_req_listener returns. tls NULL = plain. Returns an id or 0.
 */
uint32_t http_server_listen(struct http_server *s, int fd,
                            struct tls_server *tls, void *tag);
/** Stop accepting there; connections live on. */
void http_server_unlisten(struct http_server *s, uint32_t id);
/** New certificates for connections from now on; false when `id` is not a
 * TLS listener. A listener keeps a reference to its tls_server. */
bool http_server_set_tls(struct http_server *s, uint32_t id,
                         struct tls_server *tls);

/**
 * Drain: the next answer on each connection carries Connection: close; idle
 * connections are closed after 10 s. `on_empty` is called once, when the last
 * connection is gone.
 */
void http_server_drain(struct http_server *s, void (*on_empty)(void *ud),
                       void *ud);

/**
 * Other processes accept as well and shall have their share of those who keep
 * connections: the next answer on each one that is open now carries
 * Connection: close.
 */
void http_server_part(struct http_server *s);

size_t http_server_connections(const struct http_server *s);

/* The request. All strs are borrowed from it and live until on_end, unless
 * http_req_shrink is called. */
struct str http_req_method(const struct http_req *q);
struct str http_req_path(const struct http_req *q);  /* as sent, no query */
struct str http_req_query(const struct http_req *q); /* without '?' */
struct str http_req_header(const struct http_req *q, struct str name);
const struct http_header *http_req_headers(const struct http_req *q, size_t *n);
const struct sockaddr_storage *http_req_peer(const struct http_req *q);
void *http_req_listener(const struct http_req *q);
bool http_req_is_tls(const struct http_req *q);
/** The client's certificate (net/tls_peer.h), verified; or NULL. */
const struct tls_peer *http_req_certificate(const struct http_req *q);
bool http_req_has_body(const struct http_req *q);
uint64_t http_req_begun_ns(const struct http_req *q); /* monotonic */
uint64_t http_req_bytes_in(const struct http_req *q);
uint64_t http_req_bytes_out(const struct http_req *q);

/** The connection's descriptor, borrowed, for what HTTP has no words for (the
 * mock's resets and garbage); -1 over TLS. */
int http_req_fd(const struct http_req *q);

/** The handler's own pointer. */
void http_req_set_user(struct http_req *q, void *user);
void *http_req_user(const struct http_req *q);

/**
 * Read the body, at most `max` bytes (a Content-Length above it fails at
 * once); sends 100 Continue if asked for. on_body follows, never from within
 * this call. Until it is called no byte of the body is read.
 */
void http_req_read_body(struct http_req *q, size_t max);
/**
 * The same, where the body is taken by parts: at most `window` bytes of it
 * are held, then the client waits (TCP pushes back). on_part says that some
 * are there, on_body that the last is. Only with a Content-Length.
 */
void http_req_stream_body(struct http_req *q, size_t max, size_t window);
/** How long the body is to be; -1: it says none. */
int64_t http_req_length(const struct http_req *q);
/** Move up to `n` bytes of what is held to `to`; how many. */
size_t http_req_take_body(struct http_req *q, char *to, size_t n);
/** Stop and go on reading (a policy waits); timers stand still meanwhile. */
void http_req_pause_body(struct http_req *q, bool paused);
/** The whole body, decoded, after on_body with rc 0. Contiguous. */
struct str http_req_body(const struct http_req *q);
/** Free head and body: a long stream needs neither. The strs above die. */
void http_req_shrink(struct http_req *q);

enum { HTTP_LENGTH_STREAM = -1 /* chunked */, HTTP_LENGTH_NONE = -2 };

/**
 * Begin the answer. Fields are copied. Date, Connection, Content-Length or
 * Transfer-Encoding are added here; HEAD, 204 and 304 send no body. An
 * unread request body closes the connection after the answer.
 * Returns 0, -ERR_BUG when begun already, -ERR_NOMEM.
 */
int http_reply_head(struct http_req *q, int status,
                    const struct http_header *fields, size_t n,
                    int64_t length);
/** Body bytes; copied as far as the socket does not take them now. Bytes are
 * sent at the latest at the end of the loop turn. */
int http_reply_data(struct http_req *q, struct str bytes);
/** Last byte given; on_end follows when it is sent, never from within. */
int http_reply_end(struct http_req *q);
/** Head, body and end in one. */
int http_reply(struct http_req *q, int status, const struct http_header *fields,
               size_t n, struct str body);
/** End abnormally: no last chunk, the connection is closed. on_end follows
 * (-ERR_CANCELLED), never from within. */
void http_reply_abort(struct http_req *q);
bool http_reply_begun(const struct http_req *q);
/** Bytes not yet taken by the kernel. */
size_t http_reply_queued(const struct http_req *q);

#endif
