/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Profiles of AWS that assume roles, run a program or sign on. */
#include "fetch_unit.h"
#include "keeper/fetch_aws.h"
#include "unit.h"

#include "../../plugins/bedrock/sigv4.h"
#include "engine/plugin_host.h"

#define ANSWER(id)                                                           \
    "<A><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>k"    \
    "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>"           \
    "1970-01-01T01:00:00Z</Expiration></Credentials></A>"

static void profile(const char *config, const char *credentials)
{
    fresh(FETCH_AWS, "profile");
    set_env("HOME", "/h");
    if (config)
        set_file("/h/.aws/config", config);
    if (credentials)
        set_file("/h/.aws/credentials", credentials);
    conf.profile = STR("work");
}

static void refused(const char *config, const char *why)
{
    profile(config, NULL);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, why);
}

/* ---- roles -------------------------------------------------------------- */

static void by_source_profile(void)
{
    profile("[profile work]\nrole_arn = arn:aws:iam::1:role/r\n"
            "source_profile = base\nexternal_id = e x\n"
            "role_session_name = me\nduration_seconds = 900\n"
            "region = eu-west-1\n[profile base]\nregion = us-west-2\n",
            "[base]\naws_access_key_id = AKIA\n"
            "aws_secret_access_key = s/+\n");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.eu-west-1.amazonaws.com/");
    UNIT_STR(body(), "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws"
                     "%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me&"
                     "ExternalId=e%20x&DurationSeconds=900");
    UNIT_STR(field("x-amz-date"), "19700101T001640Z");
    CU_ASSERT(strstr(field("authorization"),
                     "Credential=AKIA/19700101/eu-west-1/sts/aws4_request, "
                     "SignedHeaders=content-type;host;x-amz-date, ") != NULL);
    UNIT_INT(buf_len(&run.secret), 0);
    UNIT_INT(say(200, ANSWER("ASIA")), FETCH_GOT);
    UNIT_STR(secret(), "ASIA:k:t");
    UNIT_INT(run.ends_ms, 3600000);
    CU_ASSERT_FALSE(run.look_again);
    fetch_begin(&run);
    UNIT_INT(say(403, "<E><Code>AccessDenied</Code></E>"), FETCH_FAILED);
    UNIT_STR(run.why, "profile: the answer is 403: AccessDenied");
    conf.region = STR("eu-north-1");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.eu-north-1.amazonaws.com/");
}

static void one_after_the_other(void)
{
    profile("[profile work]\nrole_arn = arn:top\nsource_profile = mid\n"
            "[profile mid]\nrole_arn = arn:mid\nsource_profile = mid\n"
            "aws_access_key_id = AKIA\naws_secret_access_key = s\n",
            NULL);
    UNIT_INT(fetch_begin(&run), FETCH_CALL); /* its keys, not its role */
    CU_ASSERT(body_has("RoleArn=arn%3Atop"));
    profile("[profile work]\nrole_arn = arn:top\nsource_profile = mid\n"
            "[profile mid]\nrole_arn = arn:mid\nsource_profile = low\n"
            "[profile low]\naws_access_key_id = AKIA\n"
            "aws_secret_access_key = s\n", NULL);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.amazonaws.com/");
    CU_ASSERT(body_has("RoleArn=arn%3Amid"));
    UNIT_INT(say(200, ANSWER("ASIAMID")), FETCH_CALL);
    CU_ASSERT(body_has("RoleArn=arn%3Atop"));
    UNIT_STR(field("x-amz-security-token"), "t");
    CU_ASSERT(strstr(field("authorization"),
                     "Credential=ASIAMID/19700101/us-east-1/") != NULL);
    UNIT_INT(say(200, ANSWER("ASIATOP")), FETCH_GOT);
    UNIT_STR(secret(), "ASIATOP:k:t");
    profile("[profile work]\nrole_arn = arn:top\nsource_profile = work\n"
            "aws_access_key_id = AKIA\naws_secret_access_key = s\n", NULL);
    UNIT_INT(fetch_begin(&run), FETCH_CALL); /* its own keys, for its role */
    CU_ASSERT(body_has("RoleArn=arn%3Atop"));
}

