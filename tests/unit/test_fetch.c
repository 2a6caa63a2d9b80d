/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What each source of a cloud's keys asks, and what it makes of answers. */
#include "keeper/fetcher.h"

#include "base/b64.h"
#include "fetch_unit.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Google ------------------------------------------------------------- */

static void google_account(void)
{
    char json[4096];

    snprintf(json, sizeof json, "{\"type\":\"service_account\","
             "\"client_email\":\"me@p\",\"private_key_id\":\"k7\","
             "\"private_key\":\"%s\",\"token_uri\":\"https://t.example/t\"}",
             RSA_UNIT_JSON);
    fresh(FETCH_GOOGLE, "default");
    conf.secret = (struct secret){ STR("file /x"), str_of(json) };
    conf.scope = STR("scope-a");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "POST");
    UNIT_STR(url(), "https://t.example/t");
    CU_ASSERT(body_has("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                       "jwt-bearer&assertion="));
    UNIT_STR(claims_of_assertion(),
             "{\"iss\":\"me@p\",\"scope\":\"scope-a\",\"aud\":"
             "\"https://t.example/t\",\"iat\":1000,\"exp\":4600}");
    UNIT_INT(say(200, "{\"access_token\":\"ya29.x\",\"expires_in\":3599}"),
             FETCH_GOT);
    UNIT_STR(secret(), "ya29.x");
    UNIT_INT(run.ends_ms, 1000000 + 3599000);
}

static void google_account_refused(void)
{
    static const struct {
        const char *json, *why;
    } rows[] = {
        { "{\"type\":\"service_account\"}",
          "account: its JSON has no client_email" },
        { "{\"type\":\"service_account\",\"client_email\":\"m\"}",
          "account: its JSON has no private_key" },
        { "{\"type\":\"service_account\",\"client_email\":\"m\","
          "\"private_key\":\"x\"}",
          "account: its private_key is no RSA key of 2048 bits or more in "
          "PEM" },
        { "{\"type\":\"authorized_user\",\"client_id\":\"i\"}",
          "account: its JSON has no client_secret" },
        { "{\"type\":\"authorized_user\",\"token_uri\":\"http://evil/\"}",
          "account: its URL is neither https nor of this machine" },
        { "{\"type\":\"external_account\",\"audience\":\"a\"}",
          "account: its JSON has no subject_token_type" },
        { "{}", "account: no JSON of a type that is known" },
        { "[", "account: no JSON of a type that is known" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fresh(FETCH_GOOGLE, "account");
        conf.secret = (struct secret){ STR("x"), str_of(rows[i].json) };
        conf.scope = STR("s");
        UNIT_INT(fetch_begin(&run), FETCH_FAILED);
        UNIT_STR(run.why, rows[i].why);
    }
}

static void google_user(void)
{
    fresh(FETCH_GOOGLE, "default");
    set_env("HOME", "/home/u");
    set_file("/home/u/.config/gcloud/application_default_credentials.json",
             "{\"type\":\"authorized_user\",\"client_id\":\"i d\","
             "\"client_secret\":\"s&\",\"refresh_token\":\"1//r\"}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://oauth2.googleapis.com/token");
    UNIT_STR(body(), "grant_type=refresh_token&client_id=i%20d&"
                     "client_secret=s%26&refresh_token=1%2F%2Fr");
    UNIT_INT(say(400, "{\"error\":\"invalid_grant\",\"error_description\":"
                      "\"Token 1//0123456789012345678901234567890123 is "
                      "over\\n\"}"),
             FETCH_FAILED);
    UNIT_STR(run.why, "account: the answer is 400: invalid_grant Token ... is "
                      "over");
    set_env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "account: /nowhere is not there");
}

static void google_metadata(void)
{
    fresh(FETCH_GOOGLE, "default");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "GET");
    UNIT_STR(url(), "http://169.254.169.254/computeMetadata/v1/instance/"
                    "service-accounts/default/token");
    UNIT_STR(field("metadata-flavor"), "Google");
    CU_ASSERT(run.near);
    UNIT_INT(say(200, "{\"access_token\":\"t\",\"expires_in\":10}"),
             FETCH_GOT);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_INT(fetch_no_answer(&run, "connection refused"), FETCH_FAILED);
    UNIT_STR(run.why, "metadata: no answer: connection refused (and none of "
                      "the other sources is there)");
}

