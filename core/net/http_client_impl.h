/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the files of the HTTP client share; nobody else includes this.
 *
 * No code of a caller ever runs inside libcurl: curl's callbacks only note
 * what came (http_client_answer.c), and after each curl_multi_socket_action
 * the calls on the ready list are told (http_client.c). So a caller may
 * start, pause, resume and cancel any call from any callback, and cancel is
 * immediate.
 *
 * A client has several multi handles ("shards"): libcurl walks the list of
 * connections of a multi for each new transfer and again when a handle is
 * removed, which cost half the CPU at 5,000 streams. Calls go to the first
 * shard that has room, so few calls share few connections.
 */
#ifndef PENSTOCK_NET_HTTP_CLIENT_IMPL_H
#define PENSTOCK_NET_HTTP_CLIENT_IMPL_H

#include "base/buf.h"
#include "base/map.h"
#include "net/http_client.h"

#include <curl/curl.h>
#include <sys/queue.h>

enum {
    HC_SHARDS = 64,         /* multi handles at most */
    HC_SHARD_CALLS = 192,   /* calls that one takes before the next is used */
    HC_READ_BYTES = 16384,  /* one recv; freed when the transfer ends */
    HC_SMALL_READ_BYTES = 2048, /* the same for a stream of events */
    HC_TURN_BYTES = 64 << 10, /* of one answer per turn of the loop */
    HC_HEAD_MAX = 64 << 10, /* an answer's head, 1xx heads included */
    HC_FIELDS_MAX = 256,    /* fields in an answer's head */
    HC_IN_MAX = 8 << 20,    /* answer bytes held for one call */
    HC_SPARE = 8,           /* empty buffers kept */
    HC_SPARE_BYTES = 64 << 10,
    HC_EASY_IDLE = 256, /* easy handles kept */
    HC_HOSTS_MAX = 4096,
    HC_FD_MAX = 1 << 20,
};

/** A host:port whose addresses the caller gave. Lives as long as the client:
 * libcurl keeps pointers to `node`. */
struct hc_host {
    struct curl_slist node;    /* data: "host:port:addr,addr" */
    size_t key_n;              /* length of "host:port" in it */
    uint32_t gen;              /* counts changes of the addresses, from 1 */
    uint32_t seen[HC_SHARDS];  /* the generation a shard has surely loaded */
};

/** What http_client_host.c reads out of a URL. */
struct hc_url {
    struct str host, port; /* borrowed from the URL; host without brackets */
    bool tls, literal;     /* https; the host is an IP address */
};

TAILQ_HEAD(hc_calls, http_call);

/** What is known of an origin's connections. Lives as long as the client. */
struct hc_pool {
    uint32_t max, idle_ms;
    uint32_t busy; /* calls under way */
    uint32_t open; /* connections */
    uint32_t peak, peak_before; /* most busy at a time, now and before */
    uint64_t peak_ms; /* since when `peak` counts */
    struct hc_calls waiting; /* for one of `max` places; by `ready` */
};

/** A curl easy handle with what is set on it, so that only changes are. */
struct hc_easy {
    CURL *h;
    struct hc_easy *next; /* in the pool */
    struct http_call *x;  /* whose turn it is; NULL in the pool */
    char *url, *method, *unix_path, *proxy, *ca_file;
    size_t (*need)(void *ud, char *to, size_t n); /* of an upload */
    struct hc_pool *pool; /* of `url` and `unix_path`; or NULL */
    uint32_t connect_timeout_ms, pool_idle_ms, pool_lifetime_ms;
    uint8_t verb; /* enum hc_verb */
    bool http2, insecure, small_reads, beside;
    bool may_resolve; /* this transfer needs no name: a literal or a path */
    bool asked_name;  /* it wanted the resolver all the same */
    bool opened;      /* a connection for it */
    bool begun;       /* the request went to a connection */
    bool again;       /* libcurl tried to send it a second time; refused */
    char text[CURL_ERROR_SIZE];
};

enum hc_verb { HC_NONE, HC_GET, HC_HEAD, HC_POST };

struct hc_shard {
    struct http_client *c;
    CURLM *m;
    struct loop_timer timer;
    struct loop_task soon; /* a timer of 0 ms */
    uint32_t active;
    uint32_t index;
};

/** A socket of libcurl's. It stays watched for reading while its connection
 * is idle, or each request would cost two epoll_ctl. */
struct hc_sock {
    struct loop_io io;
    struct hc_shard *shard;
    struct hc_pool *pool; /* or NULL */
    uint64_t idle_ms;     /* since when it is idle */
    uint8_t want; /* LOOP_READ | LOOP_WRITE that libcurl asked for */
    bool idle;    /* no call uses the connection */
    bool shut;    /* it is as good as closed */
    bool tls;
};

