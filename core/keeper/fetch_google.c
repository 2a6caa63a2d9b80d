/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google Cloud. Sources: developers.google.com/identity/protocols/oauth2/
 * service-account; cloud.google.com/docs/authentication/application-default-
 * credentials; google.aip.dev/auth/4110 .. 4117 (read 2026-11-26). Nothing of
 * a file is kept between fetches but what `memo` holds within one.
 */
#include "keeper/fetch_google.h"

#include "base/b64.h"
#include "net/sign_make.h"

#include <stdio.h>

#define JWT_LIFE_S 3600

static enum fetch_next bad(struct fetch_run *r, const char *what)
{
    return fetch_fail(r, "account: its JSON has no %s", what);
}

/* ---- a service account (RFC 7523) --------------------------------------- */

static int put_b64(struct buf *out, struct str bytes)
{
    char *to = buf_reserve(out, B64_ENCODED_MAX(bytes.n));

    if (!to)
        return -ERR_LIMIT;
    buf_commit(out, b64_encode(bytes, B64_URL, to));
    return 0;
}

static int put_part(struct buf *out, json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
    int rc = text ? put_b64(out, str_of(text)) : -ERR_NOMEM;

    free(text);
    json_decref(v);
    return rc;
}

static json_t *claims(const struct fetch_run *r, const json_t *account,
                      const char *audience)
{
    json_int_t now = (json_int_t)(r->world->wall_ms(r->world->ud) / 1000);

    return json_pack("{s:O, s:s%, s:s, s:I, s:I}", "iss",
                     json_object_get(account, "client_email"), "scope",
                     r->conf->scope.p, r->conf->scope.n, "aud", audience,
                     "iat", now, "exp", now + JWT_LIFE_S);
}

static json_t *header(const json_t *account)
{
    json_t *h = json_pack("{s:s, s:s}", "alg", "RS256", "typ", "JWT");
    json_t *id = json_object_get(account, "private_key_id");

    if (h && json_is_string(id))
        json_object_set(h, "kid", id);
    return h;
}

static enum fetch_next assertion(struct fetch_run *r, const json_t *account,
                                 const char *audience, struct buf *out)
{
    uint8_t signature[SIGN_SIGNATURE_MAX];
    size_t n = 0;
    int rc = put_part(out, header(account));

    if (!rc)
        rc = buf_putc(out, '.');
    if (!rc)
        rc = put_part(out, claims(r, account, audience));
    if (!rc)
        rc = sign_make(fetch_json(account, "private_key"), SIGN_RS256,
                       buf_str(out), signature, &n);
    if (rc == -ERR_CONFIG)
        return fetch_fail(r, "account: its private_key is no RSA key of 2048 "
                          "bits or more in PEM");
    if (!rc)
        rc = buf_putc(out, '.');
    if (!rc)
        rc = put_b64(out, (struct str){ (char *)signature, n });
    return rc ? fetch_fail(r, "account: the assertion cannot be made")
              : FETCH_CALL;
}

/* Where tokens are asked for, unless the account says. */
#define TOKEN_URL STR("https://oauth2.googleapis.com/token")

static struct str token_url(const json_t *account)
{
    struct str url = fetch_json(account, "token_uri");

    return url.n ? url : TOKEN_URL;
}

static enum fetch_next service_account(struct fetch_run *r, json_t *account)
{
    struct buf jwt = BUF_INIT(8192);
    struct str url = token_url(account);
    enum fetch_next next;

    if (!fetch_json(account, "client_email").n)
        return bad(r, "client_email");
    if (!fetch_json(account, "private_key").n)
        return bad(r, "private_key");
    next = assertion(r, account, url.p, &jwt);
    if (next == FETCH_CALL)
        next = fetch_ask(r, "POST", url);
    if (next == FETCH_CALL) {
        fetch_form(r, "grant_type",
                   STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        fetch_form(r, "assertion", buf_str(&jwt));
    }
    secret_wipe(&jwt);
    return next;
}

/* ---- a person (RFC 6749, 6) --------------------------------------------- */

static enum fetch_next authorized_user(struct fetch_run *r, json_t *account)
{
    static const char *const names[] = { "client_id", "client_secret",
                                         "refresh_token" };
    enum fetch_next next = fetch_ask(r, "POST", token_url(account));

