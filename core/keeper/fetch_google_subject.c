/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where a federated identity's own token comes from (google.aip.dev/auth/4117;
 * cloud.google.com/iam/docs/workload-identity-federation-with-other-providers,
 * "executable-sourced credentials"; read 2026-11-26): a file, a server, a
 * program, or AWS (fetch_google_aws.c).
 */
#include "keeper/fetch_google.h"

#include <stdio.h>

enum { PROGRAM_MS_MIN = 5000, PROGRAM_MS_MAX = 120000 };

#define ALLOW "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"

enum subject { NONE, FILE_, URL, PROGRAM, AWS };

static enum subject kind_of(const json_t *source)
{
    if (json_object_get(source, "environment_id"))
        return AWS;
    return fetch_json(source, "file").n  ? FILE_
           : fetch_json(source, "url").n ? URL
           : json_is_object(json_object_get(source, "executable")) ? PROGRAM
                                                                   : NONE;
}

static const json_t *source_of(const json_t *account)
{
    return json_object_get(account, "credential_source");
}

/* ---- files and servers -------------------------------------------------- */

static enum fetch_next put(struct fetch_run *r, struct str token,
                           struct buf *out, const char *whose)
{
    return token.n && buf_put(out, token) == 0
               ? FETCH_GOT
               : fetch_fail(r, "account: the %s of its credential_source has "
                            "no token", whose);
}

/* All of a text, or a member of its JSON. */
static enum fetch_next take(struct fetch_run *r, const json_t *source,
                            struct str text, struct buf *out)
{
    const json_t *format = json_object_get(source, "format");
    const char *member = json_string_value(
        json_object_get(format, "subject_token_field_name"));
    const char *whose = kind_of(source) == FILE_ ? "file" : "url";
    enum fetch_next next;
    json_t *v;

    if (!str_is(fetch_json(format, "type"), "json"))
        return put(r, str_trim(text), out, whose);
    v = json_loadb(text.p, text.n, 0, NULL);
    next = put(r, member ? fetch_json(v, member) : STR_NULL, out, whose);
    json_decref(v);
    return next;
}

static enum fetch_next by_file(struct fetch_run *r, const json_t *source,
                               struct buf *out)
{
    struct buf file = BUF_INIT(FETCH_SECRET_MAX);
    enum fetch_next next = FETCH_FAILED;

    if (fetch_file(r, fetch_json(source, "file"), &file))
        next = take(r, source, buf_str(&file), out);
    secret_wipe(&file);
    return next;
}

static enum fetch_next by_url(struct fetch_run *r, json_t *source)
{
    json_t *headers = json_object_get(source, "headers"), *v;
    enum fetch_next next = fetch_ask(r, "GET", fetch_json(source, "url"));
    const char *name;

    if (next != FETCH_CALL)
        return next;
    json_object_foreach(headers, name, v) {
        struct str text = { json_string_value(v), json_string_length(v) };

        if (!text.p || !fetch_field(r, name, text))
            return fetch_fail(r, "account: a header of its credential_source "
                              "is none, or there are more than %d",
                              FETCH_FIELDS);
    }
    return FETCH_CALL;
}

/* ---- programs ----------------------------------------------------------- */

/* "…/serviceAccounts/ME:generateAccessToken" */
static struct str email_of(const json_t *account)
{
    struct str url = fetch_json(account, "service_account_impersonation_url");
    ptrdiff_t at = str_find(url, STR("/serviceAccounts/"));
    struct str rest = url;

    if (at < 0)
        return STR_NULL;
    rest.p += at + 17;
    rest.n -= (size_t)at + 17;
    return str_split(&rest, ':');
}

static const char *unfit(const struct fetch_run *r, const json_t *v,
                         bool must_end)
{
    const json_t *ends = json_object_get(v, "expiration_time");
    uint64_t now_s = r->world->wall_ms(r->world->ud) / 1000;

    if (json_integer_value(json_object_get(v, "version")) != 1)
        return "is no JSON of version 1";
    if (!json_is_boolean(json_object_get(v, "success")))
        return "does not say success";
    if (json_is_false(json_object_get(v, "success")))
        return NULL;
    if (must_end && !json_is_integer(ends))
        return "has no expiration_time";
    if (ends && json_integer_value(ends) <= (json_int_t)now_s)
        return "is over";
    return NULL;
}

static struct str token_of(const json_t *v)
{
    struct str type = fetch_json(v, "token_type");

    if (str_is(type, "urn:ietf:params:oauth:token-type:saml2"))
        return fetch_json(v, "saml_response");
    if (str_is(type, "urn:ietf:params:oauth:token-type:id_token") ||
        str_is(type, "urn:ietf:params:oauth:token-type:jwt"))
        return fetch_json(v, "id_token");
    return STR_NULL;
}

