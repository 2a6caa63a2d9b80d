/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Parts of a choice, in a queue; see wire/codec_chat_in.h. */
#include "wire/codec_chat_in.h"

#define PARTS_MAX 4096   /* that wait, and calls that are over */
#define CHOICES_MAX 128

static int no_memory(struct chat_in *in)
{
    return err_set(in->base.err, ERR_NOMEM, "out of memory");
}

struct chat_choice *chat_choice(struct chat_in *in, uint32_t index)
{
    struct chat_choice *c = in->choices, **end = &in->choices;

    for (; c; end = &c->next, c = c->next) {
        if (c->index == index)
            return c;
    }
    if (in->n_choices >= CHOICES_MAX) {
        err_set(in->base.err, ERR_LIMIT, "more than %d choices",
                CHOICES_MAX);
        return NULL;
    }
    c = arena_alloc(in->base.a, sizeof *c);
    if (!c) {
        no_memory(in);
        return NULL;
    }
    c->index = index;
    c->call.choice = index;
    *end = c;
    in->n_choices++;
    return c;
}

static void free_parts(struct chat_part *p)
{
    for (; p; p = p->next)
        buf_clear(&p->held);
}

void chat_free_choices(struct chat_in *in)
{
    for (struct chat_choice *c = in->choices; c; c = c->next) {
        free_parts(c->head);
        free_parts(c->closed);
        free_parts(c->unused);
        buf_clear(&c->call.args);
    }
}

static struct chat_part *new_part(struct chat_in *in, struct chat_choice *c,
                                  enum part_kind kind, int64_t key)
{
    struct chat_part *p = c->unused;

    if (p) {
        c->unused = p->next;
    } else if (c->n_parts >= PARTS_MAX) {
        err_set(in->base.err, ERR_LIMIT, "more than %d parts are waiting",
                PARTS_MAX);
        return NULL;
    } else {
        p = arena_alloc(in->base.a, sizeof *p);
        c->n_parts++;
    }
    if (!p) {
        no_memory(in);
        return NULL;
    }
    *p = (struct chat_part){ .kind = kind, .key = key };
    buf_init(&p->held, in->base.opts.max_held);
    if (c->tail)
        c->tail->next = p;
    else
        c->head = p;
    c->tail = p;
    return p;
}

/* ---- is a call's JSON complete? ----------------------------------------- */

static void progress_char(struct json_progress *g, char c)
{
    if (g->escaped) {
        g->escaped = false;
    } else if (g->in_string) {
        g->escaped = c == '\\';
        g->in_string = c != '"';
    } else if (c == '"') {
        g->in_string = true;
    } else if (c == '{' || c == '[') {
        g->depth++;
    } else if ((c == '}' || c == ']') && g->depth) {
        g->done = --g->depth == 0;
    }
}

/* The text is escaped once, since it stands in a JSON string. */
static void progress_text(struct json_progress *g, struct jstr s)
{
    for (size_t i = 0; i < s.n && !g->done; i++) {
        char c = s.p[i];

        if (c == '\\' && i + 1 < s.n) {
            c = s.p[++i];
            if (c == 'u' && s.n - i > 4) {
                bool quote = memcmp(s.p + i + 1, "0022", 4) == 0;

                i += 4;
                c = quote ? '"' : 'x';
            } else if (c != '"' && c != '\\') {
                c = ' ';
            }
        }
        progress_char(g, c);
    }
}

/* ---- pieces go out ------------------------------------------------------ */

static int send(struct chat_in *in, struct chat_choice *c,
                struct chat_part *p, struct jstr text)
{
    static const enum neutral_event_type types[] = {
        [PART_TEXT] = NEUTRAL_TEXT,
        [PART_REFUSAL] = NEUTRAL_REFUSAL,
        [PART_THINKING] = NEUTRAL_THINKING,
        [PART_REDACTED] = NEUTRAL_REDACTED,
    };

    if (!text.n && p->kind != PART_REDACTED)
        return 0;
    p->said = true;
    if (p->kind == PART_CALL)
        return in_call_args(&in->base, &c->call, text);
    return in_text(&in->base, types[p->kind], c->index, text);
}

static int send_piece(struct chat_in *in, struct chat_choice *c,
                      struct chat_part *p, struct jstr text)
{
    int rc = in_whole_pairs(&in->base, &p->half, &text);

    return rc || !text.n ? rc : send(in, c, p, text);
}

static int begin_call(struct chat_in *in, struct chat_choice *c,
                      struct chat_part *p)
{
    c->call.id = p->id;
    c->call.name = p->name;
    c->call.custom = p->custom;
    c->call.signature = p->signature;
    p->live = p->said = true;
    return in_call_begin(&in->base, &c->call);
}

