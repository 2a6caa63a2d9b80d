/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/translate.h"

#include "base/log.h"
#include "wire/codec_echo.h"
#include "wire/codec_unwrap.h"
#include "wire/codec_where.h"
#include "wire/embed.h"

#define OUTGOING_ROOM (1u << 20) /* that a body may grow by */
#define OUTGOING_TIMES 4         /* short members have longer names there */
#define READ_APART (32u << 10)   /* larger bodies are read into memory of */
#define READING_ROOM (4u << 20)  /* their own: they may need this, */
#define READING_TIMES 4          /* their texts once for each target, */
#define READING_NODE 256         /* and a block or message for a JSON value */

/* In the order in which they are preferred: the nearer to the neutral form,
 * the less is lost. Who speaks Converse does so for all models. */
static const enum dialect spoken[] = {
    DIALECT_CONVERSE,        DIALECT_OPENAI_CHAT,     DIALECT_ANTHROPIC,
    DIALECT_GEMINI,          DIALECT_COHERE,          DIALECT_OLLAMA,
    DIALECT_MISTRAL,         DIALECT_RESPONSES,       DIALECT_OPENAI_EMBEDDINGS,
    DIALECT_GEMINI_BATCH,    DIALECT_COHERE_EMBED,    DIALECT_OLLAMA_EMBED,
    DIALECT_MISTRAL_EMBED,   DIALECT_TITAN_EMBED,     DIALECT_NOVA_EMBED,
    DIALECT_PREDICT_EMBED,   DIALECT_GEMINI_EMBED,
    DIALECT_ANTHROPIC_COUNT, DIALECT_GEMINI_COUNT,    DIALECT_CONVERSE_COUNT,
};

enum dialect translate_dialect(const ps_api *api)
{
    return plugin_api_dialect(api);
}

/* What is asked for stays what it is, but a completion is had by chat. */
static int op_for(enum dialect from)
{
    const struct plugin_api_row *row = plugin_api_row(from);

    return from == DIALECT_OPENAI_COMPLETIONS ? PS_CHAT : row ? row->op : 0;
}

const ps_api *translate_api(const struct plugin *p, enum dialect from,
                            struct str model, bool stream)
{
    int op = op_for(from);

    if (!op || !codec_for(from))
        return NULL;
    for (size_t i = 0; i < sizeof spoken / sizeof spoken[0]; i++) {
        const struct plugin_api_row *row = plugin_api_row(spoken[i]);
        const ps_api *api = NULL;

        if (row->op == op && spoken[i] != from)
            api = plugin_api(p, op, row->ps_dialect, stream);
        if (api && codec_for(spoken[i]) &&
            plugin_serves(p, api->dialect, model))
            return api;
    }
    return NULL;
}

/* ---- the request ------------------------------------------------------ */

static bool is_large(const struct request *r)
{
    return r->body_bytes > READ_APART;
}

static struct arena *room_for(const struct request *r)
{
    return arena_new(READING_ROOM + READING_TIMES * r->body_bytes +
                     (size_t)READING_NODE * r->json.count);
}

/* What is read of a large body goes with it, when the answer begins. */
static struct arena *reading(struct request *r)
{
    if (!is_large(r))
        return r->arena;
    if (!r->reading)
        r->reading = room_for(r);
    return r->reading;
}

/* Decoded once, whatever number of targets is tried. */
static int read_neutral(struct request *r, struct err *err)
{
    const struct codec *c = codec_for(r->endpoint->dialect);
    struct arena *a = reading(r);
    struct neutral_request *n;
    int rc;

    if (r->neutral)
        return 0;
    n = a ? arena_alloc(a, sizeof *n) : NULL;
    if (!n)
        return -ERR_NOMEM;
    rc = c->decode_request(&r->json, a, n, err);
    if (rc == 0 && r->tokens_most && n->max_tokens > r->tokens_most)
        n->max_tokens = r->tokens_most;
    if (rc == 0 && dialect_is_gemini(r->endpoint->dialect)) {
        n->model = r->facts.model; /* of the path */
        n->stream = n->include_usage = r->facts.stream;
    }
    if (rc == 0)
        r->neutral = n;
    return rc;
}

/* The client's bytes are given back at content commit, the names are not. */
static int keep_names(struct request *r, struct codec_names *names)
{
    for (struct codec_name **at = &names->first; *at; at = &(*at)->next) {
        struct codec_name *n = arena_alloc(r->arena, sizeof *n);

        if (!n)
            return -ERR_NOMEM;
        *n = **at;
        n->sent = arena_dup(r->arena, n->sent);
        n->name = arena_dup(r->arena, n->name);
        if (!n->sent.p || !n->name.p)
            return -ERR_NOMEM;
        *at = n;
    }
    return 0;
}

