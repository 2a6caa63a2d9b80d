/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* generateContent answers, written: pictures, and what stands beside the
 * parts of a candidate: sources, log probabilities, the end, the usage. */
#include "wire/codec_gemini_out.h"
#include "wire/codec_probs.h"

static const char *finish_word(enum neutral_finish f)
{
    switch (f) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return "MAX_TOKENS";
    case FINISH_FILTER:
        return "SAFETY";
    default:
        return "STOP";
    }
}

static int64_t known(int64_t v)
{
    return v > 0 ? v : 0;
}

void gemini_put_usage(struct jw *w, const struct usage *u)
{
    int64_t prompt = known(u->input) + known(u->cache_read) +
                     known(u->cache_write);
    int64_t thoughts = known(u->reasoning), output = known(u->output);

    jw_key(w, "usageMetadata");
    jw_open(w, '{');
    jw_member_int(w, "promptTokenCount", prompt);
    if (u->cache_read >= 0)
        jw_member_int(w, "cachedContentTokenCount", u->cache_read);
    jw_member_int(w, "candidatesTokenCount",
                  output > thoughts ? output - thoughts : 0);
    if (u->reasoning >= 0)
        jw_member_int(w, "thoughtsTokenCount", thoughts);
    jw_member_int(w, "totalTokenCount", prompt + output);
    jw_close(w, '}');
}

void gemini_put_finish(struct jw *w, const struct gemini_said *c)
{
    jw_member_text(w, "finishReason", str_of(finish_word(c->finish)));
    if (c->explanation.n)
        jw_member_text(w, "finishMessage", c->explanation);
}

void gemini_lose_usage(struct gemini_out *out)
{
    if (out->base.usage.cache_write > 0)
        out_lose(&out->base, LOSS_CACHE_WRITE);
    out_tier(&out->base, 0);
}

/* ---- pictures ------------------------------------------------------------ */

int gemini_put_image(struct gemini_out *out, struct gemini_said *c,
                     const struct neutral_event *ev, struct buf *to)
{
    struct jw w = gemini_begin_part(out, c, to);

    jw_open(&w, '{');
    jw_key(&w, "inlineData");
    jw_open(&w, '{');
    jw_member_jstr(&w, "mimeType", ev->name);
    jw_member_jstr(&w, "data", ev->text);
    jw_close(&w, '}');
    jw_close(&w, '}');
    return gemini_end_part(out, c, &w);
}

/* ---- kept until the end -------------------------------------------------- */

static struct jw element(struct buf *b)
{
    return (struct jw){ .b = b, .comma = buf_len(b) > 0 };
}

int gemini_keep_source(struct gemini_out *out, struct gemini_said *c,
                       const struct neutral_event *ev)
{
    struct jw w = element(&c->sources);

    if (!ev->text.n) { /* of a document: no place for it */
        out_lose_event(&out->base, ev);
        return 0;
    }
    jw_open(&w, '{');
    jw_key(&w, "web");
    jw_open(&w, '{');
    jw_member_jstr(&w, "uri", ev->text);
    jw_opt_jstr(&w, "title", ev->name);
    jw_close(&w, '}');
    jw_close(&w, '}');
    return w.rc;
}

int gemini_keep_probs(struct gemini_out *out, struct gemini_said *c,
                      const struct neutral_event *ev)
{
    struct jw chosen = element(&c->chosen), tops = element(&c->tops);
    struct json j = { 0 };
    uint32_t content;
    int rc;

    if (ev->from != DIALECT_OPENAI_CHAT) {
        out_lose_event(&out->base, ev);
        return 0;
    }
    rc = probs_open(&j, ev, &content);
    if (!rc) {
        c->any_top |= probs_put_chosen(&chosen, &j, content);
        probs_put_tops(&tops, &j, content);
    }
    json_clear(&j);
    return rc ? rc : chosen.rc ? chosen.rc : tops.rc;
}

static void put_array(struct jw *w, const char *name, const struct buf *b)
{
    jw_key(w, name);
    jw_open(w, '[');
    jw_bytes(w, buf_str(b));
    jw_close(w, ']');
}

void gemini_put_beside(struct jw *w, const struct gemini_said *c)
{
    if (buf_len(&c->sources)) {
        jw_key(w, "groundingMetadata");
        jw_open(w, '{');
        put_array(w, "groundingChunks", &c->sources);
        jw_close(w, '}');
    }
    if (!buf_len(&c->chosen))
        return;
    jw_key(w, "logprobsResult");
    jw_open(w, '{');
    if (c->any_top)
        put_array(w, "topCandidates", &c->tops);
    put_array(w, "chosenCandidates", &c->chosen);
    jw_close(w, '}');
}
