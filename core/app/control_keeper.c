/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Verbs that the keeper answers: the request goes on with who asks, under a
 * ticket; the connection is not read until the answer, or the keeper's end.
 * An answer that is longer than a message comes in a file.
 */
#include "app/control_impl.h"

#include "app/master.h"
#include "app/message.h"
#include "base/clock.h"
#include "engine/config_admin.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLD_MS = 5000 }; /* a reload's next keeper is there within one */

static bool is_there(const struct master *m)
{
    const struct post *keeper = m->posts ? &m->posts[m->n_workers] : NULL;

    return keeper && keeper->sock >= 0 && keeper->ready_ms &&
           !keeper->retired;
}

/* A reload ends the keeper and starts the next: who asks just then waits. */
static int hold(struct master *m, struct conn *c, json_t *request)
{
    control_wait(m, c);
    c->held = json_incref(request);
    c->held_ms = clock_mono_ms();
    return 0;
}

int control_forward(struct master *m, struct conn *c, json_t *request)
{
    enum role role = c->is_operator ? ROLE_ADMIN : ROLE_VIEWER;
    const struct post *keeper = &m->posts[m->n_workers];
    json_t *ask;
    char *text;
    int rc = -ERR_NOMEM;

    if (!is_there(m) && m->posts && m->phase == MASTER_RUNNING)
        return hold(m, c, request);
    if (!is_there(m))
        return control_put_error(&c->out, "the keeper is not there just now; "
                                          "try again");
    ask = json_pack("{s:o, s:i, s:O}", "who",
                    json_sprintf("uid %u", (unsigned)c->uid), "role", role,
                    "ask", request);
    text = ask ? json_dumps(ask, JSON_COMPACT) : NULL;
    control_wait(m, c);
    c->on_keeper = true;
    if (text)
        rc = message_send(keeper->sock, MSG_ASK, c->ticket, str_of(text),
                          c->given);
    free(text);
    json_decref(ask);
    if (c->given >= 0)
        close(c->given);
    c->given = -1;
    if (!rc)
        return 0;
    c->ticket = 0;
    return control_put_error(&c->out, "the keeper cannot be asked now; try "
                                      "again");
}

void control_keeper_ready(struct master *m)
{
    for (size_t i = 0; m->control && i < CONTROL_MAX_CONNS; i++) {
        struct conn *c = &m->control->conns[i];
        json_t *request = c->held;

        if (c->fd < 0 || !request)
            continue;
        c->held = NULL;
        if (control_forward(m, c, request) != 0 || !c->ticket)
            control_go_on(m, c);
        json_decref(request);
    }
}

void control_keeper_step(struct master *m, uint64_t now_ms)
{
    for (size_t i = 0; m->control && i < CONTROL_MAX_CONNS; i++) {
        struct conn *c = &m->control->conns[i];

        if (c->fd < 0 || !c->held || now_ms < c->held_ms + HOLD_MS)
            continue;
        json_decref(c->held);
        c->held = NULL;
        control_put_error(&c->out, "there has been no keeper for some time; "
                                   "`penstock status` tells why");
        control_go_on(m, c);
    }
}

/* No ticket has that number: its connection would be none. */
#define NOBODY UINT32_MAX

bool control_audit(struct master *m, const struct conn *c, json_t *request)
{
    const struct post *keeper = &m->posts[m->n_workers];
    json_t *ask;
    char *text;
    bool told;

    if (!m->config->admin.keys_store || !m->posts || keeper->sock < 0 ||
        !keeper->ready_ms)
        return false;
    ask = json_pack("{s:o, s:i, s:O}", "who",
                    json_sprintf("uid %u", (unsigned)c->uid), "role",
                    (int)ROLE_ADMIN, "ask", request);
    text = ask ? json_dumps(ask, JSON_COMPACT) : NULL;
    told = text && message_send(keeper->sock, MSG_ASK, NOBODY, str_of(text),
                                -1) == 0;
    free(text);
    json_decref(ask);
    return told;
}

static int put_file(struct buf *out, int fd)
{
    struct stat st;
    char *to;
    ssize_t n;

    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return -ERR_IO;
    to = buf_reserve(out, (size_t)st.st_size);
    n = to ? pread(fd, to, (size_t)st.st_size, 0) : -1;
    if (n != st.st_size)
        return -ERR_LIMIT;
    buf_commit(out, (size_t)n);
    return 0;
}

void control_answer(struct master *m, const struct message *msg)
{
    struct conn *c = &m->control->conns[msg->number % CONTROL_MAX_CONNS];
    size_t mark = c->out.n;
    int rc;

    if (c->fd < 0 || c->ticket != msg->number)
        return; /* who asked is gone */
    rc = msg->fd >= 0 ? put_file(&c->out, msg->fd)
                      : buf_put(&c->out, (struct str){ msg->text, msg->size });
    if (rc) {
        c->out.n = mark;
        control_put_error(&c->out, "the answer is too long");
    }
    control_go_on(m, c);
}

void control_tell(struct master *m, uint32_t ticket, struct str answer)
{
    struct conn *c = &m->control->conns[ticket % CONTROL_MAX_CONNS];

    if (c->fd < 0 || c->ticket != ticket)
        return; /* who asked is gone */
    buf_put(&c->out, answer);
    control_go_on(m, c);
}

void control_keeper_gone(struct master *m)
{
    for (size_t i = 0; m->control && i < CONTROL_MAX_CONNS; i++) {
        struct conn *c = &m->control->conns[i];

        if (c->fd < 0 || !c->ticket || !c->on_keeper)
            continue;
        control_put_error(&c->out, "the keeper ended; look whether the change "
                                   "was made, then try again");
        control_go_on(m, c);
    }
}
