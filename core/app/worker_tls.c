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

static struct tls_server *open_one(const struct conf_listen *l,
                                   struct str ticket_key, struct err *err)
{
    const struct tls_clients who = { l->clients.ca, l->clients.crl,
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
    if (!t || !who.ca.n || tls_server_clients(t, &who, err) == 0)
        return t;
    tls_server_unref(t);
    return NULL;
}

int worker_tls_open(struct worker *w, struct err *err)
{
    const struct config *c = generation_config(w->gen);
    const struct str key = { w->m->ticket_key, sizeof w->m->ticket_key };

    for (size_t i = 0; i < w->m->n_listeners; i++) {
        if (c->listens[i].n_tls == 0)
            continue;
        w->tls[i] = open_one(&c->listens[i], key, err);
        if (!w->tls[i])
            return -err->code;
    }
    return 0;
}

void worker_tls_close(struct worker *w)
{
    for (size_t i = 0; w->tls && i < w->m->n_listeners; i++) {
        if (w->tls[i])
            tls_server_unref(w->tls[i]);
    }
}
