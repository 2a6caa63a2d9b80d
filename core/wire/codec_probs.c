/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Log probabilities of tokens. OpenAI's dialects and Ollama have the same
 * elements, but not each all of the members; Google's are other ones.
 */
#include "wire/codec_probs.h"

/* How a dialect spells them. */
struct spelling {
    struct str logprob;
    struct str no_bytes; /* what stands for bytes that were not said */
};

static const struct spelling google = { STR("logProbability"), STR("null") };

static void put_token(struct jw *w, const struct json *j, uint32_t node,
                      const struct spelling *s)
{
    struct jstr token = in_string(j, node, STR("token"));
    uint32_t p = in_member(j, node, s->logprob);
    uint32_t bytes = in_member(j, node, STR("bytes"));

    jw_member_jstr(w, "token", token.p ? token : JSTR(""));
    jw_member_raw(w, "logprob", p == JSON_NONE ? STR("0") : json_raw(j, p));
    jw_key(w, "bytes");
    jw_raw_line(w, bytes == JSON_NONE ? s->no_bytes : json_raw(j, bytes));
}

static uint32_t first(const struct json *j, uint32_t list)
{
    return list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY
               ? JSON_NONE
               : json_first(j, list);
}

/* A token, and those that might have stood in its place. */
static void put_with_others(struct jw *w, const struct json *j, uint32_t node,
                            uint32_t others, const struct spelling *s)
{
    jw_open(w, '{');
    put_token(w, j, node, s);
    jw_key(w, "top_logprobs");
    jw_open(w, '[');
    for (uint32_t o = first(j, others); o != JSON_NONE && !w->rc;
         o = json_sibling(j, others, o)) {
        jw_open(w, '{');
        put_token(w, j, o, s);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

void probs_put(struct jw *w, const struct json *j, uint32_t list,
               struct str no_bytes)
{
    const struct spelling s = { STR("logprob"), no_bytes };

    for (uint32_t t = first(j, list); t != JSON_NONE && !w->rc;
         t = json_sibling(j, list, t))
        put_with_others(w, j, t, in_member(j, t, STR("top_logprobs")), &s);
}

static void put_google(struct jw *w, const struct json *j, uint32_t node)
{
    struct jstr token = in_string(j, node, STR("token"));
    uint32_t p = in_member(j, node, STR("logprob"));

    jw_open(w, '{');
    jw_member_jstr(w, "token", token.p ? token : JSTR(""));
    jw_key(w, "logProbability");
    jw_raw_line(w, p == JSON_NONE ? STR("0") : json_raw(j, p));
    jw_close(w, '}');
}

bool probs_put_chosen(struct jw *w, const struct json *j, uint32_t list)
{
    bool tops = false;

    for (uint32_t t = first(j, list); t != JSON_NONE && !w->rc;
         t = json_sibling(j, list, t)) {
        put_google(w, j, t);
        tops |= first(j, in_member(j, t, STR("top_logprobs"))) != JSON_NONE;
    }
    return tops;
}

void probs_put_tops(struct jw *w, const struct json *j, uint32_t list)
{
    for (uint32_t t = first(j, list); t != JSON_NONE && !w->rc;
         t = json_sibling(j, list, t)) {
        uint32_t tops = in_member(j, t, STR("top_logprobs"));

        jw_open(w, '{');
        jw_key(w, "candidates");
        jw_open(w, '[');
        for (uint32_t o = first(j, tops); o != JSON_NONE && !w->rc;
             o = json_sibling(j, tops, o))
            put_google(w, j, o);
        jw_close(w, ']');
        jw_close(w, '}');
    }
}

int probs_open(struct json *j, const struct neutral_event *ev,
               uint32_t *content)
{
    int rc = json_scan(j, ev->raw, NULL, NULL);

    *content = rc ? JSON_NONE : in_member(j, 0, STR("content"));
    return rc;
}

/* `tops` is a list of its own, beside the tokens, with Google. */
static void put_event(struct jw *w, const struct json *j, uint32_t list,
                      uint32_t tops, bool of_google)
{
    uint32_t top = first(j, tops);

    jw_open(w, '{');
    jw_key(w, "content");
    jw_open(w, '[');
    if (!of_google)
        probs_put(w, j, list, STR("null"));
    for (uint32_t t = first(j, list); of_google && t != JSON_NONE && !w->rc;
         t = json_sibling(j, list, t)) {
        put_with_others(w, j, t, in_member(j, top, STR("candidates")),
                        &google);
        top = top == JSON_NONE ? JSON_NONE : json_sibling(j, tops, top);
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static int emit(struct codec_in *in, uint32_t choice, uint32_t list,
                uint32_t tops, bool of_google)
{
    struct buf b = BUF_INIT(in->opts.max_held);
    struct neutral_event ev = { .type = NEUTRAL_LOGPROBS, .choice = choice,
                                .from = DIALECT_OPENAI_CHAT };
    struct jw w = { .b = &b };
    int rc;

    if (first(&in->j, list) == JSON_NONE)
        return 0;
    put_event(&w, &in->j, list, tops, of_google);
    ev.raw = buf_str(&b);
    rc = w.rc ? err_set(in->err, -w.rc,
                        "log probabilities grew over their limit")
              : in_emit(in, &ev);
    buf_clear(&b);
    return rc;
}

int in_probs(struct codec_in *in, uint32_t choice, uint32_t list)
{
    return emit(in, choice, list, JSON_NONE, false);
}

int in_google_probs(struct codec_in *in, uint32_t choice, uint32_t result)
{
    return emit(in, choice,
                in_member(&in->j, result, STR("chosenCandidates")),
                in_member(&in->j, result, STR("topCandidates")), true);
}
