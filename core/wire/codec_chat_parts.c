/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests: the parts of a message, and reasoning as the vendors
 * take it back: thinking_blocks (LiteLLM's, ours), reasoning_details
 * (OpenRouter's), reasoning_content or reasoning (without a signature),
 * content parts of type "thinking" (Mistral's).
 */
#include "wire/codec_chat.h"
#include "wire/codec_gemini.h"

enum {
    P_TYPE,
    P_TEXT,
    P_REFUSAL,
    P_IMAGE,
    P_AUDIO,
    P_FILE,
    P_THINKING,
    P_CLOSED,
    P_CACHE,
    P_BREAKPOINT,
    P_COUNT,
};

static const struct rd_field part_fields[] = {
    [P_TYPE] = RD_FIELD("type", RD_STRING),
    [P_TEXT] = RD_FIELD("text", RD_STRING),
    [P_REFUSAL] = RD_FIELD("refusal", RD_STRING),
    [P_IMAGE] = RD_FIELD("image_url", RD_STRING | RD_OBJECT),
    [P_AUDIO] = RD_FIELD("input_audio", RD_OBJECT),
    [P_FILE] = RD_FIELD("file", RD_OBJECT),
    [P_THINKING] = RD_FIELD("thinking", RD_STRING | RD_ARRAY),
    [P_CLOSED] = RD_FIELD("closed", RD_BOOL), /* Mistral: all of it came */
    [P_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    [P_BREAKPOINT] = RD_FIELD("prompt_cache_breakpoint", RD_OBJECT),
};

static int read_image(struct rd *rd, uint32_t node, struct neutral_media *m)
{
    enum { URL, DETAIL, COUNT };
    static const struct rd_field fields[] = {
        [URL] = RD_FIELD("url", RD_STRING),
        [DETAIL] = RD_FIELD("detail", RD_STRING),
    };
    uint32_t at[COUNT];
    int rc;

    m->kind = MEDIA_IMAGE;
    if (rd->j->nodes[node].type == JSON_T_STRING)
        return rd_address(rd, node, m);
    rc = rd_object(rd, node, fields, COUNT, "messages[].content[].image_url",
                   at);
    if (rc)
        return rc;
    if (at[URL] == JSON_NONE)
        return rd_fault(rd, node, "an object with a url");
    rc = rd_address(rd, at[URL], m);
    return rc ? rc : rd_text(rd, at[DETAIL], &m->detail);
}

static int read_audio(struct rd *rd, uint32_t node, struct neutral_media *m)
{
    enum { DATA, FORMAT, COUNT };
    static const struct rd_field fields[] = {
        [DATA] = RD_FIELD("data", RD_STRING),
        [FORMAT] = RD_FIELD("format", RD_STRING),
    };
    uint32_t at[COUNT];
    struct str format;
    int rc = rd_object(rd, node, fields, COUNT,
                       "messages[].content[].input_audio", at);

    if (!rc)
        rc = rd_text(rd, at[FORMAT], &format);
    if (rc)
        return rc;
    m->kind = MEDIA_AUDIO;
    m->source = MEDIA_BASE64;
    m->data = rd_jstr(rd, at[DATA]);
    m->mime = arena_fmt(rd->a, "audio/" STR_FMT, STR_ARG(format));
    return m->mime.p ? 0 : rd_nomem(rd);
}

/* What a file without a type is, by its name. */
static struct str mime_by_name(struct str name)
{
    static const struct {
        const char *end, *mime;
    } table[] = { { ".txt", "text/plain" },    { ".md", "text/markdown" },
                  { ".csv", "text/csv" },      { ".html", "text/html" },
                  { ".json", "application/json" } };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct str end = str_of(table[i].end);

        if (name.n > end.n &&
            str_ieq((struct str){ name.p + name.n - end.n, end.n }, end))
            return str_of(table[i].mime);
    }
    return STR("application/pdf");
}

static int read_file(struct rd *rd, uint32_t node, struct neutral_media *m)
{
    enum { ID, DATA, NAME, COUNT };
    static const struct rd_field fields[] = {
        [ID] = RD_FIELD("file_id", RD_STRING),
        [DATA] = RD_FIELD("file_data", RD_STRING),
        [NAME] = RD_FIELD("filename", RD_STRING),
    };
    uint32_t at[COUNT];
    struct str name;
    int rc = rd_object(rd, node, fields, COUNT, "messages[].content[].file",
                       at);

    if (!rc)
        rc = rd_text(rd, at[NAME], &name);
    if (rc)
        return rc;
    m->kind = MEDIA_DOCUMENT;
    m->name = rd_jstr(rd, at[NAME]);
    if (at[DATA] == JSON_NONE) {
        if (at[ID] == JSON_NONE)
            return rd_fault(rd, node, "a file_id or file_data");
        m->source = MEDIA_FILE_ID;
        m->data = rd_jstr(rd, at[ID]);
        return 0;
    }
    rc = rd_address(rd, at[DATA], m);
    if (!rc && m->source == MEDIA_URL && !str_starts(
            (struct str){ m->data.p, m->data.n }, STR("http"))) {
        m->source = MEDIA_BASE64; /* bare digits */
        m->mime = mime_by_name(name);
    }
    return rc;
}

static int add_thinking(struct rd *rd, struct neutral_message *m,
                        struct jstr text, struct jstr signature)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_THINKING);

    if (!b)
        return -rd->err->code;
    b->thinking.text = text.p ? text : JSTR("");
    b->thinking.signature = signature;
    gemini_unseal_thinking(&b->thinking);
    return 0;
}

/* Mistral's thinking: a string, or an array of text parts. */
static int read_thinking_part(struct rd *rd, struct neutral_message *m,
                              uint32_t node)
{
    if (rd->j->nodes[node].type == JSON_T_STRING)
        return add_thinking(rd, m, rd_jstr(rd, node), JSTR_NULL);
    for (uint32_t c = json_first(rd->j, node); c != JSON_NONE;
         c = json_sibling(rd->j, node, c)) {
        struct jstr text = rd_jstr(rd, json_member(rd->j, c, STR("text")));
        int rc = text.p ? add_thinking(rd, m, text, JSTR_NULL) : 0;

        if (rc)
            return rc;
    }
    return 0;
}

static int read_media_part(struct rd *rd, struct neutral_message *m,
                           const uint32_t *at)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_MEDIA);

    if (!b)
        return -rd->err->code;
    if (at[P_IMAGE] != JSON_NONE)
        return read_image(rd, at[P_IMAGE], &b->media);
    if (at[P_AUDIO] != JSON_NONE)
        return read_audio(rd, at[P_AUDIO], &b->media);
    return read_file(rd, at[P_FILE], &b->media);
}