static bool refuses(const struct request *r)
{
    const struct config *c = r->gen->config;

    for (size_t i = 0; i < c->n_endpoints; i++) {
        if (str_is(c->endpoints[i].name, r->endpoint->name))
            return c->endpoints[i].lossy_refuse;
    }
    return false;
}

/* What is refused says what it is: a client knows its own names for it. */
static void put_whats(const struct codec_report *report, struct buf *out)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        enum codec_feature f = (enum codec_feature)i;

        if (codec_noted(report, FATE_REFUSED, f) &&
            buf_printf(out, "%s%s (%s)", out->n ? ", " : "",
                       codec_feature_name(f), codec_feature_what(f)))
            return; /* it is full */
    }
}

/* "'messages[0].content[1]' of type 'video': ", as far as it is known. */
static void put_where(const struct request *r, uint32_t node,
                      const char *path, struct buf *out)
{
    uint32_t kind = JSON_NONE;
    struct str type;

    if (!path[0])
        return;
    if (r->json.nodes[node].type == JSON_T_OBJECT)
        kind = json_member(&r->json, node, STR("type"));
    type = json_text(&r->json, kind, r->arena);
    (void)buf_printf(out, type.n && type.n < 64 ? "'%s' of type '" STR_FMT
                                                  "': "
                                                : "'%s': ",
                     path, STR_ARG(type));
}

/* A first refused thing by its place, and all of them by what they are. */
static int say_where(struct request *r, const struct attempt *t,
                     const struct codec_report *report, struct err *err)
{
    struct buf whats = BUF_INIT(DROPPED_MAX + 1);
    struct buf where = BUF_INIT(256);
    const char *at = report->where;
    uint32_t node;
    char path[sizeof err->at] = "";

    if (!at && codec_noted(report, FATE_REFUSED, FEATURE_N))
        at = r->neutral->param[PARAM_N].p;
    node = codec_node_at(&r->json, at);
    if (node != JSON_NONE)
        codec_path(&r->json, node, r->endpoint->dialect, r->arena, path,
                   sizeof path);
    put_where(r, node, path, &where);
    put_whats(report, &whats);
    err_at(err, ERR_INVALID_REQUEST, path,
           STR_FMT "The target " STR_FMT " cannot be asked for: " STR_FMT
                   ". Leave it out, or name a model that takes it.",
           STR_ARG(buf_str(&where)), STR_ARG(t->target->name),
           STR_ARG(buf_str(&whats)));
    buf_clear(&where);
    buf_clear(&whats);
    return -ERR_INVALID_REQUEST;
}

static int say_dropped(const struct attempt *t,
                       const struct codec_report *report, struct err *err)
{
    struct buf names = BUF_INIT(DROPPED_MAX + 1);

    codec_report_names(report, FATE_DROPPED, DROPPED_MAX, &names);
    err_set(err, ERR_INVALID_REQUEST,
            "The target " STR_FMT " cannot be asked for: " STR_FMT ".",
            STR_ARG(t->target->name), STR_ARG(buf_str(&names)));
    buf_clear(&names);
    return -ERR_INVALID_REQUEST;
}

/* What the report means under the endpoint's `lossy`. */
static int judge_report(struct request *r, struct attempt *t,
                        const struct codec_report *report, struct err *err)
{
    struct buf names = BUF_INIT(DROPPED_MAX + 1);

    if (codec_any(report, FATE_REFUSED))
        return say_where(r, t, report, err);
    r->dropped = STR_NULL;
    if (!codec_any(report, FATE_DROPPED))
        return 0;
    if (refuses(r))
        return say_dropped(t, report, err);
    codec_report_names(report, FATE_DROPPED, DROPPED_MAX, &names);
    r->dropped = arena_dup(r->arena, buf_str(&names));
    t->translation->left_out = r->dropped;
    buf_clear(&names);
    return r->dropped.p ? 0 : -ERR_NOMEM;
}

static int encode_in(struct request *r, struct attempt *t, struct arena *a,
                     struct err *err)
{
    struct translation *x = t->translation;
    struct codec_target target =
        codec_target_of(x->target->dialect, t->target->model);
    const struct conf_quirks *q = &t->target->provider->conf->quirks;
    struct codec_report report = { 0 };
    int rc;

    target.reasoning_in = codec_reasoning_named(q->reasoning_in,
                                                target.reasoning_in);
    buf_init(&x->body, r->body_bytes * OUTGOING_TIMES + OUTGOING_ROOM);
    rc = x->target->encode_request(r->neutral, &target, a, &x->body, &report,
                                   &x->names, err);
    if (rc == 0)
        rc = judge_report(r, t, &report, err);
    if (rc == 0)
        rc = keep_names(r, &x->names);
    return rc ? rc : json_scan(&x->index, buf_str(&x->body), NULL, err);
}

