/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The request's body in a test: what the test gives, or a small one made of
 * the fields that it gives, read and edited as in production.
 */
#include "policy/test_rows.h"

#include "base/json.h"

#include <jansson.h>
#include <lauxlib.h>
#include <string.h>

enum { BODY_MAX = 4 << 20 };

static const struct {
    enum policy_field field;
    enum wire_field wire;
    const char *name;
} own[] = { { FIELD_MODEL, WIRE_MODEL, "model" },
            { FIELD_STREAM, WIRE_STREAM, "stream" },
            { FIELD_MAX_TOKENS, WIRE_MAX_TOKENS, "max_tokens" },
            { FIELD_TEMPERATURE, WIRE_TEMPERATURE, "temperature" },
            { FIELD_USER, WIRE_USER, "user" } };

enum { N_OWN = sizeof own / sizeof own[0] };

static const struct dialect_ops *ops_of(const struct test_call *c)
{
    return dialect_ops(c->dialect);
}

/* Google's clients say it in their path: no edit of the body touches it. */
static bool is_of_path(const struct test_call *c, enum policy_field f)
{
    return dialect_is_gemini(c->dialect) &&
           (f == FIELD_MODEL || f == FIELD_STREAM);
}

/* ---- reading ---------------------------------------------------------- */

/* req.body: a text as it is, or a table. */
void test_read_body(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;

    if (lua_type(L, -1) == LUA_TSTRING) {
        test_read_str(L, t, &c->body_given);
        return;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    buf_reset(&t->scratch);
    test_put_json(L, &t->scratch, "req.body");
    c->body_given = arena_dup(t->arena, buf_str(&t->scratch));
    test_need(L, (void *)(uintptr_t)c->body_given.p);
}

/* expect.body: a text must be the same, byte for byte; a table the same
 * value. */
void test_read_body_wanted(lua_State *L, struct test_case *t, void *into)
{
    struct test_expect *e = into;

    e->body_is_text = lua_type(L, -1) == LUA_TSTRING;
    if (e->body_is_text) {
        test_read_str(L, t, &e->body);
        return;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    buf_reset(&t->scratch);
    test_put_json(L, &t->scratch, "expect.body");
    e->body = arena_dup(t->arena, buf_str(&t->scratch));
    test_need(L, (void *)(uintptr_t)e->body.p);
}

/* ---- the fields of a body ----------------------------------------------- */

static struct policy_value value_of(struct test_case *t, struct str raw)
{
    struct policy_value v = { .type = VALUE_NIL };
    struct json j = { 0 };
    int64_t n;

    if (!raw.n || json_scan(&j, raw, NULL, NULL) != 0)
        return v;
    if (raw.p[0] == '"') {
        v.type = VALUE_STRING;
        v.s = arena_dup(t->arena, json_text(&j, 0, t->arena));
    } else if (raw.p[0] == 't' || raw.p[0] == 'f') {
        v.type = VALUE_BOOL;
        v.i = raw.p[0] == 't';
    } else if (json_int(&j, 0, &n)) {
        v.type = VALUE_INT;
        v.i = n;
    } else if (strchr("-0123456789", raw.p[0])) {
        v.type = VALUE_NUMBER;
        v.s = arena_dup(t->arena, raw);
    }
    json_clear(&j);
    return v;
}

/* Temperatures are numbers to scripts, whole or not. */
static void as_number(struct test_case *t, struct policy_value *v)
{
    if (v->type != VALUE_INT)
        return;
    v->s = arena_fmt(t->arena, "%lld", (long long)v->i);
    v->type = VALUE_NUMBER;
}

static void refresh(struct test_case *t)
{
    struct test_call *c = t->call;
    struct json_edits *none = json_edits_new(&c->body, t->arena);

    for (size_t i = 0; none && i < N_OWN; i++) {
        struct policy_value *v = &c->fields[own[i].field];

        if (is_of_path(c, own[i].field))
            continue;
        *v = value_of(t, ops_of(c)->field(c->dialect, own[i].wire, none));
        if (own[i].field == FIELD_STREAM && v->type != VALUE_BOOL)
            *v = (struct policy_value){ .type = VALUE_BOOL };
        if (own[i].field == FIELD_TEMPERATURE)
            as_number(t, v);
    }
}

/* A request of the dialect that the endpoint takes. */
static const char *skeleton(enum dialect d)
{
    switch (d) {
    case DIALECT_OPENAI_COMPLETIONS:
        return "{\"model\":\"test\",\"prompt\":\"hello\"}";
    case DIALECT_OPENAI_EMBEDDINGS:
        return "{\"model\":\"test\",\"input\":\"hello\"}";
    case DIALECT_RESPONSES:
        return "{\"model\":\"test\",\"input\":\"hello\"}";
    case DIALECT_GEMINI:
        return "{\"contents\":[{\"role\":\"user\",\"parts\":["
               "{\"text\":\"hello\"}]}]}";
    default:
        return "{\"model\":\"test\",\"messages\":[{\"role\":\"user\","
               "\"content\":\"hello\"}]}";
    }
}

static struct str as_json(struct test_case *t, const struct policy_value *v)
{
    struct buf b = BUF_INIT(1 << 16);
    struct str s = STR_NULL;

    if (v->type == VALUE_STRING)
        buf_json_str(&b, v->s);
    else if (v->type == VALUE_INT)
        buf_printf(&b, "%lld", (long long)v->i);
    else if (v->type == VALUE_NUMBER)
        buf_put(&b, v->s);
    else if (v->type == VALUE_BOOL)
        buf_puts(&b, v->i ? "true" : "false");
    if (buf_len(&b))
        s = arena_dup(t->arena, buf_str(&b));
    buf_clear(&b);
    return s;
}

/* The fields that the test gives, put into the body. */
static int put_fields(struct test_case *t, struct err *err)
{
    struct test_call *c = t->call;
    struct json_edits *e = json_edits_new(&c->body, t->arena);
    struct buf text = BUF_INIT(BODY_MAX);
    int rc = e ? 0 : -ERR_NOMEM;

    for (size_t i = 0; rc == 0 && i < N_OWN; i++) {
        struct str v = as_json(t, &c->fields[own[i].field]);

        if (v.p && !is_of_path(c, own[i].field) &&
            (own[i].field != FIELD_STREAM || c->fields[FIELD_STREAM].i))
            rc = ops_of(c)->set_field(c->dialect, own[i].wire, e, v, err);
        if (rc == -ERR_NOTFOUND)
            rc = err_set(err, ERR_NOTFOUND, "%s has no %s",
                         dialect_name(c->dialect), own[i].name);
    }
    if (rc == 0)
        rc = json_edits_apply(e, &text);
    if (rc == 0) {
        json_clear(&c->body);
        buf_clear(&c->text);
        c->text = text;
        return json_scan(&c->body, buf_str(&c->text), NULL, err);
    }
    buf_clear(&text);
    return rc;
}

static int open_body(struct test_case *t, struct err *err)
{
    struct test_call *c = t->call;
    struct wire_request facts;
    int rc;

    buf_init(&c->text, BODY_MAX);
    buf_put(&c->text, c->body_given.p ? c->body_given
                                      : str_of(skeleton(c->dialect)));
    rc = json_scan(&c->body, buf_str(&c->text), NULL, err);
    if (rc == 0)
        rc = put_fields(t, err);
    return rc ? rc : ops_of(c)->read(c->dialect, &c->body, t->arena, &facts,
                                     err);
}

bool test_body_open(struct test_case *t)
{
    struct err err = { 0 };

    t->call->open = true;
    if (open_body(t, &err) != 0) {
        test_line(t, '!', "req.body: %s%s%s", err.at, *err.at ? ": " : "",
                  err.msg);
        return false;
    }
    refresh(t);
    if (t->call->fields[FIELD_BODY_SIZE].type == VALUE_NIL)
        t->call->fields[FIELD_BODY_SIZE] = (struct policy_value){
            VALUE_INT, STR_NULL, (int64_t)buf_len(&t->call->text) };
    return true;
}

void test_body_close(struct test_call *c)
{
    if (!c->open)
        return;
    json_clear(&c->body);
    buf_clear(&c->text);
    c->open = false;
}

int test_body_rewrite(void *req, struct buf *text, struct json *index,
                      struct err *err)
{
    struct test_case *t = req;
    struct test_call *c = t->call;
    struct wire_request facts;
    int rc = ops_of(c)->read(c->dialect, index, t->arena, &facts, err);

    if (rc)
        return rc;
    json_clear(&c->body);
    buf_clear(&c->text);
    c->body = *index;
    c->text = *text;
    *index = (struct json){ 0 };
    *text = (struct buf)BUF_INIT(0);
    refresh(t);
    return 0;
}

void test_body_remodel(void *req, struct str model)
{
    struct test_case *t = req;

    t->call->fields[FIELD_MODEL] =
        (struct policy_value){ VALUE_STRING, model, 0 };
}

/* ---- comparing ----------------------------------------------------------- */

static struct str shown(struct test_case *t, const struct policy_value *v)
{
    struct str s = as_json(t, v);

    return s.p ? s : STR("(none)");
}

/* Laid out, names sorted, so that values compare line by line. */
static struct str laid_out(struct test_case *t, struct str text)
{
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    char *all = v ? json_dumps(v, JSON_INDENT(2) | JSON_SORT_KEYS |
                                      JSON_ENCODE_ANY) : NULL;
    struct str s = all ? arena_dup(t->arena, str_of(all)) : text;

    free(all);
    json_decref(v);
    return s;
}

void test_body_compare(struct test_case *t)
{
    const struct test_call *c = t->call;
    const struct test_expect *e = &c->expect;

    for (size_t i = 0; i < N_OWN; i++) {
        char key[32];

        if (e->fields[own[i].field].type == VALUE_NIL)
            continue;
        snprintf(key, sizeof key, "req.%s", own[i].name);
        test_item(t, key, shown(t, &e->fields[own[i].field]),
                  shown(t, &c->fields[own[i].field]));
    }
    if (!e->body.p)
        return;
    if (!c->open)
        test_line(t, '!', "expect.body: this phase has no body");
    else if (e->body_is_text)
        test_item(t, "body", e->body, buf_str(&c->text));
    else
        test_item(t, "body", laid_out(t, e->body),
                  laid_out(t, buf_str(&c->text)));
}
