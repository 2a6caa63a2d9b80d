/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Log probabilities of tokens. OpenAI's dialects and Ollama have the same
 * elements, but not each all of the members; Google's are other ones.
 */
#include "wire/codec_probs.h"

static void put_token(struct jw *w, const struct json *j, uint32_t node,
                      struct str no_bytes)
{
    struct jstr token = in_string(j, node, STR("token"));
    uint32_t p = in_member(j, node, STR("logprob"));
    uint32_t bytes = in_member(j, node, STR("bytes"));

    jw_member_jstr(w, "token", token.p ? token : JSTR(""));
    jw_member_raw(w, "logprob", p == JSON_NONE ? STR("0") : json_raw(j, p));
    jw_key(w, "bytes");
    jw_raw_line(w, bytes == JSON_NONE ? no_bytes : json_raw(j, bytes));
}

static uint32_t first(const struct json *j, uint32_t list)
{
    return list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY
               ? JSON_NONE
               : json_first(j, list);
}

void probs_put(struct jw *w, const struct json *j, uint32_t list,
               struct str no_bytes)
{
    for (uint32_t t = first(j, list); t != JSON_NONE && !w->rc;
         t = json_sibling(j, list, t)) {
        uint32_t tops = in_member(j, t, STR("top_logprobs"));

        jw_open(w, '{');
        put_token(w, j, t, no_bytes);
        jw_key(w, "top_logprobs");
        jw_open(w, '[');
        for (uint32_t o = first(j, tops); o != JSON_NONE && !w->rc;
             o = json_sibling(j, tops, o)) {
            jw_open(w, '{');
            put_token(w, j, o, no_bytes);
            jw_close(w, '}');
        }
        jw_close(w, ']');
        jw_close(w, '}');
    }
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

int in_probs(struct codec_in *in, uint32_t choice, uint32_t list)
{
    struct buf b = BUF_INIT(in->opts.max_held);
    struct neutral_event ev = { .type = NEUTRAL_LOGPROBS, .choice = choice,
                                .from = DIALECT_OPENAI_CHAT };
    struct jw w = { .b = &b };
    int rc;

    if (first(&in->j, list) == JSON_NONE)
        return 0;
    jw_open(&w, '{');
    jw_key(&w, "content");
    jw_open(&w, '[');
    probs_put(&w, &in->j, list, STR("null"));
    jw_close(&w, ']');
    jw_close(&w, '}');
    ev.raw = buf_str(&b);
    rc = w.rc ? err_set(in->err, -w.rc,
                        "log probabilities grew over their limit")
              : in_emit(in, &ev);
    buf_clear(&b);
    return rc;
}
