/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Random neutral requests, each within what one dialect can say: the same
 * seed gives the same request.
 */
#ifndef PENSTOCK_UNIT_NEUTRAL_RANDOM_H
#define PENSTOCK_UNIT_NEUTRAL_RANDOM_H

#include "codec_run.h"

struct rnd {
    uint64_t state;
    struct arena *a;
    struct neutral_request *r;
    bool chat;
    int marks; /* that may still be put */
    int next_id;
    bool results;
};

static inline unsigned rnd(struct rnd *g, unsigned n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(g->state >> 33) % n;
}

#define PICK(g, list) list[rnd(g, sizeof list / sizeof list[0])]

static inline struct jstr rnd_jstr(struct rnd *g)
{
    static const char *const texts[] = {
        "a", "line\\nline", "\\u00e9\xC3\xA9", "\\ud83d\\ude00", "q\\\"q\\\\",
        "{\\\"x\\\":1}", " padded ", "\xE6\x97\xA5\xE6\x9C\xAC", "\\/",
        "\\ud800", "data:,x", "[DONE]",
    };
    const char *z = PICK(g, texts);

    return (struct jstr){ z, strlen(z) };
}

static inline struct str rnd_str(struct rnd *g)
{
    static const char *const texts[] = {
        "plain", "two words", "quote\"quote", "back\\slash", "new\nline",
        "\xC3\xA9", "\x7F", "tab\tand\x01",
    };

    return str_of(PICK(g, texts));
}

static inline struct str rnd_number(struct rnd *g)
{
    static const char *const numbers[] = { "0.1", "1e-2", "0.50", "1" };

    return str_of(PICK(g, numbers));
}

static inline void rnd_cache(struct rnd *g, struct neutral_cache *c)
{
    if (g->marks <= 0 || rnd(g, 4))
        return;
    g->marks--;
    c->set = true;
    c->ttl = STR("5m");
}

static inline void rnd_text(struct rnd *g, struct neutral_message *m)
{
    struct neutral_block *b = neutral_add_block(g->r, m, g->a, BLOCK_TEXT);

    b->text = rnd_jstr(g);
    rnd_cache(g, &b->cache);
}

static inline void rnd_media(struct rnd *g, struct neutral_message *m)
{
    struct neutral_block *b = neutral_add_block(g->r, m, g->a, BLOCK_MEDIA);
    struct neutral_media *o = &b->media;

    o->kind = rnd(g, g->chat ? 3 : 2);
    o->source = MEDIA_BASE64;
    o->data = JSTR("QUJD\\/+==");
    o->mime = o->kind == MEDIA_IMAGE   ? STR("image/png")
              : o->kind == MEDIA_AUDIO ? STR("audio/wav")
                                       : STR("application/pdf");
    if (o->kind == MEDIA_DOCUMENT)
        o->name = rnd_jstr(g);
    if (o->kind == MEDIA_IMAGE && rnd(g, 2)) {
        o->source = MEDIA_URL;
        o->data = JSTR("https:\\/\\/x.example/a");
        o->mime = STR_NULL;
    }
    if (o->kind == MEDIA_DOCUMENT && rnd(g, 2)) {
        o->source = MEDIA_FILE_ID;
        o->data = JSTR("file-1");
        o->mime = STR_NULL;
    }
    if (!g->chat && o->kind == MEDIA_DOCUMENT && rnd(g, 2)) {
        o->context = rnd_str(g);
        o->raw_citations = STR("{\"enabled\":true}");
    }
    if (g->chat && o->kind == MEDIA_IMAGE && rnd(g, 2))
        o->detail = STR("low");
    rnd_cache(g, &b->cache);
}

static inline struct str rnd_id(struct rnd *g)
{
    static const char *const forms[] = { "toolu_%d", "call-%d", "f.g:%d",
                                         "psx_%d", "\xC3\xA9%d" };

    return arena_fmt(g->a, PICK(g, forms), g->next_id);
}

static inline struct str rnd_name(struct rnd *g)
{
    static const char *const names[] = { "f", "get_weather", "a-b", "X9" };

    return str_of(PICK(g, names));
}

static inline void rnd_thinking(struct rnd *g, struct neutral_message *m)
{
    struct neutral_block *b;

    if (rnd(g, 3))
        return;
    b = neutral_add_block(g->r, m, g->a, BLOCK_THINKING);
    if (rnd(g, 3) == 0) {
        b->thinking.redacted = JSTR("UkVE");
        return;
    }
    b->thinking.text = rnd_jstr(g);
    if (!g->chat || rnd(g, 2))
        b->thinking.signature = JSTR("c2ln+/==");
}

static inline struct str rnd_call(struct rnd *g, struct neutral_message *m)
{
    static const char *const args[] = { "{}", "{\"a\": 1.0, \"b\":[1e2]}",
                                        "{\"\\u00e9\":\"\xC3\xA9\"}" };
    struct neutral_block *b = neutral_add_block(g->r, m, g->a,
                                                BLOCK_TOOL_CALL);

    g->next_id++;
    b->call.id = rnd_id(g);
    b->call.name = rnd_name(g);
    b->call.args = str_of(PICK(g, args));
    if (g->chat && rnd(g, 8) == 0) {
        b->call.custom = true;
        b->call.args = rnd_str(g);
    } else if (g->chat && rnd(g, 8) == 0) {
        b->call.args = STR("{\"cut");
    } else if (g->chat && rnd(g, 8) == 0) {
        b->call.signature = JSTR("Z29v");
    }
    rnd_cache(g, &b->cache);
    return b->call.id;
}

/* Chat has a message for each result, Anthropic all in one. */
static inline void rnd_result(struct rnd *g, struct str id)
{
    struct neutral_message *m = g->r->last, inside = { 0 };
    struct neutral_block *b;

    if (g->chat || m->role != ROLE_USER)
        m = neutral_add_message(g->r, g->a, ROLE_USER);
    b = neutral_add_block(g->r, m, g->a, BLOCK_TOOL_RESULT);
    b->result.id = id;
    g->results = true;
    for (unsigned n = rnd(g, 3); n; n--)
        rnd_text(g, &inside);
    if (!g->chat && rnd(g, 4) == 0)
        rnd_media(g, &inside);
    b->result.blocks = inside.first;
    b->result.is_error = !g->chat && rnd(g, 4) == 0;
    rnd_cache(g, &b->cache);
}

static inline void rnd_turn(struct rnd *g)
{
    struct neutral_message *m = neutral_add_message(g->r, g->a, ROLE_USER);
    struct str ids[3];
    unsigned calls = rnd(g, 4);

    if (g->chat && rnd(g, 4) == 0)
        m->name = JSTR("bo");
    rnd_text(g, m);
    if (rnd(g, 3) == 0)
        rnd_media(g, m);
    m = neutral_add_message(g->r, g->a, ROLE_ASSISTANT);
    rnd_thinking(g, m);
    rnd_text(g, m);
    if (g->chat && rnd(g, 8) == 0)
        neutral_add_block(g->r, m, g->a, BLOCK_REFUSAL)->text = rnd_jstr(g);
    for (unsigned i = 0; i < calls; i++)
        ids[i % 3] = rnd_call(g, m);
    for (unsigned i = 0; i < calls && i < 3; i++)
        rnd_result(g, ids[i]);
}

#endif
