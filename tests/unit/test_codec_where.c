/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where in a client's body stands what cannot be said to a target: in the
 * words of the client's dialect. */
#include "codec_requests.h"

#include "wire/codec_where.h"

/* clang-format off */
static const struct place_case {
    enum dialect from, to;
    const char *in, *path; /* of what is refused */
} places[] = {
    { DIALECT_OPENAI_CHAT, DIALECT_ANTHROPIC, "{'messages':[{'role':'user','content':'a'},{'role':'user','content':[{'type':'text','text':'b'},{'type':'hologram','of':[1,{'x':2}]}]}]}", "messages[1].content[1]" },
    { DIALECT_OPENAI_CHAT, DIALECT_ANTHROPIC, "{'messages':[{'role':'user','content':[{'type':'text','text':'b'},{'type':'input_audio','input_audio':{'data':'AA','format':'wav'}}]}]}", "messages[0].content[1]" },
    { DIALECT_ANTHROPIC, DIALECT_OPENAI_CHAT, "{'max_tokens':9,'messages':[{'role':'user','content':[{'type':'text','text':'b'},{'type':'image','source':{'type':'file','file_id':'f'}}]}]}", "messages.0.content.1" },
    { DIALECT_ANTHROPIC_COUNT, DIALECT_OPENAI_CHAT, "{'messages':[{'role':'user','content':[{'type':'text','text':'b'},{'type':'image','source':{'type':'file','file_id':'f'}}]}]}", "messages.0.content.1" },
    { DIALECT_RESPONSES, DIALECT_OPENAI_CHAT, "{'input':[{'role':'user','content':'a'},{'type':'weird','x':1}]}", "input[1]" },
    { DIALECT_RESPONSES, DIALECT_OPENAI_CHAT, "{'input':'a','conversation':{'id':'c'}}", "conversation" },
    { DIALECT_GEMINI, DIALECT_CONVERSE, "{'contents':[{'parts':[{'text':'a'}]}],'cachedContent':'cachedContents/x'}", "cachedContent" },
    { DIALECT_GEMINI, DIALECT_COHERE, "{'contents':[{'parts':[{'text':'a'},{'fileData':{'fileUri':'https://youtu.be/x'}}]}]}", "contents[0].parts[1]" },
};

static const struct empty_case {
    enum dialect from;
    const char *in, *field;
} nothing[] = {
    { DIALECT_OPENAI_CHAT, "{'messages':[{'role':'user','content':''}]}", "messages" },
    { DIALECT_RESPONSES, "{'input':''}", "input" },
    { DIALECT_GEMINI, "{'contents':[{'parts':[{'text':''}]}]}", "contents" },
    { DIALECT_OPENAI_COMPLETIONS, "{'prompt':''}", "prompt" },
};
/* clang-format on */

static void says_where(void)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct place_case *c = &places[i];
        struct codec_target t = codec_target_of(c->to, STR("m"));
        char *in = quoted(c->in), path[128] = "";
        uint32_t node;
        struct way w;

        UNIT_INT(way_in(&w, c->from, str_of(in)), 0);
        way_out(&w, c->to, &t); /* what is left may be nothing */
        node = codec_node_at(&w.j, w.report.where);
        if (node != JSON_NONE)
            codec_path(&w.j, node, c->from, w.a, path, sizeof path);
        UNIT_STR(path, c->path);
        way_clear(&w);
        free(in);
    }
}

static void knows_its_own_bytes_alone(void)
{
    struct json j = { 0 };
    char other = 'x';

    UNIT_INT(codec_node_at(&j, &other), JSON_NONE);
    UNIT_INT(json_scan(&j, STR("{\"a\":[1,2]}"), NULL, NULL), 0);
    UNIT_INT(codec_node_at(&j, &other), JSON_NONE);
    UNIT_INT(codec_node_at(&j, NULL), JSON_NONE);
    UNIT_INT(codec_node_at(&j, j.text + 1), JSON_NONE); /* a name */
    UNIT_INT(codec_node_at(&j, j.text + 8), json_at(&j, STR("/a/1")));
    json_clear(&j);
}

static void says_what_is_empty(void)
{
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct codec_target t = codec_target_of(DIALECT_ANTHROPIC, STR("m"));
        char *in = quoted(nothing[i].in);
        struct way w;

        UNIT_INT(way_in(&w, nothing[i].from, str_of(in)), 0);
        UNIT_INT(way_out(&w, DIALECT_ANTHROPIC, &t), -ERR_INVALID_REQUEST);
        UNIT_STR(w.err.at, nothing[i].field);
        way_clear(&w);
        free(in);
    }
}

UNIT_MAIN("codec_where", { "what is refused", says_where },
          { "bytes of another text", knows_its_own_bytes_alone },
          { "nothing to say", says_what_is_empty })