struct http_call {
    TAILQ_ENTRY(http_call) all, ready;
    struct http_client *c;
    struct hc_shard *shard;
    struct hc_easy *e; /* NULL when the transfer is over */
    const struct http_call_ops *ops;
    void *ud;
    void *fields; /* the request's fields as one block, until the head came */
    struct str body;
    struct hc_host *host;
    struct hc_pool *pool; /* or NULL */
    uint32_t host_gen;

    struct buf head;        /* "Name: value\n" lines of the current head */
    uint32_t n_fields;
    uint32_t head_bytes;    /* of all heads so far */
    int status;
    int64_t content_length; /* -1: none */
    struct buf in;          /* body bytes not yet handed on */
    struct http_call_result res;

    bool head_done; /* the final head is complete */
    bool told;      /* on_head was called */
    bool paused;    /* the caller's wish */
    bool held;      /* libcurl's state: reads stopped */
    bool starved;   /* the same: an upload has no bytes */
    bool finished;  /* res is valid; the handle is gone */
    bool dead;      /* cancelled or done: no callback any more */
    bool in_cb;     /* a callback of this call is running */
    bool is_ready;  /* on the ready list */
    bool beside;    /* counts as nobody's call */
    bool waits;     /* for a place of its pool */
};

struct http_client {
    struct loop *loop;
    size_t max_idle;
    struct hc_shard *shards[HC_SHARDS];
    size_t n_shards;
    struct hc_calls all, ready;
    size_t active;
    struct loop_task deliver; /* for what became ready outside curl */
    struct hc_easy *idle;     /* pooled easy handles */
    size_t n_idle;
    struct map *pools;        /* origin -> struct hc_pool */
    struct http_client_sums sums;
    struct loop_timer sweep;
    struct map *hosts;        /* "host:port" -> struct hc_host */
    struct hc_sock **socks;   /* by descriptor */
    size_t n_socks;
    struct buf spare[HC_SPARE];
    size_t n_spare;
};

/* http_client.c */
void hc_ready(struct http_call *x);
/** Time to stop libcurl's reading for this call. */
bool hc_is_full(const struct http_call *x);
/** Stop or start libcurl's reading. */
void hc_hold(struct http_call *x, bool hold);
void hc_deliver(struct http_client *c);
void hc_finish(struct http_call *x, CURLcode code);
/** Hand it to libcurl: it is set up, and has its place. */
void hc_go(struct http_call *x);

/* http_client_multi.c */
struct hc_shard *hc_shard_pick(struct http_client *c);
/** Its connections close; the shard stays for sockets that point to it. */
void hc_shard_close(struct hc_shard *s);
void hc_sock_close(struct http_client *c, int fd);

/* http_client_easy.c */
struct hc_easy *hc_easy_get(struct http_client *c);
/** Back to the pool; the handle is in no multi. */
void hc_easy_put(struct http_client *c, struct hc_easy *e);
void hc_easy_free(struct hc_easy *e);
/** Set everything a call needs; 0 or -ERR_x. */
int hc_easy_setup(struct hc_easy *e, struct http_call *x,
                  const struct http_call_spec *spec, struct err *err);

/* http_client_fields.c */
/** The request's fields for libcurl, one block for free(); NULL on failure. */
struct curl_slist *hc_fields_new(const struct http_call_spec *spec,
                                 struct err *err);

/* http_client_host.c */
int hc_url_parse(struct str url, struct hc_url *u, struct err *err);
/** As above for a proxy's URL. */
int hc_proxy_parse(struct str url, struct hc_url *u, struct err *err);
/** The host's entry with these addresses; NULL when out of room. */
struct hc_host *hc_host_get(struct http_client *c, const struct hc_url *u,
                            const char *addresses, struct err *err);
void hc_hosts_free(struct http_client *c);

/* http_client_pool.c */
struct hc_pool *hc_pool_get(struct http_client *c,
                            const struct http_call_spec *spec);
/** From now on it has this call's limits. */
void hc_pool_heed(struct hc_pool *p, const struct http_call_spec *spec);
void hc_pools_free(struct http_client *c);
/** Take a place; false: the call waits for one. */
bool hc_pool_enter(struct http_call *x);
/** Give it back: the next who waits goes. */
void hc_pool_leave(struct http_call *x);
void hc_pool_unwait(struct http_call *x);
void hc_pool_opened(struct hc_sock *k, struct hc_pool *p);
void hc_pool_idle(struct hc_sock *k, bool idle);
void hc_pool_closed(struct hc_sock *k);
/** Its idle connection is over; libcurl will see that. */
void hc_sock_shut(struct hc_sock *k);
void hc_pools_sweep(void *client);

/* http_client_answer.c */
size_t hc_on_header(char *p, size_t size, size_t n, void *ud);
size_t hc_on_bytes(char *p, size_t size, size_t n, void *ud);
/** Call on_head with the head that was gathered. */
void hc_tell_head(struct http_call *x);
/** Give a buffer's memory back to the client. */
void hc_buf_back(struct http_client *c, struct buf *b);

/* http_client_result.c */
void hc_result(struct http_call *x, CURLcode code);

#endif
