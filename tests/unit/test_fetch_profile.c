/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Profiles of AWS that assume roles or run a program. */
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
    refused("!io", "profile: /h/.aws/config cannot be read");
}

static void long_paths(void)
{
    char home[1100];

    memset(home, 'x', sizeof home - 1);
    home[0] = '/';
    home[sizeof home - 1] = '\0';
    profile(NULL, NULL);
    set_env("HOME", home);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: the path of its files is too long");
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

    fresh(FETCH_AWS, "default");
    set_env("HOME", "/h");
    set_file("/h/.aws/credentials", "!io");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    set_file("/h/.aws/config", "[default]\nrole_arn = a\n"
                               "credential_source = Ec2InstanceMetadata\n");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: /h/.aws/credentials cannot be read");
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
    char region[1024];

    fresh(FETCH_AWS, "default");
    fetch_begin(&run);
    fetch_ask(&run, "POST", STR("https://x/a%20b"));
    UNIT_INT(fetch_sign(&run, STR("A:s"), STR("r"), "sts"), FETCH_FAILED);
    fetch_ask(&run, "POST", STR("https://x/"));
    UNIT_INT(fetch_sign(&run, STR("A"), STR("r"), "sts"), FETCH_FAILED);
    memset(region, 'r', sizeof region); /* more than is signed */
    fetch_ask(&run, "POST", STR("https://x/"));
    UNIT_INT(fetch_sign(&run, STR("A:s"),
                        (struct str){ region, sizeof region }, "sts"),
             FETCH_FAILED);
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

UNIT_MAIN("fetch_profile", {"by source_profile", by_source_profile},
          {"one after the other", one_after_the_other},
          {"by credential_source", by_credential_source},
          {"by web identity", by_web_identity},
          {"what is refused", what_is_refused},
          {"default is passed over", default_is_passed_over},
          {"signed alike", signed_alike}, {"not signed", not_signed},
          {"a program", a_program}, {"bad programs", bad_programs},
          {"cut answers", cut_answers}, {"long paths", long_paths})
