/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages requests, written: how much is thought and said, by what
 * the model accepts. See docs/design/translation.md, "Reasoning".
 */
#include "wire/codec_anthropic.h"

#define OUTPUT_DEFAULT 32000 /* tokens, where nobody says; agents need it */
#define BUDGET_MIN 1024
#define BUDGET_LOW 4096     /* tokens below which a budget is low effort */
#define BUDGET_MEDIUM 16384 /* and medium */

static const struct {
    const char *effort;
    int64_t budget;
} budgets[] = {
    { "minimal", 1024 }, { "low", 1024 },   { "medium", 4096 },
    { "high", 8192 },    { "xhigh", 16384 }, { "max", 32768 },
};

static void plan_max_tokens(struct aw *w)
{
    const struct codec_target *t = w->c.t;
    int64_t n = w->c.r->max_tokens;

    if (n < 0) {
        n = t->default_output ? t->default_output
            : t->max_output   ? t->max_output
                              : OUTPUT_DEFAULT;
        cw_note(&w->c, FATE_MAPPED, FEATURE_MAX_TOKENS);
    }
    if (t->max_output && n > t->max_output) {
        n = t->max_output;
        cw_note(&w->c, FATE_MAPPED, FEATURE_MAX_TOKENS);
    }
    w->max_tokens = n;
}

/*
 * In a tool loop, is the assistant's turn before the results one that did not
 * begin with thinking? With a budget, the API refuses to go on from there.
 */
static bool is_unthinking_loop(const struct neutral_request *r)
{
    const struct neutral_message *asked = NULL;
    bool results = false;

    for (const struct neutral_message *m = r->first; m; m = m->next) {
        if (m->role == ROLE_ASSISTANT) {
            asked = m;
            results = false;
        }
        for (const struct neutral_block *b = m->first; b; b = b->next)
            results = results || b->kind == BLOCK_TOOL_RESULT;
    }
    if (!asked || !results)
        return false;
    for (const struct neutral_block *b = asked->first; b; b = b->next) {
        if (b->kind == BLOCK_THINKING &&
            (b->thinking.signature.n || b->thinking.redacted.p))
            return false;
    }
    return true;
}

static bool is_forced(const struct aw *w)
{
    enum choice_kind k = w->c.r->choice.kind;

    return w->json_tool ||
           (w->c.r->tools && (k == CHOICE_REQUIRED || k == CHOICE_NAMED) &&
            cw_can(&w->c, CAN_FORCE_TOOL));
}

static bool wants_thinking(const struct aw *w)
{
    enum reasoning_kind k = w->c.r->reasoning.kind;

    return k == REASONING_ADAPTIVE || k == REASONING_BUDGET;
}

static int64_t budget_of(const struct neutral_reasoning *t)
{
    if (t->budget >= 0)
        return t->budget < BUDGET_MIN ? BUDGET_MIN : t->budget;
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        if (str_is(t->effort, budgets[i].effort))
            return budgets[i].budget;
    }
    return 8192; /* "high", which is what asking for none means */
}

/* With a budget, and not by effort? */
static bool by_budget(const struct aw *w)
{
    return cw_can(&w->c, CAN_THINK_BUDGET) &&
           (w->c.r->reasoning.kind == REASONING_BUDGET ||
            !cw_can(&w->c, CAN_THINK_ADAPTIVE));
}

void anthropic_plan_reasoning(struct aw *w)
{
    struct cw *c = &w->c;
    const struct neutral_format *f = &c->r->format;

    plan_max_tokens(w);
    if (f->kind == FORMAT_SCHEMA && !cw_can(c, CAN_SCHEMA))
        w->json_tool = cw_tool(c, STR("json")) ? "penstock_json" : "json";
    if (!wants_thinking(w))
        return;
    w->thinking = cw_can(c, CAN_REASON) &&
                  c->t->can & (CAN_THINK_ADAPTIVE | CAN_THINK_BUDGET) &&
                  !is_forced(w);
    if (w->thinking && by_budget(w))
        w->thinking = w->max_tokens > BUDGET_MIN &&
                      !is_unthinking_loop(c->r);
    if (!w->thinking)
        cw_note(c, FATE_DROPPED, FEATURE_REASONING);
}

