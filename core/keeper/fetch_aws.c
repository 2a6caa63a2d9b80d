/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS, in the order of its SDKs: environment, web identity, shared file,
 * container, instance. Sources: docs.aws.amazon.com/sdkref/latest/guide/
 * standardized-credentials.html and the pages that it names, docs.aws.amazon.
 * com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (read
 * 2026-11-26).
 *
 * What comes of it is one text, "ID:SECRET" or "ID:SECRET:TOKEN", as the
 * plugins that sign take it; none of the three has a colon.
 */
#include "keeper/fetch.h"
#include "keeper/fetch_ini.h"

#include <ctype.h>
#include <stdio.h>

struct set {
    struct str id, secret, token;
};

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isgraph((unsigned char)s.p[i]) || s.p[i] == ':')
            return false;
    }
    return true;
}

static enum fetch_next put(struct fetch_run *r, const struct set *s)
{
    int rc = -ERR_CONFIG;

    if (s->id.n && s->secret.n && plain(s->id) && plain(s->secret) &&
        plain(s->token))
        rc = buf_printf(&r->secret, STR_FMT ":" STR_FMT "%s" STR_FMT,
                        STR_ARG(s->id), STR_ARG(s->secret),
                        s->token.n ? ":" : "", STR_ARG(s->token));
    return rc ? fetch_fail(r, "%s: there is no access key with its secret",
                           r->source->name)
              : FETCH_GOT;
}

/* Until when, as a text; they all end. */
static enum fetch_next put_until(struct fetch_run *r, const struct set *s,
                                 struct str expiration)
{
    r->ends_ms = fetch_time_ms(expiration);
    if (r->ends_ms <= r->world->wall_ms(r->world->ud))
        return fetch_fail(r, "%s: what it gave has no end, or ended already",
                          r->source->name);
    return put(r, s);
}

/* Container and instance answer alike. */
static enum fetch_next put_json(struct fetch_run *r, int status,
                                struct str body)
{
    json_t *v = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    struct set s = { fetch_json(v, "AccessKeyId"),
                     fetch_json(v, "SecretAccessKey"),
                     fetch_json(v, "Token") };
    enum fetch_next next =
        status == 200 ? put_until(r, &s, fetch_json(v, "Expiration"))
                      : fetch_refused(r, status, body);

    json_decref(v);
    return next;
}

/* ---- the environment ---------------------------------------------------- */

static enum fetch_next env_begin(struct fetch_run *r)
{
    struct set s = { fetch_env(r, "AWS_ACCESS_KEY_ID"),
                     fetch_env(r, "AWS_SECRET_ACCESS_KEY"),
                     fetch_env(r, "AWS_SESSION_TOKEN") };

    if (!s.id.n || !s.secret.n)
        return FETCH_ABSENT;
    return put(r, &s);
}

/* ---- a role, by a token of another issuer ------------------------------- */

static void sts_url(const struct fetch_run *r, char *out, size_t size)
{
    struct str own = fetch_env(r, "AWS_ENDPOINT_URL_STS");
    struct str region = fetch_said(r, r->conf->region, "AWS_REGION");

    if (!region.n)
        region = fetch_env(r, "AWS_DEFAULT_REGION");
    if (own.n)
        snprintf(out, size, STR_FMT, STR_ARG(own));
    else if (region.n)
        snprintf(out, size, "https://sts." STR_FMT ".%s/", STR_ARG(region),
                 str_starts(region, STR("cn-")) ? "amazonaws.com.cn"
                                                : "amazonaws.com");
    else
        snprintf(out, size, "https://sts.amazonaws.com/");
}

static enum fetch_next web_identity_begin(struct fetch_run *r)
{
    struct str role = fetch_said(r, r->conf->role, "AWS_ROLE_ARN");
    struct str path = fetch_said(r, r->conf->token_file,
                                 "AWS_WEB_IDENTITY_TOKEN_FILE");
    struct str session = fetch_env(r, "AWS_ROLE_SESSION_NAME");
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next = FETCH_FAILED;
    char url[512];

