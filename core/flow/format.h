/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Numbers and times as JSON text, without printf: the access line is written
 * once per request. */
#ifndef PENSTOCK_FLOW_FORMAT_H
#define PENSTOCK_FLOW_FORMAT_H

#include "base/buf.h"

void format_u64(struct buf *b, uint64_t v);
/** Nanoseconds as milliseconds with three places: 12.345 */
void format_ms(struct buf *b, uint64_t ns);
#define FORMAT_TIME_BYTES 25 /* with its NUL */
/** RFC 3339 in UTC with milliseconds; the second is cached. */
void format_time(char *to, size_t size, uint64_t wall_ms);
/** Lower-case hex, `digits` of it, no NUL; returns the end. */
char *format_hex(char *to, uint64_t v, size_t digits);
/** Dotted IPv4, at most 15 bytes, no NUL; returns how many. */
size_t format_ipv4(char *to, const void *in_addr);

#endif
