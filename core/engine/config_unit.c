/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the texts of the configuration mean: durations, sizes, dates,
 * addresses. Units are always written; how a wrong value should have been
 * spelled is said by config_value.c.
 */
#include "engine/config_unit.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* A whole number followed by one of the units. */
static bool with_unit(struct str s, const struct unit *units, uint64_t *out)
{
    size_t digits = 0;
    struct str unit;
    uint64_t n;

    while (digits < s.n && isdigit((unsigned char)s.p[digits]))
        digits++;
    if (!str_u64((struct str){s.p, digits}, &n))
        return false;
    unit = (struct str){s.p + digits, s.n - digits};
    for (; units->name; units++) {
        if (!str_is(unit, units->name))
            continue;
        if (n > UINT64_MAX / units->factor)
            return false;
        *out = n * units->factor;
        return true;
    }
    return false;
}

bool conf_duration(struct str s, uint64_t *ms)
{
    static const struct unit units[] = {
        {"ms", 1},         {"s", 1000},         {"m", 60 * 1000},
        {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}, {NULL, 0},
    };

    return with_unit(s, units, ms);
}

bool conf_size(struct str s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"B", 1},           {"KiB", 1 << 10}, {"MiB", 1 << 20},
        {"GiB", 1 << 30},   {NULL, 0},
    };

    return with_unit(s, units, bytes);
}

bool conf_percent(struct str s, uint64_t *percent)
{
    static const struct unit units[] = { {"%", 1}, {NULL, 0} };

    return with_unit(s, units, percent);
}

bool conf_rate(struct str s, uint64_t *count, uint64_t *period_ms)
{
    static const struct unit periods[] = {
        {"s", 1000},         {"min", 60 * 1000},
        {"h", 3600 * 1000},  {"day", 24 * 3600 * 1000}, {NULL, 0},
    };
    static const struct unit units[] = {
        {"", 1}, {"k", 1000}, {"M", 1000000}, {NULL, 0},
    };
    struct str number = str_split(&s, '/');
    const struct unit *u = periods;

    while (u->name && !str_is(s, u->name))
        u++;
    if (!u->name || !with_unit(number, units, count) || *count == 0 ||
        *count > (uint64_t)1 << 36)
        return false;
    *period_ms = u->factor;
    return true;
}

