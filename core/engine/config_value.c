/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Is one value right, and if not: how should it have been written. One small
 * function per type, in a table.
 */
#include "engine/config_unit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
    enum conf_type type;
    struct str unit;
    struct str s; /* the text; STR_NULL where the value is none */
    const json_t *v;
    char *why;
    size_t why_size;
};

__attribute__((format(printf, 2, 3))) static bool no(struct check *c,
                                                     const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->why, c->why_size, fmt, ap);
    va_end(ap);
    return false;
}

static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return "a table";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

/* The value is of another kind than the type wants. */
static bool wrong_kind(struct check *c)
{
    return no(c, "must be %s, not %s; write %s", conf_type_name(c->type),
              kind_of(c->v), conf_type_example(c->type));
}

static bool not_a(struct check *c)
{
    return no(c, "\"%.80s\" is not %s; write %s", c->s.p,
              conf_type_name(c->type), conf_type_example(c->type));
}

static bool is_plain(struct str s, size_t max)
{
    if (s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

static bool ok_bool(struct check *c)
{
    if (json_is_boolean(c->v))
        return true;
    if (str_is(c->s, "true") || str_is(c->s, "false"))
        return no(c, "must be a boolean; write %s without quotes", c->s.p);
    return no(c, "must be a boolean, not %s; write true or false",
              kind_of(c->v));
}

/* Both ends of "a..b"; false where the unit has none. */
static bool ends(struct str unit, struct str *low, struct str *high)
{
    ptrdiff_t at = str_find(unit, STR(".."));

    if (at < 0)
        return false;
    *low = (struct str){unit.p, (size_t)at};
    *high = (struct str){unit.p + at + 2, unit.n - (size_t)at - 2};
    return true;
}

static bool ok_int(struct check *c)
{
    uint64_t low = 0, high = INT64_MAX, digits;
    struct str a, b;
    json_int_t v;

    if (c->s.p && str_u64(c->s, &digits))
        return no(c, "must be a number; write %s without quotes", c->s.p);
    if (ends(c->unit, &a, &b) && !(str_u64(a, &low) && str_u64(b, &high)))
        return no(c, "has a bad range in config.def");
    if (!json_is_integer(c->v))
        return no(c, "must be a whole number from %" PRIu64 " to %" PRIu64
                  ", not %s; write %" PRIu64, low, high, kind_of(c->v),
                  low ? low : 1);
    v = json_integer_value(c->v);
    if (v < 0 || (uint64_t)v < low || (uint64_t)v > high)
        return no(c, "%" JSON_INTEGER_FORMAT " is out of range; write a "
                  "number from %" PRIu64 " to %" PRIu64, v, low, high);
    return true;
}

/* How a bare number should have been written. */
static bool bare_number(struct check *c)
{
    static const struct {
        const char *unit;
        json_int_t factor;
    } sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
                 {"B", 1}};
    json_int_t v = json_is_integer(c->v) ? json_integer_value(c->v) : 0;
    size_t i = 0;

    if (c->type == CONF_PERCENT)
        return no(c, "a bare number has no unit; write \"%" JSON_INTEGER_FORMAT
                  "%%\"", v);
    if (c->type == CONF_DURATION)
        return no(c, "a bare number has no unit; write \"%" JSON_INTEGER_FORMAT
                  "s\" or \"%" JSON_INTEGER_FORMAT "ms\"", v, v);
    while (sizes[i].factor > 1 && (v == 0 || v % sizes[i].factor != 0))
        i++;
    return no(c, "a bare number has no unit; write \"%" JSON_INTEGER_FORMAT
              "%s\"", v / sizes[i].factor, sizes[i].unit);
}

static const struct measure {
    bool (*parse)(struct str, uint64_t *);
    const char *example, *units;
} measures[CONF_TYPE_COUNT] = {
    [CONF_SIZE] = {conf_size, "32MiB", "B KiB MiB GiB"},
    [CONF_DURATION] = {conf_duration, "30s", "ms s m h d"},
    [CONF_PERCENT] = {conf_percent, "10%", "%"},
};

static bool ok_measure(struct check *c)
{
    const struct measure *m = &measures[c->type];
    bool (*parse)(struct str, uint64_t *) = m->parse;
    uint64_t v, low, high;
    struct str a, b;

    if (json_is_number(c->v))
        return bare_number(c);
    if (!c->s.p)
        return wrong_kind(c);
    if (!parse(c->s, &v))
        return no(c, "\"%.80s\" is not %s; write \"%s\" (units: %s)", c->s.p,
                  conf_type_name(c->type), m->example, m->units);
    if (!ends(c->unit, &a, &b) || !parse(a, &low) || !parse(b, &high))
        return no(c, "has a bad range in config.def");
    if (v < low || v > high)
        return no(c, "\"%.80s\" is out of range; write \"" STR_FMT
                  "\" to \"" STR_FMT "\"", c->s.p, STR_ARG(a), STR_ARG(b));
    return true;
}

static bool ok_text(struct check *c)
{
    if (!c->s.p)
        return wrong_kind(c);
    if (c->s.n == 0 && c->type != CONF_TEXT0)
        return no(c, "is empty; write %s", conf_type_example(c->type));
    if (!is_plain(c->s, 1024))
        return no(c, "must be one line of at most 1024 bytes; write %s",
                  conf_type_example(c->type));
    return true;
}

static bool all_of(struct str s, const char *also)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isalnum((unsigned char)s.p[i]) && !strchr(also, s.p[i]))
            return false;
    }
    return s.n > 0;
}

