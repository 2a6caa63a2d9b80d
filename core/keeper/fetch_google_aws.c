/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * An identity of AWS for Google: a request to STS that would say who we are
 * is signed, not sent, and is the token (google.aip.dev/auth/4117,
 * "Determining the subject token in AWS", read 2026-11-26). Keys and region
 * are the environment's, else the machine's, as the account's URLs say.
 *
 * What is known stands in the account of memo ("our": session, region, role),
 * and what is missing is asked next.
 */
#include "keeper/fetch_google.h"

#include <stdlib.h>

#define IDENTITY STR("x-goog-cloud-target-resource")

static json_t *ours(json_t *account)
{
    json_t *v = json_object_get(account, "our");

    if (!v && json_object_set_new(account, "our", json_object()) == 0)
        v = json_object_get(account, "our");
    return v;
}

static void set(json_t *our, const char *name, struct str text)
{
    json_object_set_new(our, name, json_stringn(text.p, text.n));
}

/* ---- the token ---------------------------------------------------------- */

static json_t *headers_of(const struct fetch_run *r)
{
    struct str url = buf_str(&r->url), host;
    json_t *list = json_array();

    url.p += 8; /* "https://" */
    url.n -= 8;
    host = str_split(&url, '?');
    host = str_split(&host, '/');
    json_array_append_new(list, json_pack("{s:s, s:s%}", "key", "host",
                                          "value", host.p, host.n));
    for (size_t i = 0; i < r->n_fields; i++) {
        struct str v = buf_str(&r->fields[i].value);

        json_array_append_new(list, json_pack("{s:s, s:s%}", "key",
                                              r->fields[i].name, "value",
                                              v.p, v.n));
    }
    return list;
}

static enum fetch_next put_request(struct fetch_run *r, struct buf *token)
{
    struct str url = buf_str(&r->url);
    json_t *v = json_pack("{s:s%, s:s, s:o}", "url", url.p, url.n, "method",
                          "POST", "headers", headers_of(r));
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    int rc = text ? fetch_encode(token, str_of(text)) : -ERR_NOMEM;

    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    json_decref(v);
    return rc ? fetch_fail(r, "account: the request to STS is too long")
              : FETCH_GOT;
}

/* "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&..." */
static enum fetch_next identity_url(struct fetch_run *r, struct str form,
                                    struct str region, struct buf *out)
{
    ptrdiff_t at = str_find(form, STR("{region}"));
    int rc = buf_put(out, at < 0 ? form : (struct str){ form.p, (size_t)at });

    if (!rc && at >= 0)
        rc = buf_put(out, region);
    if (!rc && at >= 0)
        rc = buf_put(out, (struct str){ form.p + at + 8,
                                        form.n - (size_t)at - 8 });
    if (rc || !str_starts(form, STR("https://")))
        return fetch_fail(r, "account: its regional_cred_verification_url "
                          "is no https URL");
    return fetch_ask(r, "POST", buf_str(out));
}

static enum fetch_next sign(struct fetch_run *r, json_t *account,
                            struct str keys, struct buf *token)
{
    const json_t *source = json_object_get(account, "credential_source");
    struct str region = fetch_json(ours(account), "region");
    struct buf url = BUF_INIT(1024);
    enum fetch_next next = identity_url(
        r, fetch_json(source, "regional_cred_verification_url"), region,
        &url);

    buf_clear(&url);
    if (next == FETCH_CALL &&
        !fetch_field(r, IDENTITY.p, fetch_json(account, "audience")))
        next = fetch_fail(r, "account: its audience is none");
    if (next == FETCH_CALL)
        next = fetch_sign(r, keys, region, "sts");
    return next == FETCH_CALL ? put_request(r, token) : next;
}

static enum fetch_next sign_with(struct fetch_run *r, json_t *account,
                                 const struct str part[3], struct buf *token)
{
    struct buf set = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next;

    if (!part[0].n || !part[1].n ||
        buf_printf(&set, STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(part[0]),
                   STR_ARG(part[1]), STR_ARG(part[2])))
        next = fetch_fail(r, "account: the machine's role gave no key");
    else
        next = sign(r, account, buf_str(&set), token);
    secret_wipe(&set);
    return next;
}

/* ---- what is missing ---------------------------------------------------- */

