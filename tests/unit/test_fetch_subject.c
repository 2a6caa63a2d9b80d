/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Federation with Google: where the identity's own token comes from. */
#include "fetch_unit.h"
#include "unit.h"

static char account[2048];

static void federated(const char *source)
{
    snprintf(account, sizeof account,
             "{\"type\":\"external_account\",\"audience\":\"//iam/a\","
             "\"subject_token_type\":\"urn:jwt\",\"token_url\":"
             "\"https://sts.example/v1/token\","
             "\"service_account_impersonation_url\":\"https://iam.example/v1/"
             "projects/-/serviceAccounts/me@p.iam:generateAccessToken\","
             "\"credential_source\":%s}", source);
    fresh(FETCH_GOOGLE, "account");
    conf.scope = STR("s");
    conf.secret.hidden_ = str_of(account);
}

/* From the subject's token on; both calls that follow it. */
static void to_the_end(void)
{
    UNIT_STR(url(), "https://sts.example/v1/token");
    CU_ASSERT(body_has("&subject_token=subject"));
    UNIT_INT(say(200, "{\"access_token\":\"first\",\"expires_in\":3600}"),
             FETCH_CALL);
    UNIT_STR(field("authorization"), "Bearer first");
    UNIT_INT(say(200, "{\"accessToken\":\"second\",\"expireTime\":"
                      "\"1970-01-01T00:30:00Z\"}"), FETCH_GOT);
    UNIT_STR(secret(), "second");
    UNIT_INT(run.ends_ms, 1800000);
}

static void refused(const char *source, const char *why)
{
    federated(source);
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, why);
}

static void by_url(void)
{
    static const char whole[] = "{\"value\":\"subject\"}";

    federated("{\"url\":\"http://169.254.169.254/token?x=1\","
              "\"headers\":{\"Metadata\":\"True\"}}");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "GET");
    UNIT_STR(url(), "http://169.254.169.254/token?x=1");
    UNIT_STR(field("Metadata"), "True");
    UNIT_INT(say(200, "subject"), FETCH_CALL);
    to_the_end();
    fetch_begin(&run);
    UNIT_INT(say(404, "no"), FETCH_FAILED);
    UNIT_STR(run.why, "account: the answer is 404");
    fetch_begin(&run);
    UNIT_INT(say(200, " "), FETCH_FAILED);
    UNIT_STR(run.why, "account: the url of its credential_source has no "
                      "token");

    federated("{\"url\":\"https://idp.example/t\",\"format\":{\"type\":"
              "\"json\",\"subject_token_field_name\":\"value\"}}");
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        UNIT_INT(fetch_begin(&run), FETCH_CALL);
        UNIT_INT(fetch_answer(&run, 200, (struct str){ whole, n }),
                 FETCH_FAILED);
    }
    fetch_begin(&run);
    UNIT_INT(say(200, whole), FETCH_CALL);
    to_the_end();
}

static void bad_urls(void)
{
    refused("{\"url\":\"http://idp.example/t\"}",
            "account: its URL is neither https nor of this machine");
    refused("{\"url\":\"https://i/t\",\"headers\":{\"a b\":\"x\"}}",
            "account: a header of its credential_source is none, or there "
            "are more than 8");
    refused("{\"url\":\"https://i/t\",\"headers\":{\"a\":1}}",
            "account: a header of its credential_source is none, or there "
            "are more than 8");
    refused("{\"url\":\"https://i/t\",\"headers\":{\"a\":\"x\\r\\ny: z\"}}",
            "account: a header of its credential_source is none, or there "
            "are more than 8");
    refused("{}", "account: its credential_source has no file, url, "
                  "executable or environment_id");
}

/* ---- AWS ---------------------------------------------------------------- */

#define META "http://169.254.169.254/latest/"
#define MACHINE                                                              \
    "{\"environment_id\":\"aws1\",\"region_url\":\"" META "zone\","         \
    "\"url\":\"" META "roles\",\"imdsv2_session_token_url\":\"" META        \
    "token\",\"regional_cred_verification_url\":\"https://sts.{region}."     \
    "amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15\"}"

