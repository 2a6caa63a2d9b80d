/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AssumeRole (docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
 * read 2026-11-26). The chain is a text, five lines for each role, the one
 * that is assumed next first.
 */
#include "keeper/fetch_aws.h"

#include <stdio.h>

enum { ROLE_LINE_MAX = 2048, SECONDS_MIN = 900, SECONDS_MAX = 43200 };

static const char *const lines[] = { "role_arn", "role_session_name",
                                     "external_id", "duration_seconds",
                                     "region" };
enum { LINES = sizeof lines / sizeof *lines };

static bool good_seconds(struct str s)
{
    uint64_t n;

    return !s.n || (str_u64(s, &n) && n >= SECONDS_MIN && n <= SECONDS_MAX);
}

bool aws_role_push(struct fetch_run *r, const struct aws_files *f,
                   struct str profile)
{
    struct buf all = BUF_INIT(r->chain.max);
    int rc = good_seconds(aws_value(f, profile, "duration_seconds"))
                 ? 0 : -ERR_CONFIG;

    for (size_t i = 0; i < LINES && !rc; i++) {
        struct str v = aws_value(f, profile, lines[i]);

        rc = v.n > ROLE_LINE_MAX ? -ERR_LIMIT : buf_put(&all, v);
        if (!rc)
            rc = buf_putc(&all, '\n');
    }
    if (!rc)
        rc = buf_put(&all, buf_str(&r->chain));
    buf_reset(&r->chain);
    if (!rc)
        rc = buf_put(&r->chain, buf_str(&all));
    buf_clear(&all);
    return !rc;
}

static void put_form(struct fetch_run *r, const struct str v[LINES])
{
    fetch_form(r, "Action", STR("AssumeRole"));
    fetch_form(r, "Version", STR("2011-06-15"));
    fetch_form(r, "RoleArn", v[0]);
    fetch_form(r, "RoleSessionName", v[1].n ? v[1] : STR("penstock"));
    if (v[2].n)
        fetch_form(r, "ExternalId", v[2]);
    if (v[3].n)
        fetch_form(r, "DurationSeconds", v[3]);
}

enum fetch_next aws_role_next(struct fetch_run *r)
{
    struct str rest = buf_str(&r->chain), v[LINES], region;
    size_t all = rest.n;
    enum fetch_next next;
    char url[AWS_URL_MAX];

    if (!all)
        return FETCH_GOT;
    for (size_t i = 0; i < LINES; i++)
        v[i] = str_split(&rest, '\n');
    region = aws_region(r, v[4]);
    if (!aws_url(r, "AWS_ENDPOINT_URL_STS", "sts", region, url))
        return fetch_fail(r, "%s: the region is too long", r->source->name);
    next = fetch_ask(r, "POST", str_of(url));
    if (next == FETCH_CALL) {
        put_form(r, v);
        /* the global endpoint is one of that region */
        next = fetch_sign(r, buf_str(&r->secret),
                          region.n ? region : STR("us-east-1"), "sts");
    }
    secret_wipe(&r->secret);
    buf_consume(&r->chain, all - rest.n);
    return next;
}
