/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Easy handles are kept and used again: making one costs more than a request.
 * What never changes is set at birth, the rest only when it differs from what
 * the handle's last call had.
 */
#include "net/http_client_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_S = 90, LIFETIME_S = 600, PROBE_IDLE_S = 60, PROBE_EVERY_S = 15 };

/* Called for names that are in no cache, but for literals too. */
static int on_resolver(void *resolver, void *reserved, void *ud)
{
    struct hc_easy *e = ud;

    (void)resolver;
    (void)reserved;
    if (e->may_resolve)
        return 0;
    e->asked_name = true;
    return 1;
}

/* libcurl begins a request anew on its own when a kept connection turns out
 * dead. Fine while nothing of it had left (a failed write; an HTTP/2 stream
 * that was not opened); else that is a retry, and those have one owner. */
static bool is_repeat(struct hc_easy *e)
{
    long left = 0;

    if (e->begun)
        curl_easy_getinfo(e->h, CURLINFO_REQUEST_SIZE, &left);
    e->again |= left > 0;
    return left > 0;
}

/* The request is about to be written. */
static int on_prereq(void *ud, char *ip, char *local_ip, int port,
                     int local_port)
{
    struct hc_easy *e = ud;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (is_repeat(e))
        return CURL_PREREQFUNC_ABORT;
    e->begun = true;
    if (e->x && e->x->host)
        e->x->host->seen[e->x->shard->index] = e->x->host_gen;
    return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *ud, curlsocktype purpose,
                             struct curl_sockaddr *a)
{
    struct hc_easy *e = ud;

    (void)purpose;
    if (is_repeat(e))
        return CURL_SOCKET_BAD;
    e->opened = true;
    return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  a->protocol);
}

static int on_close(void *ud, curl_socket_t fd)
{
    hc_sock_close(ud, fd);
    return close(fd);
}

/* Bytes of an upload. It is told its length, so none are a pause. */
static size_t on_need(char *to, size_t size, size_t n, void *ud)
{
    struct hc_easy *e = ud;
    size_t got = e->x->dead ? 0 : e->need(e->x->ud, to, size * n);

    e->x->starved = got == 0;
    return got ? got : CURL_READFUNC_PAUSE;
}

static void set_callbacks(struct http_client *c, struct hc_easy *e)
{
    CURL *h = e->h;

    curl_easy_setopt(h, CURLOPT_PRIVATE, e);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, e->text);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, hc_on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, e);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, hc_on_bytes);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, e);
    curl_easy_setopt(h, CURLOPT_READFUNCTION, on_need);
    curl_easy_setopt(h, CURLOPT_READDATA, e);
    curl_easy_setopt(h, CURLOPT_RESOLVER_START_FUNCTION, on_resolver);
    curl_easy_setopt(h, CURLOPT_RESOLVER_START_DATA, e);
    curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, on_prereq);
    curl_easy_setopt(h, CURLOPT_PREREQDATA, e);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, e);
    /* outlives the easy handle: connections do */
    curl_easy_setopt(h, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(h, CURLOPT_CLOSESOCKETDATA, c);
}

static void set_constants(struct http_client *c, struct hc_easy *e)
{
    CURL *h = e->h;

    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)HC_READ_BYTES);
    curl_easy_setopt(h, CURLOPT_MAXCONNECTS, (long)c->max_idle);
    curl_easy_setopt(h, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
    curl_easy_setopt(h, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S);
    curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, (long)PROBE_IDLE_S);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, (long)PROBE_EVERY_S);
    /* forever; else the cache is walked at the end of each transfer */
    curl_easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* with a folder set libcurl would parse the bundle per connection */
    curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
}

static struct hc_easy *easy_new(struct http_client *c)
{
    struct hc_easy *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->h = curl_easy_init();
    if (!e->h) {
        free(e);
        return NULL;
    }
    set_callbacks(c, e);
    set_constants(c, e);
    return e;
}

