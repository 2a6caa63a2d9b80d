/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which api of its plugin a target is called by. Most providers that speak
 * OpenAI's chat have no Responses endpoint, though one plugin serves them
 * all; and some models have nothing but that: both are data (`quirks`).
 */
#include "flow/attempt.h"

#include "flow/translate.h"

static const ps_api *api_of(const struct target *t, enum dialect d,
                            bool stream)
{
    const struct plugin_api_row *row = plugin_api_row(d);
    const struct plugin *p = t->provider->plugin;

    return row && plugin_serves(p, row->ps_dialect, t->model)
               ? plugin_api(p, row->op, row->ps_dialect, stream)
               : NULL;
}

static bool any_glob(const struct str *list, size_t n, struct str model)
{
    for (size_t i = 0; i < n; i++) {
        if (str_glob(list[i], model))
            return true;
    }
    return false;
}

/* Effort "none" is what chat takes tools with all the same. */
static bool has_tools(const struct request *r)
{
    const struct json *j = &r->json;
    uint32_t tools, effort;

    if (!j->count)
        return false;
    tools = json_member(j, 0, STR("tools"));
    if (tools == JSON_NONE || json_first(j, tools) == JSON_NONE)
        return false;
    effort = json_member(j, 0, STR("reasoning_effort"));
    return effort == JSON_NONE || !str_is(json_raw(j, effort), "\"none\"");
}

static bool needs_responses(const struct request *r, const struct target *t)
{
    const struct conf_quirks *q = &t->provider->conf->quirks;

    if (q->n_responses_only &&
        any_glob(q->responses_only, q->n_responses_only, t->model))
        return true;
    return q->n_responses_tools && has_tools(r) &&
           any_glob(q->responses_tools, q->n_responses_tools, t->model);
}

/* Few vendors still have the legacy endpoint, or for few models. */
static bool lacks_completions(const struct target *t)
{
    const struct conf_quirks *q = &t->provider->conf->quirks;

    return q->no_completions &&
           !any_glob(q->completions_for, q->n_completions_for, t->model);
}

bool attempt_serves(const struct target *t, enum dialect d)
{
    return api_of(t, d, false) ||
           translate_api(t->provider->plugin, d, t->model, false);
}

const ps_api *attempt_api(const struct request *r, const struct target *t)
{
    enum dialect d = r->endpoint->dialect;
    bool stream = r->facts.stream;
    const ps_api *api = api_of(t, d, stream);

    if ((d == DIALECT_RESPONSES || d == DIALECT_RESPONSES_COUNT) &&
        !t->provider->conf->quirks.responses &&
        api_of(t, DIALECT_OPENAI_CHAT, stream))
        api = NULL;
    else if ((d == DIALECT_OPENAI_CHAT || d == DIALECT_ANTHROPIC ||
              d == DIALECT_GEMINI || d == DIALECT_OPENAI_COMPLETIONS) &&
             needs_responses(r, t) && api_of(t, DIALECT_RESPONSES, stream))
        return api_of(t, DIALECT_RESPONSES, stream);
    if (d == DIALECT_OPENAI_COMPLETIONS && lacks_completions(t))
        api = NULL;
    return api || !plugin_api_row(d)
               ? api
               : translate_api(t->provider->plugin, d, t->model, stream);
}
