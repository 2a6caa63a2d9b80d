/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Single sign-on: the token that `aws sso login` put into its cache asks the
 * portal for a role's credentials. Where it is over and the cache has what it
 * takes, another is had first, and kept in the cache as the SDKs do. Sources:
 * docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html, the
 * models sso-2019-06-10 and sso-oidc-2019-06-10 of the SDKs (read 2026-11-26).
 *
 * memo: JSON with path, account, role, region, profile, the cache's object,
 * whether the next answer is a token's, and whether the cache was read again.
 */
#include "keeper/fetch_aws.h"

#include "base/sha256.h"
#include "net/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SOON_MS = 60000 }; /* a token that ends then is over */

static enum fetch_next over(struct fetch_run *r, struct str profile,
                            const char *what)
{
    return fetch_fail(r, "profile: single sign-on: %s; run `aws sso login "
                      "--profile " STR_FMT "` as the service user", what,
                      STR_ARG(profile));
}

/* A service of the sign-on's region, without a slash at its end. */
static bool service(struct fetch_run *r, const json_t *memo, const char *env,
                    const char *name, struct buf *out)
{
    char url[AWS_URL_MAX];
    struct str s;

    if (!aws_url(r, env, name, fetch_json(memo, "region"), url))
        return false;
    s = str_of(url);
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return buf_put(out, s) == 0;
}

/* ---- the portal --------------------------------------------------------- */

static enum fetch_next portal(struct fetch_run *r, const json_t *memo)
{
    struct buf url = BUF_INIT(2048);
    enum fetch_next next;

    if (!service(r, memo, "AWS_ENDPOINT_URL_SSO", "portal.sso", &url))
        return fetch_fail(r, "profile: sso_region is too long");
    if (buf_puts(&url, "/federation/credentials?account_id=") != 0 ||
        fetch_encode(&url, fetch_json(memo, "account")) != 0 ||
        buf_puts(&url, "&role_name=") != 0 ||
        fetch_encode(&url, fetch_json(memo, "role")) != 0)
        next = fetch_fail(r, "profile: sso_account_id or sso_role_name is too "
                          "long");
    else
        next = fetch_ask(r, "GET", buf_str(&url));
    if (next == FETCH_CALL &&
        !fetch_field(r, "x-amz-sso_bearer_token",
                     fetch_json(json_object_get(memo, "cache"),
                                "accessToken")))
        next = fetch_fail(r, "profile: the sign-on's token is none");
    buf_clear(&url);
    return next;
}

static enum fetch_next portal_answer(struct fetch_run *r, int status,
                                     struct str body, struct str profile)
{
    json_t *v = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    const json_t *c = json_object_get(v, "roleCredentials");
    json_int_t ends = json_integer_value(json_object_get(c, "expiration"));
    struct aws_set s = { fetch_json(c, "accessKeyId"),
                         fetch_json(c, "secretAccessKey"),
                         fetch_json(c, "sessionToken") };
    enum fetch_next next;

    if (status == 401)
        next = over(r, profile, "the portal refused the token (401)");
    else if (status != 200)
        next = fetch_refused(r, status, body);
    else
        next = aws_put_until(r, &s, ends > 0 ? (uint64_t)ends : 0);
    json_decref(v);
    return next;
}

/* ---- another token ------------------------------------------------------ */

static bool put_cache(struct fetch_run *r, const json_t *memo)
{
    char *text = json_dumps(json_object_get(memo, "cache"), JSON_INDENT(2));
    const char *path = json_string_value(json_object_get(memo, "path"));
    int rc = text && path ? r->world->write(r->world->ud, path, str_of(text))
                          : -ERR_NOMEM;

    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return rc == 0;
}

static enum fetch_next ask_token(struct fetch_run *r, json_t *memo)
{
    const json_t *cache = json_object_get(memo, "cache");
    struct buf url = BUF_INIT(1024);
    enum fetch_next next;
    json_t *form;
    char *text;

    if (!service(r, memo, "AWS_ENDPOINT_URL_SSO_OIDC", "oidc", &url))
        return fetch_fail(r, "profile: sso_region is too long");
    next = buf_puts(&url, "/token") == 0
               ? fetch_ask(r, "POST", buf_str(&url))
               : fetch_fail(r, "profile: no memory");
    buf_clear(&url);
    form = json_pack("{s:O, s:O, s:s, s:O}", "clientId",
                     json_object_get(cache, "clientId"), "clientSecret",
                     json_object_get(cache, "clientSecret"), "grantType",
                     "refresh_token", "refreshToken",
                     json_object_get(cache, "refreshToken"));
    text = form ? json_dumps(form, JSON_COMPACT) : NULL;
    if (next == FETCH_CALL && (!text || buf_puts(&r->body, text) ||
                               !fetch_field(r, "content-type",
                                            STR("application/json"))))
        next = fetch_fail(r, "profile: no memory");
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    json_decref(form);
    return next;
}

