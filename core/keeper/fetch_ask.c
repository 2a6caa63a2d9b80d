/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the sources share: requests, files, errors, token endpoints. */
#include "keeper/fetch.h"

#include "engine/addresses.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_MAX = 32, SAID_MAX = 120 };

/* ---- what is wrong ----------------------------------------------------- */

enum fetch_next fetch_fail(struct fetch_run *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->why, sizeof r->why, fmt, ap);
    va_end(ap);
    for (char *p = r->why; *p; p++)
        *p = (unsigned char)*p < ' ' ? ' ' : *p; /* it is one line */
    return FETCH_FAILED;
}

/* Words of a server, those cut that are as long as a secret. */
static void put_said(struct buf *out, struct str text)
{
    while (text.p && buf_len(out) < SAID_MAX) {
        struct str word = str_split(&text, ' ');

        for (size_t i = 0; i < word.n; i++) {
            if (!isprint((unsigned char)word.p[i]))
                word.n = i;
        }
        if (buf_len(out))
            buf_putc(out, ' ');
        buf_put(out, word.n > WORD_MAX ? STR("...") : word);
    }
}

static void put_error(struct buf *out, const json_t *v)
{
    const json_t *e = json_object_get(v, "error");
    struct str code = fetch_json(v, "error");
    struct str more = fetch_json(v, "error_description");

    if (json_is_object(e)) {
        code = fetch_json(e, "status");
        more = fetch_json(e, "message");
    }
    if (!code.n)
        code = fetch_json(v, "code");
    if (!more.n)
        more = fetch_json(v, "message");
    if (code.n)
        put_said(out, code);
    if (more.n)
        put_said(out, more);
}

enum fetch_next fetch_refused(struct fetch_run *r, int status, struct str body)
{
    struct buf said = BUF_INIT(SAID_MAX + 2 * WORD_MAX + 8);
    json_t *v = json_loadb(body.p, body.n, 0, NULL);

    put_error(&said, v);
    json_decref(v);
    fetch_fail(r, "%s: the answer is %d%s" STR_FMT, r->source->name, status,
               buf_len(&said) ? ": " : "", STR_ARG(buf_str(&said)));
    buf_clear(&said);
    return FETCH_FAILED;
}

/* ---- what the operator says -------------------------------------------- */

struct str fetch_env(const struct fetch_run *r, const char *name)
{
    const char *v = r->world->env(r->world->ud, name);

    return v && *v ? str_of(v) : STR_NULL;
}

struct str fetch_said(const struct fetch_run *r, struct str conf,
                      const char *env)
{
    return conf.n ? conf : fetch_env(r, env);
}

bool fetch_file(struct fetch_run *r, struct str path, struct buf *out)
{
    char name[1024];
    int rc;

    snprintf(name, sizeof name, STR_FMT, STR_ARG(path));
    rc = r->world->read(r->world->ud, name, out);
    while (!rc && buf_len(out) && isspace((unsigned char)out->p[out->n - 1]))
        out->n--;
    if (rc || !buf_len(out))
        fetch_fail(r, "%s: %s %s", r->source->name, name,
                   rc == -ERR_NOT_FOUND ? "is not there"
                   : rc                 ? "cannot be read"
                                        : "is empty");
    return !rc && buf_len(out);
}

/* ---- requests ---------------------------------------------------------- */

bool fetch_url_ok(struct str url)
{
    static const struct str here[] = {
        STR("127."), STR("169.254."), /* RFC 1122, RFC 3927 */
    };
    static const char *const names[] = { "::1", "localhost", "fd00:ec2::23",
                                         "fd00:ec2::254",
                                         "metadata.google.internal" };
    struct str host = url_host(url);
    bool literal = host.n != 0;

    for (size_t i = 0; i < url.n; i++) {
        if (!isgraph((unsigned char)url.p[i]))
            return false;
    }
    if (str_starts(url, STR("https://")))
        return host.n != 0;
    if (!str_starts(url, STR("http://")))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_is(host, names[i]))
            return true;
    }
    for (size_t i = 0; i < host.n; i++)
        literal &= isdigit((unsigned char)host.p[i]) || host.p[i] == '.';
    return literal &&
           (str_starts(host, here[0]) || str_starts(host, here[1]));
}

bool fetch_keep(struct fetch_run *r, const json_t *knows)
{
    char *text = json_dumps(knows, JSON_COMPACT);
    int rc;

    secret_wipe(&r->memo);
    rc = text ? buf_puts(&r->memo, text) : -ERR_NOMEM;
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return rc == 0;
}

enum fetch_next fetch_ask(struct fetch_run *r, const char *method,
                          struct str url)
{
    buf_reset(&r->url);
    secret_wipe(&r->body);
    for (size_t i = 0; i < r->n_fields; i++)
        secret_wipe(&r->fields[i].value);
    r->n_fields = 0;
    r->method = method;
    if (buf_put(&r->url, url))
        return fetch_fail(r, "%s: its URL is too long", r->source->name);
    if (!fetch_url_ok(url))
        return fetch_fail(r, "%s: its URL is neither https nor of this "
                          "machine", r->source->name);
    return FETCH_CALL;
}