static int send_opaque(struct chat_in *in, struct chat_choice *c,
                       struct chat_part *p)
{
    struct neutral_event ev = { .type = NEUTRAL_OPAQUE, .choice = c->index,
                                .raw = buf_str(&p->held),
                                .from = DIALECT_OPENAI_CHAT };

    return in_emit(&in->base, &ev);
}

/* A part that became the first: what it holds goes out. */
static int wake(struct chat_in *in, struct chat_choice *c,
                struct chat_part *p)
{
    struct str held = buf_str(&p->held);
    struct jstr text = { held.p, held.n };
    int rc = 0;

    if (p->kind == PART_CALL && !p->live) {
        if (!p->name.n)
            return 0; /* nothing can be said of it yet */
        rc = begin_call(in, c, p);
    }
    if (!rc && p->kind == PART_OPAQUE)
        rc = send_opaque(in, c, p);
    else if (!rc && p->kind == PART_IMAGE)
        rc = in_data_url(&in->base, c->index, text);
    else if (!rc && p->kind == PART_REDACTED)
        rc = send(in, c, p, text);
    else if (!rc)
        rc = send_piece(in, c, p, text);
    in->base.held -= held.n;
    buf_clear(&p->held);
    if (!rc && p->kind == PART_THINKING && p->signature.p) {
        p->said = true;
        rc = in_text(&in->base, NEUTRAL_SIGNATURE, c->index, p->signature);
        p->signature = JSTR_NULL;
    }
    return rc;
}

static int close_head(struct chat_in *in, struct chat_choice *c)
{
    struct chat_part *p = c->head;
    struct jstr half = in_half_left(&p->half);
    int rc = 0;

    if (p->kind == PART_CALL && !p->live)
        rc = begin_call(in, c, p); /* its name never came */
    if (!rc && buf_len(&p->held) && p->kind == PART_CALL)
        rc = wake(in, c, p);
    if (!rc && half.n)
        rc = send(in, c, p, half);
    if (!rc && p->kind == PART_THINKING)
        rc = chat_seal_detail(in, c, p);
    if (!rc && p->kind == PART_CALL)
        rc = in_call_end(&in->base, &c->call);
    else if (!rc && p->said && p->kind != PART_REDACTED)
        rc = in_text(&in->base, NEUTRAL_BLOCK_END, c->index, JSTR_NULL);
    buf_clear(&p->held);
    c->head = p->next;
    if (!c->head)
        c->tail = NULL;
    p->next = p->kind == PART_CALL ? c->closed : c->unused;
    if (p->kind == PART_CALL)
        c->closed = p;
    else
        c->unused = p;
    return rc;
}

static bool is_over(const struct chat_part *p)
{
    return p->kind != PART_CALL || p->progress.done;
}

/* Close what is over, as long as something waits behind it. */
static int advance(struct chat_in *in, struct chat_choice *c)
{
    int rc = 0;

    while (!rc && c->head && c->head->next && is_over(c->head)) {
        rc = close_head(in, c);
        if (!rc)
            rc = wake(in, c, c->head);
    }
    return rc;
}

int chat_drain(struct chat_in *in, struct chat_choice *c)
{
    int rc = chat_flush_content(in, c);

    while (!rc && c->head) {
        rc = close_head(in, c);
        if (!rc && c->head)
            rc = wake(in, c, c->head);
    }
    return rc;
}

static int hold(struct chat_in *in, struct chat_part *p, struct jstr text)
{
    if (text.n > in->base.opts.max_held - in->base.held)
        return err_set(in->base.err, ERR_LIMIT,
                       "more than %zu bytes of an answer wait for others",
                       in->base.opts.max_held);
    in->base.held += text.n;
    if (buf_put(&p->held, (struct str){ text.p, text.n }))
        return no_memory(in);
    return 0;
}

/* To the part: out, if it is the first, else held. */
static int give(struct chat_in *in, struct chat_choice *c,
                struct chat_part *p, struct jstr text)
{
    if (p != c->head || (p->kind == PART_CALL && !p->live))
        return hold(in, p, text);
    return send_piece(in, c, p, text);
}

