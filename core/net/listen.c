/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * SO_REUSEPORT lets any process of the same user join a port silently, so a
 * probe is bound without it first: a second instance fails there. Between the
 * probe's close and the slots' bind a stranger may take the port; for a
 * picked port (:0) the whole is tried again then.
 */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PICK_TRIES = 8 };

/* ---- text -------------------------------------------------------------- */

static int bad_address(struct err *err, struct str text, const char *why)
{
    return err_set(err, ERR_CONFIG,
                   "'" STR_FMT "' is not an address to listen on: %s; write "
                   "\"127.0.0.1:8080\", \"[::1]:8080\" or \"unix:/path\"",
                   (int)(text.n < 100 ? text.n : 100), text.p ? text.p : "",
                   why);
}

static int parse_unix(struct str text, struct str path,
                      struct listen_addr *out, struct err *err)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->ss;

    if (path.n == 0 || path.p[0] != '/')
        return bad_address(err, text, "the path is not absolute");
    if (path.n >= sizeof un->sun_path || memchr(path.p, 0, path.n))
        return bad_address(err, text, "the path is too long");
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.p, path.n);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
    return 0;
}

static bool parse_host(struct str host, uint16_t port, struct listen_addr *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->ss;
    bool six = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    char z[INET6_ADDRSTRLEN];

    if (six)
        host = (struct str){ host.p + 1, host.n - 2 };
    else if (str_is(host, "localhost"))
        host = STR("127.0.0.1");
    else if (str_is(host, "*"))
        host = STR("0.0.0.0");
    if (host.n == 0 || host.n >= sizeof z)
        return false;
    memcpy(z, host.p, host.n);
    z[host.n] = '\0';
    if (six) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        out->len = sizeof *in6;
        return inet_pton(AF_INET6, z, &in6->sin6_addr) == 1;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out->len = sizeof *in;
    return inet_pton(AF_INET, z, &in->sin_addr) == 1;
}

int listen_parse(struct str text, struct listen_addr *out, struct err *err)
{
    struct str host = text, port;
    uint64_t n;

    memset(out, 0, sizeof *out);
    if (str_starts(text, STR("unix:")))
        return parse_unix(text, (struct str){ text.p + 5, text.n - 5 }, out,
                          err);
    while (host.n && host.p[host.n - 1] != ':')
        host.n--;
    if (host.n == 0)
        return bad_address(err, text, "there is no port");
    port = (struct str){ text.p + host.n, text.n - host.n };
    host.n--;
    if (port.n > 5 || !str_u64(port, &n) || n > 65535)
        return bad_address(err, text, "the port is not 0 to 65535");
    if (!parse_host(host, (uint16_t)n, out))
        return bad_address(err, text, "the host is not an IP address");
    return 0;
}

void listen_format(const struct sockaddr_storage *ss, char *out, size_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
    const struct sockaddr_un *un = (const struct sockaddr_un *)ss;
    char host[INET6_ADDRSTRLEN];

    snprintf(out, size, "?");
    if (ss->ss_family == AF_UNIX)
        snprintf(out, size, "unix:%s", un->sun_path);
    else if (ss->ss_family == AF_INET &&
             inet_ntop(AF_INET, &in->sin_addr, host, sizeof host))
        snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
    else if (ss->ss_family == AF_INET6 &&
             inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host))
        snprintf(out, size, "[%s]:%u", host, ntohs(in6->sin6_port));
}

bool listen_is_loopback(const struct sockaddr_storage *ss)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

    if (ss->ss_family == AF_UNIX)
        return true;
    if (ss->ss_family == AF_INET)
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    if (ss->ss_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return in6->sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

int listen_address(int fd, struct listen_addr *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->ss;
    return getsockname(fd, (struct sockaddr *)&out->ss, &out->len) ? -ERR_IO
                                                                   : 0;
}

/* ---- sockets ----------------------------------------------------------- */

static int bind_one(const struct listen_addr *a, bool reuseport)
{
    const int family = a->ss.ss_family, on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* accepted sockets inherit it */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (reuseport &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
        goto fail;
    if (bind(fd, (const struct sockaddr *)&a->ss, a->len) == 0)
        return fd;
fail:
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void close_all(int *fds, size_t n)
{
    int saved = errno;

    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    errno = saved;
}

/* 0, or -1 with errno: EADDRINUSE when somebody serves the address. */
static int open_tcp(const struct listen_addr *want, size_t n, int *fds)
{
    struct listen_addr a = *want;
    int probe = bind_one(&a, false);
    int rc;

    if (probe < 0)
        return -1;
    rc = listen_address(probe, &a);
    close(probe);
    if (rc)
        return -1;
    for (size_t i = 0; i < n; i++) {
        fds[i] = bind_one(&a, true);
        if (fds[i] >= 0 && listen(fds[i], LISTEN_BACKLOG) == 0)
            continue;
        close_all(fds, fds[i] < 0 ? i : i + 1);
        return -1;
    }
    return 0;
}

/* True when nobody answers at the socket file (or there is none). */
static bool unix_is_free(const struct listen_addr *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 &&
                   connect(fd, (const struct sockaddr *)&a->ss, a->len) &&
                   (errno == ECONNREFUSED || errno == ENOENT);

    if (fd >= 0)
        close(fd);
    return refused;
}

static int open_unix(const struct listen_addr *a, size_t n, int *fds)
{
    const char *path = ((const struct sockaddr_un *)&a->ss)->sun_path;
    struct stat st;
    int fd;

    if (!unix_is_free(a)) {
        errno = EADDRINUSE;
        return -1;
    }
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    fds[0] = fd;
    if (bind(fd, (const struct sockaddr *)&a->ss, a->len) ||
        chmod(path, 0666) || listen(fd, LISTEN_BACKLOG)) {
        close_all(fds, 1);
        return -1;
    }
    for (size_t i = 1; i < n; i++) {
        fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (fds[i] >= 0)
            continue;
        close_all(fds, i);
        return -1;
    }
    return 0;
}

static int open_beside(int fd)
{
    struct listen_addr a;
    int more = -1;

    if (listen_address(fd, &a) == 0 && a.ss.ss_family != AF_UNIX)
        more = bind_one(&a, true);
    if (more >= 0 && listen(more, LISTEN_BACKLOG) == 0)
        return more;
    if (more >= 0)
        close(more);
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int listen_more(int fd, size_t n, int *fds, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        fds[i] = open_beside(fd);
        if (fds[i] >= 0)
            continue;
        close_all(fds, i);
        return err_errno(err, "one more listening socket");
    }
    return 0;
}

static bool picks_port(const struct listen_addr *a)
{
    /* the port lies at the same place in both families */
    return a->ss.ss_family != AF_UNIX &&
           ((const struct sockaddr_in *)&a->ss)->sin_port == 0;
}

int listen_open(struct str text, size_t n, int *fds, struct err *err)
{
    struct listen_addr a;
    int rc = listen_parse(text, &a, err);
    int tries;

    if (rc || n == 0)
        return rc;
    tries = picks_port(&a) ? PICK_TRIES : 1;
    do {
        rc = a.ss.ss_family == AF_UNIX ? open_unix(&a, n, fds)
                                       : open_tcp(&a, n, fds);
    } while (rc && errno == EADDRINUSE && --tries > 0);
    if (rc == 0)
        return 0;
    if (errno == EADDRINUSE)
        return err_set(err, ERR_EXISTS,
                       STR_FMT " is in use: is another instance running?",
                       STR_ARG(text));
    return err_errno(err, "cannot listen on " STR_FMT, STR_ARG(text));
}
