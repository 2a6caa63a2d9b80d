/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The names of models in the caller's shape: OpenAI's list, whole, or
 * Anthropic's pages. Who made a model is not known here, nor when.
 */
#include "flow/models.h"

#include "flow/capable.h"
#include "flow/format.h"

#define BODY_MAX (8u << 20)
#define PAGE 20       /* Anthropic's own default and limit */
#define PAGE_MAX 1000

/* The names that this caller may use; in the arena. */
struct names {
    struct str *at;
    size_t n;
};

/* The part of them that an answer shows. */
struct page {
    size_t from, to;
    bool more;
};

static void add(struct request *r, struct names *names, struct str id)
{
    if (principal_may_use(r->principal, id))
        names->at[names->n++] = id;
}

static struct names gather(struct request *r)
{
    struct engine *e = r->gen->engine;
    const struct model_list *list =
        engine_is_open(e) ? r->gen->models : NULL;
    size_t n = r->gen->config->n_models;
    struct str *mine = arena_alloc(r->arena, (n + 1) * sizeof *mine);
    struct names names = {
        arena_alloc(r->arena,
                    (n + 1 + (list ? list->n : 0)) * sizeof *names.at), 0
    };

    if (!mine || !names.at)
        return names;
    n = engine_model_names(e, mine, n);
    for (size_t i = 0; i < n; i++)
        add(r, &names, mine[i]);
    for (size_t i = 0; list && i < list->n; i++)
        add(r, &names, str_of(list->ids[i]));
    return names;
}

/* ---- shapes ------------------------------------------------------------ */

static void put_openai(struct buf *b, struct str id, struct str owner)
{
    buf_puts(b, "{\"id\":");
    buf_json_str(b, id);
    buf_puts(b, ",\"object\":\"model\",\"created\":0,\"owned_by\":");
    buf_json_str(b, owner);
    buf_putc(b, '}');
}

/* An unknown date is the epoch, as Anthropic says it, too. */
static void put_anthropic(struct buf *b, struct str id, struct str owner)
{
    (void)owner;
    buf_puts(b, "{\"type\":\"model\",\"id\":");
    buf_json_str(b, id);
    buf_puts(b, ",\"display_name\":");
    buf_json_str(b, id);
    buf_puts(b, ",\"created_at\":\"1970-01-01T00:00:00Z\"}");
}

enum { DOES_CHAT = 1, DOES_COUNT = 2, DOES_EMBED = 4 };

static unsigned does(const struct request *r, const struct target *t)
{
    enum model_kind kind = capable_kind(r, t);
    unsigned all = 0;

    if (kind == KIND_UNKNOWN) /* its name says most of what can be known */
        kind = str_find(t->model, STR("embed")) >= 0 ? KIND_EMBED : KIND_CHAT;
    if (kind == KIND_CHAT && attempt_serves(t, DIALECT_GEMINI))
        all |= DOES_CHAT;
    if (attempt_serves(t, DIALECT_GEMINI_COUNT))
        all |= DOES_COUNT;
    if (kind == KIND_EMBED && attempt_serves(t, DIALECT_GEMINI_EMBED))
        all |= DOES_EMBED;
    return all;
}

/* What one of its targets does, it does. */
static void put_methods(const struct request *r, struct buf *b, struct str id)
{
    static const char *const names[] = { "generateContent", "countTokens",
                                         "embedContent" };
    struct arena *a = arena_new(1 << 20);
    struct err err = { 0 };
    const char *between = "";
    unsigned all = 0;
    struct plan p;

    if (a && engine_plan(r->gen->engine, a, id, r->principal, &p, &err) == 0) {
        for (size_t i = 0; i < p.n; i++)
            all |= does(r, p.list[i].target);
    } else {
        all = DOES_CHAT | DOES_COUNT | DOES_EMBED; /* not known */
    }
    arena_free(a);
    buf_puts(b, "[");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(all & 1u << i))
            continue;
        buf_printf(b, "%s\"%s\"", between, names[i]);
        between = ",";
    }
    buf_puts(b, "]");
}

