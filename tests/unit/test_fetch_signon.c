/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Profiles of AWS that sign on. */
#include "fetch_unit.h"
#include "keeper/fetch_aws.h"
#include "unit.h"

static void profile(const char *config)
{
    fresh(FETCH_AWS, "profile");
    set_env("HOME", "/h");
    set_file("/h/.aws/config", config);
    conf.profile = STR("work");
}

static void refused(const char *config, const char *why)
{
    profile(config);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, why);
}

/* by the SHA-1 of "corp", of "https://s" */
#define CACHE "/h/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
#define CACHE_S \
    "/h/.aws/sso/cache/9ea3c043881f6bad486147713ae23b0b566d0360.json"

#define SIGNON                                                               \
    "[profile work]\nsso_session = corp\nsso_account_id = 123\n"             \
    "sso_role_name = R+x\n[sso-session corp]\nsso_region = eu-west-1\n"      \
    "sso_start_url = https://corp.example/start\n"

static void signed_on(void)
{
    static const char whole[] =
        "{\"roleCredentials\":{\"accessKeyId\":\"ASIA\",\"secretAccessKey\":"
        "\"s\",\"sessionToken\":\"t\",\"expiration\":3600000}}";

    profile(SIGNON);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: nobody has signed on; run "
                      "`aws sso login --profile work` as the service user");
    set_file(CACHE, "{\"accessToken\":\"tok\",\"expiresAt\":"
                               "\"1970-01-01T01:00:00UTC\"}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "GET");
    UNIT_STR(url(), "https://portal.sso.eu-west-1.amazonaws.com/federation/"
                    "credentials?account_id=123&role_name=R%2Bx");
    UNIT_STR(field("x-amz-sso_bearer_token"), "tok");
    UNIT_INT(say(200, whole), FETCH_GOT);
    UNIT_STR(secret(), "ASIA:s:t");
    UNIT_INT(run.ends_ms, 3600000);
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        UNIT_INT(fetch_begin(&run), FETCH_CALL);
        UNIT_INT(fetch_answer(&run, 200, (struct str){ whole, n }),
                 FETCH_FAILED);
    }
    fetch_begin(&run);
    UNIT_INT(say(401, "{\"message\":\"Session token not found\"}"),
             FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: the portal refused the token "
                      "(401); run `aws sso login --profile work` as the "
                      "service user");
}

#define OLD                                                                  \
    "{\"accessToken\":\"old\",\"expiresAt\":\"1970-01-01T00:00:01Z\","       \
    "\"clientId\":\"c\",\"clientSecret\":\"cs\",\"refreshToken\":\"r1\","    \
    "\"registrationExpiresAt\":\"1970-02-01T00:00:00Z\",\"region\":\"x\"}"

static void another_token(void)
{
    struct buf kept = BUF_INIT(4096);

    profile(SIGNON);
    set_file(CACHE, OLD);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://oidc.eu-west-1.amazonaws.com/token");
    UNIT_STR(body(), "{\"clientId\":\"c\",\"clientSecret\":\"cs\","
                     "\"grantType\":\"refresh_token\",\"refreshToken\":"
                     "\"r1\"}");
    UNIT_INT(say(200, "{\"accessToken\":\"new\",\"expiresIn\":28800,"
                      "\"refreshToken\":\"r2\",\"tokenType\":\"Bearer\"}"),
             FETCH_CALL);
    UNIT_STR(field("x-amz-sso_bearer_token"), "new");
    unit_read(NULL, CACHE, &kept);
    CU_ASSERT(str_find(buf_str(&kept), STR("\"r2\"")) >= 0);
    CU_ASSERT(str_find(buf_str(&kept), STR("1970-01-01T08:16:40Z")) >= 0);
    CU_ASSERT(str_find(buf_str(&kept), STR("\"region\": \"x\"")) >= 0);
    UNIT_INT(say(200, "{\"roleCredentials\":{\"accessKeyId\":\"A\","
                      "\"secretAccessKey\":\"s\",\"sessionToken\":\"t\","
                      "\"expiration\":3600000}}"), FETCH_GOT);
    UNIT_INT(fetch_begin(&run), FETCH_CALL); /* with what was kept */
    UNIT_STR(field("x-amz-sso_bearer_token"), "new");
    buf_clear(&kept);

    profile(SIGNON);
    set_file(CACHE, OLD);
    fetch_begin(&run);
    UNIT_INT(say(400, "{\"error\":\"invalid_grant\"}"), FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: its refresh token was "
                      "refused; run `aws sso login --profile work` as the "
                      "service user");
    fetch_begin(&run);
    UNIT_INT(say(200, "{\"accessToken\":\"x\"}"), FETCH_FAILED);
    fetch_begin(&run);
    UNIT_INT(say(500, ""), FETCH_FAILED);
}

