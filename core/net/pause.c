/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "net/pause.h"

#include "base/err.h"

#include <sys/timerfd.h>
#include <unistd.h>

static void on_over(void *ud, int what)
{
    struct loop_pause *p = ud;
    uint64_t times;

    (void)what;
    if (read(p->io.fd, &times, sizeof times) == (ssize_t)sizeof times)
        p->fn(p->ud); /* its owner may close it */
}

int loop_pause_open(struct loop_pause *p, struct loop *l, void (*fn)(void *ud),
                    void *ud)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0)
        return -ERR_IO;
    *p = (struct loop_pause){ .fn = fn, .ud = ud, .open = true };
    loop_io_init(&p->io, l, fd, on_over, p);
    loop_io_want(&p->io, LOOP_READ);
    return 0;
}

void loop_pause_set(struct loop_pause *p, uint32_t us)
{
    struct itimerspec at = { .it_value = { us / 1000000,
                                           us % 1000000 * 1000L } };

    timerfd_settime(p->io.fd, 0, &at, NULL);
}

void loop_pause_close(struct loop_pause *p)
{
    if (!p->open)
        return;
    loop_io_stop(&p->io);
    close(p->io.fd);
    p->open = false;
}