struct hc_easy *hc_easy_get(struct http_client *c)
{
    struct hc_easy *e = c->idle;

    if (!e)
        return easy_new(c);
    c->idle = e->next;
    c->n_idle--;
    return e;
}

void hc_easy_free(struct hc_easy *e)
{
    curl_easy_cleanup(e->h);
    free(e->url);
    free(e->method);
    free(e->unix_path);
    free(e->proxy);
    free(e->ca_file);
    free(e);
}

void hc_easy_put(struct http_client *c, struct hc_easy *e)
{
    curl_easy_setopt(e->h, CURLOPT_HTTPHEADER, NULL);
    e->x = NULL;
    if (c->n_idle >= HC_EASY_IDLE) {
        hc_easy_free(e);
        return;
    }
    e->next = c->idle;
    c->idle = e;
    c->n_idle++;
}

/* libcurl counts these in seconds; 0 would be none. */
static long seconds(uint32_t ms)
{
    return ms < 1000 ? 1 : (long)(ms / 1000);
}

/* Set a string option when it differs from what was set; NULL is a value. */
static int set_text(struct hc_easy *e, CURLoption o, char **had,
                    struct str want, const char *none)
{
    char *copy = NULL;

    if (*had ? want.p && str_is(want, *had) : !want.p)
        return 0;
    if (want.p) {
        copy = str_dup(want);
        if (!copy)
            return -ERR_NOMEM;
    }
    free(*had);
    *had = copy;
    if (curl_easy_setopt(e->h, o, copy ? copy : none) != CURLE_OK)
        return -ERR_NOMEM;
    return 0;
}

