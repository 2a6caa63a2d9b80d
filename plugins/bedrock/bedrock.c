/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Amazon Bedrock: Converse and ConverseStream for all models, InvokeModel for
 * clients of Anthropic's dialect to Anthropic's models and for vectors of
 * Cohere's, Titan and Nova. What is left for the plugin is the signature (or a
 * Bedrock API key, which needs none), a clock that is wrong, and what errors
 * mean. Sources: README.md.
 */
#include "sigv4.h"

#include "../shared/claude_hosted.h"
#include "../shared/claude_words.h"

#include <stdlib.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define WORD_MAX 64    /* bytes of a region, of a key's id */
#define TOKEN_MAX 4096
#define SKEW_MAX_S 604800 /* beyond a week it is not the clock */

struct instance {
    char region[WORD_MAX], service[WORD_MAX], id[128];
    int64_t skew_s; /* their clock less ours */
};

/* ---- settings ---------------------------------------------------------- */

/* The string at a setting, which needs no escapes; else what was there. */
static void setting(ps_inst *i, const char *pointer, char *out, size_t size)
{
    ps_str raw;

    if (i->svc->setting(i, ps_z(pointer), &raw) != PS_OK || raw.n < 2 ||
        raw.n - 2 >= size || raw.p[0] != '"')
        return;
    memcpy(out, raw.p + 1, raw.n - 2);
    out[raw.n - 2] = '\0';
}

/* The label behind "bedrock-runtime" (or "-fips") in a host. */
static void region_of_host(ps_str url, char *out, size_t size)
{
    static const char label[] = "bedrock-runtime";
    size_t n = sizeof label - 1, at = 0, end;

    while (at + n < url.n && memcmp(url.p + at, label, n) != 0)
        at++;
    while (at < url.n && url.p[at] != '.')
        at++;
    end = ++at;
    while (end < url.n && !strchr("./:", url.p[end]))
        end++;
    if (at >= url.n || end == at || end - at >= size)
        return;
    memcpy(out, url.p + at, end - at);
    out[end - at] = '\0';
}

static ps_rc open_inst(ps_inst *i)
{
    struct instance *in = (struct instance *)calloc(1, sizeof *in);

    if (!in)
        return PS_ENOMEM;
    memcpy(in->service, "bedrock", sizeof "bedrock");
    region_of_host(i->base_url, in->region, sizeof in->region);
    setting(i, "/region", in->region, sizeof in->region);
    setting(i, "/service", in->service, sizeof in->service);
    setting(i, "/access_key_id", in->id, sizeof in->id);
    i->data = in;
    return PS_OK;
}

static void close_inst(ps_inst *i)
{
    free(i->data);
}

/* ---- credentials ------------------------------------------------------- */

/* The part before a colon, which goes; all of it where there is none. */
static ps_str cut(ps_str *rest)
{
    const char *colon =
        rest->n ? (const char *)memchr(rest->p, ':', rest->n) : NULL;
    ps_str head = *rest;

    if (!colon) {
        rest->n = 0;
        return head;
    }
    head.n = (size_t)(colon - rest->p);
    rest->p = colon + 1;
    rest->n -= head.n + 1;
    return head;
}

struct secret {
    ps_str id, secret, token;
};

/*
 * "ID:SECRET", "ID:SECRET:TOKEN", and without the id where the settings have
 * it. Neither has a colon of its own, and a Bedrock API key has none.
 */
static int split(const struct instance *in, ps_str key, struct secret *out)
{
    memset(out, 0, sizeof *out);
    if (!key.n)
        return 0;
    out->id = *in->id ? ps_z(in->id) : cut(&key);
    out->secret = cut(&key);
    out->token = key;
    return out->id.n && out->secret.n;
}

/* Signed requests have no field yet; else it is a key for Bearer. */
static ps_rc auth(ps_try *t, ps_str key)
{
    struct secret s;

    return split((const struct instance *)t->inst->data, key, &s)
               ? PS_OK
               : PS_DECLINED;
}

/* "20260124T222913Z", by their clock. */
static size_t date_of(ps_try *t, const struct instance *in, char out[20])
{
    int64_t ms = (int64_t)t->svc->unix_ms() + in->skew_s * 1000;

    return ps_utc((uint64_t)ms, 1, out);
}

static ps_rc put_fields(ps_try *t, const ps_outgoing *o,
                        const struct secret *s, ps_str date,
                        struct sigv4_field f[4])
{
    static const char *const names[] = { "host", "x-amz-date", "content-type",
                                         "x-amz-security-token" };
    ps_rc rc = ps_header(t, names[1], date);

    if (rc == PS_OK && s->token.n)
        rc = ps_header(t, names[3], s->token);
    for (size_t i = 0; i < 4; i++)
        f[i].name = ps_z(names[i]);
    f[0].value = o->host;
    f[1].value = date;
    f[2].value = ps_header_get(t, names[2]);
    f[3].value = s->token;
    return rc;
}