static void put_display(struct aw *w)
{
    struct str display = w->c.r->reasoning.display;

    if (!display.p && !cw_same(&w->c) && cw_can(&w->c, CAN_DISPLAY))
        display = STR("summarized"); /* clients of other dialects read it */
    if (display.p && (cw_same(&w->c) || cw_can(&w->c, CAN_DISPLAY)))
        jw_member_text(&w->c.w, "display", display);
}

static void put_budget(struct aw *w)
{
    int64_t budget = budget_of(&w->c.r->reasoning);

    if (budget >= w->max_tokens) {
        budget = w->max_tokens - 1;
        cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
    }
    jw_member_text(&w->c.w, "type", STR("enabled"));
    jw_member_int(&w->c.w, "budget_tokens", budget);
}

static void put_thinking(struct aw *w)
{
    struct jw *j = &w->c.w;
    bool off = w->c.r->reasoning.kind == REASONING_OFF;
    const char *how = !off                              ? "adaptive"
                      : cw_can(&w->c, CAN_THINK_OFF)     ? "disabled"
                      : cw_can(&w->c, CAN_THINK_BETWEEN) ? "between_tools"
                                                         : NULL;

    if ((!off && !w->thinking) || !how)
        return;
    jw_key(j, "thinking");
    jw_open(j, '{');
    if (!off && by_budget(w)) {
        put_budget(w);
    } else {
        jw_member_text(j, "type", str_of(how));
    }
    if (!off)
        put_display(w);
    jw_close(j, '}');
}

/* NULL: none is said, or the model takes none. */
static const char *effort_of(struct aw *w)
{
    static const char *const known[] = { "low", "medium", "high", "max" };
    const struct neutral_reasoning *t = &w->c.r->reasoning;

    if (!cw_can(&w->c, CAN_EFFORT))
        return NULL;
    if (t->kind == REASONING_OFF) {
        if (w->c.t->can & (CAN_THINK_OFF | CAN_THINK_BETWEEN))
            return NULL;
        cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
        return "low"; /* it cannot be stopped, only kept short */
    }
    if (!t->effort.p && t->kind == REASONING_BUDGET &&
        !by_budget(w)) {
        cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
        return t->budget < BUDGET_LOW      ? "low"
               : t->budget < BUDGET_MEDIUM ? "medium"
                                           : "high";
    }
    if (!t->effort.p)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_is(t->effort, known[i]))
            return known[i];
    }
    if (str_is(t->effort, "xhigh") && cw_can(&w->c, CAN_XHIGH))
        return "xhigh";
    if (!str_is(t->effort, "xhigh") && !str_is(t->effort, "minimal")) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_REASONING); /* no word of ours */
        return NULL;
    }
    cw_note(&w->c, FATE_MAPPED, FEATURE_REASONING);
    return str_is(t->effort, "xhigh") ? "high" : "low";
}

void anthropic_put_reasoning(struct aw *w)
{
    const struct neutral_format *f = &w->c.r->format;
    bool schema = f->kind == FORMAT_SCHEMA && !w->json_tool;
    const char *effort = effort_of(w);
    struct jw *j = &w->c.w;

    put_thinking(w);
    if (!effort && !schema)
        return;
    jw_key(j, "output_config");
    jw_open(j, '{');
    if (effort)
        jw_member_text(j, "effort", str_of(effort));
    if (schema) {
        jw_key(j, "format");
        jw_open(j, '{');
        jw_member_text(j, "type", STR("json_schema"));
        jw_key(j, "schema");
        cw_schema(&w->c, f->raw_schema);
        jw_close(j, '}');
    }
    jw_close(j, '}');
}