static void google_federated(void)
{
    fresh(FETCH_GOOGLE, "default");
    conf.scope = STR("s");
    set_env("GOOGLE_APPLICATION_CREDENTIALS", "/ext");
    set_file("/ext",
             "{\"type\":\"external_account\",\"audience\":\"//iam/a\","
             "\"subject_token_type\":\"urn:jwt\",\"token_url\":"
             "\"https://sts.example/v1/token\","
             "\"service_account_impersonation_url\":\"https://iam.example/x:"
             "generateAccessToken\",\"credential_source\":{\"file\":\"/tok\","
             "\"format\":{\"type\":\"json\",\"subject_token_field_name\":"
             "\"t\"}}}");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "account: /tok is not there");
    set_file("/tok", "{\"t\":\"subject\"}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.example/v1/token");
    CU_ASSERT(body_has("subject_token=subject"));
    CU_ASSERT(body_has("audience=%2F%2Fiam%2Fa&"));
    UNIT_INT(say(200, "{\"access_token\":\"first\",\"expires_in\":3600}"),
             FETCH_CALL);
    UNIT_STR(url(), "https://iam.example/x:generateAccessToken");
    UNIT_STR(field("authorization"), "Bearer first");
    UNIT_STR(body(), "{\"lifetime\":\"3600s\",\"scope\":[\"s\"]}");
    UNIT_INT(say(200, "{\"accessToken\":\"second\",\"expireTime\":"
                      "\"1970-01-01T00:30:00Z\"}"),
             FETCH_GOT);
    UNIT_STR(secret(), "second");
    UNIT_INT(run.ends_ms, 1800000);
}

/* ---- answers ------------------------------------------------------------ */

static void bad_answers(void)
{
    static const struct {
        int status;
        const char *body, *why;
    } rows[] = {
        { 200, "", "metadata: the answer has no token, or one that is none" },
        { 200, "{\"access_token\":\"\",\"expires_in\":1}",
          "metadata: the answer has no token, or one that is none" },
        { 200, "{\"access_token\":\"a\\r\\nx: y\",\"expires_in\":1}",
          "metadata: the answer has no token, or one that is none" },
        { 200, "{\"access_token\":\"a\"}",
          "metadata: the answer does not say how long the token is good" },
        { 200, "{\"access_token\":\"a\",\"expires_in\":-1}",
          "metadata: the answer does not say how long the token is good" },
        { 200, "{\"access_token\":\"a\",\"expires_in\":1e300}",
          "metadata: the answer does not say how long the token is good" },
        { 200, "{\"access_token\":\"a\",\"expires_in\":\"x\"}",
          "metadata: the answer does not say how long the token is good" },
        { 302, "", "metadata: the answer is 302" },
        { 500, "<html>", "metadata: the answer is 500" },
        { 403, "{\"error\":{\"status\":\"DENIED\",\"message\":\"no\"}}",
          "metadata: the answer is 403: DENIED no" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fresh(FETCH_GOOGLE, "metadata");
        UNIT_INT(fetch_begin(&run), FETCH_CALL);
        UNIT_INT(say(rows[i].status, rows[i].body), FETCH_FAILED);
        UNIT_STR(run.why, rows[i].why);
        UNIT_INT(buf_len(&run.secret), 0);
    }
    fresh(FETCH_GOOGLE, "metadata");
    fetch_begin(&run);
    UNIT_INT(say(200, "{\"access_token\":\"a\",\"expires_in\":\"60\"}"),
             FETCH_GOT);
}

static void where_it_may_be_asked(void)
{
    static const char *const good[] = {
        "https://sts.amazonaws.com/", "http://127.0.0.1:80/x",
        "http://169.254.170.2/v2", "http://[fd00:ec2::254]/",
        "http://localhost:9/", "http://[::1]:9/",
        "http://metadata.google.internal/x",
    };
    static const char *const bad[] = {
        "http://sts.amazonaws.com/", "http://10.0.0.1/",
        "http://127.evil.example/", "http://169.254.169.254.evil.example/",
        "ftp://127.0.0.1/", "https://", "http://127.0.0.1/a b", "",
        "https://x/\r\n",
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_TRUE(fetch_url_ok(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(fetch_url_ok(str_of(bad[i])));
}

static void times(void)
{
    UNIT_INT(fetch_time_ms(STR("1970-01-01T00:00:01Z")), 1000);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00Z")), 1795712400000);
    UNIT_INT(fetch_time_ms(STR("2024-02-29T23:59:59.123Z")), 1709251199000);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00UTC")), 1795712400000);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00+01:30")), 1795707000000);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00.5-01:00")), 1795716000000);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00+0100")), 0);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00+01.00")), 0);
    UNIT_INT(fetch_time_ms(STR("2026-11-26T17:00:00")), 0);
    UNIT_INT(fetch_time_ms(STR("1970-01-01T00:00:00+01:00")), 0);
    UNIT_INT(fetch_time_ms(STR("2026-13-26T17:00:00Z")), 0);
    UNIT_INT(fetch_time_ms(STR("2026-11-26")), 0);
    UNIT_INT(fetch_time_ms(STR("")), 0);
}