int chat_push(struct chat_in *in, struct chat_choice *c, enum part_kind kind,
              int64_t key, struct jstr text)
{
    bool whole = kind == PART_REDACTED || kind == PART_OPAQUE ||
                 kind == PART_IMAGE;
    struct chat_part *p = c->tail;
    int rc;

    if (!text.n && !whole)
        return 0;
    if (!p || p->kind != kind || whole || p->signed_off ||
        (p->key >= 0 && key >= 0 && p->key != key)) {
        p = new_part(in, c, kind, key);
        if (!p)
            return -in->base.err->code;
        if (whole)
            rc = hold(in, p, text);
        else
            rc = c->head == p ? send_piece(in, c, p, text)
                              : hold(in, p, text);
        if (!rc && whole && c->head == p)
            rc = wake(in, c, p);
        return rc ? rc : advance(in, c);
    }
    return give(in, c, p, text);
}

int chat_open_thinking(struct chat_in *in, struct chat_choice *c,
                       int64_t key)
{
    struct chat_part *p = c->tail;

    if (!p || p->kind != PART_THINKING || p->signed_off ||
        (p->key >= 0 && key >= 0 && p->key != key)) {
        p = new_part(in, c, PART_THINKING, key);
        if (!p)
            return -in->base.err->code;
    }
    p->said = true;
    return advance(in, c);
}

int chat_push_signature(struct chat_in *in, struct chat_choice *c,
                        struct jstr signature)
{
    struct chat_part *p = c->tail;
    struct str copy;

    if (!p || p->kind != PART_THINKING || p->signed_off) {
        p = new_part(in, c, PART_THINKING, -1);
        if (!p)
            return -in->base.err->code;
    }
    p->signed_off = true;
    if (p == c->head) {
        p->said = true;
        return in_text(&in->base, NEUTRAL_SIGNATURE, c->index, signature);
    }
    copy = arena_dup(in->base.a, (struct str){ signature.p, signature.n });
    if (!copy.p)
        return no_memory(in);
    p->signature = (struct jstr){ copy.p, copy.n };
    return advance(in, c);
}

/* ---- calls -------------------------------------------------------------- */

static bool is_other_id(const struct chat_part *p, struct str id)
{
    return id.n && p->id.n && !str_eq(p->id, id);
}

static bool matches(const struct chat_part *p, const struct chat_piece *x)
{
    if (p->kind != PART_CALL || is_other_id(p, x->id))
        return false;
    if (!x->id.n && x->name.n && x->args.n && p->progress.done)
        return false; /* the next whole call, of one who counts none */
    if (x->id.n && str_eq(p->id, x->id))
        return true;
    return x->index < 0 ? !x->id.n && !x->name.n : p->key == x->index;
}

/* The call that a piece belongs to: the last that it may, waiting or over. */
static struct chat_part *find_call(struct chat_choice *c,
                                   const struct chat_piece *x)
{
    struct chat_part *found = NULL;

    if (x->whole)
        return NULL;
    for (struct chat_part *p = c->head; p; p = p->next) {
        if (matches(p, x))
            found = p;
    }
    for (struct chat_part *p = c->closed; p && !found; p = p->next) {
        if (matches(p, x))
            found = p;
    }
    return found;
}

static int keep(struct chat_in *in, struct str *to, struct str s)
{
    if (to->n || !s.n)
        return 0;
    *to = arena_dup(in->base.a, s);
    return to->p ? 0 : no_memory(in);
}

static bool is_closed(const struct chat_choice *c, const struct chat_part *p)
{
    const struct chat_part *at = c->closed;

    while (at && at != p)
        at = at->next;
    return at != NULL;
}

static int keep_piece(struct chat_in *in, struct chat_part *p,
                      const struct chat_piece *x)
{
    struct str sign = { p->signature.p, p->signature.n };
    int rc = keep(in, &p->id, x->id);

    if (!rc)
        rc = keep(in, &p->name, x->name);
    if (!rc && x->signature.p)
        rc = keep(in, &sign, (struct str){ x->signature.p, x->signature.n });
    p->signature = (struct jstr){ sign.p, sign.n };
    p->custom = p->custom || x->custom;
    return rc;
}

int chat_push_call(struct chat_in *in, struct chat_choice *c,
                   const struct chat_piece *x)
{
    struct chat_part *p = find_call(c, x);
    int rc;

    if (p && is_closed(c, p))
        return 0; /* nothing can follow a complete value */
    if (!p)
        p = new_part(in, c, PART_CALL, x->index);
    if (!p)
        return -in->base.err->code;
    c->any_call = true;
    rc = keep_piece(in, p, x);
    if (!rc && p == c->head && !p->live && p->name.n)
        rc = wake(in, c, p);
    if (!rc && x->args.n) {
        rc = give(in, c, p, x->args);
        if (!p->custom) /* free text is over when the answer is */
            progress_text(&p->progress, x->args);
    }
    return rc ? rc : advance(in, c);
}
