/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Fixtures: a recorded exchange as a file, and which of the plugin's apis it
 * is one of. */
#include "engine/conform.h"

#include <stdlib.h>
#include <strings.h>

#define BODY_MAX (64u << 20)

/* What an exchange is of: the last word of its "api", or all of it. */
static const struct {
    const char *api;
    enum dialect dialect;
    int op, ps_dialect;
} kinds[] = {
    { "chat", DIALECT_OPENAI_CHAT, PS_CHAT, PS_OPENAI_CHAT },
    { "completions", DIALECT_OPENAI_COMPLETIONS, PS_COMPLETIONS,
      PS_OPENAI_COMPLETIONS },
    { "embeddings", DIALECT_OPENAI_EMBEDDINGS, PS_EMBEDDINGS,
      PS_OPENAI_EMBEDDINGS },
    { "responses", DIALECT_RESPONSES, PS_CHAT, PS_RESPONSES },
    { "messages", DIALECT_ANTHROPIC, PS_CHAT, PS_ANTHROPIC },
    { "invoke", DIALECT_ANTHROPIC, PS_CHAT, PS_ANTHROPIC },
    { "invoke-with-response-stream", DIALECT_ANTHROPIC, PS_CHAT,
      PS_ANTHROPIC },
    { "rawPredict", DIALECT_ANTHROPIC, PS_CHAT, PS_ANTHROPIC },
    { "streamRawPredict", DIALECT_ANTHROPIC, PS_CHAT, PS_ANTHROPIC },
    { "count_tokens", DIALECT_ANTHROPIC_COUNT, PS_COUNT_TOKENS,
      PS_ANTHROPIC },
    { "converse", DIALECT_CONVERSE, PS_CHAT, PS_CONVERSE },
    { "converse-stream", DIALECT_CONVERSE, PS_CHAT, PS_CONVERSE },
    { "count-tokens", DIALECT_CONVERSE_COUNT, PS_COUNT_TOKENS, PS_CONVERSE },
    { "generateContent", DIALECT_GEMINI, PS_CHAT, PS_GEMINI },
    { "streamGenerateContent", DIALECT_GEMINI, PS_CHAT, PS_GEMINI },
    { "countTokens", DIALECT_GEMINI_COUNT, PS_COUNT_TOKENS, PS_GEMINI },
    { "embedContent", DIALECT_GEMINI_EMBED, PS_EMBEDDINGS, PS_GEMINI },
    { "batchEmbedContents", DIALECT_GEMINI_BATCH, PS_EMBEDDINGS,
      PS_GEMINI_BATCH },
    { "mistral.embeddings", DIALECT_MISTRAL_EMBED, PS_EMBEDDINGS,
      PS_MISTRAL },
    { "cohere.embed_v2", DIALECT_COHERE_EMBED, PS_EMBEDDINGS, PS_COHERE },
    { "ollama.embed", DIALECT_OLLAMA_EMBED, PS_EMBEDDINGS, PS_OLLAMA },
    { "titan.embed", DIALECT_TITAN_EMBED, PS_EMBEDDINGS, PS_TITAN },
    { "nova.embed", DIALECT_NOVA_EMBED, PS_EMBEDDINGS, PS_NOVA },
    { "predict", DIALECT_PREDICT_EMBED, PS_EMBEDDINGS, PS_PREDICT },
    { "mistral.chat", DIALECT_MISTRAL, PS_CHAT, PS_MISTRAL },
    { "cohere.chat_v2", DIALECT_COHERE, PS_CHAT, PS_COHERE },
    { "ollama.chat", DIALECT_OLLAMA, PS_CHAT, PS_OLLAMA },
};

/* What a Content-Type says of the framing. */
static const struct {
    const char *type;
    enum framing framing;
} types[] = {
    { "text/event-stream", FRAMING_SSE },
    { "application/x-ndjson", FRAMING_NDJSON },
    { "application/jsonl", FRAMING_NDJSON },
    { "application/vnd.amazon.eventstream", FRAMING_EVENTSTREAM },
};

static struct str text_at(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    return (struct str){ json_string_value(v), json_string_length(v) };
}

static int choose_api(struct fixture *f, const struct plugin *p,
                      struct err *err)
{
    struct str all = text_at(f->doc, "api"), rest = all, last = STR_NULL;
    const char *unspoken = NULL;

    while (rest.p)
        last = str_split(&rest, '.');
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!str_is(last, kinds[i].api) && !str_is(all, kinds[i].api))
            continue;
        f->dialect = kinds[i].dialect;
        f->api = plugin_api(p, kinds[i].op, kinds[i].ps_dialect,
                            json_is_true(json_object_get(f->doc, "stream")));
        if (f->api)
            return 0;
        unspoken = kinds[i].api;
    }
    if (unspoken)
        return err_set(err, ERR_NOTFOUND, "the plugin does not speak %s",
                       unspoken);
    return err_set(err, ERR_NOTFOUND, "its api is none of chat, completions, "
                                      "embeddings, messages, invoke, "
                                      "invoke-with-response-stream, "
                                      "rawPredict, streamRawPredict, "
                                      "count_tokens, count-tokens, "
                                      "converse, converse-stream, "
                                      "generateContent, "
                                      "streamGenerateContent, countTokens, "
                                      "embedContent, batchEmbedContents, "
                                      "mistral.chat, mistral.embeddings, "
                                      "cohere.chat_v2, cohere.embed_v2, "
                                      "ollama.chat, ollama.embed");
}

