/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, written: members of messages and deltas that are no
 * text. Pictures go as `images`, which OpenAI's own API does not have, but
 * OpenRouter and those who took it over from there.
 *
 * Source: openrouter.ai/docs/features/multimodal/image-generation (read
 * 2026-11-26).
 */
#include "wire/codec_chat_out.h"

/* ---- members that a stream and a whole answer share ---------------------- */

bool chat_can(const struct neutral_event *ev)
{
    if (ev->type == NEUTRAL_OPAQUE)
        return ev->from == DIALECT_OPENAI_CHAT;
    if (ev->type == NEUTRAL_CITATION) /* those of documents have none */
        return ev->from == DIALECT_OPENAI_CHAT || ev->text.n;
    return true;
}

void chat_put_citation(struct jw *w, struct chat_said *c,
                       const struct neutral_event *ev, bool index)
{
    if (ev->from == DIALECT_OPENAI_CHAT) {
        jw_raw_line(w, ev->raw);
        return;
    }
    jw_open(w, '{');
    jw_member_text(w, "type", STR("url_citation"));
    jw_key(w, "url_citation");
    jw_open(w, '{');
    jw_member_jstr(w, "url", ev->text);
    jw_member_jstr(w, "title", ev->name.p ? ev->name : ev->text);
    jw_member_int(w, "start_index", (int64_t)c->block_start);
    jw_member_int(w, "end_index", (int64_t)c->length);
    jw_close(w, '}');
    if (index)
        jw_member_int(w, "index", c->n_citations++);
    jw_close(w, '}');
}

void chat_put_image(struct jw *w, struct chat_said *c,
                    const struct neutral_event *ev, bool index)
{
    jw_open(w, '{');
    jw_member_text(w, "type", STR("image_url"));
    jw_key(w, "image_url");
    jw_open(w, '{');
    jw_key(w, "url");
    jw_bytes(w, STR("\"data:"));
    jw_bytes(w, (struct str){ ev->name.p, ev->name.n });
    jw_bytes(w, STR(";base64,"));
    jw_bytes(w, (struct str){ ev->text.p, ev->text.n });
    jw_bytes(w, STR("\""));
    jw_close(w, '}');
    if (index)
        jw_member_int(w, "index", c->n_images++);
    jw_close(w, '}');
}

void chat_put_tier(struct chat_out *out, struct jw *w)
{
    const char *tier = out_tier(&out->base, OPENAI_TIERS);

    w->comma = true;
    if (tier)
        jw_member_text(w, "service_tier", str_of(tier));
}

void chat_lose_end(struct chat_out *out, const struct neutral_event *ev)
{
    if (ev->finish == FINISH_STOP_SEQUENCE && ev->text.n)
        out_lose(&out->base, LOSS_STOP);
}

void chat_lose_call(struct chat_out *out, const struct chat_said *c)
{
    if (out->base.opts.legacy_functions && c->n_calls > 1)
        out_lose(&out->base, LOSS_CALLS); /* that form has one */
}

/* ---- chunks -------------------------------------------------------------- */

/* The SDKs merge by "index", and give up where an element has none. */
static void put_detail(struct jw *w, struct chat_said *c, struct str raw)
{
    bool lacks = raw.n > 2 && raw.p[raw.n - 1] == '}' &&
                 str_find(raw, STR("\"index\":")) < 0;

    jw_bytes(w, STR("\"reasoning_details\":["));
    jw_raw_line(w, (struct str){ raw.p, raw.n - lacks });
    if (lacks) {
        jw_member_int(w, "index", c->n_details++);
        jw_bytes(w, STR("}"));
    }
    jw_bytes(w, STR("]"));
}

/* Other members of a delta, whole. */
void chat_put_other(struct chat_out *out, struct jw *w, struct chat_said *c,
                    const struct neutral_event *ev)
{
    if (!chat_can(ev)) {
        out_lose_event(&out->base, ev);
        return;
    }
    chat_begin_delta(out, w, c);
    if (ev->type == NEUTRAL_REDACTED) {
        jw_bytes(w, STR("\"thinking_blocks\":[{\"type\":"
                        "\"redacted_thinking\",\"data\":"));
        jw_jstr(w, ev->text);
        jw_member_int(w, "index", c->n_blocks++);
        jw_bytes(w, STR("}]"));
    } else if (ev->type == NEUTRAL_CITATION) {
        jw_bytes(w, STR("\"annotations\":["));
        chat_put_citation(w, c, ev, true);
        jw_bytes(w, STR("]"));
    } else if (ev->type == NEUTRAL_IMAGE) {
        jw_bytes(w, STR("\"images\":["));
        chat_put_image(w, c, ev, true);
        jw_bytes(w, STR("]"));
    } else {
        put_detail(w, c, ev->raw);
    }
    chat_end_delta(out, w);
}

void chat_put_logprobs(struct chat_out *out, struct jw *w,
                       const struct chat_said *c,
                       const struct neutral_event *ev)
{
    if (ev->from != DIALECT_OPENAI_CHAT) {
        out_lose_event(&out->base, ev);
        return;
    }
    chat_begin_delta(out, w, c);
    jw_bytes(w, STR("},\"logprobs\":"));
    jw_raw_line(w, ev->raw);
    jw_bytes(w, STR(",\"finish_reason\":null}]"));
    chat_end_chunk(out, w);
}