static void by_credential_source(void)
{
    profile("[profile work]\nrole_arn = arn:r\ncredential_source = "
            "Environment\n", NULL);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: its credential_source Environment is not set "
                      "up here");
    set_env("AWS_ACCESS_KEY_ID", "AKIA");
    set_env("AWS_SECRET_ACCESS_KEY", "s");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    CU_ASSERT(body_has("Action=AssumeRole&"));

    profile("[profile work]\nrole_arn = arn:r\ncredential_source = "
            "EcsContainer\n", NULL);
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "http://169.254.170.2/c");
    UNIT_INT(say(200, "{\"AccessKeyId\":\"ASIAC\",\"SecretAccessKey\":\"s\","
                      "\"Token\":\"t\",\"Expiration\":"
                      "\"1970-01-01T01:00:00Z\"}"), FETCH_CALL);
    CU_ASSERT(strstr(field("authorization"), "ASIAC/") != NULL);
    UNIT_INT(say(200, ANSWER("ASIA")), FETCH_GOT);

    profile("[profile work]\nrole_arn = arn:r\ncredential_source = "
            "Ec2InstanceMetadata\n", NULL);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    CU_ASSERT(run.near);
    UNIT_INT(fetch_no_answer(&run, "timeout"), FETCH_FAILED);
    UNIT_STR(run.why, "profile: no answer: timeout");
    fetch_begin(&run);
    say(200, "session");
    say(200, "r");
    UNIT_INT(say(200, "{\"AccessKeyId\":\"ASIAI\",\"SecretAccessKey\":\"s\","
                      "\"Token\":\"t\",\"Expiration\":"
                      "\"1970-01-01T01:00:00Z\"}"), FETCH_CALL);
    CU_ASSERT_FALSE(run.near);
    UNIT_STR(url(), "https://sts.amazonaws.com/");
    UNIT_INT(say(200, ANSWER("ASIA")), FETCH_GOT);
}

static void by_web_identity(void)
{
    profile("[profile work]\nrole_arn = arn:r\nweb_identity_token_file = /t\n"
            "role_session_name = me\nregion = eu-west-1\n", NULL);
    set_file("/t", "jwt");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    CU_ASSERT(body_has("RoleSessionName=me&WebIdentityToken=jwt"));
    UNIT_STR(url(), "https://sts.eu-west-1.amazonaws.com/");
    UNIT_INT(say(200, ANSWER("ASIA")), FETCH_GOT);
}

static void what_is_refused(void)
{
    refused("[profile work]\nrole_arn = a\nsource_profile = b\n"
            "mfa_serial = x\n",
            "profile: \"work\" has mfa_serial, and nobody is here to type a "
            "code: use a role that wants none");
    refused("[profile work]\nrole_arn = a\n",
            "profile: \"work\" has role_arn, and none of source_profile and "
            "credential_source; say one");
    refused("[profile work]\nrole_arn = a\nsource_profile = b\n"
            "credential_source = Environment\n",
            "profile: \"work\" has role_arn, and both source_profile and "
            "credential_source; say one");
    refused("[profile work]\nrole_arn = a\ncredential_source = Moon\n",
            "profile: credential_source is none of Environment, EcsContainer "
            "and Ec2InstanceMetadata");
    refused("[profile work]\nrole_arn = a\nsource_profile = b\n",
            "profile: source_profile \"b\" is in none of the files");
    refused("[profile work]\nrole_arn = a\nsource_profile = b\n"
            "duration_seconds = 1\n[profile b]\nx = y\n",
            "profile: the role of \"work\" is too long, or its "
            "duration_seconds is not 900..43200");
    refused("[profile work]\nrole_arn = a\nsource_profile = b\n"
            "[profile b]\nrole_arn = c\nsource_profile = work\n",
            "profile: source_profile goes in a circle: work > b > work");
    refused("[profile work]\nrole_arn = a\nsource_profile = work\n",
            "profile: source_profile goes in a circle: work > work");
    refused("[profile work]\nrole_arn=a\nsource_profile=1\n"
            "[profile 1]\nrole_arn=a\nsource_profile=2\n"
            "[profile 2]\nrole_arn=a\nsource_profile=3\n"
            "[profile 3]\nrole_arn=a\nsource_profile=4\n"
            "[profile 4]\nrole_arn=a\nsource_profile=5\n"
            "[profile 5]\nrole_arn=a\ncredential_source=Environment\n",
            "profile: more than 5 roles in a chain: work > 1 > 2 > 3 > 4 > "
            "5");
    refused("[profile work]\nregion = x\n",
            "profile: \"work\", or what it is assumed from, says no key, "
            "sso_session or credential_process");
    refused("[profile other]\n",
            "profile: neither /h/.aws/credentials nor /h/.aws/config has "
            "\"work\"");
    refused(NULL, "profile: /h/.aws/credentials cannot be read");
}