#define CACHED(access, refresh, ends)                                        \
    "{\"accessToken\":\"" access "\",\"expiresAt\":\"" ends "\","            \
    "\"clientId\":\"c\",\"clientSecret\":\"cs\",\"refreshToken\":\""        \
    refresh "\"}"

/* The refresh token was used by somebody else, who kept the next one. */
static void used_meanwhile(void)
{
    profile(SIGNON);
    set_file(CACHE, OLD);
    fetch_begin(&run);
    set_file(CACHE, CACHED("new", "r2", "1970-01-01T01:00:00Z"));
    UNIT_INT(say(400, "{\"error\":\"invalid_grant\"}"), FETCH_CALL);
    UNIT_STR(run.method, "GET");
    UNIT_STR(field("x-amz-sso_bearer_token"), "new");
    UNIT_INT(say(200, "{\"roleCredentials\":{\"accessKeyId\":\"A\","
                      "\"secretAccessKey\":\"s\",\"sessionToken\":\"t\","
                      "\"expiration\":3600000}}"), FETCH_GOT);
    UNIT_STR(secret(), "A:s:t");

    set_file(CACHE, OLD);
    fetch_begin(&run);
    set_file(CACHE, CACHED("old", "r2", "1970-01-01T00:00:01Z"));
    UNIT_INT(say(401, ""), FETCH_CALL);
    CU_ASSERT(body_has("\"refreshToken\":\"r2\""));
    set_file(CACHE, CACHED("old", "r3", "1970-01-01T00:00:01Z"));
    UNIT_INT(say(401, ""), FETCH_FAILED); /* not for ever */
    fetch_begin(&run);
    set_file(CACHE, "none");
    UNIT_INT(say(400, ""), FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: its refresh token was "
                      "refused; run `aws sso login --profile work` as the "
                      "service user");
}

static void too_long_for_the_portal(void)
{
    char config[3000], role[2500];

    memset(role, 'r', sizeof role - 1);
    role[sizeof role - 1] = '\0';
    snprintf(config, sizeof config, "[profile work]\nsso_session = corp\n"
             "sso_account_id = 1\nsso_role_name = %s\n[sso-session corp]\n"
             "sso_region = r\nsso_start_url = https://s\n", role);
    profile(config);
    set_file(CACHE, CACHED("a", "r", "1970-01-01T01:00:00Z"));
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: sso_account_id or sso_role_name is too long");
}

static void no_other_token(void)
{
    profile(SIGNON);
    set_file(CACHE, "{\"accessToken\":\"old\",\"expiresAt\":"
                               "\"1970-01-01T00:00:01Z\"}");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: its token is over, or none; "
                      "run `aws sso login --profile work` as the service "
                      "user");
    refused("[profile work]\nsso_session = corp\nsso_account_id = 1\n",
            "profile: \"work\" signs on, and has no sso_start_url, or its "
            "sso-session has none");
    refused("[profile work]\nsso_start_url = https://s\nsso_region = r\n",
            "profile: \"work\" signs on, and has no sso_account_id");
    profile("[profile work]\nsso_start_url = https://s\nsso_region = r\n"
            "sso_account_id = 1\nsso_role_name = n\n");
    set_file(CACHE_S, "{\"accessToken\":\"a\",\"expiresAt\":"
                                    "\"1970-01-01T01:00:00Z\"}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
}

static void no_room_for_the_cache(void)
{
    char home[1100];

    memset(home, 'x', sizeof home - 1);
    home[0] = '/';
    home[sizeof home - 1] = '\0';
    profile(SIGNON);
    set_env("HOME", home);
    set_env("AWS_CONFIG_FILE", "/h/.aws/config");
    set_env("AWS_SHARED_CREDENTIALS_FILE", "/none");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: single sign-on: there is no $HOME where its "
                      "token could be, or it is too long");
}

UNIT_MAIN("fetch_signon", {"signed on", signed_on},
          {"another token", another_token},
          {"used meanwhile", used_meanwhile},
          {"too long for the portal", too_long_for_the_portal},
          {"no other token", no_other_token},
          {"no room for the cache", no_room_for_the_cache})
