/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* generateContent answers, read: a candidate's parts and its sources. */
#include "wire/codec_gemini.h"

int gemini_close(struct gemini_in *in, struct gemini_choice *c)
{
    if (c->open == GEMINI_CLOSED)
        return 0;
    c->open = GEMINI_CLOSED;
    return in_text(&in->base, NEUTRAL_BLOCK_END, c->index, JSTR_NULL);
}

/* A block of its own, or the end of the thinking that is open. */
static int put_signature(struct gemini_in *in, struct gemini_choice *c,
                         struct jstr signature)
{
    struct jstr sealed = gemini_seal(signature, in->base.tmp);
    int rc;

    if (!sealed.p)
        return err_set(in->base.err, ERR_NOMEM, "out of memory");
    c->open = GEMINI_THOUGHT;
    rc = in_text(&in->base, NEUTRAL_SIGNATURE, c->index, sealed);
    return rc ? rc : gemini_close(in, c);
}

static int put_text(struct gemini_in *in, struct gemini_choice *c,
                    struct jstr text, bool thought)
{
    enum gemini_open open = thought ? GEMINI_THOUGHT : GEMINI_TEXT;
    int rc = 0;

    if (!text.n)
        return 0;
    if (c->open != open)
        rc = gemini_close(in, c);
    c->open = open;
    c->any = true;
    return rc ? rc : in_text(&in->base,
                             thought ? NEUTRAL_THINKING : NEUTRAL_TEXT,
                             c->index, text);
}

static int read_text(struct gemini_in *in, struct gemini_choice *c,
                     uint32_t part, struct jstr signature)
{
    const struct json *j = &in->base.j;
    uint32_t flag = in_member(j, part, STR("thought"));
    bool thought = flag != JSON_NONE && j->nodes[flag].type == JSON_T_TRUE;
    int rc = put_text(in, c, in_string(j, part, STR("text")), thought);

    if (rc || !signature.n)
        return rc;
    if (!thought)
        rc = gemini_close(in, c); /* it signs what is not thinking */
    return rc ? rc : put_signature(in, c, signature);
}

static int read_call(struct gemini_in *in, struct gemini_choice *c,
                     uint32_t node, struct jstr signature)
{
    const struct json *j = &in->base.j;
    uint32_t args = in_member(j, node, STR("args"));
    uint32_t id = in_member(j, node, STR("id"));
    uint32_t name = in_member(j, node, STR("name"));
    struct in_call call = {
        .choice = c->index,
        .id = json_text(j, id, in->base.tmp),
        .name = json_text(j, name, in->base.tmp),
        .signature = signature,
    };
    struct jstr text = JSTR_NULL;
    int rc = gemini_close(in, c);

    if (args != JSON_NONE) {
        text = jstr_escape(json_raw(j, args), in->base.tmp);
        if (!text.p)
            return err_set(in->base.err, ERR_NOMEM, "out of memory");
    }
    c->any = true;
    if (!rc)
        rc = in_call_begin(&in->base, &call);
    if (rc)
        return rc;
    c->any_call = c->any_call || call.mode != CALL_TEXT;
    rc = in_call_args(&in->base, &call, text);
    if (!rc)
        return in_call_end(&in->base, &call);
    buf_clear(&call.args);
    return rc;
}

/* A picture of a thought is a draft: no other dialect has a place for it. */
static int read_media(struct gemini_in *in, struct gemini_choice *c,
                      uint32_t part, struct jstr signature)
{
    const struct json *j = &in->base.j;
    uint32_t data = in_member(j, part, STR("inlineData"));
    uint32_t flag = in_member(j, part, STR("thought"));
    bool thought = flag != JSON_NONE && j->nodes[flag].type == JSON_T_TRUE;
    int rc = gemini_close(in, c);

    c->any = true;
    if (thought)
        in_lose(&in->base, LOSS_IMAGES);
    else if (!rc)
        rc = in_media(&in->base, c->index,
                      in_string(j, data, STR("mimeType")),
                      in_string(j, data, STR("data")));
    return rc || !signature.n ? rc : put_signature(in, c, signature);
}