/* Encoded twice: as the token, and in the form. */
static bool token_has(const char *z)
{
    struct buf once = BUF_INIT(1024), twice = BUF_INIT(1024);
    bool has;

    fetch_encode(&once, str_of(z));
    fetch_encode(&twice, buf_str(&once));
    has = str_find(buf_str(&run.body), buf_str(&twice)) >= 0;
    buf_clear(&once);
    buf_clear(&twice);
    return has;
}

static void of_a_machine(void)
{
    federated(MACHINE);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "PUT");
    UNIT_STR(url(), META "token");
    UNIT_INT(say(200, "session"), FETCH_CALL);
    UNIT_STR(url(), META "zone");
    UNIT_STR(field("x-aws-ec2-metadata-token"), "session");
    UNIT_INT(say(200, "eu-west-1b\n"), FETCH_CALL);
    UNIT_STR(url(), META "roles");
    UNIT_INT(say(200, "me\n"), FETCH_CALL);
    UNIT_STR(url(), META "roles/me");
    UNIT_INT(say(200, "{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s\","
                      "\"Token\":\"t\"}"), FETCH_CALL);
    UNIT_STR(url(), "https://sts.example/v1/token");
    CU_ASSERT(token_has("\"method\":\"POST\",\"url\":\"https://sts.eu-west-1."
                        "amazonaws.com?Action=GetCallerIdentity&Version=2011-"
                        "06-15\"}"));
    CU_ASSERT(token_has("{\"headers\":[{\"key\":\"host\",\"value\":\"sts.eu-"
                        "west-1.amazonaws.com\"},{\"key\":\"x-goog-cloud-"
                        "target-resource\",\"value\":\"//iam/a\"}"));
    CU_ASSERT(token_has("Credential=ASIA/19700101/eu-west-1/sts/aws4_request,"
                        " SignedHeaders=host;x-amz-date;x-amz-security-token;"
                        "x-goog-cloud-target-resource, "));
    UNIT_INT(say(200, "{\"access_token\":\"first\",\"expires_in\":3600}"),
             FETCH_CALL);
    UNIT_INT(say(200, "{\"accessToken\":\"second\",\"expireTime\":"
                      "\"1970-01-01T00:30:00Z\"}"), FETCH_GOT);
}

static void of_the_environment(void)
{
    federated(MACHINE);
    set_env("AWS_ACCESS_KEY_ID", "AKIA");
    set_env("AWS_SECRET_ACCESS_KEY", "s");
    set_env("AWS_REGION", "us-west-2");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.example/v1/token");
    CU_ASSERT(token_has("Credential=AKIA/19700101/us-west-2/sts/aws4_request,"
                        " SignedHeaders=host;x-amz-date;"
                        "x-goog-cloud-target-resource, "));
    refused("{\"environment_id\":\"aws2\"}",
            "account: environment_id of its credential_source is not aws1");
    refused("{\"environment_id\":\"aws1\"}",
            "account: its credential_source has no region_url, and the "
            "environment says nothing");
    federated(MACHINE);
    fetch_begin(&run);
    UNIT_INT(say(200, "a b"), FETCH_FAILED);
    UNIT_STR(run.why, "account: the metadata service gave a word that is "
                      "none");
    fetch_begin(&run);
    UNIT_INT(say(200, ""), FETCH_FAILED);
    fetch_begin(&run);
    say(200, "session");
    UNIT_INT(say(200, "b"), FETCH_FAILED); /* no region is left */
    UNIT_STR(run.why, "account: the metadata service gave a zone that is "
                      "none");
    fetch_begin(&run);
    say(200, "session");
    say(200, "eu-west-1b");
    say(200, "me");
    UNIT_INT(say(200, "{\"AccessKeyId\":\"ASIA\"}"), FETCH_FAILED);
    UNIT_STR(run.why, "account: the machine's role gave no key");
}

/* ---- programs ----------------------------------------------------------- */

#define ALLOW "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
#define SOURCE(more) "{\"executable\":{\"command\":\"/bin/idp --x 'a b'\"" \
                     more "}}"
#define GOOD                                                               \
    "{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:"    \
    "oauth:token-type:id_token\",\"id_token\":\"subject\","                \
    "\"expiration_time\":2000}"