static void default_is_passed_over(void)
{
    fresh(FETCH_AWS, "default");
    set_env("HOME", "/h");
    set_file("/h/.aws/config", "[default]\nregion = eu-west-1\n");
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "http://169.254.170.2/c");
    set_env("AWS_CONFIG_FILE", "/none");
    conf.config_file = STR("/else");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: /h/.aws/credentials cannot be read");

    fresh(FETCH_AWS, "default");
    set_env("HOME", "/h");
    set_file("/h/.aws/config", "!io");
    UNIT_INT(fetch_begin(&run), FETCH_CALL); /* nobody asked for it */
    set_file("/h/.aws/credentials", "[default]\naws_access_key_id = A\n"
                                    "aws_secret_access_key = s\n");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: /h/.aws/config cannot be read");
}

/* ---- the signature ------------------------------------------------------ */

/* As the plugin of Bedrock, which the vectors of AWS are run against. */
static void signed_alike(void)
{
    static const struct sigv4_field fields[] = {
        { { "x-amz-security-token", 20 }, { "tok", 3 } },
        { { "host", 4 }, { "127.0.0.1:80", 12 } },
        { { "x-amz-date", 10 }, { "19700101T001640Z", 16 } },
        { { "content-type", 12 },
          { "application/x-www-form-urlencoded", 33 } },
    };
    struct sigv4_key key = { ps_z("AKIA"), ps_z("se/cret"), ps_z("eu-west-1"),
                             ps_z("sts"), ps_z("19700101T001640Z") };
    struct sigv4_request q = { ps_z("POST"), ps_z("/sts/x_y"), ps_z(""),
                               fields, 4, NULL, 0 };
    char room[4096], want[1024], hash[65];
    struct sigv4_text scratch = { room, 0, sizeof room, 0 };
    struct sigv4_text out = { want, 0, sizeof want - 1, 0 };
    uint8_t sum[32];

    fresh(FETCH_AWS, "default");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_INT(fetch_ask(&run, "POST", STR("http://127.0.0.1:80/sts/x_y")),
             FETCH_CALL);
    fetch_form(&run, "Action", STR("X y"));
    UNIT_INT(fetch_sign(&run, STR("AKIA:se/cret:tok"), STR("eu-west-1"),
                        "sts"), FETCH_CALL);
    plugin_services.sha256((ps_str){ "Action=X%20y", 12 }, sum);
    ps_hex(sum, 32, hash);
    hash[64] = '\0';
    q.body_hash = hash;
    UNIT_INT(sigv4_authorization(&plugin_services, &key, &q, &scratch, &out),
             PS_OK);
    want[out.n] = '\0';
    UNIT_STR(field("authorization"), want);
}

static void not_signed(void)
{
    fresh(FETCH_AWS, "default");
    fetch_begin(&run);
    fetch_ask(&run, "POST", STR("https://x/a%20b"));
    UNIT_INT(fetch_sign(&run, STR("A:s"), STR("r"), "sts"), FETCH_FAILED);
    fetch_ask(&run, "POST", STR("https://x/"));
    UNIT_INT(fetch_sign(&run, STR("A"), STR("r"), "sts"), FETCH_FAILED);
}

/* ---- programs ----------------------------------------------------------- */

#define PROGRAM "[profile work]\ncredential_process = "

static void a_program(void)
{
    profile(PROGRAM "/bin/x 'a b' \"c\\\"d\" e\\ f\n", NULL);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: \"work\" has credential_process, which runs "
                      "if aws = { programs = true } says so");
    conf.programs = true;
    set_env("AWS_SECRET_ACCESS_KEY", "hidden");
    UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
    CU_ASSERT(str_eq(buf_str(&run.words), STR("/bin/x\0a b\0c\"d\0e f\0")));
    CU_ASSERT(str_eq(buf_str(&run.settings), STR("HOME=/h\0")));
    UNIT_INT(run.program_ms, FETCH_PROGRAM_MS);
    UNIT_INT(say(0, "{\"Version\":1,\"AccessKeyId\":\"A\","
                    "\"SecretAccessKey\":\"S\",\"SessionToken\":\"T\","
                    "\"Expiration\":\"1970-01-01T02:00:00+01:00\"}"),
             FETCH_GOT);
    UNIT_STR(secret(), "A:S:T");
    UNIT_INT(run.ends_ms, 3600000);
    fetch_begin(&run);
    UNIT_INT(say(0, "{\"Version\":1,\"AccessKeyId\":\"A\","
                    "\"SecretAccessKey\":\"S\"}"), FETCH_GOT);
    UNIT_STR(secret(), "A:S");
    UNIT_INT(run.ends_ms, 0);
    CU_ASSERT(run.look_again);
}

