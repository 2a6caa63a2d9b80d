/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What `policy new` writes: one for each phase, and its tests pass. */
#include "unit.h"

#include "base/buf.h"
#include "cli/policy_templates.h"
#include "policy/api_table.h"
#include "policy/cover.h"
#include "policy/test.h"

/* The template's text for a policy of that name. */
static struct str fill(struct buf *out, const char *text, const char *name)
{
    for (const char *at; (at = strstr(text, "NAME")); text = at + 4) {
        buf_put(out, (struct str){ text, (size_t)(at - text) });
        buf_puts(out, name);
    }
    buf_puts(out, text);
    buf_putc(out, '\0');
    return (struct str){ buf_str(out).p, buf_len(out) - 1 };
}

static void try(const struct policy_template *t, const char *name)
{
    struct buf policy = BUF_INIT(1 << 16), tests = BUF_INIT(1 << 16);
    struct policy_cover cover;
    struct policy_test run = { .name = str_of(name), .path = STR("p.lua"),
                               .source = fill(&policy, t->policy, name),
                               .tests = fill(&tests, t->tests, name),
                               .tests_path = STR("p_test.lua"),
                               .out = stdout, .cover = &cover };
    struct err err = { 0 };
    size_t ran;

    UNIT_INT(policy_cover_init(&cover, run.source, &err), 0);
    UNIT_INT(policy_test_run(&run, &err), 0);
    UNIT_STR(err.msg, "");
    UNIT_INT(run.failed, 0);
    CU_ASSERT(run.passed >= 2);
    UNIT_INT(policy_cover_count(&cover, &ran), ran); /* every line */
    policy_cover_clear(&cover);
    buf_clear(&policy);
    buf_clear(&tests);
}

static void all_pass(void)
{
    for (const struct policy_template *t = policy_templates; t->phase; t++) {
        try(t, "mine");
        try(t, "of-two_parts");
    }
}

static void each_phase_has_one(void)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        const struct phase_info *i = phase_info((enum policy_phase)p);
        const struct policy_template *t = policy_templates;

        while (t->phase && strcmp(t->phase, i->name) != 0)
            t++;
        if ((t->phase != NULL) != i->called)
            printf("\n%s: %s", i->name, i->called ? "no template"
                                                  : "is not called");
        CU_ASSERT((t->phase != NULL) == i->called);
    }
}

UNIT_MAIN("policy_templates", { "all pass", all_pass },
          { "each phase has one", each_phase_has_one })
