/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/ratelimit.h"

#include <time.h>

struct row {
    const char *openai, *anthropic;
    enum ratelimit_what what;
};

/* Two of each, in the order of enum ratelimit_what. */
static const struct row rows[] = {
    { "x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit",
      RATELIMIT_LIMIT },
    { "x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit",
      RATELIMIT_LIMIT },
    { "x-ratelimit-remaining-requests",
      "anthropic-ratelimit-requests-remaining", RATELIMIT_REMAINING },
    { "x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-remaining",
      RATELIMIT_REMAINING },
    { "x-ratelimit-reset-requests", "anthropic-ratelimit-requests-reset",
      RATELIMIT_RESET },
    { "x-ratelimit-reset-tokens", "anthropic-ratelimit-tokens-reset",
      RATELIMIT_RESET },
};

enum { LEAST_NAME = sizeof "x-ratelimit-limit-tokens" - 1 };

static const char *const same[] = { "retry-after", "retry-after-ms",
                                    "x-should-retry" };

#define LONGEST_MS (366ull * 86400 * 1000)

/* Digits with an optional fraction, in thousandths; *s moves behind them. */
static bool number(struct str *s, uint64_t *thousandths)
{
    uint64_t v = 0, unit = 1000;
    size_t i = 0;

    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        v = v * 10 + (uint64_t)(s->p[i] - '0');
        if (v > LONGEST_MS)
            return false;
    }
    if (i == 0)
        return false;
    v *= 1000;
    if (i < s->n && s->p[i] == '.') {
        for (i++; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
            unit /= 10;
            v += (uint64_t)(s->p[i] - '0') * unit;
        }
    }
    s->p += i;
    s->n -= i;
    *thousandths = v;
    return true;
}

/* Longer units first: "ms" is not minutes. */
static const struct {
    const char *name;
    uint64_t ms;
} units[] = {
    { "ms", 1 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 },
    { "d", 86400000 },
};

bool ratelimit_duration(struct str s, uint64_t *ms)
{
    uint64_t sum = 0;

    if (s.n == 0)
        return false;
    while (s.n) {
        size_t u = 0, count = sizeof units / sizeof units[0];
        uint64_t v;

        if (!number(&s, &v))
            return false;
        while (u < count && !str_starts(s, str_of(units[u].name)))
            u++;
        if (u == count || v / 1000 > LONGEST_MS / units[u].ms)
            return false;
        sum += v * units[u].ms / 1000;
        s.p += strlen(units[u].name);
        s.n -= strlen(units[u].name);
    }
    *ms = sum;
    return sum <= LONGEST_MS;
}

static bool two(struct str s, size_t at, int *out)
{
    if (at + 2 > s.n || s.p[at] < '0' || s.p[at] > '9' ||
        s.p[at + 1] < '0' || s.p[at + 1] > '9')
        return false;
    *out = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return true;
}

/* "Z" or "+02:00" in minutes east. */
static bool zone(struct str s, int *minutes)
{
    int h, m;

    *minutes = 0;
    if (str_is(s, "Z") || str_is(s, "z"))
        return true;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
        !two(s, 1, &h) || !two(s, 4, &m))
        return false;
    *minutes = (h * 60 + m) * (s.p[0] == '-' ? -1 : 1);
    return true;
}

bool ratelimit_time(struct str s, uint64_t *ms)
{
    struct tm tm = { 0 };
    int century, year, east;
    uint64_t fraction = 0;
    int64_t t;

    if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[13] != ':' ||
        s.p[16] != ':' || !memchr("Tt ", s.p[10], 3) ||
        !two(s, 0, &century) || !two(s, 2, &year) ||
        !two(s, 5, &tm.tm_mon) || !two(s, 8, &tm.tm_mday) ||
        !two(s, 11, &tm.tm_hour) || !two(s, 14, &tm.tm_min) ||
        !two(s, 17, &tm.tm_sec))
        return false;
    tm.tm_year = century * 100 + year - 1900;
    tm.tm_mon--;
    s.p += 19;
    s.n -= 19;
    if (s.p[0] == '.') {
        s.p++;
        s.n--;
        for (uint64_t unit = 100; s.n && *s.p >= '0' && *s.p <= '9';
             unit /= 10, s.p++, s.n--)
            fraction += (uint64_t)(*s.p - '0') * unit;
    }
    if (!zone(s, &east))
        return false;
    t = (int64_t)timegm(&tm) - (int64_t)east * 60;
    if (t < 0)
        return false;
    *ms = (uint64_t)t * 1000 + fraction;
    return true;
}