static void put_gemini(const struct request *r, struct buf *b, struct str id)
{
    struct buf name = BUF_INIT(2048);

    buf_puts(&name, "models/");
    buf_put(&name, id);
    buf_puts(b, "{\"name\":");
    buf_json_str(b, buf_str(&name));
    buf_puts(b, ",\"version\":\"1\",\"displayName\":");
    buf_json_str(b, id);
    buf_puts(b, ",\"supportedGenerationMethods\":");
    put_methods(r, b, id);
    buf_puts(b, "}");
    buf_clear(&name);
}

static void put_model(const struct request *r, struct buf *b, struct str id,
                      struct str owner)
{
    if (r->endpoint->dialect == DIALECT_ANTHROPIC_MODELS)
        put_anthropic(b, id, owner);
    else if (r->endpoint->dialect == DIALECT_GEMINI_MODELS)
        put_gemini(r, b, id);
    else
        put_openai(b, id, owner);
}

static void put_page(const struct request *r, struct buf *b,
                     const struct names *names, const struct page *p)
{
    for (size_t i = p->from; i < p->to; i++) {
        struct str owner = STR("penstock"), rest = names->at[i];

        if (engine_is_open(r->gen->engine))
            owner = str_split(&rest, '/');
        if (i > p->from)
            buf_putc(b, ',');
        put_model(r, b, names->at[i], owner);
    }
}

static void put_id_or_null(struct buf *b, const char *name,
                           const struct names *names, size_t i, bool there)
{
    buf_puts(b, name);
    if (there)
        buf_json_str(b, names->at[i]);
    else
        buf_puts(b, "null");
}

/* ---- what the path and the query name ---------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; p NULL when it is no valid name. */
static struct str decode(struct request *r, struct str s)
{
    char *to = arena_alloc(r->arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; to && i < s.n; i++) {
        int hi, lo;

        to[n++] = s.p[i];
        if (s.p[i] != '%')
            continue;
        hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        lo = hi >= 0 ? hex(s.p[i + 2]) : -1;
        if (lo < 0 || hi * 16 + lo < 0x20)
            return STR_NULL;
        to[n - 1] = (char)(hi * 16 + lo);
        i += 2;
    }
    return (struct str){ to, to ? n : 0 };
}

/* A member of the query, decoded; p is NULL where there is none. */
static struct str query_get(struct request *r, const char *name)
{
    struct str rest = http_req_query(r->http);

    while (rest.p) {
        struct str value = str_split(&rest, '&');
        struct str key = str_split(&value, '=');

        if (str_is(key, name) && value.p)
            return decode(r, value);
    }
    return STR_NULL;
}

static bool index_of(const struct names *names, struct str id, size_t *out)
{
    for (*out = 0; *out < names->n; ++*out) {
        if (str_eq(names->at[*out], id))
            return true;
    }
    return false;
}

static int bad(struct request *r, const char *name, const char *why)
{
    return err_at(&r->err, ERR_INVALID_REQUEST, name, "%s: %s", name, why);
}

static int read_page(struct request *r, const struct names *names,
                     struct page *p)
{
    struct str limit = query_get(r, "limit");
    struct str after = query_get(r, "after_id");
    struct str before = query_get(r, "before_id");
    uint64_t most = PAGE;
    size_t at = 0;

    if (limit.p && (!str_u64(limit, &most) || !most || most > PAGE_MAX))
        return bad(r, "limit", "Input should be from 1 to 1000");
    if (after.p && before.p)
        return bad(r, "before_id", "not allowed together with after_id");
    if (after.p && !index_of(names, after, &at))
        return bad(r, "after_id", "there is no such model");
    if (before.p && !index_of(names, before, &at))
        return bad(r, "before_id", "there is no such model");
    if (before.p) {
        *p = (struct page){ at > most ? at - most : 0, at, at > most };
        return 0;
    }
    p->from = after.p ? at + 1 : 0;
    p->more = names->n - p->from > most;
    p->to = p->more ? p->from + most : names->n;
    return 0;
}

