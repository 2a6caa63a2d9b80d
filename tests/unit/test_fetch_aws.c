/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What signs requests to AWS, in the order in which it is looked for. */
#include "fetch_unit.h"
#include "keeper/fetch_ini.h"
#include "unit.h"

#define UNTIL "\"Expiration\":\"1970-01-01T01:00:00Z\""

static void environment_first(void)
{
    fresh(FETCH_AWS, "default");
    set_env("AWS_ACCESS_KEY_ID", "AKIA");
    set_env("AWS_SECRET_ACCESS_KEY", "s/+");
    set_env("AWS_ROLE_ARN", "arn:r");
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", "/t");
    UNIT_INT(fetch_begin(&run), FETCH_GOT);
    UNIT_STR(secret(), "AKIA:s/+");
    UNIT_INT(run.ends_ms, 0);
    set_env("AWS_SESSION_TOKEN", "t==");
    UNIT_INT(fetch_begin(&run), FETCH_GOT);
    UNIT_STR(secret(), "AKIA:s/+:t==");
    set_env("AWS_SESSION_TOKEN", "a b");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
}

static void web_identity(void)
{
    fresh(FETCH_AWS, "default");
    set_env("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", "/t");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "web_identity: /t is not there");
    set_file("/t", "jwt\n");
    set_env("AWS_REGION", "eu-west-1");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://sts.eu-west-1.amazonaws.com/");
    UNIT_STR(body(), "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
                     "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
                     "RoleSessionName=penstock&WebIdentityToken=jwt");
    UNIT_INT(say(200, "<A><Credentials><AccessKeyId>ASIA</AccessKeyId>\n"
                      "<SecretAccessKey> k </SecretAccessKey><SessionToken>t"
                      "</SessionToken><Expiration>1970-01-01T01:00:00Z"
                      "</Expiration></Credentials></A>"),
             FETCH_GOT);
    UNIT_STR(secret(), "ASIA:k:t");
    UNIT_INT(run.ends_ms, 3600000);
    conf.region = STR("cn-north-1");
    fetch_begin(&run);
    UNIT_STR(url(), "https://sts.cn-north-1.amazonaws.com.cn/");
    UNIT_INT(say(400, "<E><Error><Code>ExpiredTokenException</Code><Message>"
                      "jwt</Message></Error></E>"),
             FETCH_FAILED);
    UNIT_STR(run.why, "web_identity: the answer is 400: "
                      "ExpiredTokenException");
    fetch_begin(&run);
    UNIT_INT(say(200, "<AccessKeyId>A</AccessKeyId>"), FETCH_FAILED);
}

static void shared_file(void)
{
    fresh(FETCH_AWS, "default");
    set_env("HOME", "/h");
    set_file("/h/.aws/credentials",
             "# mine\r\n[default]\r\naws_access_key_id = AKID\r\n"
             "aws_secret_access_key=secret=\r\n\r\n"
             "[ work ] ; w\nAWS_ACCESS_KEY_ID=W\naws_secret_access_key=w\n"
             "aws_session_token=t\n[role]\nrole_arn = arn:x\n"
             "[half]\naws_access_key_id = H\n");
    UNIT_INT(fetch_begin(&run), FETCH_GOT);
    UNIT_STR(secret(), "AKID:secret=");
    CU_ASSERT(run.look_again);
    set_env("AWS_PROFILE", "work");
    UNIT_INT(fetch_begin(&run), FETCH_GOT);
    UNIT_STR(secret(), "W:w:t");
    conf.profile = STR("role");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: \"role\" has role_arn, and none of "
                      "source_profile and credential_source; say one");
    conf.profile = STR("half");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    conf.profile = STR("none");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: neither /h/.aws/credentials nor "
                      "/h/.aws/config has \"none\"");
    conf.file = STR("/else");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "profile: /else cannot be read");
}

static void container(void)
{
    fresh(FETCH_AWS, "default");
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "http://169.254.170.2/v2/credentials/x");
    UNIT_STR(field("authorization"), NULL);
    UNIT_INT(say(200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
                      "\"Token\":\"T\"," UNTIL "}"),
             FETCH_GOT);
    UNIT_STR(secret(), "A:S:T");
    fetch_begin(&run);
    UNIT_INT(say(200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}"),
             FETCH_FAILED);
    UNIT_STR(run.why, "container: what it gave has no end, or ended already");

    fresh(FETCH_AWS, "container");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "container: it is not set up here");
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.9/x");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1");
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/pod");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    set_file("/pod", "tok\n");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(field("authorization"), "tok");
}