/* What stays of it, names and what was left out, is copied by then. */
static int encode(struct request *r, struct attempt *t, struct err *err)
{
    struct arena *a = is_large(r) ? room_for(r) : r->arena;
    int rc = a ? encode_in(r, t, a, err) : -ERR_NOMEM;

    if (is_large(r))
        arena_free(a);
    return rc;
}

static int open_answer(struct request *r, struct attempt *t)
{
    const struct conf_quirks *q = &t->target->provider->conf->quirks;
    struct translation *x = t->translation;
    struct codec_in_opts in = { .names = &x->names,
                                .tags = codec_tags_named(q->reasoning_out),
                                .unique = str_of(r->id),
                                .max_held = TRANSLATED_BODY_MAX,
                                .lost = &x->lost };
    struct codec_out_opts out = { .stream = r->facts.stream,
                                  .include_usage = r->facts.include_usage,
                                  .legacy_functions =
                                      r->neutral->legacy_functions,
                                  .base64 = r->neutral->embed &&
                                            r->neutral->embed->base64,
                                  .model = r->facts.model,
                                  .unique = str_of(r->id),
                                  .created =
                                      (int64_t)(clock_wall_ms() / 1000),
                                  .max_held = TRANSLATED_BODY_MAX,
                                  .lost = &x->lost };

    if (x->client->dialect == DIALECT_RESPONSES) {
        out.echo = responses_echo(&r->json, r->arena);
        if (!out.echo)
            return -ERR_NOMEM;
    }
    x->stream = out.stream;
    x->in = codec_in_new(x->target, r->arena, &in);
    x->out = codec_out_new(x->client, r->arena, &out);
    x->unwrap = NULL;
    if (r->neutral->format.wrap != WRAP_NONE)
        x->unwrap = codec_unwrap_new(r->arena, r->neutral->format.wrap ==
                                                   WRAP_BARE);
    return x->in && x->out &&
                   (x->unwrap || r->neutral->format.wrap == WRAP_NONE)
               ? 0 : -ERR_NOMEM;
}

/* No fault of the target's. What is too large is the caller's to shorten;
 * memory that is out, and a text of ours that is no JSON, are ours. */
static int say_why(const struct request *r, const struct attempt *t, int rc,
                   struct err *err)
{
    struct err why = err->code ? *err : (struct err){ .msg = "no memory" };

    if (!rc || rc == -ERR_INVALID_REQUEST)
        return rc;
    err->code = ERR_NONE;
    if (rc == -ERR_LIMIT || (rc == -ERR_NOMEM && is_large(r)))
        return err_set(err, ERR_TOO_LARGE, "The request (%llu bytes, %u JSON "
                       "values) is too large to be translated for " STR_FMT
                       ": shorten it, or ask a model that is served in this "
                       "API.", (unsigned long long)r->body_bytes,
                       r->json.count, STR_ARG(t->target->name));
    log_event(EV_request_untranslated, LOG_Z("request", r->id),
              LOG_S("target", t->target->name), LOG_Z("why", why.msg));
    return err_set(err, rc == -ERR_NOMEM ? ERR_OVERLOADED : ERR_INTERNAL,
                   "The request could not be translated for " STR_FMT ".",
                   STR_ARG(t->target->name));
}

int translate_begin(struct request *r, struct attempt *t, enum dialect to,
                    struct err *err)
{
    struct translation *x = arena_alloc(r->arena, sizeof *x);
    int rc;

    if (!x)
        return say_why(r, t, -ERR_NOMEM, err);
    x->client = codec_for(r->endpoint->dialect);
    x->target = codec_for(to);
    buf_init(&x->said, TRANSLATED_BODY_MAX + OUTGOING_ROOM);
    t->translation = x;
    rc = read_neutral(r, err);
    if (rc == 0 && r->neutral->embed)
        x->vectors = r->neutral->embed->n;
    if (rc == 0)
        rc = encode(r, t, err);
    if (rc == 0)
        rc = open_answer(r, t);
    if (rc)
        translate_end(t);
    return say_why(r, t, rc, err);
}

void translate_forget(struct request *r)
{
    if (r->reading)
        r->neutral = NULL;
    arena_free(r->reading);
    r->reading = NULL;
}

void translate_shrink(struct attempt *t)
{
    if (!t->translation)
        return;
    json_clear(&t->translation->index);
    buf_clear(&t->translation->body);
}

void translate_end(struct attempt *t)
{
    if (!t->translation)
        return;
    translate_shrink(t);
    buf_clear(&t->translation->said);
    t->translation = NULL;
}
