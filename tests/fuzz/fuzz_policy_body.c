/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's body and, behind a byte FF, what a policy does with it, one a
 * line, in the real engine:
 *
 *   =POINTER VALUE  req.body:set       -POINTER  remove      ?POINTER  get
 *   fNAME VALUE     req.NAME = value   tVALUE    each_text, appending
 *   dCODE VALUE     ps.deny            aVALUE FINISH         ps.answer
 *   kNAME VALUE     tampers with the decision, which is returned
 *
 * What becomes of the body must be the index of its text and JSON, and what
 * no pointer leads to must stand as it stood. A decision must be one.
 */
#include "policy/policy.h"

#include "base/json_name.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* v: n7 sTEXT b z e lV oV c/pointer; what fails is left. */
static const char source[] =
    "local function value(req, s)\n"
    "  local k, rest = s:sub(1, 1), s:sub(2)\n"
    "  if k == 'n' then return tonumber(rest)\n"
    "  elseif k == 's' then return rest\n"
    "  elseif k == 'b' then return rest == '1'\n"
    "  elseif k == 'z' then return ps.null\n"
    "  elseif k == 'e' then return {}\n"
    "  elseif k == 'l' then return { value(req, rest), 1 }\n"
    "  elseif k == 'o' then return { [rest:sub(1, 1)] = value(req, "
    "rest:sub(2)) }\n"
    "  elseif k == 'c' then return req.body:get(rest) end\n"
    "end\n"
    "local function step(req, line, d)\n"
    "  local op, rest = line:sub(1, 1), line:sub(2)\n"
    "  local a, b = rest:match('^([^ ]*) ?(.*)$')\n"
    "  if op == '=' then req.body:set(a, value(req, b))\n"
    "  elseif op == '-' then req.body:remove(a)\n"
    "  elseif op == '?' then req.body:get(a) req.body:raw(a)\n"
    "  elseif op == 'f' then req[a] = value(req, b)\n"
    "  elseif op == 't' then req:each_text(function(t) return t .. a end)\n"
    "  elseif op == 'd' then return ps.deny(a, value(req, b), "
    "{ status = a:sub(1, 2) == 'x_' and 418 or nil })\n"
    "  elseif op == 'a' then return ps.answer{ text = a, "
    "finish = b ~= '' and b or nil }\n"
    "  elseif op == 'k' then d[a] = value(req, b) end\n"
    "  return d\n"
    "end\n"
    "return { api = 1, dialects = { 'openai-chat' }, validate = "
    "function(req)\n"
    "  local d\n"
    "  for line in req.header['script']:gmatch('[^\\n]+') do\n"
    "    local ok, r = pcall(step, req, line, d)\n"
    "    if ok then d = r end\n"
    "  end\n"
    "  return d\n"
    "end }\n";

struct request {
    struct str script;
    struct buf text;    /* after the policy */
    struct json index;
    bool rewritten;
};

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    (void)f;
    *out = (struct policy_value){ .type = VALUE_NIL };
}

static struct str on_header(void *req, struct str name)
{
    (void)name;
    return ((struct request *)req)->script;
}

static int on_rewrite(void *req, struct buf *text, struct json *index,
                      struct err *err)
{
    struct request *r = req;
    struct json again = { 0 };

    (void)err;
    MUST(index->text == buf_str(text).p && index->size == buf_len(text));
    MUST(json_scan(&again, buf_str(text), NULL, NULL) == 0);
    MUST(again.count == index->count);
    json_clear(&again);
    r->text = *text;
    r->index = *index;
    r->rewritten = true;
    *text = (struct buf)BUF_INIT(0);
    *index = (struct json){ 0 };
    return 0;
}

static const struct policy_view view = { .field = on_field,
                                         .header = on_header,
                                         .rewrite = on_rewrite };

/* ---- what was not touched ------------------------------------------------ */

/* Pointers of a script's edits that lead into a place: those with one token
 * more are its own children's. */
struct touched {
    struct str at[64];
    size_t n;
    bool all; /* too many, or edits that have no pointer */
};

static void read_script(struct str script, struct touched *t)
{
    while (script.n) {
        struct str line = str_split(&script, '\n');
        struct str rest = { line.p + 1, line.n ? line.n - 1 : 0 };
        char op = line.n ? line.p[0] : 0;

        if (op == 'f' || op == 't')
            t->all = true;
        if (op != '=' && op != '-')
            continue;
        if (t->n == 64)
            t->all = true;
        else
            t->at[t->n++] = str_split(&rest, ' ');
    }
}

