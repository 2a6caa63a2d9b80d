/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Certificates of a worker's listeners, from the generation's bundle. */
#include "app/worker_impl.h"

#include "engine/config.h"

int worker_tls_open(struct worker *w, struct err *err)
{
    const struct config *c = generation_config(w->gen);

    for (size_t i = 0; i < w->m->n_listeners; i++) {
        if (c->listens[i].n_tls)
            return err_set(err, ERR_CONFIG, "TLS listeners are not built in");
    }
    return 0;
}

void worker_tls_close(struct worker *w)
{
    (void)w;
}