bool fetch_field(struct fetch_run *r, const char *name, struct str value)
{
    struct fetch_field *f = &r->fields[r->n_fields];
    size_t n = strlen(name);

    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 127)
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("-_", name[i]))
            return false;
    }
    if (r->n_fields == FETCH_FIELDS || !n || n >= sizeof f->name ||
        buf_put(&f->value, value))
        return false;
    memcpy(f->name, name, n + 1);
    r->n_fields++;
    return true;
}

int fetch_encode(struct buf *out, struct str text)
{
    int rc = 0;

    for (size_t i = 0; i < text.n && !rc; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (isalnum(c) || (c && strchr("-._~", c)))
            rc = buf_putc(out, (char)c);
        else
            rc = buf_printf(out, "%%%02X", c);
    }
    return rc;
}

void fetch_form(struct fetch_run *r, const char *name, struct str value)
{
    if (!buf_len(&r->body))
        fetch_field(r, "content-type",
                    STR("application/x-www-form-urlencoded"));
    else
        buf_putc(&r->body, '&');
    buf_puts(&r->body, name);
    buf_putc(&r->body, '=');
    fetch_encode(&r->body, value);
}

/* ---- answers ----------------------------------------------------------- */

struct str fetch_json(const json_t *v, const char *key)
{
    const json_t *s = json_object_get(v, key);

    return json_is_string(s) ? (struct str){ json_string_value(s),
                                             json_string_length(s) }
                             : STR_NULL;
}

enum fetch_next fetch_got(struct fetch_run *r, struct str secret,
                          int64_t seconds)
{
    for (size_t i = 0; i < secret.n; i++) {
        if (!isgraph((unsigned char)secret.p[i]))
            secret.n = 0;
    }
    if (secret.n && (seconds <= 0 || seconds > 366 * 86400))
        return fetch_fail(r, "%s: the answer does not say how long the token "
                          "is good", r->source->name);
    if (!secret.n || buf_put(&r->secret, secret))
        return fetch_fail(r, "%s: the answer has no token, or one that is "
                          "none", r->source->name);
    r->ends_ms = r->world->wall_ms(r->world->ud) + (uint64_t)seconds * 1000;
    return FETCH_GOT;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days(int64_t y, int64_t m, int64_t d)
{
    int64_t era, of_era;

    y -= m <= 2;
    era = y / 400;
    of_era = y - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
           (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719468;
}

/* What stands behind the seconds: a fraction, then where the clock is: "Z",
 * "UTC" or "+02:00", in seconds east. False: something else. */
static bool zone_of(struct str s, int64_t *east)
{
    int64_t n[4];

    if (s.n && s.p[0] == '.') {
        do {
            s.p++;
            s.n--;
        } while (s.n && isdigit((unsigned char)s.p[0]));
    }
    *east = 0;
    if (str_is(s, "Z") || str_is(s, "UTC"))
        return true;
    if (s.n != 6 || !strchr("+-", s.p[0]) || s.p[3] != ':')
        return false;
    for (size_t i = 0; i < 4; i++) {
        char c = s.p[1 + i + i / 2];

        if (!isdigit((unsigned char)c))
            return false;
        n[i] = c - '0';
    }
    *east = ((n[0] * 10 + n[1]) * 60 + n[2] * 10 + n[3]) * 60;
    if (s.p[0] == '-')
        *east = -*east;
    return true;
}

uint64_t fetch_time_ms(struct str text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    int64_t n[6] = { 0 }, s, east;
    size_t k = 0, all = sizeof form - 1;

    if (text.n <= all ||
        !zone_of((struct str){ text.p + all, text.n - all }, &east))
        return 0;
    for (size_t i = 0; form[i]; i++) {
        if (form[i] != 'd' ? text.p[i] != form[i]
                           : !isdigit((unsigned char)text.p[i]))
            return 0;
        if (form[i] != 'd')
            k++;
        else
            n[k] = n[k] * 10 + (text.p[i] - '0');
    }
    if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31)
        return 0;
    s = ((days(n[0], n[1], n[2]) * 24 + n[3]) * 60 + n[4]) * 60 + n[5] - east;
    return s > 0 ? (uint64_t)s * 1000 : 0;
}

static int64_t seconds_of(const json_t *v)
{
    struct str s = fetch_json(v, "expires_in");
    const json_t *n = json_object_get(v, "expires_in");
    uint64_t i = 0;

    if (json_is_number(n) && json_number_value(n) > 0 &&
        json_number_value(n) < INT32_MAX)
        return (int64_t)json_number_value(n);
    return s.n && str_u64(s, &i) && i < INT32_MAX ? (int64_t)i : 0;
}

enum fetch_next fetch_oauth(struct fetch_run *r, int status, struct str body)
{
    json_t *v;
    enum fetch_next next;

    if (status != 200)
        return fetch_refused(r, status, body);
    v = json_loadb(body.p, body.n, 0, NULL);
    next = fetch_got(r, fetch_json(v, "access_token"), seconds_of(v));
    json_decref(v);
    return next;
}
