/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The mock behind `sim`. It lives as long as somebody may ask it: the end of
 * the life pipe, whose other end master and workers hold, is its end too.
 */
#include "app/mock_process.h"

#include "app/helper.h"
#include "mock/mock.h"

static void on_all_gone(void *ud, int what)
{
    struct helper *h = ud;

    (void)what;
    loop_stop(h->loop);
}

int mock_run(const struct child *c)
{
    const struct mock_options options = { .stop_fd = -1 };
    struct helper h = { .outlives_master = true };
    struct mock *mock = NULL;
    struct loop_io life;
    struct err err = { 0 };
    int rc = helper_open(&h, c, &err);

    if (!rc) {
        mock = mock_new(h.loop, &options, &err);
        rc = mock ? mock_listen(mock, c->m->sim_fd) : -err.code;
    }
    if (rc) {
        err_set(&err, ERR_NOMEM, "no memory");
        helper_fail(c, &err);
    } else {
        loop_io_init(&life, h.loop, c->m->life[0], on_all_gone, &h);
        loop_io_want(&life, LOOP_READ);
        helper_run(&h);
        loop_io_stop(&life);
    }
    mock_free(mock);
    helper_close(&h);
    return rc ? 1 : 0;
}