static int set_verb(struct hc_easy *e, const struct http_call_spec *spec)
{
    struct str m = spec->method;
    bool post = spec->body.n || str_is(m, "POST") || str_is(m, "PUT") ||
                str_is(m, "PATCH");
    uint8_t verb = post ? HC_POST : str_is(m, "HEAD") ? HC_HEAD : HC_GET;
    bool plain = str_is(m, verb == HC_POST ? "POST" : "GET") ||
                 verb == HC_HEAD;

    if (verb == HC_POST) {
        curl_easy_setopt(e->h, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(spec->upload ? spec->upload
                                                   : spec->body.n));
        curl_easy_setopt(e->h, CURLOPT_POSTFIELDS,
                         spec->upload   ? NULL
                         : spec->body.n ? spec->body.p : "");
    }
    if (verb != e->verb) {
        if (verb == HC_HEAD)
            curl_easy_setopt(e->h, CURLOPT_NOBODY, 1L);
        else
            curl_easy_setopt(
                e->h, verb == HC_POST ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        e->verb = verb;
    }
    return set_text(e, CURLOPT_CUSTOMREQUEST, &e->method,
                    plain ? STR_NULL : m, NULL);
}

static void set_pool_numbers(struct hc_easy *e,
                             const struct http_call_spec *spec)
{
    if (spec->pool_idle_ms != e->pool_idle_ms) {
        e->pool_idle_ms = spec->pool_idle_ms;
        curl_easy_setopt(e->h, CURLOPT_MAXAGE_CONN,
                         e->pool_idle_ms ? seconds(e->pool_idle_ms)
                                         : (long)IDLE_S);
    }
    if (spec->pool_lifetime_ms != e->pool_lifetime_ms) {
        e->pool_lifetime_ms = spec->pool_lifetime_ms;
        curl_easy_setopt(e->h, CURLOPT_MAXLIFETIME_CONN,
                         e->pool_lifetime_ms ? seconds(e->pool_lifetime_ms)
                                             : (long)LIFETIME_S);
    }
    if (spec->beside != e->beside) {
        e->beside = spec->beside;
        curl_easy_setopt(e->h, CURLOPT_FRESH_CONNECT, e->beside ? 1L : 0L);
    }
}

static void set_numbers(struct hc_easy *e, const struct http_call_spec *spec)
{
    if (spec->connect_timeout_ms != e->connect_timeout_ms) {
        e->connect_timeout_ms = spec->connect_timeout_ms;
        curl_easy_setopt(e->h, CURLOPT_CONNECTTIMEOUT_MS,
                         (long)spec->connect_timeout_ms);
    }
    if (spec->small_reads != e->small_reads) {
        e->small_reads = spec->small_reads;
        curl_easy_setopt(e->h, CURLOPT_BUFFERSIZE,
                         (long)(e->small_reads ? HC_SMALL_READ_BYTES
                                               : HC_READ_BYTES));
    }
    if (spec->http2 != e->http2) {
        e->http2 = spec->http2;
        curl_easy_setopt(e->h, CURLOPT_HTTP_VERSION,
                         (long)(e->http2 ? CURL_HTTP_VERSION_2TLS
                                         : CURL_HTTP_VERSION_1_1));
    }
    set_pool_numbers(e, spec);
    if (spec->insecure != e->insecure) {
        e->insecure = spec->insecure;
        curl_easy_setopt(e->h, CURLOPT_SSL_VERIFYPEER, e->insecure ? 0L : 1L);
        curl_easy_setopt(e->h, CURLOPT_SSL_VERIFYHOST, e->insecure ? 0L : 2L);
    }
}

/* The bundle that libcurl was built for, for calls without one of their own. */
static const char *default_bundle(struct hc_easy *e)
{
    char *p = NULL;

#if LIBCURL_VERSION_NUM >= 0x075400
    curl_easy_getinfo(e->h, CURLINFO_CAINFO, &p);
#else
    (void)e;
#endif
    return p ? p : "/etc/ssl/certs/ca-certificates.crt";
}

/* The pool of the handle's last call, where that went to the same place. */
static void set_pool(struct hc_easy *e, struct http_call *x,
                     const struct http_call_spec *spec)
{
    const char *path = spec->unix_path;
    bool same = e->pool && e->url && str_is(spec->url, e->url) &&
                (path ? e->unix_path && strcmp(path, e->unix_path) == 0
                      : !e->unix_path);

    if (!same)
        e->pool = hc_pool_get(x->c, spec);
    x->pool = e->pool; /* without one it counts nowhere */
    if (x->pool && !x->beside)
        hc_pool_heed(x->pool, spec);
}

static int set_places(struct hc_easy *e, const struct http_call_spec *spec)
{
    int rc = set_text(e, CURLOPT_URL, &e->url, spec->url, NULL);

    if (rc == 0)
        rc = set_text(e, CURLOPT_UNIX_SOCKET_PATH, &e->unix_path,
                      str_of(spec->unix_path), NULL);
    if (rc == 0)
        rc = set_text(e, CURLOPT_PROXY, &e->proxy, str_of(spec->proxy), "");
    if (rc == 0 && (spec->ca_file || e->ca_file))
        rc = set_text(e, CURLOPT_CAINFO, &e->ca_file, str_of(spec->ca_file),
                      default_bundle(e));
    return rc;
}

int hc_easy_setup(struct hc_easy *e, struct http_call *x,
                  const struct http_call_spec *spec, struct err *err)
{
    e->x = x;
    e->asked_name = e->begun = e->again = e->opened = false;
    e->text[0] = '\0';
    e->need = spec->need;
    set_numbers(e, spec);
    set_pool(e, x, spec);
    if (set_verb(e, spec) || set_places(e, spec))
        return err_set(err, ERR_NOMEM, "HTTP call");
    /* the cache of a shard is known to hold the addresses once a call that
     * brought them was seen to connect; until then each call brings them */
    if (x->host && x->host->seen[x->shard->index] != x->host_gen)
        curl_easy_setopt(e->h, CURLOPT_RESOLVE, &x->host->node);
    curl_easy_setopt(e->h, CURLOPT_HTTPHEADER, (struct curl_slist *)x->fields);
    return 0;
}
