/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What decoders of answers have in common. */
#include "wire/codec_stream.h"

#define MAX_HELD (4u << 20)
#define COUNT_MAX (INT64_MAX / 16) /* so that counts can be added */
#define TMP_MAX (256u << 20) /* one event; its own size is capped before */

static void free_in(void *ud)
{
    struct codec_in *in = ud;

    json_clear(&in->j);
    arena_free(in->tmp);
}

struct codec_in *codec_in_new(const struct codec *c, struct arena *a,
                              const struct codec_in_opts *opts)
{
    struct codec_in *in = arena_alloc(a, c->in_size);

    if (!in)
        return NULL;
    in->codec = c;
    in->a = a;
    in->opts = *opts;
    if (!in->opts.max_held)
        in->opts.max_held = MAX_HELD;
    in->usage = USAGE_NONE;
    if (arena_defer(a, free_in, in))
        return NULL;
    in->tmp = arena_new(TMP_MAX);
    if (!in->tmp || (c->in_init && c->in_init(in)))
        return NULL;
    return in;
}

int in_emit(struct codec_in *in, const struct neutral_event *ev)
{
    return in->ended ? 0 : in->sink(in->ud, ev);
}

int in_text(struct codec_in *in, enum neutral_event_type type,
            uint32_t choice, struct jstr text)
{
    struct neutral_event ev = { .type = type, .choice = choice,
                                .text = text };

    return in_emit(in, &ev);
}

int in_start(struct codec_in *in, struct str id, struct str model,
             int64_t created)
{
    struct neutral_event ev = { .type = NEUTRAL_START, .id = id,
                                .model = model, .created = created,
                                .usage = in->usage };

    if (in->started)
        return 0;
    in->started = true;
    return in_emit(in, &ev);
}

int in_usage(struct codec_in *in, const struct usage *more)
{
    struct neutral_event ev = { .type = NEUTRAL_USAGE };

    usage_merge(&in->usage, more);
    ev.usage = in->usage;
    return in_emit(in, &ev);
}

int in_end(struct codec_in *in)
{
    struct neutral_event ev = { .type = NEUTRAL_END, .usage = in->usage };
    int rc = in_emit(in, &ev);

    in->ended = true;
    return rc;
}

int in_error(struct codec_in *in, const struct neutral_error *e)
{
    struct neutral_event ev = { .type = NEUTRAL_ERROR, .error = e,
                                .from = in->codec->dialect,
                                .usage = in->usage };
    int rc = in_emit(in, &ev);

    in->ended = true;
    return rc;
}

int in_cut(struct codec_in *in)
{
    struct neutral_error e = {
        .status = 502,
        .type = STR("upstream_error"),
        .code = STR("upstream_error"),
        .message = in->started
                       ? STR("The provider closed the stream before the "
                             "answer was finished.")
                       : STR("The provider closed the stream without an "
                             "answer."),
    };

    return in_error(in, &e);
}