static void instance(void)
{
    fresh(FETCH_AWS, "default");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(run.method, "PUT");
    UNIT_STR(url(), "http://169.254.169.254/latest/api/token");
    UNIT_INT(say(200, "session"), FETCH_CALL);
    UNIT_STR(run.method, "GET");
    UNIT_STR(url(), "http://169.254.169.254/latest/meta-data/iam/"
                    "security-credentials/");
    UNIT_INT(say(200, "role-a\nrole-b"), FETCH_CALL);
    UNIT_STR(url(), "http://169.254.169.254/latest/meta-data/iam/"
                    "security-credentials/role-a");
    UNIT_STR(field("x-aws-ec2-metadata-token"), "session");
    UNIT_INT(say(200, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\","
                      "\"SecretAccessKey\":\"S\",\"Token\":\"T\"," UNTIL "}"),
             FETCH_GOT);
    UNIT_STR(secret(), "A:S:T");
    fetch_begin(&run);
    say(200, "session");
    UNIT_INT(say(404, ""), FETCH_FAILED);
    UNIT_STR(run.why, "instance: this machine has no role");
    fetch_begin(&run);
    say(200, "session");
    UNIT_INT(say(200, "ro le"), FETCH_FAILED);
    set_env("AWS_EC2_METADATA_DISABLED", "true");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "none of its sources is there; the guide, "
                      "\"Credentials of clouds\", lists them");
}

static void ini(void)
{
    struct str t = STR("x=0\n[a]\nx=1\n  y=2\n#z=3\n z\nq\n[b\nx=9\n[]\n"
                       "x=4\n[a]\nX = 5 ");

    UNIT_INT(ini_get(t, STR("a"), "x").n, 1);
    CU_ASSERT(str_is(ini_get(t, STR("a"), "x"), "5"));
    UNIT_INT(ini_get(t, STR("a"), "y").n, 0);
    UNIT_INT(ini_get(t, STR("a"), "z").n, 0);
    CU_ASSERT(str_is(ini_get(t, STR(""), "x"), "4"));
    CU_ASSERT_FALSE(ini_has(t, STR("b")));
    CU_ASSERT_TRUE(ini_has(t, STR("a")));
    CU_ASSERT_FALSE(ini_has(STR(""), STR("a")));
    CU_ASSERT_FALSE(ini_has(STR_NULL, STR("a")));
}

/* ---- Entra -------------------------------------------------------------- */

static void entra_secret(void)
{
    fresh(FETCH_ENTRA, "default");
    conf.scope = STR("https://ai.azure.com/.default");
    set_env("AZURE_CLIENT_SECRET", "s~");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    UNIT_STR(run.why, "secret: tenant and client_id must both be there, and "
                      "be ids");
    set_env("AZURE_TENANT_ID", "../x");
    set_env("AZURE_CLIENT_ID", "c-1");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    conf.tenant = STR("t-1");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://login.microsoftonline.com/t-1/oauth2/v2.0/token");
    UNIT_STR(body(), "grant_type=client_credentials&client_id=c-1&scope="
                     "https%3A%2F%2Fai.azure.com%2F.default&client_secret=s~");
    UNIT_INT(say(200, "{\"access_token\":\"e\",\"expires_in\":3599}"),
             FETCH_GOT);
}

static void entra_workload(void)
{
    fresh(FETCH_ENTRA, "default");
    conf.scope = STR("s");
    conf.tenant = STR("t");
    conf.client_id = STR("c");
    set_env("AZURE_FEDERATED_TOKEN_FILE", "/f");
    set_env("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/");
    UNIT_INT(fetch_begin(&run), FETCH_FAILED);
    set_file("/f", "jwt");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "https://login.microsoftonline.us/t/oauth2/v2.0/token");
    CU_ASSERT(body_has("&client_assertion=jwt"));
}

static void entra_managed(void)
{
    fresh(FETCH_ENTRA, "default");
    conf.scope = STR("https://cognitiveservices.azure.com/.default");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "http://169.254.169.254/metadata/identity/oauth2/token?"
                    "api-version=2018-02-01&resource=https%3A%2F%2F"
                    "cognitiveservices.azure.com");
    UNIT_STR(field("metadata"), "true");
    UNIT_INT(say(200, "{\"access_token\":\"m\",\"expires_in\":\"86399\"}"),
             FETCH_GOT);
    set_env("IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token/");
    set_env("IDENTITY_HEADER", "h");
    conf.client_id = STR("c");
    UNIT_INT(fetch_begin(&run), FETCH_CALL);
    UNIT_STR(url(), "http://127.0.0.1:41741/msi/token/?api-version=2019-08-01"
                    "&resource=https%3A%2F%2Fcognitiveservices.azure.com&"
                    "client_id=c");
    UNIT_STR(field("x-identity-header"), "h");
    UNIT_INT(say(200, "{\"access_token\":\"m\",\"expires_on\":\"1600\"}"),
             FETCH_GOT);
    UNIT_INT(run.ends_ms, 1600000);
}

UNIT_MAIN("fetch_aws", {"environment first", environment_first},
          {"web identity", web_identity}, {"shared file", shared_file},
          {"container", container}, {"instance", instance}, {"ini", ini},
          {"entra secret", entra_secret}, {"entra workload", entra_workload},
          {"entra managed", entra_managed})