static void by_program(void)
{
    refused(SOURCE(""), "account: its credential_source is a program, which "
                        "runs if " ALLOW " is 1 in the service's "
                        "environment");
    federated(SOURCE(",\"timeout_millis\":9000"));
    set_env(ALLOW, "1");
    set_env("PATH", "/bin");
    UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
    CU_ASSERT(str_eq(buf_str(&run.words), STR("/bin/idp\0--x\0a b\0")));
    CU_ASSERT(str_eq(
        buf_str(&run.settings),
        STR("PATH=/bin\0" ALLOW "=1\0"
            "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=//iam/a\0"
            "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=urn:jwt\0"
            "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0\0"
            "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL=me@p.iam\0")));
    UNIT_INT(run.program_ms, 9000);
    UNIT_INT(say(0, GOOD), FETCH_CALL);
    to_the_end();
    for (size_t n = 0; n < sizeof GOOD - 1; n++) {
        UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
        UNIT_INT(fetch_answer(&run, 0, (struct str){ GOOD, n }),
                 FETCH_FAILED);
    }
    federated(SOURCE(",\"timeout_millis\":1"));
    set_env(ALLOW, "1");
    fetch_begin(&run);
    UNIT_INT(run.program_ms, 5000);
    UNIT_INT(say(0, "{\"version\":1,\"success\":true,\"token_type\":\"urn:"
                    "ietf:params:oauth:token-type:saml2\","
                    "\"saml_response\":\"subject\"}"), FETCH_CALL);
    to_the_end();
}

static void what_it_says(void)
{
    static const struct {
        int status;
        const char *output, *why;
    } rows[] = {
        { 2, GOOD, "account: the program of its credential_source ended with "
                   "status 2; run it by hand as the service user" },
        { 0, "{\"version\":2}", "account: what the program of its "
                                "credential_source wrote is no JSON of "
                                "version 1" },
        { 0, "{\"version\":1}", "account: what the program of its "
                                "credential_source wrote does not say "
                                "success" },
        { 0, "{\"version\":1,\"success\":false,\"code\":\"401\",\"message\":"
             "\"x\"}",
          "account: the program of its credential_source says no: 401" },
        { 0, "{\"version\":1,\"success\":true,\"token_type\":\"x\","
             "\"id_token\":\"t\"}",
          "account: the program of its credential_source has no token" },
        { 0, "{\"version\":1,\"success\":true,\"token_type\":\"x\","
             "\"id_token\":\"t\",\"expiration_time\":1000}",
          "account: what the program of its credential_source wrote is "
          "over" },
    };

    federated(SOURCE(""));
    set_env(ALLOW, "1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
        UNIT_INT(say(rows[i].status, rows[i].output), FETCH_FAILED);
        UNIT_STR(run.why, rows[i].why);
    }
    refused("{\"executable\":{}}",
            "account: its credential_source is a program, which runs if "
            ALLOW " is 1 in the service's environment");
    federated("{\"executable\":{\"command\":\"idp\"}}");
    set_env(ALLOW, "1");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "account: the program must be named by its full path");
}

static void what_it_left(void)
{
    federated(SOURCE(",\"output_file\":\"/out\""));
    set_env(ALLOW, "1");
    UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
    CU_ASSERT(str_find(buf_str(&run.settings),
                       STR("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=/out")) > 0);
    UNIT_INT(say(0, "{\"version\":1,\"success\":true,\"token_type\":\"urn:"
                    "ietf:params:oauth:token-type:jwt\",\"id_token\":"
                    "\"subject\"}"), FETCH_FAILED);
    UNIT_STR(run.why, "account: what the program of its credential_source "
                      "wrote has no expiration_time");
    set_file("/out", "{\"version\":1,\"success\":false,\"code\":\"1\"}");
    UNIT_INT(fetch_begin(&run), FETCH_PROGRAM);
    set_file("/out", "half");
    federated(SOURCE(",\"output_file\":\"/out\""));
    set_env(ALLOW, "1");
    set_file("/out", GOOD);
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    to_the_end();
}

UNIT_MAIN("fetch_subject", {"by url", by_url}, {"bad urls", bad_urls},
          {"of a machine", of_a_machine},
          {"of the environment", of_the_environment},
          {"by program", by_program}, {"what it says", what_it_says},
          {"what it left", what_it_left})
