/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One receiver: what it is owed is posted as JSON, at most ALERT_BATCH alerts
 * at a time and one post at a time. What fails is tried again, later each
 * time up to a minute, for as long as it is owed. Its URL is printed nowhere.
 */
#ifndef PENSTOCK_KEEPER_ALERT_POST_H
#define PENSTOCK_KEEPER_ALERT_POST_H

#include "base/buf.h"
#include "keeper/alerts.h"
#include "net/http_client.h"

enum { ALERT_BATCH = 32, ALERT_POST_MS = 10000 };

struct alert_post {
    const struct alerts_env *env;
    struct http_client *client;
    const struct conf_alert *conf;
    const struct alert_wish *wish;
    struct http_call *x; /* NULL: nothing is under way */
    struct buf body;
    struct alert_note notes[ALERT_BATCH];
    size_t n_notes;
    int status;
    uint32_t failures; /* in a row */
    uint64_t next_ms;
    struct loop_timer limit;
};

void alert_post_init(struct alert_post *p, const struct alerts_env *env,
                     struct http_client *client,
                     const struct conf_alert *conf,
                     const struct alert_wish *wish);
/** Post what is owed, if it is time. */
void alert_post_step(struct alert_post *p, uint64_t now_ms);
void alert_post_clear(struct alert_post *p);

#endif
