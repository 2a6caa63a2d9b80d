/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a phase returns, in the real engine. The first byte chooses the phase,
 * the lines behind it make the table, by these steps (V: a value, below):
 *
 *   dCODE V AFTER STATUS  ps.deny      aTEXT FINISH  ps.answer
 *   sWHY                  ps.skip      xWHY          ps.stop
 *   t                     {}, as a forgery or a principal begins
 *   kNAME V  d[NAME] = V  iN V  d[N] = V   oNAME INNER V  d[NAME][INNER] = V
 *   g  setmetatable(copy, getmetatable(d))   r  { d }   v V  d = V
 *
 * What comes of it must be a verdict that the phase takes, of a kind that was
 * made by its constructor, with every text, number and list within its bounds.
 */
#include "policy/policy.h"

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

/* V: n7 sTEXT b1 z lV (a list) f (a function) R12,V (12 times V as a list).
 * "made" is what the last constructor gave; the note tells it. */
static const char source[] =
    "local function value(s)\n"
    "  local k, rest = s:sub(1, 1), s:sub(2)\n"
    "  if k == 'n' then return tonumber(rest)\n"
    "  elseif k == 's' then return rest\n"
    "  elseif k == 'b' then return rest == '1'\n"
    "  elseif k == 'z' then return ps.null\n"
    "  elseif k == 'f' then return value\n"
    "  elseif k == 'l' then return { value(rest) }\n"
    "  elseif k == 'R' then\n"
    "    local n, v = rest:match('^(%d+),(.*)$')\n"
    "    local t = {}\n"
    "    for i = 1, math.min(tonumber(n), 2000) do t[i] = value(v) end\n"
    "    return t\n"
    "  end\n"
    "end\n"
    "local function step(line, d)\n"
    "  local op, rest = line:sub(1, 1), line:sub(2)\n"
    "  local a, b, c, e = rest:match('^(%S*) ?(%S*) ?(%S*) ?(.*)$')\n"
    "  if op == 'd' then return ps.deny(a, value(b), (c .. e ~= '') and "
    "{ retry_after = value(c), status = value(e) } or nil), 'deny'\n"
    "  elseif op == 'a' then return ps.answer{ text = a, "
    "finish = b ~= '' and b or nil }, 'answer'\n"
    "  elseif op == 's' then return ps.skip(rest), 'skip'\n"
    "  elseif op == 'x' then return ps.stop(a), 'stop'\n"
    "  elseif op == 't' then return {}, 'table'\n"
    "  elseif op == 'r' then return { d }, 'table'\n"
    "  elseif op == 'v' then return value(rest), 'table'\n"
    "  elseif op == 'k' then d[a] = value(b)\n"
    "  elseif op == 'i' then d[tonumber(a)] = value(b)\n"
    "  elseif op == 'o' then\n"
    "    local inner = rawget(d, a) or {}\n"
    "    inner[b] = value(c) d[a] = inner\n"
    "  elseif op == 'g' then\n"
    "    local copy = {}\n"
    "    for k, v in next, d do copy[k] = v end\n"
    "    return setmetatable(copy, getmetatable(d)), 'table'\n"
    "  end\n"
    "  return d\n"
    "end\n"
    "local function phase(req)\n"
    "  local d, made\n"
    "  for line in req.header['script']:gmatch('[^\\n]+') do\n"
    "    local ok, r, kind = pcall(step, line, d)\n"
    "    if ok then d, made = r, kind or made end\n"
    "  end\n"
    "  ps.note(made or 'nothing')\n"
    "  return d\n"
    "end\n"
    "return { api = 1, fail = 'closed', request = phase, "
    "authenticate = phase, validate = phase, admit = phase, route = phase, "
    "attempt = phase, response = phase }\n";

struct request {
    struct str script;
    char made[16];
};