/* ---- answers ----------------------------------------------------------- */

static enum step answer_pages(struct request *r, const struct names *names)
{
    struct page p = { 0 };
    struct buf b = BUF_INIT(BODY_MAX);

    if (read_page(r, names, &p))
        return request_fail(r, ERR_INVALID_REQUEST, "client");
    buf_puts(&b, "{\"data\":[");
    put_page(r, &b, names, &p);
    buf_puts(&b, p.more ? "],\"has_more\":true" : "],\"has_more\":false");
    put_id_or_null(&b, ",\"first_id\":", names, p.from, p.from < p.to);
    put_id_or_null(&b, ",\"last_id\":", names, p.to - 1, p.from < p.to);
    buf_putc(&b, '}');
    reply_json(r, 200, buf_str(&b));
    buf_clear(&b);
    return STEP_FINISH;
}

/* Pages are told by where they begin. */
static enum step answer_gemini(struct request *r, const struct names *names)
{
    struct str size = query_get(r, "pageSize");
    struct str token = query_get(r, "pageToken");
    uint64_t most = PAGE, from = 0;
    struct page p;
    struct buf b = BUF_INIT(BODY_MAX);

    if (size.p && (!str_u64(size, &most) || most > PAGE_MAX))
        return bad(r, "pageSize", "must be from 1 to 1000"),
               request_fail(r, ERR_INVALID_REQUEST, "client");
    if (token.n && (!str_u64(token, &from) || from > names->n))
        return bad(r, "pageToken", "is none of ours"),
               request_fail(r, ERR_INVALID_REQUEST, "client");
    most = most ? most : PAGE;
    p = (struct page){ .from = (size_t)from, .to = names->n };
    p.more = names->n - p.from > most;
    if (p.more)
        p.to = p.from + (size_t)most;
    buf_puts(&b, "{\"models\":[");
    put_page(r, &b, names, &p);
    buf_puts(&b, "]");
    if (p.more)
        buf_printf(&b, ",\"nextPageToken\":\"%zu\"", p.to);
    buf_putc(&b, '}');
    reply_json(r, 200, buf_str(&b));
    buf_clear(&b);
    return STEP_FINISH;
}

enum step models_answer_list(struct request *r)
{
    struct names names = gather(r);
    struct page all = { 0, names.n, false };
    struct buf b = BUF_INIT(BODY_MAX);

    if (!names.at)
        return request_fail(r, ERR_OVERLOADED, "gateway");
    if (r->endpoint->dialect == DIALECT_ANTHROPIC_MODELS)
        return answer_pages(r, &names);
    if (r->endpoint->dialect == DIALECT_GEMINI_MODELS)
        return answer_gemini(r, &names);
    buf_puts(&b, "{\"object\":\"list\",\"data\":[");
    put_page(r, &b, &names, &all);
    buf_puts(&b, "]}");
    reply_json(r, 200, buf_str(&b));
    buf_clear(&b);
    return STEP_FINISH;
}

enum step models_answer_one(struct request *r)
{
    struct str id = decode(r, r->rest), owner = STR("penstock");
    struct plan plan;
    struct buf b = BUF_INIT(4096);

    if (!id.p || id.n > 256 || !str_utf8_valid(id) ||
        !principal_may_use(r->principal, id) ||
        engine_plan(r->gen->engine, r->arena, id, r->principal, &plan,
                    &r->err)) {
        if (!r->err.code)
            err_set(&r->err, ERR_MODEL_NOT_FOUND,
                    "There is no model of that name.");
        return request_fail(r, ERR_MODEL_NOT_FOUND, "client");
    }
    if (plan.n)
        owner = plan.list[0].target->provider->conf->name;
    put_model(r, &b, id, owner);
    reply_json(r, 200, buf_str(&b));
    buf_clear(&b);
    return STEP_FINISH;
}