int in_scan(struct codec_in *in, struct str text)
{
    struct json_limits lim = { .dup_nowhere = true };
    int rc = json_scan(&in->j, text, &lim, in->err);

    if (!rc && in->j.nodes[0].type != JSON_T_OBJECT)
        rc = err_set(in->err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

uint32_t in_member(const struct json *j, uint32_t object, struct str name)
{
    uint32_t found = JSON_NONE;

    if (object == JSON_NONE || j->nodes[object].type != JSON_T_OBJECT)
        return JSON_NONE;
    for (uint32_t c = json_first(j, object); c != JSON_NONE;
         c = json_sibling(j, object, c)) {
        const struct json_node *n = &j->nodes[c];

        if (n->flags & JSON_F_KEY_ESCAPED)
            return json_member(j, object, name); /* the slow way */
        if (n->key_end - n->key - 2 == name.n &&
            memcmp(j->text + n->key + 1, name.p, name.n) == 0)
            found = c;
    }
    if (found != JSON_NONE && j->nodes[found].type == JSON_T_NULL)
        return JSON_NONE;
    return found;
}

struct jstr in_string(const struct json *j, uint32_t object, struct str name)
{
    return jstr_of_node(j, in_member(j, object, name));
}

int64_t in_count(const struct json *j, uint32_t object, struct str name)
{
    uint32_t node = in_member(j, object, name);
    int64_t v;

    if (node == JSON_NONE || !json_int(j, node, &v) || v > COUNT_MAX)
        return -1;
    return v >= 0 ? v : -1;
}

/* ---- calls -------------------------------------------------------------- */

static int emit_begin(struct codec_in *in, const struct in_call *call)
{
    struct neutral_event ev = { .type = NEUTRAL_TOOL_BEGIN,
                                .choice = call->choice,
                                .id = call->id,
                                .tool = call->name,
                                .custom = call->custom,
                                .signature = call->signature };

    return in_emit(in, &ev);
}

int in_call_begin(struct codec_in *in, struct in_call *call)
{
    const struct codec_name *known = codec_names_find(in->opts.names,
                                                      call->name);

    if (in->n_calls++ >= CALLS_MAX)
        return err_set(in->err, ERR_LIMIT, "more than %d tool calls",
                       CALLS_MAX);
    call->mode = CALL_PLAIN;
    if (known && known->kind == NAME_FORMAT)
        call->mode = CALL_TEXT;
    else if (known && known->kind == NAME_CUSTOM && !call->custom)
        call->mode = CALL_UNWRAP;
    buf_init(&call->args, in->opts.max_held);
    call->id = call->id.n ? arena_dup(in->a, call->id)
                          : codec_id_made("call_", in->opts.unique,
                                          in->n_calls, in->a);
    call->name = known ? known->name : arena_dup(in->a, call->name);
    if (!call->id.p || !call->name.p)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    return call->mode == CALL_PLAIN ? emit_begin(in, call) : 0;
}

int in_hold(struct codec_in *in, struct buf *b, struct str s)
{
    int rc = buf_put(b, s);

    if (!rc)
        return 0;
    return err_set(in->err, -rc, rc == -ERR_NOMEM
                                     ? "out of memory"
                                     : "a block of the answer is too long");
}

int in_call_args(struct codec_in *in, struct in_call *call, struct jstr args)
{
    if (!args.n)
        return 0;
    if (call->mode == CALL_PLAIN)
        return in_text(in, NEUTRAL_TOOL_ARGS, call->choice, args);
    if (call->mode == CALL_TEXT)
        return in_text(in, NEUTRAL_TEXT, call->choice, args);
    return in_hold(in, &call->args, (struct str){ args.p, args.n });
}

int in_whole_pairs(struct codec_in *in, struct in_half *h, struct jstr *text)
{
    size_t half;
    char *both;

    if (h->has && text->n) {
        both = arena_alloc(in->tmp, sizeof h->half + text->n);
        if (!both)
            return err_set(in->err, ERR_NOMEM, "out of memory");
        memcpy(both, h->half, sizeof h->half);
        memcpy(both + sizeof h->half, text->p, text->n);
        *text = (struct jstr){ both, sizeof h->half + text->n };
        h->has = false;
    }
    half = jstr_half_pair(*text);
    if (half) {
        memcpy(h->half, text->p + text->n - half, half);
        h->has = true;
        text->n -= half;
    }
    return 0;
}

struct jstr in_half_left(struct in_half *h)
{
    size_t n = h->has ? sizeof h->half : 0;

    h->has = false;
    return (struct jstr){ h->half, n };
}

/* The text in {"input": "..."}, or all of it where there is none. */
static int emit_unwrapped(struct codec_in *in, struct in_call *call)
{
    struct str held = buf_str(&call->args);
    struct jstr all = { held.p, held.n }, inner = JSTR_NULL;
    struct str text = jstr_text(all, in->tmp);
    struct json j = { 0 };
    int rc;

    rc = text.p ? json_scan(&j, text, NULL, NULL) : -ERR_NOMEM;
    if (rc == -ERR_NOMEM)
        return err_set(in->err, ERR_NOMEM, "out of memory");
    if (rc == 0)
        inner = in_string(&j, 0, STR("input"));
    call->custom = true;
    rc = emit_begin(in, call);
    if (!rc)
        rc = in_text(in, NEUTRAL_TOOL_ARGS, call->choice,
                     inner.p ? inner : all);
    json_clear(&j);
    return rc;
}

int in_call_end(struct codec_in *in, struct in_call *call)
{
    int rc = call->mode == CALL_UNWRAP ? emit_unwrapped(in, call) : 0;

    buf_clear(&call->args);
    return rc ? rc : in_text(in, NEUTRAL_BLOCK_END, call->choice, JSTR_NULL);
}
