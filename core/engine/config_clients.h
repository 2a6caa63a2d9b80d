/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Certificates of a listener: its own, and whose of clients are believed. */
#ifndef PENSTOCK_ENGINE_CONFIG_CLIENTS_H
#define PENSTOCK_ENGINE_CONFIG_CLIENTS_H

#include "base/str.h"

#include <jansson.h>

struct conf_walk;

struct conf_tls {
    struct str cert, key; /* PEM text, from the bundle */
};

struct conf_clients {
    struct str ca, crl; /* PEM text, from the bundle; p is never NULL */
    bool asked, revokes; /* there is a client_ca; a client_crl */
    bool required;
};

/** Keys that need each other, files that can be read; the default. 0 or
 * -ERR_CONFIG, said to the walk. */
int config_clients_rule(struct conf_walk *w, json_t *listen);

#endif