/* The pointers among `from` that lead to `name` or into it, cut. */
static bool leads_to(const struct json *j, uint32_t child,
                     const struct touched *from, struct touched *into)
{
    bool itself = false;

    into->n = 0;
    for (size_t i = 0; i < from->n; i++) {
        struct str rest = from->at[i];
        struct json_chars token = json_token(&rest);

        if (!json_chars_eq(json_name_chars(j, child), token))
            continue;
        itself |= rest.n == 0;
        into->at[into->n++] = rest;
    }
    return itself;
}

static void compare(const struct json *was, uint32_t a, const struct json *is,
                    uint32_t b, const struct touched *t)
{
    if (t->n == 0) {
        MUST(str_eq(json_raw(was, a), json_raw(is, b)));
        return;
    }
    if (was->nodes[a].type != JSON_T_OBJECT ||
        is->nodes[b].type != JSON_T_OBJECT)
        return; /* places of arrays move */
    for (uint32_t c = json_first(was, a); c != JSON_NONE;
         c = json_sibling(was, a, c)) {
        struct touched inner = { .n = 0 };
        uint32_t now = JSON_NONE;

        if (leads_to(was, c, t, &inner))
            continue;
        for (uint32_t x = json_first(is, b); x != JSON_NONE;
             x = json_sibling(is, b, x)) {
            if (json_chars_eq(json_name_chars(was, c),
                              json_name_chars(is, x)))
                now = x;
        }
        MUST(now != JSON_NONE);
        if (inner.n || json_length(was, a) < 1000)
            compare(was, c, is, now, &inner);
    }
}

/* Does a pointer lead to the top, or is it none at all? */
static bool is_odd(const struct touched *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!t->at[i].n || !json_pointer_valid(t->at[i]))
            return true;
    }
    return false;
}

static void check_body(const struct request *r, const struct json *was)
{
    struct touched t = { .n = 0 };

    if (!r->rewritten)
        return;
    read_script(r->script, &t);
    if (!t.all && !is_odd(&t))
        compare(was, 0, &r->index, 0, &t);
}

static void check_decision(const struct policy_result *d)
{
    MUST(d->message.n <= 65536);
    switch (d->verdict) {
    case POLICY_DENY:
        MUST(d->code.n && d->message.p && d->message.n <= 1024);
        MUST(d->err_code ? d->err_code < ERR_CLIENT_END && !d->status
                         : d->status >= 400 && d->status <= 599);
        MUST(d->retry_after_ms <= 86400000);
        break;
    case POLICY_ANSWER:
        MUST(d->finish <= WIRE_FINISH_FILTER);
        break;
    case POLICY_FAILED:
        MUST(d->err_code == ERR_POLICY_FAILED);
        break;
    case POLICY_NONE:
        break;
    default:
        MUST(!"a verdict of another phase");
    }
}

/* One for all inputs: the policy keeps nothing. */
static struct policy_set *engine(void)
{
    static struct conf_policy policy = {
        .name = { "fuzz", 4 }, .path = { "fuzz", 4 },
        .source = { source, sizeof source - 1 },
    };
    static struct config config = { .policies = &policy, .n_policies = 1 };
    static struct policy_set *set;
    struct err err = { 0 };

    if (!set)
        set = policy_set_new(&config, &err);
    if (!set)
        fprintf(stderr, "%s: %s\n", err.at, err.msg);
    MUST(set);
    return set;
}

static void run(struct json *body, struct str script)
{
    struct arena *a = arena_new(4 << 20);
    struct request r = { .script = script };
    struct policy_run how = { .req = &r, .view = &view, .arena = a,
                              .endpoint = STR("chat"),
                              .dialect = DIALECT_OPENAI_CHAT, .body = body };
    struct policy_result out;

    MUST(policy_run(engine(), PHASE_VALIDATE, &how, &out) == POLICY_DONE);
    check_decision(&out);
    MUST(!r.rewritten || out.verdict == POLICY_NONE);
    check_body(&r, body);
    json_clear(&r.index);
    buf_clear(&r.text);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str script = { (const char *)data, size }, text;
    struct json j = { 0 };

    text = str_split(&script, '\xFF');
    if (json_scan(&j, text, NULL, NULL) == 0)
        run(&j, script.p ? script : STR(""));
    json_clear(&j);
    return 0;
}