static const enum policy_phase phases[] = {
    PHASE_REQUEST, PHASE_AUTHENTICATE, PHASE_VALIDATE, PHASE_ADMIT,
    PHASE_ROUTE,   PHASE_ATTEMPT,      PHASE_RESPONSE,
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

static void on_note(void *req, struct str policy, struct str text)
{
    struct request *r = req;

    (void)policy;
    if (r->made[0]) /* the engine's own remark */
        return;
    snprintf(r->made, sizeof r->made, STR_FMT, STR_ARG(text));
}

static const struct policy_view view = { .field = on_field,
                                         .header = on_header,
                                         .note = on_note };

/* ---- verdicts ------------------------------------------------------------ */

static void check_list(const struct str *s, size_t n)
{
    MUST(n <= 1024);
    for (size_t i = 0; i < n; i++)
        MUST(s[i].p && s[i].n <= 512);
}

static void check_principal(const struct principal *p)
{
    MUST(p && p->id.n && p->id.n <= 512);
    MUST(p->key.n <= 512 && p->team.n <= 512 && p->user.n <= 512);
    check_list(p->models, p->n_models);
    check_list(p->endpoints, p->n_endpoints);
    check_list(p->cidrs, p->n_cidrs);
    MUST(p->n_tags <= 1024);
    for (size_t i = 0; i < p->n_tags; i++)
        MUST(p->tags[i].key.n <= 512 && p->tags[i].value.n <= 512);
}

static void check_deny(const struct policy_result *d)
{
    MUST(d->code.n && d->code.n <= 64);
    MUST(d->message.p && d->message.n <= 1024);
    MUST(d->err_code ? !d->status : d->status >= 400 && d->status <= 599);
    MUST(d->retry_after_ms <= 2 * (uint64_t)LIMIT_PERIOD_MS);
}

static bool may_answer(enum policy_phase p)
{
    return p == PHASE_REQUEST || p == PHASE_VALIDATE || p == PHASE_ADMIT;
}

static void check(enum policy_phase p, const struct request *r,
                  const struct policy_result *d)
{
    switch (d->verdict) {
    case POLICY_NONE:
        break;
    case POLICY_FAILED:
        MUST(d->err_code == ERR_POLICY_FAILED);
        break;
    case POLICY_DENY:
        MUST(p != PHASE_ATTEMPT && strcmp(r->made, "deny") == 0);
        check_deny(d);
        break;
    case POLICY_ANSWER:
        MUST(may_answer(p) && strcmp(r->made, "answer") == 0);
        MUST(d->message.n <= 65536 && d->finish <= WIRE_FINISH_FILTER);
        break;
    case POLICY_SKIP:
        MUST(p == PHASE_ATTEMPT && strcmp(r->made, "skip") == 0);
        MUST(d->message.n <= 1024);
        break;
    case POLICY_PRINCIPAL:
        MUST(p == PHASE_AUTHENTICATE && strcmp(r->made, "table") == 0);
        check_principal(d->principal);
        break;
    default:
        MUST(!"a verdict of another phase");
    }
}

/* ---- a run --------------------------------------------------------------- */

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

static void run(enum policy_phase p, struct str script)
{
    struct arena *a = arena_new(1 << 20);
    struct target target = { .name = STR("gpu/llama") };
    struct policy_try try = { .n = 1, .target = &target };
    struct policy_resp resp = { .status = 200, .attempt = 1,
                                .target = &target };
    struct plan plan = { 0 };
    struct request r = { .script = script };
    struct policy_run how = { .req = &r, .view = &view, .arena = a,
                              .endpoint = STR("chat"),
                              .dialect = DIALECT_OPENAI_CHAT, .plan = &plan,
                              .attempt = &try, .response = &resp };
    struct policy_result out;

    MUST(policy_run(engine(), p, &how, &out) == POLICY_DONE);
    check(p, &r, &out);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str script = { (const char *)data, size };
    enum policy_phase p;

    if (!size)
        return 0;
    p = phases[data[0] % (sizeof phases / sizeof phases[0])];
    script.p++;
    script.n--;
    run(p, script);
    return 0;
}
