/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where an issuer's keys are, and for how long. */
#ifndef PENSTOCK_KEEPER_ISSUERS_URL_H
#define PENSTOCK_KEEPER_ISSUERS_URL_H

#include "engine/config.h"

enum { ISSUERS_URL_MAX = 4096 };

/** What to fetch next: the configured URL, `uri` where it was found, else the
 * issuer's own description (*discovering). 0 or -ERR_x. */
int issuers_url(const struct conf_jwt *c, struct str uri, struct buf *out,
                bool *discovering);

/**
 * The jwks_uri of a description (OpenID Connect Discovery 1.0, 4.3): it must
 * be of that issuer, and may not leave TLS. False: `why` is filled.
 */
bool issuers_url_found(const struct conf_jwt *c, struct str description,
                       struct buf *uri, char *why, size_t size);

/** max-age of a Cache-Control, at most a year; no-store and no-cache are 0;
 * UINT64_MAX: it says nothing. */
uint64_t issuers_max_age_ms(struct str cache_control);

#endif
