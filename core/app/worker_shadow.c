/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A worker's part in a shadow: begin, end, say what was seen. */
#include "app/worker_impl.h"

#include "app/message.h"
#include "base/snapshot.h"
#include "flow/shadow.h"

void worker_shadow(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s;

    if (m->fd < 0) {
        flow_shadow_stop(w->flow);
        return;
    }
    s = snapshot_open(m->fd, &err);
    if (!s || flow_shadow(w->flow, s, m->number, &err) != 0)
        message_send(w->sock.fd, MSG_SHADOWED, 1, str_of(err.msg), -1);
    snapshot_unref(s);
}

void worker_shadow_tell(struct worker *w)
{
    struct buf text = BUF_INIT(MESSAGE_TEXT_MAX);

    if (flow_shadow_report(w->flow, &text))
        message_send(w->sock.fd, MSG_SHADOWED, 0, buf_str(&text), -1);
    buf_clear(&text);
}
