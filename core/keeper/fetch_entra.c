/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Microsoft Entra ID. Sources: learn.microsoft.com/entra/identity-platform/
 * v2-oauth2-client-creds-grant-flow; learn.microsoft.com/entra/identity/
 * managed-identities-azure-resources/how-to-use-vm-token; learn.microsoft.com/
 * azure/app-service/overview-managed-identity#rest-endpoint-reference (read
 * 2026-11-26).
 */
#include "keeper/fetch.h"

#include <ctype.h>
#include <stdio.h>

/* An id goes into a path: letters, digits, '-' and '.' alone. */
static bool id_ok(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        if (!isalnum((unsigned char)id.p[i]) && !memchr("-.", id.p[i], 2))
            return false;
    }
    return id.n != 0;
}

static enum fetch_next ask_token(struct fetch_run *r, struct str id)
{
    struct str host = fetch_env(r, "AZURE_AUTHORITY_HOST");
    struct str tenant = fetch_said(r, r->conf->tenant, "AZURE_TENANT_ID");
    enum fetch_next next;
    char url[512];

    if (!id_ok(tenant) || !id_ok(id))
        return fetch_fail(r, "%s: tenant and client_id must both be there, "
                          "and be ids", r->source->name);
    if (!host.n)
        host = STR("https://login.microsoftonline.com");
    while (host.n && host.p[host.n - 1] == '/')
        host.n--;
    snprintf(url, sizeof url, STR_FMT "/" STR_FMT "/oauth2/v2.0/token",
             STR_ARG(host), STR_ARG(tenant));
    next = fetch_ask(r, "POST", str_of(url));
    if (next != FETCH_CALL)
        return next;
    fetch_form(r, "grant_type", STR("client_credentials"));
    fetch_form(r, "client_id", id);
    fetch_form(r, "scope", r->conf->scope);
    return FETCH_CALL;
}

static struct str client_id(const struct fetch_run *r)
{
    return fetch_said(r, r->conf->client_id, "AZURE_CLIENT_ID");
}

/* ---- the secret of an app registration ---------------------------------- */

static enum fetch_next secret_begin(struct fetch_run *r)
{
    struct str secret = fetch_said(r, secret_reveal(&r->conf->secret),
                                   "AZURE_CLIENT_SECRET");
    enum fetch_next next;

    if (!secret.n)
        return FETCH_ABSENT;
    next = ask_token(r, client_id(r));
    if (next == FETCH_CALL)
        fetch_form(r, "client_secret", secret);
    return next;
}

/* ---- a workload's federated token --------------------------------------- */

static enum fetch_next workload_begin(struct fetch_run *r)
{
    struct str path = fetch_said(r, r->conf->token_file,
                                 "AZURE_FEDERATED_TOKEN_FILE");
    struct buf token = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next = FETCH_FAILED;

    if (!path.n)
        return FETCH_ABSENT;
    if (fetch_file(r, path, &token))
        next = ask_token(r, client_id(r));
    if (next == FETCH_CALL) {
        fetch_form(r, "client_assertion_type",
                   STR("urn:ietf:params:oauth:client-assertion-type:"
                       "jwt-bearer"));
        fetch_form(r, "client_assertion", buf_str(&token));
    }
    secret_wipe(&token);
    return next;
}

/* ---- the machine's identity --------------------------------------------- */

static void put_query(struct buf *url, const char *name, struct str value)
{
    buf_printf(url, "&%s=", name);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (isalnum(c) || strchr("-._~", c))
            buf_putc(url, (char)c);
        else
            buf_printf(url, "%%%02X", c);
    }
}

/* A scope's resource: without the "/.default" of version 2. */
static struct str resource(struct str scope)
{
    const struct str end = STR("/.default");

    if (scope.n > end.n &&
        memcmp(scope.p + scope.n - end.n, end.p, end.n) == 0)
        scope.n -= end.n;
    return scope;
}

static void managed_url(const struct fetch_run *r, struct buf *url,
                        struct str app)
{
    struct str host = fetch_env(r, "AZURE_POD_IDENTITY_AUTHORITY_HOST");

    if (!host.n)
        host = STR("http://169.254.169.254");
    while (host.n && host.p[host.n - 1] == '/')
        host.n--;
    if (app.n)
        buf_printf(url, STR_FMT "?api-version=2019-08-01", STR_ARG(app));
    else
        buf_printf(url, STR_FMT "/metadata/identity/oauth2/token?"
                   "api-version=2018-02-01", STR_ARG(host));
    put_query(url, "resource", resource(r->conf->scope));
    if (client_id(r).n)
        put_query(url, "client_id", client_id(r));
}

/* App Service and Container Apps have an endpoint of their own. */
static enum fetch_next managed_begin(struct fetch_run *r)
{
    struct str app = fetch_env(r, "IDENTITY_ENDPOINT");
    struct str header = fetch_env(r, "IDENTITY_HEADER");
    struct buf url = BUF_INIT(2048);
    enum fetch_next next;

    if (!header.n)
        app = STR_NULL;
    managed_url(r, &url, app);
    next = fetch_ask(r, "GET", buf_str(&url));
    buf_clear(&url);
    r->near = !app.n;
    if (next == FETCH_CALL && app.n)
        fetch_field(r, "x-identity-header", header);
    else if (next == FETCH_CALL)
        fetch_field(r, "metadata", STR("true"));
    return next;
}

/* expires_in (IMDS), else expires_on in seconds since 1970. */
static enum fetch_next managed_answer(struct fetch_run *r, int status,
                                      struct str body)
{
    uint64_t now = r->world->wall_ms(r->world->ud) / 1000, on = 0;
    enum fetch_next next;
    json_t *v;

    v = status == 200 ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    if (!v || json_object_get(v, "expires_in")) {
        json_decref(v);
        return fetch_oauth(r, status, body);
    }
    str_u64(fetch_json(v, "expires_on"), &on);
    next = fetch_got(r, fetch_json(v, "access_token"),
                     on > now && on - now < INT32_MAX ? (int64_t)(on - now)
                                                      : 0);
    json_decref(v);
    return next;
}

const struct fetch_source fetch_entra[] = {
    { "secret", secret_begin, fetch_oauth },
    { "workload", workload_begin, fetch_oauth },
    { "managed", managed_begin, managed_answer },
    { NULL, NULL, NULL },
};