/* The old refresh token is used up by the answer: whoever cannot keep the new
 * one must not ask. */
static enum fetch_next refresh(struct fetch_run *r, json_t *memo)
{
    if (!put_cache(r, memo))
        return fetch_fail(r, "profile: single sign-on: %s cannot be written, "
                          "and another token not be kept",
                          json_string_value(json_object_get(memo, "path")));
    json_object_set_new(memo, "asked", json_true());
    return fetch_keep(r, memo) ? ask_token(r, memo)
                         : fetch_fail(r, "profile: its sign-on is too long");
}

static bool take_token(struct fetch_run *r, json_t *memo, const json_t *v)
{
    json_int_t life = json_integer_value(json_object_get(v, "expiresIn"));
    json_t *cache = json_object_get(memo, "cache");
    time_t ends = (time_t)(r->world->wall_ms(r->world->ud) / 1000) +
                  (time_t)life;
    struct tm tm;
    char text[32];

    if (!fetch_json(v, "accessToken").n || life <= 0 || life > 366 * 86400 ||
        !gmtime_r(&ends, &tm) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return false;
    json_object_set(cache, "accessToken", json_object_get(v, "accessToken"));
    json_object_set_new(cache, "expiresAt", json_string(text));
    if (fetch_json(v, "refreshToken").n)
        json_object_set(cache, "refreshToken",
                        json_object_get(v, "refreshToken"));
    json_object_del(memo, "asked");
    return true;
}

/* ---- the cache ---------------------------------------------------------- */

/* By the session's name, or else by the start URL. */
static bool cache_path(const struct fetch_run *r, struct str key,
                       char out[1024])
{
    struct str home = fetch_env(r, "HOME");
    unsigned char sum[HASH_SHA1_SIZE];
    char hex[2 * HASH_SHA1_SIZE + 1];
    int n;

    if (!home.n || hash_sha1(key.p, key.n, sum) != 0)
        return false;
    hex_encode(sum, sizeof sum, hex);
    n = snprintf(out, 1024, STR_FMT "/.aws/sso/cache/%s.json", STR_ARG(home),
                 hex);
    return n >= 0 && n < 1024;
}

static bool can_refresh(const struct fetch_run *r, const json_t *cache)
{
    struct str until = fetch_json(cache, "registrationExpiresAt");

    return fetch_json(cache, "refreshToken").n &&
           fetch_json(cache, "clientId").n &&
           fetch_json(cache, "clientSecret").n &&
           (!until.n ||
            fetch_time_ms(until) > r->world->wall_ms(r->world->ud));
}

static enum fetch_next with_cache(struct fetch_run *r, json_t *memo)
{
    const json_t *cache = json_object_get(memo, "cache");
    uint64_t ends = fetch_time_ms(fetch_json(cache, "expiresAt"));
    bool good = fetch_json(cache, "accessToken").n != 0 &&
                ends > r->world->wall_ms(r->world->ud) + SOON_MS;

    if (!fetch_keep(r, memo))
        return fetch_fail(r, "profile: its sign-on is too long");
    if (good)
        return portal(r, memo);
    if (can_refresh(r, cache))
        return refresh(r, memo);
    return over(r, fetch_json(memo, "profile"),
                "its token is over, or none");
}

/* What is there now; NULL: none. */
static json_t *load_cache(struct fetch_run *r, const json_t *memo)
{
    const char *path = json_string_value(json_object_get(memo, "path"));
    struct buf file = BUF_INIT(FETCH_TEXT_MAX);
    json_t *cache = NULL;

    if (path && r->world->read(r->world->ud, path, &file) == 0)
        cache = json_loadb(buf_str(&file).p, buf_len(&file), 0, NULL);
    secret_wipe(&file);
    if (json_is_object(cache))
        return cache;
    json_decref(cache);
    return NULL;
}

static enum fetch_next read_cache(struct fetch_run *r, json_t *memo,
                                  struct str profile)
{
    json_t *cache = load_cache(r, memo);

    if (!cache || json_object_set_new(memo, "cache", cache) != 0)
        return over(r, profile, "nobody has signed on");
    return with_cache(r, memo);
}

static bool differ(const json_t *a, const json_t *b, const char *key)
{
    return !str_eq(fetch_json(a, key), fetch_json(b, key));
}

/* Another key of the same sign-on, or a person, may have used the token
 * meanwhile, and kept the next one: go on with that, once. */
static enum fetch_next token_refused(struct fetch_run *r, json_t *memo)
{
    const json_t *had = json_object_get(memo, "cache");
    json_t *cache = load_cache(r, memo);
    bool other = cache && !json_object_get(memo, "again") &&
                 (differ(cache, had, "accessToken") ||
                  differ(cache, had, "refreshToken"));

    if (other && json_object_set(memo, "cache", cache) == 0 &&
        json_object_set_new(memo, "again", json_true()) == 0) {
        json_decref(cache);
        json_object_del(memo, "asked");
        return with_cache(r, memo);
    }
    json_decref(cache);
    return over(r, fetch_json(memo, "profile"),
                "its refresh token was refused");
}

static enum fetch_next token_answer(struct fetch_run *r, json_t *memo,
                                    int status, struct str body)
{
    json_t *v = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    enum fetch_next next;

    if (status == 400 || status == 401)
        next = token_refused(r, memo);
    else if (status != 200)
        next = fetch_refused(r, status, body);
    else if (!take_token(r, memo, v))
        next = fetch_fail(r, "profile: single sign-on: the answer has no "
                          "token");
    else if (!put_cache(r, memo) || !fetch_keep(r, memo))
        next = fetch_fail(r, "profile: single sign-on: the new token cannot "
                          "be kept");
    else
        next = portal(r, memo);
    json_decref(v);
    return next;
}

/* ---- for profiles ------------------------------------------------------- */

struct signon {
    struct str session, start, region, account, role;
};

static void look(const struct aws_files *f, struct str profile,
                 struct signon *s)
{
    s->session = aws_value(f, profile, "sso_session");
    s->account = aws_value(f, profile, "sso_account_id");
    s->role = aws_value(f, profile, "sso_role_name");
    if (s->session.n) {
        s->start = aws_section_value(f, "sso-session", s->session,
                                     "sso_start_url");
        s->region = aws_section_value(f, "sso-session", s->session,
                                      "sso_region");
    } else {
        s->start = aws_value(f, profile, "sso_start_url");
        s->region = aws_value(f, profile, "sso_region");
    }
}

static const char *lacks(const struct signon *s)
{
    return !s->start.n     ? "sso_start_url"
           : !s->region.n  ? "sso_region"
           : !s->account.n ? "sso_account_id"
           : !s->role.n    ? "sso_role_name"
                           : NULL;
}

enum fetch_next aws_sso_begin(struct fetch_run *r, const struct aws_files *f,
                              struct str profile)
{
    struct signon s;
    enum fetch_next next;
    char path[1024];
    json_t *memo;

    look(f, profile, &s);
    if (lacks(&s))
        return fetch_fail(r, "profile: \"" STR_FMT "\" signs on, and has no "
                          "%s%s", STR_ARG(profile), lacks(&s),
                          s.session.n ? ", or its sso-session has none" : "");
    if (!cache_path(r, s.session.n ? s.session : s.start, path))
        return fetch_fail(r, "profile: single sign-on: there is no $HOME "
                          "where its token could be, or it is too long");
    memo = json_pack("{s:s, s:s%, s:s%, s:s%, s:s%}", "path", path,
                     "account", s.account.p, s.account.n, "role", s.role.p,
                     s.role.n, "region", s.region.p, s.region.n, "profile",
                     profile.p, profile.n);
    next = memo ? read_cache(r, memo, profile)
                : fetch_fail(r, "profile: \"" STR_FMT "\" is no UTF-8",
                             STR_ARG(profile));
    json_decref(memo);
    return next;
}

enum fetch_next aws_sso_answer(struct fetch_run *r, int status,
                               struct str body)
{
    json_t *memo = json_loadb(buf_str(&r->memo).p, buf_len(&r->memo), 0, NULL);
    enum fetch_next next =
        json_object_get(memo, "asked")
            ? token_answer(r, memo, status, body)
            : portal_answer(r, status, body, fetch_json(memo, "profile"));

    json_decref(memo);
    return next;
}
