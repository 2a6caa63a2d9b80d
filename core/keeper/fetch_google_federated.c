/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * external_account (google.aip.dev/auth/4117, read 2026-11-26): a token of
 * another issuer, out of a file, is exchanged for Google's (RFC 8693), which
 * then may ask for a service account's. memo: that account's URL.
 */
#include "keeper/fetch_google.h"

static enum fetch_next bad(struct fetch_run *r, const char *what)
{
    return fetch_fail(r, "account: its JSON has no %s", what);
}

/* The identity's own token: a file's text, or a member of its JSON. */
static bool subject(struct fetch_run *r, const json_t *source,
                    struct buf *out)
{
    const json_t *format = json_object_get(source, "format");
    struct str path = fetch_json(source, "file"), token;
    struct buf file = BUF_INIT(FETCH_SECRET_MAX);
    json_t *v;

    if (!path.n) {
        fetch_fail(r, "account: of credential_source only file is supported");
        return false;
    }
    if (!fetch_file(r, path, &file)) {
        secret_wipe(&file);
        return false;
    }
    v = str_is(fetch_json(format, "type"), "json")
            ? json_loadb(buf_str(&file).p, buf_len(&file), 0, NULL) : NULL;
    token = v ? fetch_json(v, json_string_value(json_object_get(
                                  format, "subject_token_field_name")))
              : buf_str(&file);
    buf_put(out, token);
    json_decref(v);
    secret_wipe(&file);
    if (!buf_len(out))
        fetch_fail(r, "account: the file of its credential_source has no "
                   "token");
    return buf_len(out) != 0;
}

static void put_form(struct fetch_run *r, const json_t *account,
                     struct str token)
{
    struct str scope = r->conf->scope;

    fetch_form(r, "grant_type",
               STR("urn:ietf:params:oauth:grant-type:token-exchange"));
    fetch_form(r, "audience", fetch_json(account, "audience"));
    fetch_form(r, "requested_token_type",
               STR("urn:ietf:params:oauth:token-type:access_token"));
    if (buf_len(&r->memo)) /* the account's token has ours */
        scope = STR("https://www.googleapis.com/auth/cloud-platform");
    fetch_form(r, "scope", scope);
    fetch_form(r, "subject_token_type",
               fetch_json(account, "subject_token_type"));
    fetch_form(r, "subject_token", token);
}

enum fetch_next google_federated(struct fetch_run *r, const json_t *account)
{
    static const char *const names[] = { "audience", "subject_token_type",
                                         "token_url" };
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next;

    for (size_t i = 0; i < 3; i++) {
        if (!fetch_json(account, names[i]).n)
            return bad(r, names[i]);
    }
    buf_put(&r->memo, fetch_json(account, "service_account_impersonation_url"));
    if (!subject(r, json_object_get(account, "credential_source"), &token)) {
        secret_wipe(&token);
        return FETCH_FAILED;
    }
    next = fetch_ask(r, "POST", fetch_json(account, "token_url"));
    if (next == FETCH_CALL)
        put_form(r, account, buf_str(&token));
    secret_wipe(&token);
    return next;
}

/* In the name of a service account, with the token that was had. */
static enum fetch_next impersonate(struct fetch_run *r)
{
    struct buf bearer = BUF_INIT(FETCH_SECRET_MAX + 8);
    enum fetch_next next = fetch_ask(r, "POST", buf_str(&r->memo));

    if (next == FETCH_CALL) {
        buf_puts(&bearer, "Bearer ");
        buf_put(&bearer, buf_str(&r->secret));
        fetch_field(r, "authorization", buf_str(&bearer));
        fetch_field(r, "content-type", STR("application/json"));
        buf_puts(&r->body, "{\"lifetime\":\"3600s\",\"scope\":[");
        buf_json_str(&r->body, r->conf->scope);
        buf_puts(&r->body, "]}");
    }
    secret_wipe(&bearer);
    secret_wipe(&r->secret);
    return next;
}

static enum fetch_next impersonated(struct fetch_run *r, int status,
                                    struct str body)
{
    uint64_t now = r->world->wall_ms(r->world->ud), ends;
    enum fetch_next next;
    json_t *v;

    if (status != 200)
        return fetch_refused(r, status, body);
    v = json_loadb(body.p, body.n, 0, NULL);
    ends = fetch_time_ms(fetch_json(v, "expireTime"));
    next = fetch_got(r, fetch_json(v, "accessToken"),
                     ends > now ? (int64_t)((ends - now) / 1000) : 0);
    json_decref(v);
    return next;
}

enum fetch_next google_federated_answer(struct fetch_run *r, int status,
                                        struct str body)
{
    enum fetch_next next;

    if (r->step > 1)
        return impersonated(r, status, body);
    next = fetch_oauth(r, status, body);
    return next == FETCH_GOT && buf_len(&r->memo) ? impersonate(r) : next;
}
