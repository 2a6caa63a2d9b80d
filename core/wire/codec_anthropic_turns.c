/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages requests, written: turns. A turn is opened by the first
 * block that goes into it, so what is dropped leaves no empty message, and
 * messages of one role in a row become one turn by themselves; in a user's
 * turn the tools' results come first.
 */
#include "wire/codec_anthropic.h"

static bool is_instructions(const struct neutral_message *m)
{
    return m->role == ROLE_SYSTEM || m->role == ROLE_DEVELOPER;
}

/*
 * The first message that is not of the system's text. Where there is nothing
 * but instructions the last of them is what the model is to answer.
 */
static const struct neutral_message *system_end(const struct aw *w)
{
    const struct neutral_message *m = w->c.r->first, *last = NULL;

    for (; m && is_instructions(m); m = m->next)
        last = m;
    return m ? m : last;
}

/* ---- system ------------------------------------------------------------- */

static void open_system(struct aw *w, bool *any)
{
    if (*any)
        return;
    jw_key(&w->c.w, "system");
    jw_open(&w->c.w, '[');
    *any = true;
}

/* What the model must do where it has no mode for answers in JSON. */
static void put_json_sentence(struct aw *w)
{
    struct jw *j = &w->c.w;

    cw_note(&w->c, FATE_MAPPED, FEATURE_FORMAT);
    jw_open(j, '{');
    jw_member_text(j, "type", STR("text"));
    jw_member_text(j, "text", STR("Answer with one JSON object and nothing "
                                  "else: no prose, no code fence."));
    jw_close(j, '}');
}

void anthropic_put_system(struct aw *w)
{
    bool any = false, json = w->c.r->format.kind == FORMAT_JSON;
    const struct neutral_message *end = system_end(w);

    for (const struct neutral_message *m = w->c.r->first; m != end;
         m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (!anthropic_can_block(w, b))
                continue;
            open_system(w, &any);
            anthropic_put_block(w, b);
        }
    }
    if (json) {
        open_system(w, &any);
        put_json_sentence(w);
    }
    if (any)
        jw_close(&w->c.w, ']');
}

/* ---- turns -------------------------------------------------------------- */

static void close_turn(struct aw *w)
{
    if (!w->open)
        return;
    jw_close(&w->c.w, ']');
    jw_close(&w->c.w, '}');
    w->open = false;
}

static void open_turn(struct aw *w, enum neutral_role role)
{
    static const char *const names[] = { [ROLE_SYSTEM] = "system",
                                         [ROLE_DEVELOPER] = "system",
                                         [ROLE_USER] = "user",
                                         [ROLE_ASSISTANT] = "assistant" };
    struct jw *j = &w->c.w;

    if (w->open && w->role == role)
        return;
    close_turn(w);
    jw_open(j, '{');
    jw_member_text(j, "role", str_of(names[role]));
    jw_key(j, "content");
    jw_open(j, '[');
    w->open = w->any = true;
    w->role = role;
}

static void put_in_turn(struct aw *w, enum neutral_role role,
                        const struct neutral_block *b)
{
    if (role == ROLE_ASSISTANT && !w->any) {
        static const struct neutral_block dot = { .kind = BLOCK_TEXT,
                                                  .text = { ".", 1 } };

        cw_note(&w->c, FATE_MAPPED, FEATURE_FIRST_ASSISTANT);
        open_turn(w, ROLE_USER);
        anthropic_put_block(w, &dot);
    }
    open_turn(w, role);
    anthropic_put_block(w, b);
}

/* Whose turn a message belongs to. */
static enum neutral_role role_of(const struct aw *w,
                                 const struct neutral_message *m)
{
    if (!is_instructions(m))
        return m->role;
    if (!w->any && !m->next)
        return ROLE_USER; /* there must be one */
    return cw_can(&w->c, CAN_SYSTEM_INSIDE) ? ROLE_SYSTEM : ROLE_USER;
}

static void put_run(struct aw *w, const struct neutral_message *first,
                    const struct neutral_message *end,
                    enum neutral_role role, bool results)
{
    for (const struct neutral_message *m = first; m != end; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if ((b->kind == BLOCK_TOOL_RESULT) == results &&
                anthropic_can_block(w, b))
                put_in_turn(w, role, b);
        }
        if (m->name.p && !results)
            cw_note(&w->c, FATE_DROPPED, FEATURE_NAME);
        if (is_instructions(m) && role == ROLE_USER && !results)
            cw_note(&w->c, FATE_MAPPED, FEATURE_SYSTEM_INSIDE);
    }
}

/* A beginning of the answer may not end with white space. */
static void put_prefill(struct aw *w, const struct neutral_message *m)
{
    const struct neutral_block *last = NULL;

    for (const struct neutral_block *b = m->first; b; b = b->next) {
        if (anthropic_can_block(w, b))
            last = b;
    }
    for (const struct neutral_block *b = m->first; b; b = b->next) {
        struct neutral_block trimmed = *b;

        if (!anthropic_can_block(w, b))
            continue;
        if (b == last && b->kind == BLOCK_TEXT)
            trimmed.text = jstr_trim_end(b->text);
        put_in_turn(w, ROLE_ASSISTANT, &trimmed);
    }
    if (last && last->kind != BLOCK_TOOL_CALL &&
        !cw_can(&w->c, CAN_PREFILL))
        cw_note(&w->c, FATE_REFUSED, FEATURE_PREFILL);
}

void anthropic_put_messages(struct aw *w)
{
    const struct neutral_message *m = system_end(w);

    jw_key(&w->c.w, "messages");
    jw_open(&w->c.w, '[');
    while (m && !w->c.w.rc) {
        enum neutral_role role = role_of(w, m);
        const struct neutral_message *end = m->next;

        while (end && role_of(w, end) == role)
            end = end->next;
        if (role == ROLE_ASSISTANT && !end) {
            for (; m->next; m = m->next)
                put_run(w, m, m->next, role, false);
            put_prefill(w, m);
            break;
        }
        put_run(w, m, end, role, true);
        put_run(w, m, end, role, false);
        m = end;
    }
    close_turn(w);
    jw_close(&w->c.w, ']');
}
