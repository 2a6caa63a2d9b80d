/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Responses requests: the parts of a message or of a tool's output. */
#include "wire/codec_responses.h"

enum {
    P_TYPE,
    P_TEXT,
    P_REFUSAL,
    P_IMAGE,
    P_DETAIL,
    P_FILE_ID,
    P_FILE_DATA,
    P_FILE_URL,
    P_FILENAME,
    P_AUDIO,
    P_ANNOTATIONS,
    P_LOGPROBS,
    P_COUNT,
};

static const struct rd_field part_fields[] = {
    [P_TYPE] = RD_FIELD("type", RD_STRING),
    [P_TEXT] = RD_FIELD("text", RD_STRING),
    [P_REFUSAL] = RD_FIELD("refusal", RD_STRING),
    [P_IMAGE] = RD_FIELD("image_url", RD_STRING | RD_OBJECT),
    [P_DETAIL] = RD_FIELD("detail", RD_STRING),
    [P_FILE_ID] = RD_FIELD("file_id", RD_STRING),
    [P_FILE_DATA] = RD_FIELD("file_data", RD_STRING),
    [P_FILE_URL] = RD_FIELD("file_url", RD_STRING),
    [P_FILENAME] = RD_FIELD("filename", RD_STRING),
    [P_AUDIO] = RD_FIELD("input_audio", RD_OBJECT),
    [P_ANNOTATIONS] = RD_FIELD("annotations", RD_ARRAY),
    [P_LOGPROBS] = RD_FIELD("logprobs", RD_ARRAY),
};

static int add_text(struct rd *rd, struct neutral_message *m,
                    enum neutral_kind kind, uint32_t node)
{
    struct neutral_block *b = rd_block(rd, m, kind);

    if (!b)
        return -rd->err->code;
    b->text = rd_jstr(rd, node);
    if (!b->text.p)
        b->text = JSTR("");
    return 0;
}

static int read_file_id(struct rd *rd, const uint32_t *at,
                        struct neutral_media *m)
{
    m->source = MEDIA_FILE_ID;
    m->data = rd_jstr(rd, at[P_FILE_ID]);
    return 0;
}

static int read_image(struct rd *rd, uint32_t node, const uint32_t *at,
                      struct neutral_media *m)
{
    uint32_t url = at[P_IMAGE];
    int rc = rd_text(rd, at[P_DETAIL], &m->detail);

    m->kind = MEDIA_IMAGE;
    if (rc)
        return rc;
    if (url == JSON_NONE)
        return at[P_FILE_ID] == JSON_NONE
                   ? rd_fault(rd, node, "an image_url or a file_id")
                   : read_file_id(rd, at, m);
    if (rd->j->nodes[url].type == JSON_T_OBJECT) /* as in chat */
        url = json_member(rd->j, url, STR("url"));
    if (url == JSON_NONE || rd->j->nodes[url].type != JSON_T_STRING)
        return rd_fault(rd, node, "an image_url");
    return rd_address(rd, url, m);
}

static int read_file(struct rd *rd, uint32_t node, const uint32_t *at,
                     struct neutral_media *m)
{
    uint32_t from = at[P_FILE_DATA] != JSON_NONE ? at[P_FILE_DATA]
                                                 : at[P_FILE_URL];
    int rc;

    m->kind = MEDIA_DOCUMENT;
    m->name = rd_jstr(rd, at[P_FILENAME]);
    if (from == JSON_NONE)
        return at[P_FILE_ID] == JSON_NONE
                   ? rd_fault(rd, node, "file_data, a file_url or a file_id")
                   : read_file_id(rd, at, m);
    rc = rd_address(rd, from, m);
    if (!rc && m->source == MEDIA_URL && from == at[P_FILE_DATA]) {
        m->source = MEDIA_BASE64; /* bare digits */
        m->mime = STR("application/pdf");
    }
    return rc;
}

static int read_audio(struct rd *rd, const uint32_t *at,
                      struct neutral_media *m)
{
    uint32_t data = json_member(rd->j, at[P_AUDIO], STR("data"));
    uint32_t format = json_member(rd->j, at[P_AUDIO], STR("format"));
    struct str name = STR_NULL;

    if (format != JSON_NONE && rd_text(rd, format, &name))
        return -rd->err->code;
    m->kind = MEDIA_AUDIO;
    m->source = MEDIA_BASE64;
    m->data = rd_jstr(rd, data);
    m->mime = arena_fmt(rd->a, "audio/" STR_FMT, STR_ARG(name));
    return m->mime.p ? 0 : rd_nomem(rd);
}

static int read_media(struct rd *rd, struct neutral_message *m,
                      uint32_t node, const uint32_t *at)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_MEDIA);
    struct str type;

    if (!b || rd_text(rd, at[P_TYPE], &type))
        return -rd->err->code;
    if (str_is(type, "input_image"))
        return read_image(rd, node, at, &b->media);
    if (str_is(type, "input_file"))
        return read_file(rd, node, at, &b->media);
    return at[P_AUDIO] == JSON_NONE ? rd_fault(rd, node, "input_audio")
                                    : read_audio(rd, at, &b->media);
}

static int read_part(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    static const char *const media[] = { "input_image", "input_file",
                                         "input_audio" };
    uint32_t at[P_COUNT], kind;
    struct str type;
    int rc;

    if (rd->j->nodes[node].type == JSON_T_STRING)
        return add_text(rd, m, BLOCK_TEXT, node);
    if (rd->j->nodes[node].type != JSON_T_OBJECT)
        return rd_fault(rd, node, "a part, an object");
    kind = json_member(rd->j, node, STR("type"));
    if (kind == JSON_NONE || rd->j->nodes[kind].type != JSON_T_STRING)
        return rd_fault(rd, node, "a part with its type");
    rc = rd_text(rd, kind, &type);
    for (size_t i = 0; i < 3 && !rc; i++) {
        if (!str_is(type, media[i]))
            continue;
        rc = rd_object(rd, node, part_fields, P_COUNT, "input[].content[]",
                       at);
        return rc ? rc : read_media(rd, m, node, at);
    }
    if (!rc && json_member(rd->j, node, STR("text")) == JSON_NONE &&
        json_member(rd->j, node, STR("refusal")) == JSON_NONE)
        return rd_unknown(rd, m, node, type);
    if (!rc)
        rc = rd_object(rd, node, part_fields, P_COUNT, "input[].content[]",
                       at);
    if (rc)
        return rc;
    return str_is(type, "refusal")
               ? add_text(rd, m, BLOCK_REFUSAL, at[P_REFUSAL])
               : add_text(rd, m, BLOCK_TEXT, at[P_TEXT]);
}

int responses_read_content(struct rd *rd, struct neutral_message *m,
                           uint32_t content)
{
    int rc = 0;

    if (content == JSON_NONE)
        return 0;
    if (rd->j->nodes[content].type == JSON_T_STRING)
        return add_text(rd, m, BLOCK_TEXT, content);
    for (uint32_t c = json_first(rd->j, content); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, content, c))
        rc = read_part(rd, m, c);
    return rc;
}