static enum fetch_next ask(struct fetch_run *r, const json_t *account,
                           const char *name, struct str more)
{
    const json_t *source = json_object_get(account, "credential_source");
    const json_t *our = json_object_get(account, "our");
    struct str session = fetch_json(our, "session");
    struct buf url = BUF_INIT(1024);
    enum fetch_next next;

    if (!fetch_json(source, name).n)
        return fetch_fail(r, "account: its credential_source has no %s, and "
                          "the environment says nothing", name);
    buf_put(&url, fetch_json(source, name));
    if (more.n)
        buf_putc(&url, '/');
    buf_put(&url, more);
    next = fetch_ask(r, "GET", buf_str(&url));
    buf_clear(&url);
    if (next == FETCH_CALL && session.n)
        fetch_field(r, "x-aws-ec2-metadata-token", session);
    return next;
}

static enum fetch_next ask_session(struct fetch_run *r, struct str url)
{
    enum fetch_next next = fetch_ask(r, "PUT", url);

    if (next == FETCH_CALL)
        fetch_field(r, "x-aws-ec2-metadata-token-ttl-seconds", STR("300"));
    return next;
}

static struct str region_env(const struct fetch_run *r)
{
    struct str region = fetch_env(r, "AWS_REGION");

    return region.n ? region : fetch_env(r, "AWS_DEFAULT_REGION");
}

/* The next question, or the token. */
static enum fetch_next go_on(struct fetch_run *r, json_t *account,
                             struct buf *token)
{
    const json_t *source = json_object_get(account, "credential_source");
    struct str session = fetch_json(source, "imdsv2_session_token_url");
    const struct str keys[] = { fetch_env(r, "AWS_ACCESS_KEY_ID"),
                                fetch_env(r, "AWS_SECRET_ACCESS_KEY"),
                                fetch_env(r, "AWS_SESSION_TOKEN") };
    bool here = keys[0].n && keys[1].n;
    json_t *our = ours(account);

    if (!fetch_json(our, "region").n && region_env(r).n)
        set(our, "region", region_env(r));
    if (session.n && !fetch_json(our, "session").n &&
        (!here || !fetch_json(our, "region").n))
        return ask_session(r, session);
    if (!fetch_json(our, "region").n)
        return ask(r, account, "region_url", STR_NULL);
    if (here)
        return sign_with(r, account, keys, token);
    return ask(r, account, "url", fetch_json(our, "role"));
}

enum fetch_next google_aws(struct fetch_run *r, json_t *account,
                           struct buf *token)
{
    const json_t *source = json_object_get(account, "credential_source");

    if (!str_is(fetch_json(source, "environment_id"), "aws1"))
        return fetch_fail(r, "account: environment_id of its "
                          "credential_source is not aws1");
    return go_on(r, account, token);
}

/* ---- answers ------------------------------------------------------------ */

static enum fetch_next take_keys(struct fetch_run *r, json_t *account,
                                 struct str body, struct buf *token)
{
    json_t *v = json_loadb(body.p, body.n, 0, NULL);
    const struct str keys[] = { fetch_json(v, "AccessKeyId"),
                                fetch_json(v, "SecretAccessKey"),
                                fetch_json(v, "Token") };
    enum fetch_next next = sign_with(r, account, keys, token);

    json_decref(v);
    return next;
}

/* A word; the region is that of a zone, which has a letter more. */
static const char *take_word(json_t *account, struct str word)
{
    const json_t *source = json_object_get(account, "credential_source");
    json_t *our = ours(account);
    bool session = fetch_json(source, "imdsv2_session_token_url").n &&
                   !fetch_json(our, "session").n;
    bool region = !fetch_json(our, "region").n;

    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] <= ' ' || word.p[i] > '~')
            return "a word that is none";
    }
    if (!word.n || word.n > 512)
        return "nothing, or too much";
    if (!session && region && --word.n == 0)
        return "a zone that is none";
    set(our, session ? "session" : region ? "region" : "role", word);
    return NULL;
}

enum fetch_next google_aws_answer(struct fetch_run *r, json_t *account,
                                  int status, struct str body,
                                  struct buf *token)
{
    const char *why;

    if (status != 200)
        return fetch_refused(r, status, body);
    if (fetch_json(ours(account), "role").n)
        return take_keys(r, account, body, token);
    why = take_word(account, str_trim(str_split(&body, '\n')));
    return why ? fetch_fail(r, "account: the metadata service gave %s", why)
               : go_on(r, account, token);
}
