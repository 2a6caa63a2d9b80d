/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where models lead by their `on`: no way leads back, none is too long. */
#include "config_fixture.h"

#define MODEL(name, on) "model '" name "' { 'sim/x', on = {" on "} }\n"
#define LONGER(to) "context_length = '" to "'"
#define MILDER(to) "content_filter = '" to "'"

static void check(const char *text, const char *says)
{
    struct err err = { 0 };
    char full[4096];
    json_t *canonical;

    snprintf(full, sizeof full, "provider 'sim'\n%s", text);
    canonical = fixture_check(full, &err);
    if (!says && !canonical)
        printf("\n%s: %s", text, err.msg);
    CU_ASSERT(!says == (canonical != NULL));
    if (says && !strstr(err.msg, says))
        printf("\n%s: %s", text, err.msg);
    CU_ASSERT(!says || strstr(err.msg, says) != NULL);
    json_decref(canonical);
}

#define THEN(then) "on_exhausted = {" then "}"
#define LAST(name, then) "model '" name "' { 'sim/x', " THEN(then) " }\n"

static void the_last_resort(void)
{
    check(LAST("a", "model = 'b'") LAST("b", "reply = 'x'"), NULL);
    check(LAST("a", "model = 'a'"), "leads back to \"a\"");
    check(LAST("a", "model = 'b'") MODEL("b", LONGER("a")),
          "leads back to \"a\"");
    check(LAST("a", "model = 'z'"), "there is no model \"z\"");
    check(LAST("a", "model = 'b*'") MODEL("b*", ""), "is a pattern");
    check(LAST("a", ""), "on_exhausted");
    check(LAST("a", "reply = ''"), "reply");
}

static void chains_may_be(void)
{
    check(MODEL("a", LONGER("b")) MODEL("b", ""), NULL);
    check(MODEL("a", LONGER("b") "," MILDER("b")) MODEL("b", MILDER("c"))
          MODEL("c", ""), NULL);
    check(MODEL("a*", LONGER("b")) MODEL("b", ""), NULL);
}

static void loops_are_refused(void)
{
    check(MODEL("a", LONGER("a")), "leads back to \"a\"");
    check(MODEL("a", LONGER("b")) MODEL("b", LONGER("a")), "leads back");
    check(MODEL("a", LONGER("b")) MODEL("b", MILDER("c"))
          MODEL("c", LONGER("b")), "leads back to \"b\"");
    check(MODEL("a", LONGER("a*")) MODEL("a*", ""),
          "\"a*\" is a pattern; write a model's name");
    check(MODEL("a", LONGER("z")), "there is no model \"z\"");
}

static void long_chains_are_refused(void)
{
    char text[2048] = "", one[128];

    for (int i = 0; i < 10; i++) {
        snprintf(one, sizeof one, MODEL("m%d", LONGER("m%d")), i, i + 1);
        strcat(text, one);
    }
    strcat(text, MODEL("m10", ""));
    check(text, "begins a chain of more than 8 models");
    check(strstr(text, "model 'm2'"), NULL);
}

UNIT_MAIN("config_on", { "the last resort", the_last_resort },
          { "chains may be", chains_may_be },
          { "loops are refused", loops_are_refused },
          { "long chains are refused", long_chains_are_refused })
