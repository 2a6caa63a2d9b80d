/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers, written: where a text is from, how likely its tokens
 * were, and pictures, which are items of their own.
 */
#include "wire/codec_probs.h"
#include "wire/codec_responses_out.h"

static void put_annotation(const struct responses_out *out, struct jw *w,
                           const struct neutral_event *ev)
{
    if (ev->from == DIALECT_RESPONSES) {
        jw_raw_line(w, ev->raw);
        return;
    }
    jw_open(w, '{');
    jw_member_text(w, "type", STR("url_citation"));
    jw_member_jstr(w, "url", ev->text);
    jw_member_jstr(w, "title", ev->name.p ? ev->name : ev->text);
    jw_member_int(w, "start_index", 0);
    jw_member_int(w, "end_index", (int64_t)out->length);
    jw_close(w, '}');
}

int responses_put_citation(struct responses_out *out, struct jw *w,
                           const struct neutral_event *ev)
{
    struct jw kept = { .b = &out->citations,
                       .comma = buf_len(&out->citations) > 0 };
    int rc;

    if (!ev->text.p && ev->from != DIALECT_RESPONSES) {
        out_lose_event(&out->base, ev); /* of a document */
        return 0;
    }
    rc = responses_need_item(out, w, RESPONSES_MESSAGE);
    if (!rc && !out->part)
        rc = responses_open_part(out, w, false);
    if (rc)
        return rc;
    kept.comma = buf_len(&out->citations) > 0;
    put_annotation(out, &kept, ev);
    if (out->base.opts.stream) {
        responses_begin(out, w, "response.output_text.annotation.added");
        jw_member_text(w, "item_id", out->item_id);
        jw_member_int(w, "output_index", out->index);
        jw_member_int(w, "content_index", out->n_parts);
        jw_member_int(w, "annotation_index", out->n_citations);
        jw_key(w, "annotation");
        put_annotation(out, w, ev);
        responses_end(w);
    }
    out->n_citations++;
    return kept.rc ? kept.rc : w->rc;
}

/* They are told with the text when it is whole, and with its part: pieces
 * have left by then. */
int responses_put_probs(struct responses_out *out,
                        const struct neutral_event *ev)
{
    struct jw w = { .b = &out->probs, .comma = buf_len(&out->probs) > 0 };
    struct json j = { 0 };
    uint32_t content;
    int rc;

    if (!out->part || out->refusal || out->open != RESPONSES_MESSAGE ||
        ev->from != DIALECT_OPENAI_CHAT) {
        out_lose_event(&out->base, ev);
        return 0;
    }
    rc = probs_open(&j, ev, &content);
    if (!rc)
        probs_put(&w, &j, content, STR("[]"));
    json_clear(&j);
    return rc ? rc : w.rc;
}

/* ---- pictures ------------------------------------------------------------ */

static void put_format(struct jw *w, struct jstr type)
{
    size_t n = type.n;

    while (n && type.p[n - 1] != '/')
        n--;
    if (n && n < type.n)
        jw_member_jstr(w, "output_format",
                       (struct jstr){ type.p + n, type.n - n });
}

static void put_item(const struct responses_out *out, struct jw *w,
                     const struct neutral_event *ev, bool over)
{
    jw_open(w, '{');
    jw_member_text(w, "id", out->item_id);
    jw_member_text(w, "type", STR("image_generation_call"));
    jw_member_text(w, "status", over ? STR("completed")
                                     : STR("in_progress"));
    put_format(w, ev->name);
    jw_key(w, "result");
    if (over)
        jw_jstr(w, ev->text);
    else
        jw_raw(w, STR("null"));
    jw_close(w, '}');
}

static void put_item_event(struct responses_out *out, struct jw *w,
                           const struct neutral_event *ev, bool over)
{
    responses_begin(out, w, over ? "response.output_item.done"
                                 : "response.output_item.added");
    jw_member_int(w, "output_index", out->index);
    jw_key(w, "item");
    put_item(out, w, ev, over);
    responses_end(w);
}

int responses_put_image(struct responses_out *out, struct jw *w,
                        const struct neutral_event *ev)
{
    struct jw kept = { .b = &out->items };
    int rc = responses_close_item(out, w);

    out->item_id = codec_id_made("ig_", out->base.opts.unique, out->index,
                                 out->base.a);
    if (rc || !out->item_id.p)
        return rc ? rc : -ERR_NOMEM;
    kept.comma = buf_len(&out->items) > 0;
    put_item(out, &kept, ev, true);
    if (out->base.opts.stream) {
        put_item_event(out, w, ev, false);
        put_item_event(out, w, ev, true);
    }
    out->index++;
    return w->rc ? w->rc : kept.rc;
}
