/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * external_account (google.aip.dev/auth/4117, read 2026-11-26): a token of
 * another issuer (fetch_google_subject.c) is exchanged for Google's
 * (RFC 8693), which then may ask for a service account's. memo: the account.
 */
#include "keeper/fetch_google.h"

#include <stdlib.h>

static enum fetch_next bad(struct fetch_run *r, const char *what)
{
    return fetch_fail(r, "account: its JSON has no %s", what);
}

static struct str impersonated_by(const json_t *account)
{
    return fetch_json(account, "service_account_impersonation_url");
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
    if (impersonated_by(account).n) /* the account's token has ours */
        scope = STR("https://www.googleapis.com/auth/cloud-platform");
    fetch_form(r, "scope", scope);
    fetch_form(r, "subject_token_type",
               fetch_json(account, "subject_token_type"));
    fetch_form(r, "subject_token", token);
}

/* Where `next` says that the token is there, it is exchanged; where more is
 * to be asked, what the account knows by now is kept. */
static enum fetch_next go_on(struct fetch_run *r, const json_t *account,
                             enum fetch_next next, const struct buf *token)
{
    if (next == FETCH_FAILED)
        return next;
    if (!fetch_keep(r, account))
        return fetch_fail(r, "account: its JSON is too long");
    if (next != FETCH_GOT)
        return next;
    next = fetch_ask(r, "POST", fetch_json(account, "token_url"));
    if (next == FETCH_CALL)
        put_form(r, account, buf_str(token));
    r->exchange = r->step + 1;
    return next;
}

enum fetch_next google_federated(struct fetch_run *r, json_t *account)
{
    static const char *const names[] = { "audience", "subject_token_type",
                                         "token_url" };
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next;

    for (size_t i = 0; i < 3; i++) {
        if (!fetch_json(account, names[i]).n)
            return bad(r, names[i]);
    }
    next = google_subject(r, account, &token);
    next = go_on(r, account, next, &token);
    secret_wipe(&token);
    return next;
}

/* In the name of a service account, with the token that was had. */
static enum fetch_next impersonate(struct fetch_run *r, struct str url)
{
    struct buf bearer = BUF_INIT(FETCH_SECRET_MAX + 8);
    enum fetch_next next = fetch_ask(r, "POST", url);

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

static enum fetch_next subject_answer(struct fetch_run *r, json_t *account,
                                      int status, struct str body)
{
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next = google_subject_answer(r, account, status, body,
                                                 &token);

    next = go_on(r, account, next, &token);
    secret_wipe(&token);
    return next;
}

/* The subject's own, the exchange, the service account's. */
static enum fetch_next answer(struct fetch_run *r, json_t *account,
                              int status, struct str body)
{
    struct str url = impersonated_by(account);
    enum fetch_next next;

    if (!r->exchange)
        return subject_answer(r, account, status, body);
    if (r->step > r->exchange)
        return impersonated(r, status, body);
    next = fetch_oauth(r, status, body);
    return next == FETCH_GOT && url.n ? impersonate(r, url) : next;
}

enum fetch_next google_federated_answer(struct fetch_run *r, int status,
                                        struct str body)
{
    json_t *account = json_loadb(buf_str(&r->memo).p, buf_len(&r->memo), 0,
                                 NULL);
    enum fetch_next next = answer(r, account, status, body);

    json_decref(account);
    return next;
}
