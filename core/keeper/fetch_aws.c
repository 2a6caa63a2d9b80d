/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS, in the order of its SDKs: environment, web identity, shared files
 * (fetch_aws_profile.c), container, instance. Sources: docs.aws.amazon.com/
 * sdkref/latest/guide/standardized-credentials.html and the pages that it
 * names, docs.aws.amazon.com/STS/latest/APIReference/
 * API_AssumeRoleWithWebIdentity.html (read 2026-11-26).
 */
#include "keeper/fetch_aws.h"

#include <ctype.h>
#include <stdio.h>

bool aws_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isgraph((unsigned char)s.p[i]) || s.p[i] == ':')
            return false;
    }
    return true;
}

enum fetch_next aws_put(struct fetch_run *r, const struct aws_set *s)
{
    int rc = -ERR_CONFIG;

    secret_wipe(&r->secret);
    if (s->id.n && s->secret.n && aws_plain(s->id) && aws_plain(s->secret) &&
        aws_plain(s->token))
        rc = buf_printf(&r->secret, STR_FMT ":" STR_FMT "%s" STR_FMT,
                        STR_ARG(s->id), STR_ARG(s->secret),
                        s->token.n ? ":" : "", STR_ARG(s->token));
    return rc ? fetch_fail(r, "%s: there is no access key with its secret",
                           r->source->name)
              : FETCH_GOT;
}

enum fetch_next aws_put_until(struct fetch_run *r, const struct aws_set *s,
                              uint64_t ends_ms)
{
    r->ends_ms = ends_ms;
    if (ends_ms <= r->world->wall_ms(r->world->ud))
        return fetch_fail(r, "%s: what it gave has no end, or ended already",
                          r->source->name);
    return aws_put(r, s);
}

enum fetch_next aws_put_json(struct fetch_run *r, int status, struct str body)
{
    json_t *v = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    struct aws_set s = { fetch_json(v, "AccessKeyId"),
                         fetch_json(v, "SecretAccessKey"),
                         fetch_json(v, "Token") };
    enum fetch_next next =
        status == 200
            ? aws_put_until(r, &s, fetch_time_ms(fetch_json(v, "Expiration")))
            : fetch_refused(r, status, body);

    json_decref(v);
    return next;
}

/* ---- the environment ---------------------------------------------------- */

enum fetch_next aws_env_begin(struct fetch_run *r)
{
    struct aws_set s = { fetch_env(r, "AWS_ACCESS_KEY_ID"),
                         fetch_env(r, "AWS_SECRET_ACCESS_KEY"),
                         fetch_env(r, "AWS_SESSION_TOKEN") };

    if (!s.id.n || !s.secret.n)
        return FETCH_ABSENT;
    return aws_put(r, &s);
}

/* ---- a role, by a token of another issuer ------------------------------- */

struct str aws_region(const struct fetch_run *r, struct str other)
{
    struct str region = fetch_said(r, r->conf->region, "AWS_REGION");

    if (!region.n)
        region = fetch_env(r, "AWS_DEFAULT_REGION");
    return region.n ? region : other;
}

bool aws_url(const struct fetch_run *r, const char *env, const char *service,
             struct str region, char out[AWS_URL_MAX])
{
    struct str own = fetch_env(r, env);
    const char *domain = str_starts(region, STR("cn-")) ? "amazonaws.com.cn"
                                                        : "amazonaws.com";
    int n;

    if (own.n)
        n = snprintf(out, AWS_URL_MAX, STR_FMT, STR_ARG(own));
    else
        n = snprintf(out, AWS_URL_MAX, "https://%s%s" STR_FMT ".%s/", service,
                     region.n ? "." : "", STR_ARG(region), domain);
    return n > 0 && n < AWS_URL_MAX;
}

enum fetch_next aws_web_identity(struct fetch_run *r,
                                 const struct aws_identity *id)
{
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next = FETCH_FAILED;
    char url[AWS_URL_MAX];

    if (!aws_url(r, "AWS_ENDPOINT_URL_STS", "sts", id->region, url))
        return fetch_fail(r, "%s: the region is too long", r->source->name);
    if (fetch_file(r, id->token_file, &token))
        next = fetch_ask(r, "POST", str_of(url));
    if (next == FETCH_CALL) {
        fetch_form(r, "Action", STR("AssumeRoleWithWebIdentity"));
        fetch_form(r, "Version", STR("2011-06-15"));
        fetch_form(r, "RoleArn", id->role);
        fetch_form(r, "RoleSessionName", id->session.n ? id->session
                                                       : STR("penstock"));
        fetch_form(r, "WebIdentityToken", buf_str(&token));
    }
    secret_wipe(&token);
    return next;
}

static enum fetch_next web_identity_begin(struct fetch_run *r)
{
    struct aws_identity id = {
        .role = fetch_said(r, r->conf->role, "AWS_ROLE_ARN"),
        .token_file = fetch_said(r, r->conf->token_file,
                                 "AWS_WEB_IDENTITY_TOKEN_FILE"),
        .session = fetch_env(r, "AWS_ROLE_SESSION_NAME"),
        .region = aws_region(r, STR_NULL) };

