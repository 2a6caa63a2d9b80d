/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One datagram to $NOTIFY_SOCKET: a path, or '@' and an abstract name. */
#include "app/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t n = path ? strlen(path) : 0;
    ssize_t sent;
    int fd;

    if (n == 0)
        return 0;
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof to.sun_path)
        return -ERR_IO;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -ERR_IO;
    sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                  (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
    return sent < 0 ? -ERR_IO : 0;
}

void notify_watch_init(struct notify_watch *w)
{
    const char *every = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    unsigned long long us = every ? strtoull(every, NULL, 10) : 0;

    *w = (struct notify_watch){ 0 };
    if (!pid || strtol(pid, NULL, 10) == getpid())
        w->every_ms = us / 1000 / WATCH_SHARE;
}

uint64_t notify_alive(struct notify_watch *w, uint64_t now_ms)
{
    if (w->every_ms == 0)
        return UINT64_MAX;
    if (now_ms >= w->next_ms) {
        notify_manager("WATCHDOG=1");
        w->next_ms = now_ms + w->every_ms;
    }
    return w->next_ms - now_ms;
}
