/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Clients whose certificate was refused: a line that says why, within bounds
 * (anybody can make as many of these as they like), and a count. */
#include "flow/stranger.h"

#include "base/log.h"
#include "flow/request.h"
#include "net/listen.h"

enum { LINES_PER_SECOND = 10 };

void flow_on_stranger(void *ud, void *tag, const struct sockaddr_storage *peer,
                      struct str subject, const char *why)
{
    struct flow *f = ud;
    const struct flow_listener *l = tag;
    uint64_t second = clock_mono_ms() / 1000;
    char from[LISTEN_TEXT_MAX];

    metric_add(METRIC_CLIENT_REFUSED, NULL, 1);
    if (f->strangers.second != second)
        f->strangers = (struct strangers){ .second = second };
    if (f->strangers.lines++ >= LINES_PER_SECOND)
        return;
    listen_format(peer, from, sizeof from);
    log_event(EV_client_refused, LOG_S("listener", l->conf->address),
              LOG_Z("client", from), LOG_S("subject", subject),
              LOG_Z("why", why));
}
