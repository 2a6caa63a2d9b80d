/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Secrets of a conf: what can be done with them, and where they never show. */
#include "policy_unit.h"

#define THE_TEXT "tok-4711-abc"
#define FIFTY "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define FIVE_HUNDRED                                                          \
    FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static struct conf_secret secret = { STR("token"),
                                     { STR("env T"), STR(THE_TEXT) } };

static bool open_with(struct fake *f, const char *body, struct err *err)
{
    static char source[4096];
    struct conf_policy *p;

    snprintf(source, sizeof source,
             "return { api = 1, schema = { token = 'secret', s = 'string',"
             " m = 'map' }, request = function(req, conf)\n%s\nend }", body);
    fake_init(f);
    p = fake_policy(f, "p", source);
    p->conf = STR("{\"token\":{\"$env\":\"T\"}}");
    p->secrets = &secret;
    p->n_secrets = 1;
    return fake_open(f, err);
}

static void shows(const char *body, const char *want)
{
    struct fake f;

    if (open_with(&f, body, NULL))
        fake_run(&f, PHASE_REQUEST);
    UNIT_STR(f.notes, want);
    fake_clear(&f);
}

static void fails(const char *body, const char *part)
{
    struct fake f;

    if (open_with(&f, body, NULL))
        fake_run(&f, PHASE_REQUEST);
    if (!strstr(f.notes, part))
        printf("\n%s: %s", body, f.notes);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, part));
    CU_ASSERT_PTR_NULL(strstr(f.notes, THE_TEXT));
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    fake_clear(&f);
}

static void can_be_used(void)
{
    shows("local t = ps.secret(conf.token)"
          " ps.note(tostring(t == 'tok-4711-abc') .. #t)", "p: true12\n");
    shows("ps.note(tostring(ps.hmac(conf.token, 'x') =="
          " ps.hmac('tok-4711-abc', 'x')))", "p: true\n");
    shows("ps.note(tostring(ps.ct_equal(conf.token, 'tok-4711-abc')) .."
          " tostring(ps.ct_equal('tok', conf.token)))", "p: truefalse\n");
    shows("ps.note(ps.b64.encode(conf.token))", "p: dG9rLTQ3MTEtYWJj\n");
    shows("ps.note(tostring(conf.s) .. tostring(conf.m))", "p: nilnil\n");
}

static void cannot_be_shown(void)
{
    shows("ps.note(tostring(conf.token) .. type(conf.token))",
          "p: secretuserdata\n");
    shows("ps.note(string.format('%s', conf.token))", "p: secret\n");
    fails("ps.note(conf.token)", "string expected, got secret");
    fails("ps.note('x' .. conf.token)", "concatenate a secret value");
    fails("ps.note(#conf.token)", "length of a secret value");
    fails("ps.note(conf.token.text)", "secret:text does not exist");
    fails("conf.token.x = 1", "secret.x cannot be assigned");
    fails("error(conf.token)", "no text");
    fails("ps.note(getmetatable(conf.token).x)", "index a boolean");
    shows("local v, why = ps.json.encode(conf) ps.note(tostring(v) .. why)",
          "p: nila value that is no data\n");
    fails("ps.secret('x')", "secret expected, got string");
}

/* A policy that reveals one and then says too much. */
static void is_struck_out(void)
{
    shows("ps.note('a ' .. ps.secret(conf.token) .. ' b')",
          "p: a [secret] b\n");
    shows("local t = ps.secret(conf.token) ps.note(t .. t .. 'tok-' .. t)",
          "p: [secret][secret]tok-[secret]\n");
    /* also where the end of a long note would cut one in two */
    shows("ps.note(('x'):rep(505) .. ps.secret(conf.token))",
          "p: " FIVE_HUNDRED "xxxxx[secret\n");
    shows("ps.note('tok-4711 is none')", "p: tok-4711 is none\n");
    fails("error('bad token ' .. ps.secret(conf.token))",
          "bad token [secret]");
    fails("local t = {} t[nil] = ps.secret(conf.token)", "index is nil");
    fails("local f = ps.secret(conf.token) f()", "call a string value");
}

static void schema_and_configuration_agree(void)
{
    static const struct {
        const char *schema, *conf, *says;
    } bad[] = {
        { "token = 'string'", "{\"token\":{\"$env\":\"T\"}}",
          "conf.token: a string is needed" },
        { "token = 'map'", "{\"token\":{\"$env\":\"T\"}}",
          "conf.token: a table with names is needed" },
        { "token = 'secret'", "{\"token\":\"plain\"}",
          "conf.token: env \"NAME\" or file \"/path\" is needed" },
        { "s = 'string'", "{\"token\":{\"$env\":\"T\"}}",
          "conf.token: the policy's schema has no such key" },
        { "s = 'string'", "{}", "schema does not say \"secret\"" },
        { "s = 'secrets'", "{}", "url, secret" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        struct conf_policy *p;
        char source[256];
        struct fake f;

        snprintf(source, sizeof source, "return { api = 1, schema = { %s } }",
                 bad[i].schema);
        fake_init(&f);
        p = fake_policy(&f, "p", source);
        p->conf = str_of(bad[i].conf);
        p->secrets = &secret;
        p->n_secrets = 1;
        CU_ASSERT_FALSE(fake_open(&f, &err));
        if (!strstr(err.msg, bad[i].says))
            printf("\n%zu: %s", i, err.msg);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, bad[i].says));
        fake_clear(&f);
    }
}

UNIT_MAIN("api_secret", { "can be used", can_be_used },
          { "cannot be shown", cannot_be_shown },
          { "is struck out", is_struck_out },
          { "schema and configuration agree", schema_and_configuration_agree })
