/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Digits by hand. */
#include "flow/format.h"

#include <time.h>

void format_u64(struct buf *b, uint64_t v)
{
    char text[STR_DIGITS];

    buf_put(b, (struct str){ text, str_digits(text, v) });
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
    if (size < FORMAT_TIME_BYTES)
        return;
    memcpy(to, date, 19);
    to[19] = '.';
    to[20] = (char)('0' + wall_ms / 100 % 10);
    to[21] = (char)('0' + wall_ms / 10 % 10);
    to[22] = (char)('0' + wall_ms % 10);
    to[23] = 'Z';
    to[24] = '\0';
}

char *format_hex(char *to, uint64_t v, size_t digits)
{
    for (size_t i = digits; i > 0; i--) {
        to[i - 1] = "0123456789abcdef"[v & 15];
        v >>= 4;
    }
    return to + digits;
}

size_t format_ipv4(char *to, const void *in_addr)
{
    const unsigned char *ip = in_addr;
    size_t n = 0;

    for (int i = 0; i < 4; i++) {
        if (i)
            to[n++] = '.';
        if (ip[i] >= 100)
            to[n++] = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            to[n++] = (char)('0' + ip[i] / 10 % 10);
        to[n++] = (char)('0' + ip[i] % 10);
    }
    return n;
}