static bool digits_at(struct str s, size_t at, size_t n, int *out)
{
    int v = 0;

    if (at + n > s.n)
        return false;
    for (size_t i = at; i < at + n; i++) {
        if (!isdigit((unsigned char)s.p[i]))
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = v;
    return true;
}

static bool clock_part(struct str s, struct tm *tm)
{
    if (s.n != 20 || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' ||
        s.p[19] != 'Z')
        return false;
    return digits_at(s, 11, 2, &tm->tm_hour) &&
           digits_at(s, 14, 2, &tm->tm_min) &&
           digits_at(s, 17, 2, &tm->tm_sec) && tm->tm_hour < 24 &&
           tm->tm_min < 60 && tm->tm_sec < 60;
}

bool conf_date(struct str s, uint64_t *unix_ms)
{
    struct tm tm = {0}, back;
    int year, month;
    time_t t;

    if (s.n < 10 || s.p[4] != '-' || s.p[7] != '-' ||
        !digits_at(s, 0, 4, &year) || !digits_at(s, 5, 2, &month) ||
        !digits_at(s, 8, 2, &tm.tm_mday))
        return false;
    if (s.n != 10 && !clock_part(s, &tm))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    back = tm;
    t = timegm(&back);
    if (t < 0 || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday)
        return false; /* the 31st of June */
    *unix_ms = (uint64_t)t * 1000;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool conf_sha256(struct str s, unsigned char out[32])
{
    if (s.n != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

/* 4, 6 or 0: which kind of address literal this is. */
static int ip_family(struct str s, unsigned char out[16])
{
    char z[INET6_ADDRSTRLEN + 1];

    if (s.n == 0 || s.n >= sizeof z)
        return 0;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (strlen(z) != s.n)
        return 0;
    if (inet_pton(AF_INET, z, out) == 1)
        return 4;
    return inet_pton(AF_INET6, z, out) == 1 ? 6 : 0;
}

bool conf_cidr(struct str s)
{
    struct str ip = str_split(&s, '/');
    unsigned char bytes[16];
    int family = ip_family(ip, bytes);
    uint64_t bits;

    if (!family)
        return false;
    if (!s.p) /* one address */
        return true;
    return str_u64(s, &bits) && bits <= (family == 4 ? 32 : 128);
}

static bool is_loopback(int family, const unsigned char *b)
{
    static const unsigned char one[16] = {[15] = 1};

    return family == 4 ? b[0] == 127 : memcmp(b, one, 16) == 0;
}

bool conf_address(struct str s, bool *local)
{
    unsigned char bytes[16];
    struct str host = s, port;
    size_t colon = s.n;
    uint64_t number;
    int family;

    if (str_starts(s, STR("unix:"))) {
        *local = true;
        return s.n > 6 && s.n < 5 + 108 && s.p[5] == '/';
    }
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    port = (struct str){s.p + colon, s.n - colon};
    host.n = colon - 1;
    if (!str_u64(port, &number) || number > 65535)
        return false;
    if (host.p[0] == '[') {
        if (host.n < 2 || host.p[host.n - 1] != ']')
            return false;
        family = ip_family((struct str){host.p + 1, host.n - 2}, bytes);
        family = family == 6 ? 6 : 0;
    } else {
        family = ip_family(host, bytes) == 4 ? 4 : 0;
    }
    *local = family && is_loopback(family, bytes);
    return family != 0;
}

static bool is_host_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isalnum((unsigned char)s.p[i]) && !strchr("-._", s.p[i]))
            return false;
    }
    return s.n > 0 && s.n < 254;
}

bool conf_authority(struct str s, bool *port)
{
    const char *close = s.n && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    struct str host = s, rest;
    unsigned char bytes[16];
    uint64_t number;

    if (close) {
        host = (struct str){s.p + 1, (size_t)(close - s.p) - 1};
        rest = (struct str){close + 1, (size_t)(s.p + s.n - close) - 1};
        if (ip_family(host, bytes) != 6 || (rest.n && rest.p[0] != ':'))
            return false;
        if (rest.n)
            rest.p++, rest.n--;
        else
            rest = STR_NULL;
    } else {
        rest = s;
        host = str_split(&rest, ':');
        if (!is_host_name(host))
            return false;
    }
    *port = rest.p != NULL;
    return !*port || (str_u64(rest, &number) && number > 0 && number < 65536);
}

static bool is_db(struct str s, uint32_t *db)
{
    uint64_t n;

    if (!str_u64(s, &n) || n > 65535)
        return false;
    *db = (uint32_t)n;
    return true;
}

static bool unix_url(struct str rest, struct conf_redis_url *out)
{
    out->unix_path = str_split(&rest, '?');
    if (out->unix_path.n < 2 || out->unix_path.n > 107 ||
        out->unix_path.p[0] != '/')
        return false;
    if (!rest.p)
        return true;
    return str_starts(rest, STR("db=")) &&
           is_db((struct str){rest.p + 3, rest.n - 3}, &out->db);
}

bool conf_redis_url(struct str s, struct conf_redis_url *out)
{
    ptrdiff_t scheme = str_find(s, STR("://"));
    struct str rest = s, host, number;
    bool port;

    *out = (struct conf_redis_url){.port = 6379};
    if (scheme < 0)
        return false;
    rest.p += scheme + 3;
    rest.n -= (size_t)scheme + 3;
    s.n = (size_t)scheme;
    if (str_is(s, "unix"))
        return unix_url(rest, out);
    out->tls = str_is(s, "rediss");
    if (!out->tls && !str_is(s, "redis"))
        return false;
    host = str_split(&rest, '/');
    if (!conf_authority(host, &port) || (rest.n && !is_db(rest, &out->db)))
        return false;
    number = host;
    while (port && memchr(number.p, ':', number.n))
        str_split(&number, ':');
    if (port) {
        uint64_t n = 0;

        str_u64(number, &n);
        out->port = (uint16_t)n;
        host.n -= number.n + 1;
    }
    if (host.p[0] == '[')
        host = (struct str){host.p + 1, host.n - 2};
    out->host = host;
    return true;
}

bool conf_choice(struct str words, struct str s, int *at)
{
    for (int i = 0; words.p; i++) {
        if (!str_eq(str_split(&words, '|'), s))
            continue;
        if (at)
            *at = i;
        return true;
    }
    return false;
}