static enum fetch_next said_no(struct fetch_run *r, const json_t *v)
{
    struct str code = fetch_json(v, "code");

    return fetch_fail(r, "account: the program of its credential_source says "
                      "no: %.*s", code.n < 64 ? (int)code.n : 64,
                      code.n ? code.p : "");
}

static enum fetch_next take_output(struct fetch_run *r, const json_t *account,
                                   const json_t *v, struct buf *out)
{
    const json_t *e = json_object_get(source_of(account), "executable");
    const char *why = unfit(r, v, fetch_json(e, "output_file").n != 0);

    if (why)
        return fetch_fail(r, "account: what the program of its "
                          "credential_source wrote %s", why);
    return json_is_true(json_object_get(v, "success"))
               ? put(r, token_of(v), out, "program")
               : said_no(r, v);
}

/* What an earlier run left, if it is still good. */
static bool left_behind(struct fetch_run *r, struct str path, struct buf *out)
{
    struct buf file = BUF_INIT(FETCH_TEXT_MAX);
    json_t *v = NULL;
    char name[1024];
    bool good;

    snprintf(name, sizeof name, STR_FMT, STR_ARG(path));
    if (path.n && r->world->read(r->world->ud, name, &file) == 0)
        v = json_loadb(buf_str(&file).p, buf_len(&file), 0, NULL);
    good = v && !unfit(r, v, true) &&
           json_is_true(json_object_get(v, "success")) && token_of(v).n &&
           buf_put(out, token_of(v)) == 0;
    json_decref(v);
    secret_wipe(&file);
    return good;
}

static unsigned limit_of(const json_t *executable)
{
    const json_t *v = json_object_get(executable, "timeout_millis");
    json_int_t ms = json_is_integer(v) ? json_integer_value(v)
                                       : FETCH_PROGRAM_MS;

    return ms < PROGRAM_MS_MIN   ? PROGRAM_MS_MIN
           : ms > PROGRAM_MS_MAX ? PROGRAM_MS_MAX
                                 : (unsigned)ms;
}

static enum fetch_next by_program(struct fetch_run *r, const json_t *account,
                                  struct buf *out)
{
    const json_t *e = json_object_get(source_of(account), "executable");
    struct str path = fetch_json(e, "output_file");
    enum fetch_next next;

    if (!str_is(fetch_env(r, ALLOW), "1"))
        return fetch_fail(r, "account: its credential_source is a program, "
                          "which runs if " ALLOW " is 1 in the service's "
                          "environment");
    if (left_behind(r, path, out))
        return FETCH_GOT;
    next = fetch_program(r, fetch_json(e, "command"), limit_of(e));
    if (next != FETCH_PROGRAM)
        return next;
    fetch_setting(r, ALLOW, STR("1"));
    fetch_setting(r, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE",
                  fetch_json(account, "audience"));
    fetch_setting(r, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE",
                  fetch_json(account, "subject_token_type"));
    fetch_setting(r, "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", STR("0"));
    if (email_of(account).n)
        fetch_setting(r, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL",
                      email_of(account));
    if (path.n)
        fetch_setting(r, "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", path);
    return FETCH_PROGRAM;
}

static enum fetch_next program_answer(struct fetch_run *r,
                                      const json_t *account, int status,
                                      struct str output, struct buf *out)
{
    enum fetch_next next;
    json_t *v;

    if (status)
        return fetch_fail(r, "account: the program of its credential_source "
                          "ended with status %d; run it by hand as the "
                          "service user", status);
    v = json_loadb(output.p, output.n, JSON_REJECT_DUPLICATES, NULL);
    next = take_output(r, account, v, out);
    json_decref(v);
    return next;
}

/* ---- for federated accounts --------------------------------------------- */

enum fetch_next google_subject(struct fetch_run *r, json_t *account,
                               struct buf *token)
{
    json_t *source = json_object_get(account, "credential_source");

    switch (kind_of(source)) {
    case FILE_:
        return by_file(r, source, token);
    case PROGRAM:
        return by_program(r, account, token);
    case URL:
        return by_url(r, source);
    case AWS:
        return google_aws(r, account, token);
    case NONE:
        break;
    }
    return fetch_fail(r, "account: its credential_source has no file, url, "
                      "executable or environment_id");
}

enum fetch_next google_subject_answer(struct fetch_run *r, json_t *account,
                                      int status, struct str body,
                                      struct buf *token)
{
    const json_t *source = source_of(account);

    if (kind_of(source) == AWS)
        return google_aws_answer(r, account, status, body, token);
    if (kind_of(source) == PROGRAM)
        return program_answer(r, account, status, body, token);
    if (status != 200)
        return fetch_refused(r, status, body);
    return take(r, source, body, token);
}