/* Code that was run, and what is new: only Google's dialect can say it. */
static int read_other(struct gemini_in *in, struct gemini_choice *c,
                      uint32_t part)
{
    struct neutral_event ev = { .type = NEUTRAL_OPAQUE,
                                .choice = c->index,
                                .from = DIALECT_GEMINI };
    int rc = gemini_close(in, c);

    c->any = true;
    ev.raw = json_raw(&in->base.j, part);
    return rc ? rc : in_emit(&in->base, &ev);
}

static int read_part(struct gemini_in *in, struct gemini_choice *c,
                     uint32_t part)
{
    const struct json *j = &in->base.j;
    struct jstr signature = in_string(j, part, STR("thoughtSignature"));
    uint32_t call = in_member(j, part, STR("functionCall"));

    if (j->nodes[part].type != JSON_T_OBJECT)
        return 0;
    if (call != JSON_NONE)
        return in_member(j, call, STR("name")) == JSON_NONE
                   ? 0 /* ends a call that came in pieces */
                   : read_call(in, c, call, signature);
    if (in_member(j, part, STR("inlineData")) != JSON_NONE)
        return read_media(in, c, part, signature);
    if (in_member(j, part, STR("text")) != JSON_NONE || signature.n)
        return read_text(in, c, part, signature);
    return json_first(j, part) == JSON_NONE ? 0 : read_other(in, c, part);
}

int gemini_read_parts(struct gemini_in *in, struct gemini_choice *c,
                      uint32_t content)
{
    const struct json *j = &in->base.j;
    uint32_t parts = in_member(j, content, STR("parts"));
    int rc = 0;

    if (parts == JSON_NONE || j->nodes[parts].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t p = json_first(j, parts); p != JSON_NONE && !rc;
         p = json_sibling(j, parts, p))
        rc = read_part(in, c, p);
    return rc;
}

/* ---- sources ------------------------------------------------------------ */

static bool any(const struct json *j, uint32_t object, struct str name)
{
    return json_first(j, in_member(j, object, name)) != JSON_NONE;
}

/* What was asked of the search, and whom a text repeats. */
static void lose_beside(struct gemini_in *in, uint32_t candidate,
                        uint32_t meta)
{
    const struct json *j = &in->base.j;
    uint32_t repeats = in_member(j, candidate, STR("citationMetadata"));

    if (any(j, repeats, STR("citationSources")) ||
        any(j, repeats, STR("citations")))
        in_lose(&in->base, LOSS_CITATIONS);
    if (any(j, meta, STR("webSearchQueries")) ||
        any(j, meta, STR("searchEntryPoint")) ||
        in_member(j, candidate, STR("urlContextMetadata")) != JSON_NONE)
        in_lose(&in->base, LOSS_SERVER_BLOCKS);
}

int gemini_read_sources(struct gemini_in *in, struct gemini_choice *c,
                        uint32_t candidate)
{
    const struct json *j = &in->base.j;
    uint32_t meta = in_member(j, candidate, STR("groundingMetadata"));
    uint32_t list = in_member(j, meta, STR("groundingChunks"));
    int rc = 0;

    lose_beside(in, candidate, meta);
    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, list); n != JSON_NONE && !rc;
         n = json_sibling(j, list, n)) {
        uint32_t web = in_member(j, n, STR("web"));
        struct neutral_event ev = {
            .type = NEUTRAL_CITATION,
            .choice = c->index,
            .from = DIALECT_GEMINI,
            .text = in_string(j, web, STR("uri")),
            .name = in_string(j, web, STR("title")),
            .raw = json_raw(j, n),
        };

        if (ev.text.n && c->open == GEMINI_TEXT)
            rc = in_emit(&in->base, &ev);
        else
            in_lose(&in->base, LOSS_CITATIONS);
    }
    return rc;
}