    return id.token_file.n && id.role.n ? aws_web_identity(r, &id)
                                        : FETCH_ABSENT;
}

/* The text of the first element of that name. These documents are flat, and
 * what we want of them has no entities. */
static struct str element(struct str xml, const char *name)
{
    char open[64], close[64];
    ptrdiff_t at, end;

    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    at = str_find(xml, str_of(open));
    if (at < 0)
        return STR_NULL;
    xml.p += (size_t)at + strlen(open);
    xml.n -= (size_t)at + strlen(open);
    end = str_find(xml, str_of(close));
    return end < 0 ? STR_NULL : str_trim((struct str){ xml.p, (size_t)end });
}

enum fetch_next aws_put_xml(struct fetch_run *r, int status, struct str body)
{
    struct aws_set s = { element(body, "AccessKeyId"),
                         element(body, "SecretAccessKey"),
                         element(body, "SessionToken") };
    struct str code = element(body, "Code");

    if (status != 200 && code.n && code.n < 64)
        return fetch_fail(r, "%s: the answer is %d: " STR_FMT,
                          r->source->name, status, STR_ARG(code));
    if (status != 200)
        return fetch_refused(r, status, body);
    return aws_put_until(r, &s, fetch_time_ms(element(body, "Expiration")));
}

/* ---- the container ------------------------------------------------------ */

#define CONTAINER_HOST "http://169.254.170.2"

/* The token of EKS Pod Identity, or of Greengrass. */
static bool container_token(struct fetch_run *r)
{
    struct str path = fetch_env(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct str token = fetch_env(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct buf file = BUF_INIT(FETCH_SECRET_MAX);
    bool good = true;

    if (path.n)
        good = fetch_file(r, path, &file);
    if (path.n && good)
        token = buf_str(&file);
    if (good && token.n)
        fetch_field(r, "authorization", token);
    secret_wipe(&file);
    return good;
}

enum fetch_next aws_container_begin(struct fetch_run *r)
{
    struct str path = fetch_env(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    struct str full = fetch_env(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    enum fetch_next next;
    char url[1024];

    if (!path.n && !full.n)
        return FETCH_ABSENT;
    if (path.n)
        snprintf(url, sizeof url, CONTAINER_HOST "%s" STR_FMT,
                 path.p[0] == '/' ? "" : "/", STR_ARG(path));
    else
        snprintf(url, sizeof url, STR_FMT, STR_ARG(full));
    next = fetch_ask(r, "GET", str_of(url));
    return next == FETCH_CALL && !container_token(r) ? FETCH_FAILED : next;
}

/* ---- the instance (IMDSv2) ---------------------------------------------- */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static enum fetch_next instance_ask(struct fetch_run *r, const char *method,
                                    const char *path, struct str more)
{
    struct str host = fetch_env(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    char url[1024];

    if (!host.n)
        host = STR("http://169.254.169.254");
    while (host.n && host.p[host.n - 1] == '/')
        host.n--;
    snprintf(url, sizeof url, STR_FMT "%s" STR_FMT, STR_ARG(host), path,
             STR_ARG(more));
    return fetch_ask(r, method, str_of(url));
}

enum fetch_next aws_instance_begin(struct fetch_run *r)
{
    struct str off = fetch_env(r, "AWS_EC2_METADATA_DISABLED");
    enum fetch_next next;

    if (str_ieq(off, STR("true")))
        return FETCH_ABSENT;
    next = instance_ask(r, "PUT", "/latest/api/token", STR_NULL);
    r->near = true;
    if (next == FETCH_CALL)
        fetch_field(r, "x-aws-ec2-metadata-token-ttl-seconds", STR("300"));
    return next;
}

/* Session, then the role's name, then its credentials. memo: the session. */
enum fetch_next aws_instance_answer(struct fetch_run *r, int status,
                                    struct str body)
{
    enum fetch_next next;

    if (r->step >= 3)
        return aws_put_json(r, status, body);
    body = str_trim(str_split(&body, '\n'));
    if (status == 404 && r->step == 2)
        return fetch_fail(r, "instance: this machine has no role");
    if (status != 200)
        return fetch_refused(r, status, body);
    if (!body.n || body.n > 512 || !aws_plain(body))
        return fetch_fail(r, "instance: the metadata service gave no %s",
                          r->step == 1 ? "session" : "role");
    if (r->step == 1 && buf_put(&r->memo, body))
        return fetch_fail(r, "instance: the session is too long");
    next = instance_ask(r, "GET", ROLES, r->step == 1 ? STR_NULL : body);
    if (next == FETCH_CALL)
        fetch_field(r, "x-aws-ec2-metadata-token", buf_str(&r->memo));
    return next;
}

const struct fetch_source fetch_aws[] = {
    { "env", aws_env_begin, NULL },
    { "web_identity", web_identity_begin, aws_put_xml },
    { "profile", aws_profile_begin, aws_profile_answer },
    { "container", aws_container_begin, aws_put_json },
    { "instance", aws_instance_begin, aws_instance_answer },
    { NULL, NULL, NULL },
};
