/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What both dialects do when a request is written. */
#include "wire/codec_put.h"
#include "wire/codec_where.h"

#include "base/sha256.h"

#include <stdlib.h>

struct str cw_tool_name(struct cw *c, struct str name)
{
    struct str sent = codec_name_to_wire(name, c->a);

    if (!sent.p) {
        cw_fail(c, -ERR_NOMEM);
        return STR("");
    }
    if (!str_eq(sent, name))
        cw_note(c, FATE_MAPPED, FEATURE_TOOL_NAME);
    return sent;
}

struct str cw_declare_name(struct cw *c, struct str name,
                           enum codec_name_kind kind)
{
    struct str sent = cw_tool_name(c, name);

    if (kind != NAME_RENAMED || !str_eq(sent, name))
        cw_fail(c, codec_names_add(c->names, c->a, kind, sent, name));
    return sent;
}

const struct neutral_tool *cw_tool(const struct cw *c, struct str name)
{
    const struct neutral_tool *t = c->r->tools;

    while (t && (t->raw_unknown.p || !str_eq(t->name, name)))
        t = t->next;
    return t;
}

/* What a provider's tools did may be left out; what the user gave may not. */
void cw_unknown(struct cw *c, const struct neutral_unknown *u)
{
    if (str_starts(u->type, STR("reasoning")) ||
        str_is(u->type, "signature"))
        cw_note(c, FATE_DROPPED, FEATURE_THINKING);
    else if (str_is(u->type, "item_reference") ||
             str_is(u->type, "compaction"))
        cw_refuse(c, FEATURE_THREAD, u->raw.p);
    else if (str_find(u->type, STR("tool")) >= 0 ||
             str_find(u->type, STR("_call")) >= 0 ||
             str_starts(u->type, STR("mcp_")))
        cw_note(c, FATE_DROPPED, FEATURE_SERVER_BLOCKS);
    else
        cw_refuse(c, FEATURE_OTHER_CONTENT, u->raw.p);
}

static int empty(const struct cw *c)
{
    const char *field = codec_talk_field(c->r->from);

    return err_at(c->err, ERR_INVALID_REQUEST, field,
                  "Invalid '%s': nothing in it has any content.", field);
}

int cw_finish(struct cw *c, bool any)
{
    jw_close(&c->w, '}');
    if (!c->w.rc && !any)
        return empty(c);
    if (c->w.rc && c->err && !c->err->code)
        err_set(c->err, -c->w.rc, c->w.rc == -ERR_NOMEM
                                      ? "out of memory"
                                      : "the request grew over its limit");
    return c->w.rc;
}

struct str cw_user(struct cw *c, size_t max)
{
    struct str user = c->r->user;
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    if (!user.p || user.n <= max || cw_same(c))
        return user;
    cw_note(c, FATE_MAPPED, FEATURE_USER);
    sha256(user, sum);
    hex_encode(sum, SHA256_BYTES, hex);
    user = arena_dup(c->a, (struct str){ hex, SHA256_HEX });
    if (!user.p)
        cw_fail(c, -ERR_NOMEM);
    return user;
}

void cw_refuse_audio(struct cw *c)
{
    for (const struct neutral_extra *e = c->r->extras; e; e = e->next) {
        if (str_is(e->name, "modalities") && !cw_same(c) &&
            str_find(e->raw, STR("audio")) >= 0)
            cw_refuse(c, FEATURE_AUDIO, e->raw.p);
    }
}

static void put_extra(struct cw *c, const struct neutral_extra *e)
{
    jw_sep(&c->w);
    c->w.comma = false;
    jw_text(&c->w, e->name);
    jw_bytes(&c->w, STR(":"));
    jw_bytes(&c->w, e->raw);
}

/* Members that chat and Responses share. Only towards Responses: among those
 * who speak chat are vendors that refuse what they do not know. */
static bool is_both(const struct cw *c, struct str name)
{
    static const char *const both[] = { "prompt_cache_key",
                                        "prompt_cache_options",
                                        "prompt_cache_retention" };

    for (size_t i = 0; c->r->from == DIALECT_OPENAI_CHAT && i < 3; i++) {
        if (str_is(name, both[i]))
            return true;
    }
    return false;
}

