/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.validate: limits by name, counted in the request as it is edited. */
#include "policy_unit.h"

#define BODY                                                                   \
    "{\"model\":\"m\",\"max_tokens\":70,\"tools\":[{},{}],\"messages\":[{"     \
    "\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":"     \
    "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}]}]}"

static void run(const char *script, enum policy_verdict verdict,
                const char *says)
{
    struct fake f;
    struct json j = { 0 };
    char source[512];

    fake_init(&f);
    snprintf(source, sizeof source,
             "return { api = 1, validate = function(req) %s end }", script);
    fake_policy(&f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(&f, NULL));
    CU_ASSERT_FATAL(json_scan(&j, STR(BODY), NULL, NULL) == 0);
    f.run.dialect = DIALECT_OPENAI_CHAT;
    f.run.body = &j;
    fake_run(&f, PHASE_VALIDATE);
    UNIT_INT(f.out.verdict, verdict);
    if (verdict == POLICY_DENY) {
        UNIT_INT(f.out.err_code, ERR_INVALID_REQUEST);
        if (str_find(f.out.message, str_of(says)) < 0)
            printf("\n%s: " STR_FMT, says, STR_ARG(f.out.message));
        CU_ASSERT(str_find(f.out.message, str_of(says)) >= 0);
    } else if (says) {
        if (!strstr(f.notes, says))
            printf("\n%s: %s", says, f.notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, says));
    }
    json_clear(&j);
    fake_clear(&f);
}

static void within(void)
{
    run("return ps.validate {}", POLICY_NONE, NULL);
    run("return ps.validate { messages = 2, tools = 2, images = 1,"
        " max_tokens = 70 }", POLICY_NONE, NULL);
}

static void over(void)
{
    run("return ps.validate { messages = 1 }", POLICY_DENY, "messages");
    run("return ps.validate { tools = 1 }", POLICY_DENY, "tools");
    run("return ps.validate { max_tokens = 69 }", POLICY_DENY, "max_tokens");
}

static void misused(void)
{
    run("return ps.validate { message = 1 }", POLICY_FAILED,
        "no limit 'message'");
    run("return ps.validate { messages = 0 }", POLICY_FAILED,
        "messages is a whole number from 1");
    run("return ps.validate { messages = 'x' }", POLICY_FAILED,
        "messages is a whole number from 1");
    run("return ps.validate()", POLICY_FAILED, "table expected");
}

UNIT_MAIN("api_validate", { "within the limits", within },
          { "over them", over }, { "misused", misused })