    if (next != FETCH_CALL)
        return next;
    fetch_form(r, "grant_type", STR("refresh_token"));
    for (size_t i = 0; i < 3; i++) {
        struct str v = fetch_json(account, names[i]);

        if (!v.n)
            return bad(r, names[i]);
        fetch_form(r, names[i], v);
    }
    return FETCH_CALL;
}

/* ---- by what it says it is ---------------------------------------------- */

static const struct kind {
    const char *type;
    enum fetch_next (*begin)(struct fetch_run *r, json_t *account);
    enum fetch_next (*answer)(struct fetch_run *r, int status,
                              struct str body);
} kinds[] = {
    { "service_account", service_account, fetch_oauth },
    { "authorized_user", authorized_user, fetch_oauth },
    { "external_account", google_federated, google_federated_answer },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *kind_of(const json_t *account)
{
    struct str type = fetch_json(account, "type");

    for (size_t i = 0; i < KINDS; i++) {
        if (str_is(type, kinds[i].type))
            return &kinds[i];
    }
    return NULL;
}

/* The file that the environment names, else gcloud's own. ABSENT: none. */
static enum fetch_next find_file(struct fetch_run *r, struct buf *out)
{
    static const char name[] = "application_default_credentials.json";
    struct str path = fetch_env(r, "GOOGLE_APPLICATION_CREDENTIALS");
    struct str folder = fetch_env(r, "CLOUDSDK_CONFIG");
    struct str home = fetch_env(r, "HOME");
    char own[1024];
    int rc;

    if (path.n)
        return fetch_file(r, path, out) ? FETCH_CALL : FETCH_FAILED;
    if (folder.n)
        snprintf(own, sizeof own, STR_FMT "/%s", STR_ARG(folder), name);
    else
        snprintf(own, sizeof own, STR_FMT "/.config/gcloud/%s",
                 STR_ARG(home), name);
    if (!folder.n && !home.n)
        return FETCH_ABSENT;
    rc = r->world->read(r->world->ud, own, out);
    return rc ? FETCH_ABSENT : FETCH_CALL; /* another user's home is nobody's */
}

static enum fetch_next account_begin(struct fetch_run *r)
{
    struct buf file = BUF_INIT(FETCH_TEXT_MAX);
    struct str text = secret_reveal(&r->conf->secret);
    enum fetch_next next = text.n ? FETCH_CALL : find_file(r, &file);
    const struct kind *kind;
    json_t *v;

    if (next != FETCH_CALL) {
        secret_wipe(&file);
        return next;
    }
    if (!text.n)
        text = buf_str(&file);
    v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    kind = kind_of(v);
    if (kind) {
        r->which = (unsigned)(kind - kinds);
        next = kind->begin(r, v);
    } else {
        next = fetch_fail(r, "account: no JSON of a type that is known");
    }
    json_decref(v);
    secret_wipe(&file);
    return next;
}

static enum fetch_next account_answer(struct fetch_run *r, int status,
                                      struct str body)
{
    return kinds[r->which].answer(r, status, body);
}

/* ---- the machine's own -------------------------------------------------- */

/* By its address: no name needs to be looked up where there is no Google. */
static enum fetch_next metadata_begin(struct fetch_run *r)
{
    struct str host = fetch_env(r, "GCE_METADATA_HOST");
    enum fetch_next next;
    char url[512];

    snprintf(url, sizeof url, "http://" STR_FMT "/computeMetadata/v1/instance/"
             "service-accounts/default/token",
             STR_ARG(host.n ? host : STR("169.254.169.254")));
    next = fetch_ask(r, "GET", str_of(url));
    r->near = true;
    if (next == FETCH_CALL)
        fetch_field(r, "metadata-flavor", STR("Google"));
    return next;
}

const struct fetch_source fetch_google[] = {
    { "account", account_begin, account_answer },
    { "metadata", metadata_begin, fetch_oauth },
    { NULL, NULL, NULL },
};