static void bad_programs(void)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        { "x", "profile: the program must be named by its full path" },
        { "/x 'a", "profile: the command line has a quote that does not end, "
                   "or more than 32 words" },
        { "/x 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 "
          "25 26 27 28 29 30 31 32",
          "profile: the command line has a quote that does not end, or more "
          "than 32 words" },
    };
    static const char whole[] =
        "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
        "\"Expiration\":\"1970-01-01T02:00:00Z\"}";
    char config[512];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(config, sizeof config, PROGRAM "%s\n", rows[i].line);
        profile(config, NULL);
        conf.programs = true;
        UNIT_INT(fetch_begin(&run), FETCH_FAILED);
        UNIT_STR(run.why, rows[i].why);
    }
    profile(PROGRAM "/x\n", NULL);
    conf.programs = true;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
        UNIT_INT(fetch_answer(&run, 0, (struct str){ whole, n }),
                 FETCH_FAILED);
        UNIT_INT(buf_len(&run.secret), 0);
    }
    fetch_begin(&run);
    UNIT_INT(say(3, whole), FETCH_FAILED);
    UNIT_STR(run.why, "profile: its program ended with status 3; run it by "
                      "hand as the service user");
    fetch_begin(&run);
    UNIT_INT(say(0, "{\"Version\":2,\"AccessKeyId\":\"A\","
                    "\"SecretAccessKey\":\"S\"}"), FETCH_FAILED);
    fetch_begin(&run);
    UNIT_INT(say(0, "{\"Version\":1,\"AccessKeyId\":\"A\","
                    "\"SecretAccessKey\":\"S\",\"Expiration\":5}"),
             FETCH_FAILED);
    fetch_begin(&run);
    UNIT_INT(fetch_no_answer(&run, "the program did not end in time"),
             FETCH_FAILED);
}

/* Each cut of what STS answers is refused, and so is each that lost a byte
 * of a name. */
static void cut_answers(void)
{
    static const char whole[] = ANSWER("ASIA");
    size_t end = (size_t)(strstr(whole, "</Expiration>") - whole) +
                 strlen("</Expiration>");

    profile("[profile work]\nrole_arn = a\nsource_profile = work\n"
            "aws_access_key_id = A\naws_secret_access_key = S\n", NULL);
    for (size_t n = 0; n < end; n++) {
        UNIT_INT(fetch_begin(&run), FETCH_CALL);
        UNIT_INT(fetch_answer(&run, 200, (struct str){ whole, n }),
                 FETCH_FAILED);
        UNIT_INT(buf_len(&run.secret), 0);
    }
    fetch_begin(&run);
    UNIT_INT(fetch_answer(&run, 200, (struct str){ whole, end }), FETCH_GOT);
}

/* ---- single sign-on ----------------------------------------------------- */

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

    profile(SIGNON, NULL);
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

    profile(SIGNON, NULL);
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

    profile(SIGNON, NULL);
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

static void no_other_token(void)
{
    profile(SIGNON, NULL);
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
            "sso_account_id = 1\nsso_role_name = n\n", NULL);
    set_file(CACHE_S, "{\"accessToken\":\"a\",\"expiresAt\":"
                                    "\"1970-01-01T01:00:00Z\"}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
}

UNIT_MAIN("fetch_profile", {"by source_profile", by_source_profile},
          {"one after the other", one_after_the_other},
          {"by credential_source", by_credential_source},
          {"by web identity", by_web_identity},
          {"what is refused", what_is_refused},
          {"default is passed over", default_is_passed_over},
          {"signed alike", signed_alike}, {"not signed", not_signed},
          {"a program", a_program}, {"bad programs", bad_programs},
          {"cut answers", cut_answers}, {"signed on", signed_on},
          {"another token", another_token},
          {"no other token", no_other_token})