static ps_rc sign(ps_try *t, const ps_outgoing *o, ps_str key)
{
    const struct instance *in = (const struct instance *)t->inst->data;
    char date[20], hash[65] = "", room[TOKEN_MAX + 8192], value[1024];
    struct sigv4_text scratch = { room, 0, sizeof room, 0 };
    struct sigv4_text out = { value, 0, sizeof value, 0 };
    struct sigv4_field fields[4];
    struct secret s;
    ps_str at, authorization;
    ps_rc rc;

    if (!split(in, key, &s))
        return PS_DECLINED;
    if (!*in->region)
        return ps_fail(t, PS_EINVAL, "settings.region is missing, and the "
                                     "host does not name one");
    if (s.token.n > TOKEN_MAX)
        return ps_fail(t, PS_EINVAL, "the session token is too long");
    at.p = date;
    at.n = date_of(t, in, date);
    rc = put_fields(t, o, &s, at, fields);
    if (rc != PS_OK)
        return rc;
    ps_hex(o->body_sha256, 32, hash);
    {
        struct sigv4_key k = { s.id, s.secret, ps_z(in->region),
                               ps_z(in->service), at };
        struct sigv4_request q = { o->method, o->path, o->query, fields,
                                   s.token.n ? 4u : 3u, hash, 0 };

        rc = sigv4_authorization(t->svc, &k, &q, &scratch, &out);
    }
    if (rc != PS_OK)
        return ps_fail(t, rc, "the request cannot be signed");
    authorization.p = value;
    authorization.n = out.n;
    return ps_header(t, "authorization", authorization);
}

/* ---- the request ------------------------------------------------------- */

#define CLAUDE_VERSION "bedrock-2023-05-31"

/* What the user guide lists; another is "invalid beta flag", 400. */
#define CLAUDE_BETAS                                                          \
    "computer-use-* token-efficient-tools-2025-02-19 "                        \
    "interleaved-thinking-* fine-grained-tool-streaming-* output-128k-* "     \
    "dev-full-thinking-* context-1m-* context-management-* effort-* "         \
    "tool-search-tool-* tool-examples-* compact-*"

/* The betas stand in the body here, unless the client has its own there. */
static ps_rc put_betas(ps_try *t)
{
    char list[HOSTED_BETAS_MAX + 2];
    ps_str there = ps_raw(t, "/anthropic_beta"), json = { list, 0 };

    json.n = hosted_betas(t, hosted_patterns(t, CLAUDE_BETAS), "\"",
                          list + 1);
    if (!json.n || there.p)
        return PS_OK;
    list[0] = '[';
    list[json.n + 1] = ']';
    json.n += 2;
    return ps_set_json(t, "/anthropic_beta", json);
}

/* Model and way of answering stand in the path. */
static ps_rc adjust_claude(ps_try *t)
{
    ps_rc rc = ps_remove(t, "/model");

    if (rc == PS_OK)
        rc = ps_remove(t, "/stream");
    if (rc == PS_OK)
        rc = hosted_version(t, CLAUDE_VERSION);
    if (rc == PS_OK)
        rc = put_betas(t);
    if (rc == PS_OK)
        rc = hosted_unscoped(t);
    if (rc == PS_OK && ps_holds(ps_raw(t, "/tools"), "eager_input_streaming"))
        rc = hosted_without(t, "/tools", "eager_input_streaming");
    if (rc == PS_OK)
        rc = ps_header(t, "anthropic-beta", ps_z(""));
    return rc == PS_OK ? ps_header(t, "accept", ps_z("application/json")) : rc;
}

/* Cohere's own words, less what stands in the path and what only its own
 * host has; Amazon's as they are. */
static ps_rc adjust_vectors(ps_try *t)
{
    ps_rc rc = PS_OK;

    if (t->api->dialect != PS_COHERE)
        return rc;
    rc = ps_remove(t, "/model");
    return rc == PS_OK ? ps_remove(t, "/priority") : rc;
}

/* What vectors cost stands in the head alone. */
static ps_rc head(ps_try *t)
{
    ps_str n = ps_answer_header(t, "x-amzn-bedrock-input-token-count");
    ps_usage u;

    if (t->api->op != PS_EMBEDDINGS || !n.n || n.n > 15)
        return PS_OK;
    ps_usage_init(&u);
    u.input = ps_take_digits(&n, n.n);
    u.cache_read = 0;
    return u.input < 0 ? PS_OK : ps_report_usage(t, &u);
}