static bool ok_name(struct check *c)
{
    if (!c->s.p)
        return wrong_kind(c);
    if (!all_of(c->s, "_-.") || c->s.n > 64 || c->s.p[0] == '.')
        return no(c, "\"%.80s\" is not a name; write 1 to 64 letters, digits, "
                  "'_', '-', '.', like \"main\"", c->s.p);
    return true;
}

static bool ok_header(struct check *c)
{
    if (!c->s.p)
        return wrong_kind(c);
    return (all_of(c->s, "!#$%&'*+-.^_`|~") && c->s.n <= 128) || not_a(c);
}

static bool ok_pattern(struct check *c)
{
    const char *star;

    if (!ok_text(c))
        return false;
    star = strchr(c->s.p, '*');
    if (star && strchr(star + 1, '*'))
        return no(c, "\"%.80s\" has two '*'; write one, like \"claude-*\"",
                  c->s.p);
    return true;
}

static bool ok_target(struct check *c)
{
    const char *slash;

    if (!ok_pattern(c))
        return false;
    slash = strchr(c->s.p, '/');
    if (!slash || slash == c->s.p || !slash[1])
        return no(c, "\"%.80s\" is not a target; write "
                  "\"provider/upstream model\"", c->s.p);
    return true;
}

static bool ok_enum(struct check *c)
{
    struct conf_near near;

    if (!c->s.p)
        return no(c, "must be a text, not %s; write one of " STR_FMT,
                  kind_of(c->v), STR_ARG(c->unit));
    if (conf_choice(c->unit, c->s, NULL))
        return true;
    conf_near_init(&near, c->s);
    conf_near_words(&near, c->unit);
    if (near.best.p)
        return no(c, "\"%.80s\" is none of " STR_FMT "; did you mean \""
                  STR_FMT "\"?", c->s.p, STR_ARG(c->unit), STR_ARG(near.best));
    return no(c, "\"%.80s\" is none of the choices; write one of " STR_FMT,
              c->s.p, STR_ARG(c->unit));
}

static bool ok_path(struct check *c)
{
    if (!c->s.p)
        return wrong_kind(c);
    if (c->s.n < 2 || c->s.p[0] != '/' || !is_plain(c->s, 1024))
        return no(c, "\"%.80s\" is not an absolute path; write \"/%.80s\"",
                  c->s.p, c->s.n && is_plain(c->s, 1024) ? c->s.p : "path");
    return true;
}

static bool ok_logto(struct check *c)
{
    return str_is(c->s, "stderr") || ok_path(c);
}

static bool ok_address(struct check *c)
{
    uint64_t port;
    bool local;

    if (json_is_integer(c->v))
        return no(c, "a port alone is not an address; write \"127.0.0.1:%"
                  JSON_INTEGER_FORMAT "\"", json_integer_value(c->v));
    if (!c->s.p)
        return wrong_kind(c);
    if (conf_address(c->s, &local))
        return true;
    if (str_u64(c->s, &port))
        return no(c, "a port alone is not an address; write \"127.0.0.1:%.5s\"",
                  c->s.p);
    return no(c, "\"%.80s\" is not an address; write \"127.0.0.1:8080\", "
              "\"[::1]:8080\" or \"unix:/path\"", c->s.p);
}