static int read_headers(struct fixture *f, json_t *response, struct err *err)
{
    json_t *all = json_object_get(response, "headers"), *v;
    const char *key;

    f->headers = calloc(json_object_size(all) + 1, sizeof *f->headers);
    if (!f->headers)
        return err_set(err, ERR_NOMEM, "out of memory");
    json_object_foreach (all, key, v) {
        if (!json_is_string(v))
            return err_set(err, ERR_CONFIG, "the header %s is no text", key);
        f->headers[f->n_headers++] = (struct http_header){
            str_of(key), { json_string_value(v), json_string_length(v) }
        };
    }
    return 0;
}

static int sextet(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                              "qrstuvwxyz0123456789+/";
    const char *at = c ? strchr(set, c) : NULL;

    return at ? (int)(at - set) : -1;
}

static int put_base64(struct buf *b, struct str s)
{
    uint32_t v = 0;
    int bits = 0, rc = 0;

    for (size_t i = 0; i < s.n && !rc; i++) {
        int six = sextet(s.p[i]);

        if (six < 0)
            continue;
        v = v << 6 | (uint32_t)six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            rc = buf_putc(b, (char)(v >> bits & 0xFF));
        }
    }
    return rc;
}

/* A body: text as it was sent, base64 of it, or JSON to be written out. */
static int read_body(struct buf *to, const json_t *holder, struct err *err)
{
    struct str b64 = text_at(holder, "body_base64");
    const json_t *body = json_object_get(holder, "body");
    char *text;
    int rc = 0;

    if (b64.p)
        return put_base64(to, b64) ? err_set(err, ERR_LIMIT, "a body too long")
                                   : 0;
    if (json_is_string(body)) {
        rc = buf_put(to, text_at(holder, "body"));
    } else if (json_is_object(body) || json_is_array(body)) {
        text = json_dumps(body, JSON_COMPACT);
        rc = text ? buf_puts(to, text) : -ERR_NOMEM;
        free(text);
    }
    return rc ? err_set(err, -rc, "a body too long") : 0;
}

static void choose_framing(struct fixture *f)
{
    struct str type =
        http_header_get(f->headers, f->n_headers, STR("content-type"));
    struct str word = str_trim(str_split(&type, ';'));
    struct str body = buf_str(&f->body);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!str_ieq(word, str_of(types[i].type)))
            continue;
        f->streamed = true;
        f->framing = types[i].framing;
        if (f->framing == FRAMING_EVENTSTREAM &&
            f->api->framing == PS_EVENTCHUNKS)
            f->framing = FRAMING_EVENTCHUNKS;
    }
    if (json_is_true(json_object_get(f->doc, "stream")) && !f->streamed &&
        body.n && body.p[0] == '[') {
        f->streamed = true;
        f->framing = FRAMING_JSONARRAY;
    }
    f->streamed &= f->status >= 200 && f->status <= 299;
}

static int read_response(struct fixture *f, struct err *err)
{
    json_t *response = json_object_get(f->doc, "response");
    int rc;

    f->status =
        (int)json_integer_value(json_object_get(response, "status"));
    if (f->status < 100 || f->status > 599)
        return err_set(err, ERR_CONFIG, "response.status is no HTTP status");
    rc = read_headers(f, response, err);
    if (!rc)
        rc = read_body(&f->body, response, err);
    if (!rc)
        choose_framing(f);
    return rc;
}

static int open_inst(struct fixture *f, const struct plugin *p,
                     struct err *err)
{
    json_t *settings = json_object_get(f->doc, "settings");
    char *text = settings ? json_dumps(settings, JSON_COMPACT) : NULL;

    f->inst = plugin_open(p, STR("conformance"), STR("https://up.example"),
                          text ? str_of(text) : STR("{}"), err);
    free(text);
    return f->inst ? 0 : -ERR_CONFIG;
}

int fixture_open(struct fixture *f, const char *path, const char *name,
                 const struct plugin *p, struct err *err)
{
    json_error_t why;
    int rc;

    *f = (struct fixture){ .body = BUF_INIT(BODY_MAX),
                           .request = BUF_INIT(BODY_MAX) };
    f->name = str_dup(str_of(name));
    f->doc = json_load_file(path, JSON_ALLOW_NUL, &why);
    if (!f->doc || !f->name)
        return err_set(err, ERR_CONFIG, "line %d: %s", why.line, why.text);
    f->close_early =
        json_is_true(json_object_get(f->doc, "close_without_end"));
    rc = choose_api(f, p, err);
    if (!rc)
        rc = read_response(f, err);
    if (!rc)
        rc = read_body(&f->request, json_object_get(f->doc, "request"), err);
    if (!rc)
        rc = open_inst(f, p, err);
    return rc;
}

void fixture_clear(struct fixture *f)
{
    plugin_close(f->inst);
    json_decref(f->doc);
    buf_clear(&f->body);
    buf_clear(&f->request);
    free(f->headers);
    free(f->name);
    memset(f, 0, sizeof *f);
}