static size_t put_unit(char *to, uint64_t v, char unit)
{
    size_t n = str_digits(to, v);

    to[n] = unit;
    return n + 1;
}

struct str ratelimit_text(uint64_t ms, struct arena *a)
{
    char text[4 * STR_DIGITS];
    size_t n = 0;

    if (ms < 1000) {
        n = put_unit(text, ms, 'm');
        text[n++] = 's';
    } else if (ms < 60000) {
        n = put_unit(text, ms / 1000, '.');
        n += str_digits(text + n, 1000 + ms % 1000);
        memmove(text + n - 4, text + n - 3, 3); /* without the 1 */
        text[n - 1] = 's';
    } else {
        ms = (ms + 999) / 1000;
        if (ms >= 3600)
            n = put_unit(text, ms / 3600, 'h');
        n += put_unit(text + n, ms / 60 % 60, 'm');
        n += put_unit(text + n, ms % 60, 's');
    }
    return arena_dup(a, (struct str){ text, n });
}

/* A time to come in the words of OpenAI. */
static struct str to_duration(struct str value, uint64_t now_ms,
                              struct arena *a)
{
    uint64_t at, ms;

    if (!ratelimit_time(value, &at))
        return STR_NULL;
    ms = at > now_ms ? at - now_ms : 0;
    return ms > LONGEST_MS ? STR_NULL : ratelimit_text(ms, a);
}

/* RFC 3339, the second in which it has passed. */
static struct str time_text(uint64_t ms, struct arena *a)
{
    time_t t = (time_t)((ms + 999) / 1000);
    struct tm tm;
    char text[32];

    if (!gmtime_r(&t, &tm) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return STR_NULL;
    return arena_dup(a, str_of(text));
}

/* A time from now: a duration, seconds in digits alone, a time to come. */
static bool reset_in(struct str value, uint64_t now_ms, uint64_t *ms)
{
    uint64_t at;

    if (ratelimit_duration(value, ms))
        return true;
    if (str_u64(value, &at) && at <= LONGEST_MS / 1000) {
        *ms = at * 1000;
        return true;
    }
    if (!ratelimit_time(value, &at))
        return false;
    *ms = at > now_ms ? at - now_ms : 0;
    return true;
}

static struct str to_time(struct str value, uint64_t now_ms, struct arena *a)
{
    uint64_t ms;

    return reset_in(value, now_ms, &ms) ? time_text(now_ms + ms, a)
                                        : STR_NULL;
}

struct str ratelimit_reset(enum dialect to, uint64_t ms, uint64_t now_ms,
                           struct arena *a)
{
    return dialect_is_anthropic(to) ? time_text(now_ms + ms, a)
                                    : ratelimit_text(ms, a);
}

const char *ratelimit_name(enum dialect to, enum ratelimit_of of,
                           enum ratelimit_what what)
{
    const struct row *r = &rows[2 * (int)what + (int)of];

    return dialect_is_anthropic(to) ? r->anthropic : r->openai;
}

bool ratelimit_translate(enum dialect from, enum dialect to, struct str *name,
                         struct str *value, uint64_t now_ms, struct arena *a)
{
    bool from_anthropic = dialect_is_anthropic(from);
    bool to_anthropic = dialect_is_anthropic(to);

    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        if (str_ieq(*name, str_of(same[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];

        if (!str_ieq(*name, str_of(from_anthropic ? r->anthropic
                                                  : r->openai)))
            continue;
        if (r->what == RATELIMIT_RESET && from_anthropic != to_anthropic)
            *value = to_anthropic ? to_time(*value, now_ms, a)
                                  : to_duration(*value, now_ms, a);
        *name = str_of(to_anthropic ? r->anthropic : r->openai);
        return value->p != NULL;
    }
    return false;
}

void ratelimit_note(struct ratelimit_left *l, struct str name,
                    struct str value, uint64_t now_ms)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && name.n >= LEAST_NAME;
         i++) {
        const struct row *r = &rows[i];
        struct ratelimit_one *one = i % 2 ? &l->tokens : &l->requests;

        if (!str_ieq(name, str_of(r->openai)) &&
            !str_ieq(name, str_of(r->anthropic)))
            continue;
        if (r->what == RATELIMIT_REMAINING)
            one->left_known = str_u64(value, &one->left);
        else if (r->what == RATELIMIT_RESET)
            one->reset_known = reset_in(value, now_ms, &one->reset_ms);
        return;
    }
}
