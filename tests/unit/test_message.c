/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Messages with and without a descriptor; the end of the other side. */
#include "app/message.h"

#include "unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct message m;

static void passes_text_and_descriptor(void)
{
    struct err err = { 0 };
    int ends[2], pipes[2];
    char c = 0;

    UNIT_INT(message_pair(ends, &err), 0);
    UNIT_INT(pipe(pipes), 0);
    UNIT_INT(message_recv(ends[1], &m), 0);
    UNIT_INT(message_send(ends[0], MSG_ADOPT, 7, STR_NULL, -1), 0);
    UNIT_INT(message_send(ends[0], MSG_BUNDLE, 1, STR("{}"), pipes[1]), 0);
    UNIT_INT(message_recv(ends[1], &m), 1);
    UNIT_INT(m.type, MSG_ADOPT);
    UNIT_INT(m.number, 7);
    UNIT_INT(m.fd, -1);
    UNIT_STR(m.text, "");
    UNIT_INT(message_recv(ends[1], &m), 1);
    UNIT_STR(m.text, "{}");
    CU_ASSERT_TRUE_FATAL(m.fd >= 0);
    close(pipes[1]);
    UNIT_INT(write(m.fd, "x", 1), 1);
    close(m.fd);
    UNIT_INT(read(pipes[0], &c, 1), 1);
    UNIT_INT(read(pipes[0], &c, 1), 0); /* nobody else holds it */
    close(pipes[0]);
    close(ends[0]);
    UNIT_INT(message_recv(ends[1], &m), -ERR_CLOSED);
    UNIT_INT(message_send(ends[1], MSG_STOP, 0, STR_NULL, -1), -ERR_CLOSED);
    close(ends[1]);
}

static void keeps_its_limits(void)
{
    struct err err = { 0 };
    char *big = calloc(1, MESSAGE_TEXT_MAX + 1);
    int ends[2], rc = 0, n = 0;

    UNIT_INT(message_pair(ends, &err), 0);
    UNIT_INT(message_send(ends[0], MSG_FAILED, 0,
                          (struct str){ big, MESSAGE_TEXT_MAX + 1 }, -1),
             -ERR_LIMIT);
    memset(big, 'x', MESSAGE_TEXT_MAX);
    UNIT_INT(message_send(ends[0], MSG_FAILED, 0,
                          (struct str){ big, MESSAGE_TEXT_MAX }, -1), 0);
    UNIT_INT(message_recv(ends[1], &m), 1);
    UNIT_INT(m.size, MESSAGE_TEXT_MAX);
    UNIT_INT(m.text[MESSAGE_TEXT_MAX], 0);
    while (n < 100000 && rc == 0) { /* who does not read is not waited for */
        rc = message_send(ends[0], MSG_READY, 0, STR("r"), -1);
        n++;
    }
    UNIT_INT(rc, -ERR_BUSY);
    close(ends[0]);
    close(ends[1]);
    free(big);
}

static void closes_what_is_too_much(void)
{
    struct err err = { 0 };
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))] = { 0 };
    uint32_t head[2] = { MSG_READY, 0 };
    struct iovec iov = { head, sizeof head };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                          .msg_control = room,
                          .msg_controllen = sizeof room };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    int ends[2], before, after, two[2];

    UNIT_INT(message_pair(ends, &err), 0);
    before = dup(0);
    close(before);
    two[0] = two[1] = ends[0];
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof two);
    memcpy(CMSG_DATA(c), two, sizeof two);
    UNIT_INT(sendmsg(ends[0], &msg, 0), (int)sizeof head);
    UNIT_INT(message_recv(ends[1], &m), 1);
    close(m.fd);
    after = dup(0);
    UNIT_INT(after, before);
    close(after);
    close(ends[0]);
    close(ends[1]);
}

UNIT_MAIN("message",
          {"passes text and a descriptor", passes_text_and_descriptor},
          {"keeps its limits", keeps_its_limits},
          {"closes what is too much", closes_what_is_too_much})