/* The part of a URL between the scheme and the path. */
static struct str authority_of(struct str url)
{
    struct str rest = url;
    size_t n = 0;

    rest.p += str_find(url, STR("://")) + 3;
    rest.n = url.n - (size_t)(rest.p - url.p);
    while (n < rest.n && rest.p[n] != '/')
        n++;
    return (struct str){rest.p, n};
}

static bool ok_url(struct check *c)
{
    bool proxy = c->type == CONF_PROXY, port = false;
    struct str authority;

    if (!c->s.p)
        return wrong_kind(c);
    if (!str_starts(c->s, STR("https://")) &&
        !str_starts(c->s, STR("http://")) &&
        !(proxy && str_starts(c->s, STR("socks5h://"))))
        return not_a(c);
    authority = authority_of(c->s);
    if (memchr(authority.p, '@', authority.n))
        return no(c, "holds a user name or password, which would be printed; "
                  "leave it out");
    if (!conf_authority(authority, &port) || !is_plain(c->s, 1024) ||
        strpbrk(c->s.p, " \"<>\\^`{|}#?"))
        return not_a(c);
    if (proxy && !port)
        return no(c, "\"%.80s\" has no port; write %s", c->s.p,
                  conf_type_example(c->type));
    return true;
}

static bool ok_redis(struct check *c)
{
    struct conf_redis_url url;

    if (!c->s.p)
        return wrong_kind(c);
    if (memchr(c->s.p, '@', c->s.n) && !str_starts(c->s, STR("unix:")))
        return no(c, "holds a user name or password, which would be printed; "
                  "write user = and password = beside it");
    return (is_plain(c->s, 1024) && conf_redis_url(c->s, &url)) || not_a(c);
}

static bool ok_parsed(struct check *c)
{
    unsigned char digest[32];
    uint64_t ms;

    if (!c->s.p)
        return wrong_kind(c);
    if (c->type == CONF_CIDR && conf_cidr(c->s))
        return true;
    if (c->type == CONF_DATE && conf_date(c->s, &ms))
        return true;
    if (c->type == CONF_SHA256 && conf_sha256(c->s, digest))
        return true;
    if (c->type == CONF_SHA256)
        return no(c, "is not a SHA-256; write its 64 hexadecimal digits, as "
                  "`printf %%s KEY | sha256sum` prints them");
    return not_a(c);
}

static bool ok_rate(struct check *c)
{
    uint64_t count, period_ms;

    if (json_is_integer(c->v))
        return no(c, "a bare number has no unit; write \"%" JSON_INTEGER_FORMAT
                  "/min\"", json_integer_value(c->v));
    if (!c->s.p)
        return wrong_kind(c);
    if (conf_rate(c->s, &count, &period_ms))
        return true;
    return no(c, "\"%.80s\" is not a rate; write \"600/min\" or \"400k/min\" "
              "(per s, min, h or day)", c->s.p);
}

static bool ok_any(struct check *c)
{
    return json_is_object(c->v) || wrong_kind(c);
}

static bool (*const checks[CONF_TYPE_COUNT])(struct check *) = {
    [CONF_BOOL] = ok_bool,         [CONF_INT] = ok_int,
    [CONF_TEXT] = ok_text,         [CONF_TEXT0] = ok_text,
    [CONF_NAME] = ok_name,         [CONF_PATTERN] = ok_pattern,
    [CONF_ENUM] = ok_enum,         [CONF_DURATION] = ok_measure,
    [CONF_SIZE] = ok_measure,      [CONF_PATH] = ok_path,
    [CONF_PERCENT] = ok_measure,
    [CONF_LOGTO] = ok_logto,       [CONF_ADDRESS] = ok_address,
    [CONF_URL] = ok_url,           [CONF_PROXY] = ok_url,
    [CONF_REDIS] = ok_redis,
    [CONF_RATE] = ok_rate,
    [CONF_CIDR] = ok_parsed,       [CONF_DATE] = ok_parsed,
    [CONF_SHA256] = ok_parsed,     [CONF_HEADER] = ok_header,
    [CONF_TARGET] = ok_target,     [CONF_ANY] = ok_any,
};

bool conf_value_ok(enum conf_type type, struct str unit, const json_t *v,
                   char *why, size_t why_size)
{
    struct check c = {type, unit, STR_NULL, v, why, why_size};

    if (json_is_string(v))
        c.s = (struct str){json_string_value(v), json_string_length(v)};
    return checks[type] && checks[type](&c);
}