static bool passes(const struct cw *c, struct str name)
{
    const char *const *p = c->t->passes;

    while (p && *p && !str_is(name, *p))
        p++;
    return (p && *p) || (c->to == DIALECT_RESPONSES && is_both(c, name));
}

/* What the target takes of members that are not its dialect's; the others
 * are reported. */
static void put_those_that_pass(struct cw *c)
{
    const struct neutral_extra **end = &c->report->members;

    if (!c->t->passes && c->to != DIALECT_RESPONSES) {
        *end = c->r->extras;
        return;
    }
    for (const struct neutral_extra *e = c->r->extras; e; e = e->next) {
        struct neutral_extra *mine;

        if (passes(c, e->name)) {
            put_extra(c, e);
            continue;
        }
        mine = arena_alloc(c->a, sizeof *mine);
        if (!mine) {
            cw_fail(c, -ERR_NOMEM);
            return;
        }
        *mine = *e;
        mine->next = NULL;
        *end = mine;
        end = (const struct neutral_extra **)(void *)&mine->next;
    }
}

bool cw_is_kept(enum dialect from, struct str name)
{
    static const struct {
        enum dialect from;
        const char *name;
    } kept[] = {
        { DIALECT_RESPONSES, "previous_response_id" },
        { DIALECT_RESPONSES, "conversation" },
        { DIALECT_RESPONSES, "prompt" },
        { DIALECT_RESPONSES, "background" },
        { DIALECT_GEMINI, "cachedContent" },
        { DIALECT_GEMINI, "cached_content" },
    };

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (from == kept[i].from && str_is(name, kept[i].name))
            return true;
    }
    return str_is(name, "thread");
}

void cw_extras(struct cw *c)
{
    c->report->unread = c->r->unread;
    for (const struct neutral_extra *e = c->r->extras; e; e = e->next) {
        if (cw_is_kept(c->r->from, e->name) && !cw_same(c))
            cw_refuse(c, FEATURE_THREAD, e->raw.p);
    }
    if (!cw_same(c)) {
        put_those_that_pass(c);
        return;
    }
    for (const struct neutral_extra *e = c->r->extras; e; e = e->next)
        put_extra(c, e);
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr(" \t\r\n", s.p[i]))
            return false;
    }
    return true;
}

void cw_args_object(struct cw *c, const struct neutral_call *call)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    bool json;
    int rc;

    if (!call->custom && is_blank(call->args)) {
        jw_raw(&c->w, STR("{}"));
        return;
    }
    rc = call->custom ? -ERR_SYNTAX : json_scan(&j, call->args, &lim, NULL);
    json = rc == 0;
    if (rc == -ERR_NOMEM) {
        cw_fail(c, rc);
    } else if (json && j.nodes[0].type == JSON_T_OBJECT) {
        jw_raw(&c->w, json_raw(&j, 0));
    } else {
        cw_note(c, FATE_MAPPED, call->custom ? FEATURE_CUSTOM_TOOLS
                                             : FEATURE_TOOL_ARGS);
        jw_open(&c->w, '{');
        jw_key(&c->w, "input");
        if (json)
            jw_raw(&c->w, json_raw(&j, 0));
        else
            jw_text(&c->w, call->args);
        jw_close(&c->w, '}');
    }
    json_clear(&j);
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

void cw_base64_text(struct cw *c, struct jstr digits)
{
    struct str s = jstr_text(digits, c->a);
    char *out = arena_alloc(c->a, s.n / 4 * 3 + 4);
    uint32_t held = 0, bits = 0;
    size_t n = 0;

    if ((!s.p && digits.p) || !out) {
        cw_fail(c, -ERR_NOMEM);
        return;
    }
    for (size_t i = 0; i < s.n; i++) {
        int d = digit_of(s.p[i]);

        if (d < 0)
            continue;
        held = held << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(held >> bits);
        }
    }
    if (!c->w.rc)
        c->w.rc = jstr_put_escaped(c->w.b, (struct str){ out, n });
}

void cw_clamped(struct cw *c, const char *name, struct str raw, double max,
                const char *max_text, enum codec_feature f)
{
    char z[64];

    if (raw.n < sizeof z) {
        memcpy(z, raw.p, raw.n);
        z[raw.n] = '\0';
        if (strtod(z, NULL) > max) {
            cw_note(c, FATE_MAPPED, f);
            raw = str_of(max_text);
        }
    }
    jw_member_raw(&c->w, name, raw);
}