static void when(void)
{
    UNIT_INT(fetcher_ahead_ms(3600000, 0), 2880000);
    UNIT_INT(fetcher_ahead_ms(3600000, 1023), 2520000);
    UNIT_INT(fetcher_ahead_ms(0, 0), 1000); /* never in a hot loop */
    UNIT_INT(fetcher_ahead_ms(100, 7), 1000);
    UNIT_INT(fetcher_backoff_ms(1, 0), 1000);
    UNIT_INT(fetcher_backoff_ms(3, 0), 4000);
    UNIT_INT(fetcher_backoff_ms(3, 1023), 3000);
    UNIT_INT(fetcher_backoff_ms(UINT32_MAX, 0), 60000);
    UNIT_INT(fetcher_backoff_ms(0, 0), 1000);
}

/* A file that was left, and that others may read, is not written into. */
static void written_anew(void)
{
    const struct fetch_world *real = fetch_world();
    char folder[] = "/tmp/penstock-fetch-XXXXXX", path[64], left[80];
    struct buf got = BUF_INIT(64);
    struct stat st;
    int fd;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a", folder);
    snprintf(left, sizeof left, "%s.penstock", path);
    fd = open(left, O_WRONLY | O_CREAT, 0600);
    CU_ASSERT(fd >= 0 && fchmod(fd, 0644) == 0 && close(fd) == 0);
    UNIT_INT(real->write(real->ud, path, STR("secret")), 0);
    CU_ASSERT(stat(path, &st) == 0);
    UNIT_INT(st.st_mode & 0777, 0600);
    UNIT_INT(real->read(real->ud, path, &got), 0);
    CU_ASSERT(str_is(buf_str(&got), "secret"));
    CU_ASSERT(access(left, F_OK) != 0);
    unlink(path);
    UNIT_INT(rmdir(folder), 0);
    UNIT_INT(real->write(real->ud, path, STR("secret")), -ERR_IO);
    buf_clear(&got);
}

UNIT_MAIN("fetch", {"when", when}, {"written anew", written_anew},
          {"google account", google_account},
          {"google account refused", google_account_refused},
          {"google user", google_user},
          {"google metadata", google_metadata},
          {"google federated", google_federated},
          {"bad answers", bad_answers},
          {"where it may be asked", where_it_may_be_asked}, {"times", times})