static int read_text_part(struct rd *rd, struct neutral_message *m,
                          enum neutral_kind kind, uint32_t node)
{
    struct neutral_block *b = rd_block(rd, m, kind);

    if (!b)
        return -rd->err->code;
    b->text = rd_jstr(rd, node);
    return 0;
}

/* An unknown part's members are its own business: it is kept whole. */
static bool is_known(struct str type)
{
    static const char *const known[] = { "text",        "refusal",
                                         "image_url",   "input_audio",
                                         "file",        "thinking",
                                         "input_text",  "output_text" };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_is(type, known[i]))
            return true;
    }
    return false;
}

static int read_part(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    uint32_t at[P_COUNT], kind = json_member(rd->j, node, STR("type"));
    struct str type = json_text(rd->j, kind, rd->a);
    int rc;

    if (!type.p)
        return rd_fault(rd, node, "an object with a type");
    if (!is_known(type))
        return rd_unknown(rd, m, node, type);
    rc = rd_object(rd, node, part_fields, P_COUNT, "messages[].content[]",
                   at);
    if (rc)
        return rc;
    if (at[P_REFUSAL] != JSON_NONE)
        rc = read_text_part(rd, m, BLOCK_REFUSAL, at[P_REFUSAL]);
    else if (at[P_THINKING] != JSON_NONE)
        rc = read_thinking_part(rd, m, at[P_THINKING]);
    else if (at[P_IMAGE] != JSON_NONE || at[P_AUDIO] != JSON_NONE ||
             at[P_FILE] != JSON_NONE)
        rc = read_media_part(rd, m, at);
    else if (at[P_TEXT] != JSON_NONE)
        rc = read_text_part(rd, m, BLOCK_TEXT, at[P_TEXT]);
    else
        return rd_fault(rd, node, "a part with its content");
    if (!rc && m->last)
        rc = rd_cache(rd, at[P_CACHE] != JSON_NONE ? at[P_CACHE]
                                                   : at[P_BREAKPOINT],
                      &m->last->cache);
    return rc;
}

