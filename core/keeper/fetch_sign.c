/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS Signature Version 4 for the few requests of the keeper's own: docs.aws.
 * amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * (read 2026-11-26). The plugin of Bedrock has one for every request; it
 * belongs to the plugin, and here paths and queries are ours, with nothing
 * that would have to be sorted or encoded.
 */
#include "keeper/fetch.h"

#include "base/sha256.h"
#include "net/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define DAY 8

struct sign {
    struct hash *hash;
    struct str id, secret, token, region, host, path, query;
    const char *service;
    char date[32];
    struct buf names, text;
};

static bool take_url(struct sign *s, struct str url)
{
    ptrdiff_t at = str_find(url, STR("://"));
    struct str rest = url;

    if (at < 0)
        return false;
    rest.p += at + 3;
    rest.n -= (size_t)at + 3;
    s->query = rest;
    rest = str_split(&s->query, '?');
    s->path = rest;
    s->host = str_split(&rest, '/');
    s->path = rest.p ? (struct str){ s->host.p + s->host.n,
                                     s->path.n - s->host.n }
                     : STR("/");
    for (size_t i = 0; i < s->path.n; i++) {
        if (!isalnum((unsigned char)s->path.p[i]) &&
            !strchr("/-._~", s->path.p[i]))
            return false;
    }
    return s->host.n != 0;
}

static bool take_set(struct sign *s, struct str set)
{
    s->id = str_split(&set, ':');
    s->secret = str_split(&set, ':');
    s->token = set;
    return s->id.n && s->secret.n;
}

static void take_date(struct sign *s, uint64_t ms)
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    if (!gmtime_r(&t, &tm) ||
        !strftime(s->date, sizeof s->date, "%Y%m%dT%H%M%SZ", &tm))
        *s->date = '\0';
}

static int put_hex(struct buf *out, const unsigned char sum[HASH_SHA256_SIZE])
{
    char hex[2 * HASH_SHA256_SIZE + 1];

    hex_encode(sum, HASH_SHA256_SIZE, hex);
    return buf_puts(out, hex);
}

static int put_hash(const struct sign *s, struct buf *out, struct str bytes)
{
    unsigned char sum[HASH_SHA256_SIZE];
    int rc = hash_sha256(s->hash, bytes.p, bytes.n, sum);

    return rc ? rc : put_hex(out, sum);
}

static int by_name(const void *a, const void *b)
{
    const struct fetch_field *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* `host` lies between the others. Their names are of lower case. */
static int put_fields(struct sign *s, const struct fetch_run *r)
{
    struct fetch_field host = { .name = "host" };
    const struct fetch_field *list[FETCH_FIELDS + 1] = { &host };
    size_t n = 1;
    int rc = 0;

    for (size_t i = 0; i < r->n_fields; i++)
        list[n++] = &r->fields[i];
    qsort(list, n, sizeof *list, by_name);
    for (size_t i = 0; i < n && !rc; i++) {
        struct str v = list[i] == &host ? s->host
                                        : str_trim(buf_str(&list[i]->value));

        rc = buf_printf(&s->names, "%s%s", i ? ";" : "", list[i]->name);
        if (!rc)
            rc = buf_printf(&s->text, "%s:" STR_FMT "\n", list[i]->name,
                            STR_ARG(v));
    }
    return rc;
}

static int put_canonical(struct sign *s, const struct fetch_run *r)
{
    int rc = buf_printf(&s->text, "%s\n" STR_FMT "\n" STR_FMT "\n",
                        r->method, STR_ARG(s->path), STR_ARG(s->query));

    if (!rc)
        rc = put_fields(s, r);
    if (!rc)
        rc = buf_printf(&s->text, "\n" STR_FMT "\n",
                        STR_ARG(buf_str(&s->names)));
    return rc ? rc : put_hash(s, &s->text, buf_str(&r->body));
}

static int put_scope(const struct sign *s, struct buf *out)
{
    return buf_printf(out, "%.*s/" STR_FMT "/%s/aws4_request", DAY, s->date,
                      STR_ARG(s->region), s->service);
}

static int signature(const struct sign *s, struct str to_sign,
                     unsigned char key[HASH_SHA256_SIZE])
{
    struct buf first = BUF_INIT(FETCH_SECRET_MAX + 8);
    const struct str chain[] = { s->region, str_of(s->service),
                                 STR("aws4_request"), to_sign };
    int rc = buf_puts(&first, "AWS4");

    if (!rc)
        rc = buf_put(&first, s->secret);
    if (!rc)
        rc = hash_hmac(s->hash, buf_str(&first), (struct str){ s->date, DAY },
                       key);
    for (size_t i = 0; i < 4 && !rc; i++)
        rc = hash_hmac(s->hash, (struct str){ (char *)key, HASH_SHA256_SIZE },
                       chain[i], key);
    secret_wipe(&first);
    return rc;
}

static int authorization(struct sign *s, struct fetch_run *r, struct buf *out)
{
    struct buf to_sign = BUF_INIT(1024);
    unsigned char sum[HASH_SHA256_SIZE];
    int rc = put_canonical(s, r);

    if (!rc)
        rc = buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n", s->date);
    if (!rc)
        rc = put_scope(s, &to_sign);
    if (!rc)
        rc = buf_putc(&to_sign, '\n');
    if (!rc)
        rc = put_hash(s, &to_sign, buf_str(&s->text));
    if (!rc)
        rc = signature(s, buf_str(&to_sign), sum);
    if (!rc)
        rc = buf_printf(out, "AWS4-HMAC-SHA256 Credential=" STR_FMT "/",
                        STR_ARG(s->id));
    if (!rc)
        rc = put_scope(s, out);
    if (!rc)
        rc = buf_printf(out, ", SignedHeaders=" STR_FMT ", Signature=",
                        STR_ARG(buf_str(&s->names)));
    if (!rc)
        rc = put_hex(out, sum);
    buf_clear(&to_sign);
    return rc;
}

static bool put_request(struct sign *s, struct fetch_run *r)
{
    struct buf value = BUF_INIT(FETCH_SECRET_MAX);
    bool good = fetch_field(r, "x-amz-date", str_of(s->date)) &&
                (!s->token.n ||
                 fetch_field(r, "x-amz-security-token", s->token)) &&
                authorization(s, r, &value) == 0 &&
                fetch_field(r, "authorization", buf_str(&value));

    buf_clear(&value);
    return good;
}

enum fetch_next fetch_sign(struct fetch_run *r, struct str set,
                           struct str region, const char *service)
{
    struct sign s = { .hash = hash_new(), .region = region,
                      .service = service, .names = BUF_INIT(1024),
                      .text = BUF_INIT(FETCH_TEXT_MAX) };
    bool good = s.hash && take_url(&s, buf_str(&r->url)) && take_set(&s, set);

    take_date(&s, r->world->wall_ms(r->world->ud));
    good = good && *s.date && put_request(&s, r);
    hash_free(s.hash);
    buf_clear(&s.names);
    secret_wipe(&s.text);
    return good ? FETCH_CALL
                : fetch_fail(r, "%s: the request cannot be signed",
                             r->source->name);
}
