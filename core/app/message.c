/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Messages between the master and its children. */
#include "app/message.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct head {
    uint32_t type, number;
};

int message_pair(int ends[2], struct err *err)
{
    int size = 4 * MESSAGE_TEXT_MAX;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_errno(err, "socketpair");
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return 0;
}

/** Put the descriptor into the message's control part. */
static void attach(struct msghdr *msg, char *room, size_t size, int fd)
{
    struct cmsghdr *c;

    msg->msg_control = room;
    msg->msg_controllen = size;
    c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

int message_send(int sock, enum message_type type, uint32_t number,
                 struct str text, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = { 0 };
    struct head head = { type, number };
    struct iovec iov[2] = {
        { &head, sizeof head },
        { (char *)(uintptr_t)text.p, text.n },
    };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = text.n ? 2 : 1 };
    ssize_t n;

    if (text.n > MESSAGE_TEXT_MAX)
        return -ERR_LIMIT;
    if (fd >= 0)
        attach(&msg, room, sizeof room, fd);
    do {
        n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    if (errno == EPIPE || errno == ECONNRESET)
        return -ERR_CLOSED;
    return errno == EAGAIN ? -ERR_BUSY : -ERR_IO;
}

/** Take the descriptors out of the control part: the first is the message's,
 * any other is closed. */
static int detach(struct msghdr *msg)
{
    int got = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (got < 0)
                got = fd;
            else
                close(fd);
        }
    }
    return got;
}

int message_recv(int sock, struct message *m)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(4 * sizeof(int))];
    struct head head;
    struct iovec iov[2] = {
        { &head, sizeof head },
        { m->text, MESSAGE_TEXT_MAX },
    };
    struct msghdr msg = {
        .msg_iov = iov,
        .msg_iovlen = 2,
        .msg_control = room,
        .msg_controllen = sizeof room,
    };
    ssize_t n;

    do {
        n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -ERR_CLOSED;
    if ((size_t)n < sizeof head)
        return -ERR_CLOSED;
    m->fd = detach(&msg);
    m->type = head.type;
    m->number = head.number;
    m->size = (size_t)n - sizeof head;
    m->text[m->size] = '\0';
    return 1;
}