int chat_read_content(struct rd *rd, struct neutral_message *m,
                      uint32_t content)
{
    if (content == JSON_NONE)
        return 0;
    if (rd->j->nodes[content].type == JSON_T_STRING)
        return read_text_part(rd, m, BLOCK_TEXT, content);
    for (uint32_t c = json_first(rd->j, content); c != JSON_NONE;
         c = json_sibling(rd->j, content, c)) {
        int rc = read_part(rd, m, c);

        if (rc)
            return rc;
    }
    return 0;
}

/* {type: thinking, thinking, signature} or {type: redacted_thinking, data} */
static int read_block(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    const struct json *j = rd->j;
    struct jstr data = rd_jstr(rd, json_member(j, node, STR("data")));
    struct neutral_block *b;

    if (!data.p)
        return add_thinking(rd, m,
                            rd_jstr(rd, json_member(j, node,
                                                    STR("thinking"))),
                            rd_jstr(rd, json_member(j, node,
                                                    STR("signature"))));
    b = rd_block(rd, m, BLOCK_THINKING);
    if (!b)
        return -rd->err->code;
    b->thinking.redacted = data;
    return 0;
}

/*
 * OpenRouter's: reasoning.text, .summary, or .encrypted (not to be read).
 * What another family than Anthropic's signed or encrypted is kept whole.
 */
static int read_detail(struct rd *rd, struct neutral_message *m,
                       uint32_t node)
{
    const struct json *j = rd->j;
    struct jstr text = rd_jstr(rd, json_member(j, node, STR("text")));
    struct jstr data = rd_jstr(rd, json_member(j, node, STR("data")));
    struct jstr sign = rd_jstr(rd, json_member(j, node, STR("signature")));
    struct jstr format = rd_jstr(rd, json_member(j, node, STR("format")));
    struct neutral_block *b;

    if ((sign.p || data.p) && format.p &&
        !str_starts((struct str){ format.p, format.n }, STR("anthropic")))
        return rd_unknown(rd, m, node, STR("reasoning"));
    if (!data.p)
        return add_thinking(rd, m,
                            text.p ? text
                                   : rd_jstr(rd, json_member(j, node,
                                                             STR("summary"))),
                            sign);
    b = rd_block(rd, m, BLOCK_THINKING);
    if (!b)
        return -rd->err->code;
    b->thinking.redacted = data;
    return 0;
}

int chat_read_reasoning(struct rd *rd, struct neutral_message *m,
                        uint32_t blocks, uint32_t details, uint32_t text)
{
    uint32_t array = json_first(rd->j, blocks) != JSON_NONE ? blocks
                                                            : details;

    if (json_first(rd->j, array) == JSON_NONE)
        return text == JSON_NONE || rd_jstr(rd, text).n == 0
                   ? 0
                   : add_thinking(rd, m, rd_jstr(rd, text), JSTR_NULL);
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        int rc = array == blocks ? read_block(rd, m, c)
                                 : read_detail(rd, m, c);

        if (rc)
            return rc;
    }
    return 0;
}
