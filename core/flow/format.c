/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Digits by hand. */
#include "flow/format.h"

#include <stdio.h>
#include <time.h>

void format_u64(struct buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof text;

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_put(b, (struct str){ text + at, sizeof text - at });
}

void format_ms(struct buf *b, uint64_t ns)
{
    uint64_t us = ns / 1000;
    char frac[4] = { '.', (char)('0' + us / 100 % 10),
                     (char)('0' + us / 10 % 10), (char)('0' + us % 10) };

    format_u64(b, us / 1000);
    buf_put(b, (struct str){ frac, sizeof frac });
}

void format_time(char *to, size_t size, uint64_t wall_ms)
{
    static time_t cached;
    static char date[32];
    time_t sec = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (sec != cached || !date[0]) {
        gmtime_r(&sec, &tm);
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
        cached = sec;
    }
    snprintf(to, size, "%s.%03uZ", date, (unsigned)(wall_ms % 1000));
}
