/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the bundle has of certificates goes through the same hands as in a
 * worker, one part after another, so that the part which is wrong can be named
 * as it stands in the file. A list of authorities without one, or a list of
 * revoked ones that is none, is refused: it must never mean that nobody is
 * asked.
 */
#include "app/loader_certs.h"

#include "base/snapshot.h"
#include "net/tls.h"
#include "net/tls_peer.h"

#include <stdio.h>
#include <string.h>

struct trial {
    const char *address;
    const json_t *listen; /* as in the bundle's configuration */
    const json_t *why;
    struct err *err;
};

/** Where `key` of the listener stands: its own place, or the nearest above. */
static const char *place_of(const struct trial *t, const char *key)
{
    struct buf path = BUF_INIT(2048);
    const char *at = NULL;
    char text[2048];
    char *slash;

    buf_puts(&path, "/listen");
    config_mark_add(&path, str_of(t->address));
    buf_printf(&path, "/%s", key);
    snprintf(text, sizeof text, STR_FMT, STR_ARG(buf_str(&path)));
    buf_clear(&path);
    while (!at && (slash = strrchr(text, '/'))) {
        at = json_string_value(json_object_get(t->why, text));
        *slash = '\0';
    }
    return at ? at : "";
}

/** `key` as a path below the listener: "tls/0/cert". */
static int refuse(const struct trial *t, const char *key, const char *file,
                  const char *why, const char *cure)
{
    return err_at(t->err, ERR_CONFIG, place_of(t, key), "listen \"%.120s\" "
                  "%s: %.300s: %s; %s", t->address, key, file, why, cure);
}

static int try_cert(const struct trial *t, const struct conf_tls *tls,
                    size_t i)
{
    const struct tls_cert pair = { tls->cert, tls->key };
    const json_t *row =
        json_array_get(json_object_get(t->listen, "tls"), i);
    char key[32], label[1100];
    bool of_key;
    const char *wrong = tls_cert_wrong(&pair, &of_key);

    if (!wrong)
        return 0;
    snprintf(key, sizeof key, "tls/%zu/%s", i, of_key ? "key" : "cert");
    if (!of_key)
        return refuse(t, key, json_string_value(json_object_get(row, "cert")),
                      wrong, "put the certificate there, then its chain");
    secret_ref_label(json_object_get(row, "key"), label, sizeof label);
    return refuse(t, key, label, wrong, "put both files of a pair there, then "
                  "check again");
}

static int try_clients(const struct trial *t, const struct conf_clients *c,
                       struct tls_server *s)
{
    struct tls_clients who = { c->ca, STR_NULL, c->required };
    const char *ca =
        json_string_value(json_object_get(t->listen, "client_ca"));
    const char *crl =
        json_string_value(json_object_get(t->listen, "client_crl"));
    struct err own = { 0 };

    if (c->asked && tls_server_clients(s, &who, &own) != 0)
        return refuse(t, "client_ca", ca, "there is no PEM certificate in it, "
                      "or a broken one", "put the certificates of the "
                      "authorities there, or leave client_ca out to ask "
                      "nobody for one");
    who.crl = c->crl;
    if (c->revokes && tls_server_clients(s, &who, &own) != 0)
        return refuse(t, "client_crl", crl, "there is no PEM revocation list "
                      "in it, or a broken one", "put the authorities' lists "
                      "there (one that revokes nobody is a list, too), or "
                      "leave client_crl out");
    return 0;
}

static int try_listen(const struct trial *t, const struct conf_listen *l)
{
    struct tls_cert first;
    struct tls_server *s;
    int rc = 0;

    for (size_t i = 0; i < l->n_tls && !rc; i++)
        rc = try_cert(t, &l->tls[i], i);
    if (!rc && l->n_tls > TLS_CERTS_MAX)
        rc = err_at(t->err, ERR_LIMIT, place_of(t, "tls"), "listen \"%.120s\" "
                    "tls: more than %d certificates", t->address,
                    TLS_CERTS_MAX);
    if (rc || !l->clients.asked)
        return rc;
    first = (struct tls_cert){ l->tls[0].cert, l->tls[0].key };
    s = tls_server_new(&first, 1, STR_NULL, t->err);
    rc = s ? try_clients(t, &l->clients, s) : -t->err->code;
    tls_server_unref(s);
    return rc;
}

int loader_certs(const struct config *c, struct snapshot *bundle,
                 const json_t *why, struct err *err)
{
    struct str text = snapshot_section(bundle, STR("config"));
    json_t *tree = json_loadb(text.p, text.n, 0, NULL), *v;
    struct trial t = { .why = why, .err = err };
    size_t i = 0;
    int rc = 0;

    json_object_foreach(json_object_get(tree, "listen"), t.address, v) {
        t.listen = v;
        if (!rc && i < c->n_listens && c->listens[i].n_tls)
            rc = try_listen(&t, &c->listens[i]);
        i++;
    }
    json_decref(tree);
    return rc;
}