    if (!path.n || !role.n)
        return FETCH_ABSENT;
    sts_url(r, url, sizeof url);
    if (fetch_file(r, path, &token))
        next = fetch_ask(r, "POST", str_of(url));
    if (next == FETCH_CALL) {
        fetch_form(r, "Action", STR("AssumeRoleWithWebIdentity"));
        fetch_form(r, "Version", STR("2011-06-15"));
        fetch_form(r, "RoleArn", role);
        fetch_form(r, "RoleSessionName", session.n ? session
                                                   : STR("penstock"));
        fetch_form(r, "WebIdentityToken", buf_str(&token));
    }
    secret_wipe(&token);
    return next;
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

static enum fetch_next web_identity_answer(struct fetch_run *r, int status,
                                           struct str body)
{
    struct set s = { element(body, "AccessKeyId"),
                     element(body, "SecretAccessKey"),
                     element(body, "SessionToken") };
    struct str code = element(body, "Code");

    if (status != 200 && code.n && code.n < 64)
        return fetch_fail(r, "web_identity: the answer is %d: " STR_FMT,
                          status, STR_ARG(code));
    if (status != 200)
        return fetch_refused(r, status, body);
    return put_until(r, &s, element(body, "Expiration"));
}

/* ---- the shared file ---------------------------------------------------- */

static struct str shared_path(const struct fetch_run *r, char *out,
                              size_t size)
{
    struct str path = fetch_said(r, r->conf->file,
                                 "AWS_SHARED_CREDENTIALS_FILE");
    struct str home = fetch_env(r, "HOME");

    if (!path.n && !home.n)
        return STR_NULL;
    if (path.n)
        snprintf(out, size, STR_FMT, STR_ARG(path));
    else
        snprintf(out, size, STR_FMT "/.aws/credentials", STR_ARG(home));
    return str_of(out);
}

/* Of profiles that do something else than name a key we say so: to pass them
 * over would be to sign as somebody else. */
static enum fetch_next of_profile(struct fetch_run *r, struct str text,
                                  struct str name)
{
    static const char *const others[] = { "role_arn", "credential_process",
                                          "sso_session", "sso_start_url" };
    struct set s = { ini_get(text, name, "aws_access_key_id"),
                     ini_get(text, name, "aws_secret_access_key"),
                     ini_get(text, name, "aws_session_token") };

    for (size_t i = 0; !s.id.n && i < 4; i++) {
        if (ini_get(text, name, others[i]).n)
            return fetch_fail(r, "profile: \"" STR_FMT "\" has %s, which is "
                              "not supported", STR_ARG(name), others[i]);
    }
    return put(r, &s);
}

static enum fetch_next profile_begin(struct fetch_run *r)
{
    struct str name = fetch_said(r, r->conf->profile, "AWS_PROFILE");
    bool asked = name.n || r->conf->file.n || r->only;
    struct buf file = BUF_INIT(FETCH_TEXT_MAX);
    char path[1024];
    struct str at = shared_path(r, path, sizeof path);
    enum fetch_next next = FETCH_ABSENT;
    int rc = at.n ? r->world->read(r->world->ud, path, &file)
                  : -ERR_NOT_FOUND;

    if (!name.n)
        name = STR("default");
    if (!rc && ini_has(buf_str(&file), name))
        next = of_profile(r, buf_str(&file), name);
    else if (asked && rc)
        next = fetch_fail(r, "profile: %s cannot be read",
                          at.n ? path : "~/.aws/credentials");
    else if (asked)
        next = fetch_fail(r, "profile: %s has no [" STR_FMT "]", path,
                          STR_ARG(name));
    secret_wipe(&file);
    /* a file is changed by hand or by a tool: look again now and then */
    r->look_again = next == FETCH_GOT;
    return next;
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

static enum fetch_next container_begin(struct fetch_run *r)
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

static enum fetch_next instance_begin(struct fetch_run *r)
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
static enum fetch_next instance_answer(struct fetch_run *r, int status,
                                       struct str body)
{
    enum fetch_next next;

    if (r->step >= 3)
        return put_json(r, status, body);
    body = str_trim(str_split(&body, '\n'));
    if (status == 404 && r->step == 2)
        return fetch_fail(r, "instance: this machine has no role");
    if (status != 200)
        return fetch_refused(r, status, body);
    if (!body.n || body.n > 512 || !plain(body))
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
    { "env", env_begin, NULL },
    { "web_identity", web_identity_begin, web_identity_answer },
    { "profile", profile_begin, NULL },
    { "container", container_begin, put_json },
    { "instance", instance_begin, instance_answer },
    { NULL, NULL, NULL },
};