static ps_rc adjust(ps_try *t)
{
    if (t->api->dialect == PS_ANTHROPIC)
        return adjust_claude(t);
    if (t->api->op == PS_EMBEDDINGS)
        return adjust_vectors(t);
    return t->api->framing == PS_EVENTSTREAM
               ? ps_header(t, "accept", ps_z("application/vnd.amazon."
                                             "eventstream"))
               : PS_OK;
}

/* ---- errors ------------------------------------------------------------ */

/* Names of exceptions; streams begin them in lower case. */
static const ps_verdict names[] = {
    { "ThrottlingException", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "TooManyRequestsException", PS_FAULT_RATE_LIMIT, PS_SCOPE_CREDENTIAL },
    { "ServiceQuotaExceededException", PS_FAULT_QUOTA, PS_SCOPE_CREDENTIAL },
    { "ModelNotReadyException", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
    { "ServiceUnavailableException", PS_FAULT_OVERLOADED, PS_SCOPE_TARGET },
    { "ModelTimeoutException", PS_FAULT_TIMEOUT, PS_SCOPE_TARGET },
    { "ModelErrorException", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "ModelStreamErrorException", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "InternalServerException", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "InternalFailure", PS_FAULT_TRANSIENT, PS_SCOPE_TARGET },
    { "ResourceNotFoundException", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "UnrecognizedClientException", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "InvalidSignatureException", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "IncompleteSignatureException", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "MissingAuthenticationTokenException", PS_FAULT_AUTH,
      PS_SCOPE_CREDENTIAL },
    { "ExpiredTokenException", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "AccessDeniedException", PS_FAULT_AUTH, PS_SCOPE_CREDENTIAL },
    { "ValidationException", PS_FAULT_BAD_REQUEST, PS_SCOPE_REQUEST },
};

/* How the message of an AccessDeniedException begins where it is the model,
 * and not the key, that is meant. */
static const ps_verdict access_to_model[] = {
    { "you don't have access to the model", PS_FAULT_MODEL_ACCESS,
      PS_SCOPE_TARGET },
    { "model access is denied", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
};

/* How that of a ValidationException begins where the model's name is what is
 * wrong: the operator's, not the caller's. */
static const ps_verdict models_begin[] = {
    { "the provided model identifier is invalid", PS_FAULT_MODEL_GONE,
      PS_SCOPE_TARGET },
    { "invocation of model id", PS_FAULT_MODEL_GONE, PS_SCOPE_TARGET },
    { "operation not allowed", PS_FAULT_MODEL_ACCESS, PS_SCOPE_TARGET },
};

/* Within it: classes that are the caller's own fault, so that what a prompt
 * echoes harms nobody but its sender. */
static const ps_verdict phrases[] = {
    { "input is too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "prompt is too long", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "exceed context limit", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "too many input tokens", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "too many tokens", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "maximum context length", PS_FAULT_CONTEXT_LENGTH, PS_SCOPE_REQUEST },
    { "content filtering policy", PS_FAULT_CONTENT_FILTER, PS_SCOPE_REQUEST },
};

/* Within a message's own error, in a chunk of a stream. */
static int by_claude(ps_try *t, ps_fault *f)
{
    ps_str type = ps_answer_str(t, "/error/type");

    if (!ps_decide(f, claude_types, CLAUDE_N(claude_types), type, ps_is))
        return 0;
    ps_decide(f, claude_phrases, CLAUDE_N(claude_phrases),
              ps_answer_str(t, "/error/message"), ps_contains);
    return 1;
}

/* "ThrottlingException" of "com.x#ThrottlingException:http://..." */
static ps_str bare(ps_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ':')
            s.n = i;
    }
    for (size_t i = s.n; i; i--) {
        if (s.p[i - 1] == '#') {
            s.p += i;
            s.n -= i;
            break;
        }
    }
    return s;
}

static ps_str name_of(ps_try *t, const ps_fault *f)
{
    ps_str s = ps_answer_header(t, "x-amzn-errortype");

    if (!s.n)
        s = ps_answer_str(t, "/__type");
    return bare(s.n ? s : f->code);
}

/* ---- the clock --------------------------------------------------------- */

/* "Thu, 26 Nov 2026 14:21:52 GMT" in seconds since 1970; 0 when it is none. */
static int64_t http_date_s(ps_str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    ps_str year = { s.p + 12, 4 }, day = { s.p + 5, 2 };
    ps_str clock[3];
    int64_t v[5], month = 1;

    if (s.n != 29 || memcmp(s.p + 25, " GMT", 4) != 0)
        return 0;
    for (size_t i = 0; i < 3; i++) {
        clock[i].p = s.p + 17 + 3 * i;
        clock[i].n = 2;
        v[i] = ps_take_digits(&clock[i], 2);
    }
    v[3] = ps_take_digits(&year, 4);
    v[4] = ps_take_digits(&day, 2);
    while (month <= 12 &&
           memcmp(s.p + 8, months + 3 * (month - 1), 3) != 0)
        month++;
    if (month > 12 || v[0] < 0 || v[1] < 0 || v[2] < 0 || v[3] < 1970 ||
        v[4] < 1)
        return 0;
    return ((ps_days(v[3], month, v[4]) * 24 + v[0]) * 60 + v[1]) * 60 + v[2];
}

/* Their clock is not ours: from now on requests are dated by theirs, and this
 * one is worth another try. */
static int learn_skew(ps_try *t, ps_str name, ps_str text)
{
    struct instance *in = (struct instance *)t->inst->data;
    int64_t theirs = http_date_s(ps_answer_header(t, "date"));
    int64_t skew = theirs - (int64_t)(t->svc->unix_ms() / 1000);
    int64_t moved = skew - in->skew_s;

    if (!ps_begins(text, "signature expired") &&
        !ps_begins(text, "signature not yet current") &&
        !ps_same(name, "RequestTimeTooSkewed") &&
        !ps_same(name, "RequestExpired"))
        return 0;
    if (!theirs || skew > SKEW_MAX_S || skew < -SKEW_MAX_S ||
        (moved > -60 && moved < 60))
        return 0;
    in->skew_s = skew;
    ps_log(t, PS_LOG_WARN, "the clock differs from the provider's; its Date "
                           "is used from now on");
    return 1;
}

static ps_rc classify(ps_try *t, ps_fault *f)
{
    ps_str name = name_of(t, f), text = ps_answer_str(t, "/message");
    int known;

    if (!text.p)
        text = ps_answer_str(t, "/Message");
    if (!text.p) /* an exception between chunks */
        text = ps_answer_str(t, "/error/message");
    if (text.p) /* told with a capital letter, it is not seen by the core */
        f->message = text;
    if (name.n)
        f->code = name;
    if (t->status == 200 && by_claude(t, f))
        return PS_OK;
    if (t->status == 403 && learn_skew(t, name, text)) {
        ps_fault_set(f, PS_FAULT_TRANSIENT, PS_SCOPE_REQUEST);
        return PS_OK;
    }
    known = ps_decide(f, names, N_OF(names), name, ps_same);
    if (ps_same(name, "AccessDeniedException"))
        ps_decide(f, access_to_model, N_OF(access_to_model), text, ps_begins);
    if ((known && f->cls == PS_FAULT_BAD_REQUEST) ||
        (!known && t->status == 400)) {
        if (!ps_decide(f, models_begin, N_OF(models_begin), text, ps_begins))
            ps_decide(f, phrases, N_OF(phrases), text, ps_contains);
    }
    return PS_OK;
}

static const ps_api apis[] = {
    { PS_CHAT, PS_CONVERSE, PS_JSON, "POST", "/model/{model}/converse" },
    { PS_CHAT, PS_CONVERSE, PS_EVENTSTREAM, "POST",
      "/model/{model}/converse-stream" },
    { PS_CHAT, PS_ANTHROPIC, PS_JSON, "POST", "/model/{model}/invoke" },
    { PS_CHAT, PS_ANTHROPIC, PS_EVENTCHUNKS, "POST",
      "/model/{model}/invoke-with-response-stream" },
    { PS_COUNT_TOKENS, PS_CONVERSE, PS_JSON, "POST",
      "/model/{model}/count-tokens" },
    { PS_EMBEDDINGS, PS_COHERE, PS_JSON, "POST", "/model/{model}/invoke" },
    { PS_EMBEDDINGS, PS_TITAN, PS_JSON, "POST", "/model/{model}/invoke" },
    { PS_EMBEDDINGS, PS_NOVA, PS_JSON, "POST", "/model/{model}/invoke" },
};

static const ps_serves serves[] = {
    { PS_ANTHROPIC, "*anthropic.claude-*" },
    { PS_COHERE, "*cohere.embed-*" },
    { PS_TITAN, "*titan-embed-text-* *titan-embed-g1-text-*" },
    { PS_NOVA, "*nova-*-embeddings-*" },
};

static const char settings[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"region\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":63},"
    "\"betas\":{\"type\":\"string\",\"maxLength\":1000},"
    "\"service\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63},"
    "\"access_key_id\":{\"type\":\"string\",\"minLength\":1,"
    "\"maxLength\":127}}}";

static const ps_provider ops = {
    .size = sizeof ops,
    .apis = apis,
    .n_apis = N_OF(apis),
    .base_url = "https://bedrock-runtime.{region}.amazonaws.com",
    .settings = settings,
    .open = open_inst,
    .close = close_inst,
    .adjust = adjust,
    .auth = auth,
    .head = head,
    .classify = classify,
    .sign = sign,
    .serves = serves,
    .n_serves = N_OF(serves),
};

PS_PLUGIN(PS_PROVIDER, "bedrock", "0.1.0", &ops);
