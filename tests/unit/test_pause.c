/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Pauses shorter than a millisecond, between parts of a work. */
#include "net/pause.h"

#include "base/clock.h"
#include "unit.h"

#include <unistd.h>

struct work {
    struct loop *l;
    struct loop_pause pause;
    int n, parts;
    uint64_t set_ns, least_ns; /* between set and fired */
    uint64_t enough_ns; /* at once when one took less */
};

static void on_part(void *ud)
{
    struct work *w = ud;
    uint64_t now = clock_mono_ns(), took = now - w->set_ns;

    w->n++;
    w->least_ns = took < w->least_ns ? took : w->least_ns;
    if (w->n == w->parts || w->least_ns < w->enough_ns) {
        loop_pause_close(&w->pause);
        loop_stop(w->l);
        return;
    }
    w->set_ns = clock_mono_ns();
    loop_pause_set(&w->pause, 200);
}

static void on_end(void *ud)
{
    loop_stop(ud);
}

static void run(struct work *w, uint64_t ms)
{
    struct loop_timer end;

    loop_timer_init(&end, w->l, on_end, w->l);
    loop_timer_set(&end, ms);
    CU_ASSERT_EQUAL(loop_run(w->l), 0);
    loop_timer_stop(&end);
}

/* Where a timer of the loop would take one millisecond at the least; a busy
 * machine is late now and then, not each time. */
static void is_short_and_not_too_short(void)
{
    struct work w = { .l = loop_new(), .parts = 5000, .least_ns = UINT64_MAX,
                      .enough_ns = 1000000 };

    UNIT_INT(loop_pause_open(&w.pause, w.l, on_part, &w), 0);
    w.set_ns = clock_mono_ns();
    loop_pause_set(&w.pause, 200);
    run(&w, 20000);
    CU_ASSERT_TRUE(w.n > 0);
    CU_ASSERT_TRUE(w.least_ns >= 200000);
    CU_ASSERT_TRUE(w.least_ns < 1000000);
    CU_ASSERT_FALSE(w.pause.open);
    loop_free(w.l);
}

static void closed_it_fires_no_more(void)
{
    struct work w = { .l = loop_new(), .parts = 99 };
    int fd;

    loop_pause_close(&w.pause); /* it never was open */
    UNIT_INT(loop_pause_open(&w.pause, w.l, on_part, &w), 0);
    fd = w.pause.io.fd;
    loop_pause_set(&w.pause, 1000);
    loop_pause_close(&w.pause);
    loop_pause_close(&w.pause);
    run(&w, 20);
    UNIT_INT(w.n, 0);
    UNIT_INT(close(fd), -1); /* nothing is left of it */
    loop_free(w.l);
}

static void a_later_setting_replaces_it(void)
{
    struct work w = { .l = loop_new(), .parts = 1, .least_ns = UINT64_MAX };

    UNIT_INT(loop_pause_open(&w.pause, w.l, on_part, &w), 0);
    w.set_ns = clock_mono_ns();
    loop_pause_set(&w.pause, 60000000);
    loop_pause_set(&w.pause, 20000);
    run(&w, 20000);
    UNIT_INT(w.n, 1);
    CU_ASSERT_TRUE(w.least_ns >= 20000000);
    loop_free(w.l);
}

UNIT_MAIN("pause",
          { "is short and not too short", is_short_and_not_too_short },
          { "closed it fires no more", closed_it_fires_no_more },
          { "a later setting replaces it", a_later_setting_replaces_it })
