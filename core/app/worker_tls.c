/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Certificates of a worker's listeners, from the generation's bundle. Workers
 * share the key of session tickets, so that any of them resumes a session.
 */
#include "app/worker_impl.h"

#include "engine/config.h"
#include "net/tls.h"
#include "net/tls_peer.h"

#include <stdlib.h>

static struct tls_server *open_one(const struct conf_listen *l,
                                   struct str ticket_key, struct err *err)
{
    const struct tls_clients who = {
        l->clients.ca, l->clients.revokes ? l->clients.crl : STR_NULL,
        l->clients.required };
    struct tls_cert certs[TLS_CERTS_MAX];
    struct tls_server *t;

    if (l->n_tls > TLS_CERTS_MAX) {
        err_set(err, ERR_LIMIT, "more than %d certificates", TLS_CERTS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < l->n_tls; i++)
        certs[i] = (struct tls_cert){ l->tls[i].cert, l->tls[i].key };
    t = tls_server_new(certs, l->n_tls, ticket_key, err);
    if (!t || !l->clients.asked || tls_server_clients(t, &who, err) == 0)
        return t;
    tls_server_unref(t);
    return NULL;
}

struct tls_server **worker_tls_open(const struct worker *w,
                                    const struct generation *g,
                                    struct err *err)
{
    const struct listeners *all = &w->m->listeners;
    const struct str key = { w->m->ticket_key, sizeof w->m->ticket_key };
    struct tls_server **tls = calloc(all->n + 1, sizeof *tls);

    if (!tls)
        err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; tls && i < all->n; i++) {
        const struct conf_listen *l = listener_conf(&all->list[i],
                                                    generation_config(g));

        if (!l || l->n_tls == 0)
            continue;
        tls[i] = open_one(l, key, err);
        if (!tls[i]) {
            worker_tls_close(w, tls);
            return NULL;
        }
    }
    return tls;
}

void worker_tls_close(const struct worker *w, struct tls_server **tls)
{
    for (size_t i = 0; tls && i < w->m->listeners.n; i++) {
        if (tls[i])
            tls_server_unref(tls[i]);
    }
    free(tls);
}
