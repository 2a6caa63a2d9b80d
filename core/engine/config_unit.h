/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Single values of the configuration: is it right, and what does it mean.
 * Pure; nothing is allocated.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_UNIT_H
#define PENSTOCK_ENGINE_CONFIG_UNIT_H

#include "engine/config_table.h"

#include <jansson.h>

/** "500ms", "30s", "10m", "24h", "7d": a whole number and its unit. */
bool conf_duration(struct str s, uint64_t *ms);

/** "512B", "64KiB", "32MiB", "1GiB". */
bool conf_size(struct str s, uint64_t *bytes);

/** "600/min", "400k/min", "5/s": a whole number above 0, with k (1000) or M,
 * for each s, min, h or day. At most 68 thousand million. */
bool conf_rate(struct str s, uint64_t *count, uint64_t *period_ms);

/** "10%": a whole number. */
bool conf_percent(struct str s, uint64_t *percent);

/** "2027-03-31" (0:00 UTC) or "2027-03-31T12:00:00Z", as Unix time. */
bool conf_date(struct str s, uint64_t *unix_ms);

/** 64 hexadecimal digits. */
bool conf_sha256(struct str s, unsigned char out[32]);

/** "10.0.0.0/8", "2001:db8::/32", or one address. */
bool conf_cidr(struct str s);

/** "127.0.0.1:8080", "[::]:8443", "unix:/path"; names are not resolved.
 * *local: only this machine reaches it. */
bool conf_address(struct str s, bool *local);

/** "host", "host:443", "[::1]:443": what stands in a URL before the path;
 * *port says whether one is given. */
bool conf_authority(struct str s, bool *port);

/** "redis://host:6379/0", "rediss://...", "unix:///path?db=0". */
struct conf_redis_url {
    struct str host, unix_path; /* one of them; no brackets */
    uint16_t port;
    uint32_t db;
    bool tls;
};

bool conf_redis_url(struct str s, struct conf_redis_url *out);

/** Is `s` one of the words of "a|b|c"? Its position goes to *at (or NULL). */
bool conf_choice(struct str words, struct str s, int *at);

/**
 * Check one scalar against a type (all but SECRET and OBJECT).
 *
 *   unit    in   range or choices, see config.def; may be STR_NULL
 *   why     out  what is wrong and how to write it; always terminated
 *   returns      true when it is right; then why is untouched
 */
bool conf_value_ok(enum conf_type type, struct str unit, const json_t *v,
                   char *why, size_t why_size);

#endif
