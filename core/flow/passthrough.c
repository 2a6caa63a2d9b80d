/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/passthrough.h"

#include "flow/policies.h"
#include "policy/output.h"
#include "wire/form.h"
#include "wire/passthrough.h"

#include <stdlib.h>

#define UPLOAD_LEAST (64 << 10) /* below it a body is held: it may fail over */
#define UPLOAD_WINDOW (256u << 10)

/* Stored answers are where they were made: no question, where one provider
 * alone keeps any. */
static struct str only_native(const struct config *c)
{
    struct str found = STR_NULL;

    for (size_t i = 0; i < c->n_providers; i++) {
        if (!c->providers[i].quirks.responses)
            continue;
        if (found.p)
            return STR_NULL;
        found = c->providers[i].name;
    }
    return found;
}

static bool is_stored_answer(const struct request *r)
{
    return str_is(str_of(r->endpoint->name), "responses");
}

static struct str provider(const struct request *r)
{
    const struct conf_endpoint *e = limits_of(r);

    if (e && e->anthropic_provider.n &&
        dialect_is_anthropic(r->endpoint->dialect))
        return e->anthropic_provider;
    if (e && e->provider.n)
        return e->provider;
    return is_stored_answer(r) ? only_native(r->gen->config) : STR_NULL;
}

/* Its text was looked at when it was made, and what left was not what is
 * stored: it is not read past the policies. */
static int check_policies(struct request *r)
{
    struct policy_output wants;

    if (r->endpoint->method || !is_stored_answer(r) ||
        str_is(r->method, "DELETE") ||
        !policy_set_has(r->gen->policies, PHASE_OUTPUT) ||
        !policy_output_wants(r->gen->policies, str_of(r->endpoint->name),
                             &wants))
        return 0;
    return err_set(&r->err, ERR_NOT_ALLOWED,
                   "Stored answers cannot be read here: policies look at "
                   "answers, and not at what a provider has stored.");
}

/* Paths that name no model lead nowhere until somebody says whose they are. */
static int nobody(struct request *r)
{
    if (is_stored_answer(r)) /* to ask all would show one what others keep */
        return err_set(&r->err, ERR_INVALID_REQUEST,
                       "Responses are kept by the provider that made them, "
                       "and which one that was is not written down: endpoint "
                       "\"responses\" { provider = ... } in the configuration "
                       "says whom to ask. Or send 'store': false and the "
                       "items themselves.");
    return err_set(&r->err, ERR_NOT_FOUND,
                   "Nobody serves %s here: endpoint \"%s\" { provider = ... } "
                   "in the configuration says whose it is.",
                   r->endpoint->path, r->endpoint->name);
}

int passthrough_begin(struct request *r)
{
    struct passthrough *p = arena_alloc(r->arena, sizeof *p);

    if (!p)
        return err_set(&r->err, ERR_OVERLOADED, "no memory for a request");
    *p = (struct passthrough){ .named = false };
    if (!passthrough_below(r->path, &p->below))
        return err_set(&r->err, ERR_NOT_FOUND,
                       "A path here is made of plain names: no dots alone, no "
                       "empty or escaped parts.");
    r->pass = p;
    return 0;
}

int passthrough_admit(struct request *r)
{
    if (!r->endpoint->method && !provider(r).n)
        return nobody(r);
    return check_policies(r);
}

/* Only where nobody has to read it: a body whose model is in it is held. */
bool passthrough_uploads(struct request *r, uint64_t max)
{
    int64_t n = http_req_length(r->http);

    if (r->endpoint->method || n < UPLOAD_LEAST || (uint64_t)n > max)
        return false;
    r->pass->upload = r->body_bytes = (uint64_t)n;
    return true;
}

void passthrough_cut(struct request *r)
{
    if (r->pass->upload && r->body_rc)
        stream_fault(r, PS_FAULT_BAD_REQUEST,
                     "The body did not come whole, or not in time.");
}

/* Called by the transport, within the call. */
static size_t need(void *req, char *to, size_t n)
{
    struct request *r = req;
    size_t got = http_req_take_body(r->http, to, n);

    r->pass->spent |= got > 0;
    return got;
}

void passthrough_send(struct request *r, struct http_call_spec *spec)
{
    if (!r->pass->upload)
        return;
    spec->upload = r->pass->upload;
    spec->need = need;
    spec->body = STR_NULL;
    http_req_stream_body(r->http, r->pass->upload, UPLOAD_WINDOW);
}

static int read_json(struct request *r, struct str body)
{
    struct err err = { 0 };
    int rc = json_scan(&r->json, body, NULL, &err);

    if (rc)
        return err_set(&r->err, ERR_INVALID_REQUEST,
                       "We could not parse the JSON body of your request: %s "
                       "(%s).", err.msg, err.at[0] ? err.at : "at its start");
    rc = request_dialect(r)->read(r->endpoint->dialect, &r->json, r->arena,
                                  &r->facts, &r->err);
    return rc ? rc : limits_check(r);
}

static int read_form(struct request *r, struct str type, struct str body)
{
    struct form *f = malloc(sizeof *f);
    int rc;

    if (!f)
        return err_set(&r->err, ERR_OVERLOADED, "no memory for a form");
    rc = form_begin(f, type, &r->err);
    rc = rc ? rc : form_feed(f, body, &r->err);
    rc = rc ? rc : form_end(f, &r->err);
    if (rc == 0) {
        r->facts.model = arena_dup(r->arena, form_value(f, FORM_MODEL));
        r->facts.stream = str_ieq(form_value(f, FORM_STREAM), STR("true"));
        r->pass->at = (size_t)f->got[FORM_MODEL].at;
        r->pass->n = f->got[FORM_MODEL].n;
    }
    free(f);
    return rc;
}

/* What the body says, where the endpoint reads it: any type that is no form
 * is taken for JSON, as everywhere. */
static int read_body(struct request *r)
{
    struct str type = http_req_header(r->http, STR("content-type"));
    struct str rest = type, kind = str_trim(str_split(&rest, ';'));
    struct str body = http_req_body(r->http);

    r->facts = (struct wire_request){ .max_tokens = -1 };
    if (!r->endpoint->method)
        return 0;
    return str_ieq(kind, STR("multipart/form-data"))
               ? read_form(r, type, body) : read_json(r, body);
}

static int choose_provider(struct request *r)
{
    struct str p = provider(r);

    if (!p.n)
        return err_at(&r->err, ERR_INVALID_REQUEST, "model",
                      "you must provide a model parameter, or endpoint "
                      "\"%s\" { provider = ... } in the configuration says "
                      "who is asked without one", r->endpoint->name);
    r->pass->named = true;
    r->facts.model = arena_fmt(r->arena, STR_FMT "/%s", STR_ARG(p),
                               r->endpoint->name);
    return r->facts.model.p ? 0 : err_set(&r->err, ERR_OVERLOADED,
                                          "no memory for a request");
}

enum step passthrough_read(struct request *r)
{
    int rc = read_body(r);

    if (!rc && !r->facts.model.n)
        rc = choose_provider(r);
    if (rc)
        return request_fail(r, r->err.code, r->err.code == ERR_OVERLOADED
                                                ? "gateway" : "client");
    r->facts.model = r->asked = arena_dup(r->arena, r->facts.model);
    return r->polite ? STEP_ANSWER : STEP_VALIDATE;
}

int passthrough_head(struct request *r, struct attempt *t)
{
    struct str accept = http_req_header(r->http, STR("accept"));
    int rc = attempt_put(t, "content-type",
                         http_req_header(r->http, STR("content-type")));

    return rc ? rc : attempt_put(t, "accept", accept.n ? accept : STR("*/*"));
}

/* The model's name in a form, in the place of the client's. */
static int put_form(struct request *r, struct attempt *t)
{
    struct str body = body_text(r), model = t->target->model;
    size_t behind = r->pass->at + r->pass->n;
    int rc;

    if (str_eq(model, r->asked))
        return 0;
    buf_init(&t->body, body.n + model.n);
    rc = buf_put(&t->body, (struct str){ body.p, r->pass->at });
    rc = rc ? rc : buf_put(&t->body, model);
    return rc ? rc : buf_put(&t->body, (struct str){ body.p + behind,
                                                     body.n - behind });
}

int passthrough_body(struct request *r, struct attempt *t, struct err *err)
{
    int rc;

    if (r->pass->n)
        return put_form(r, t);
    if (passthrough_is_named(r) || !r->json.count)
        return 0;
    t->edits = json_edits_new(&r->json, r->arena);
    if (!t->edits)
        return -ERR_NOMEM;
    rc = attempt_edit_model(r, t, err);
    if (rc || json_edits_empty(t->edits))
        return rc;
    buf_init(&t->body, body_text(r).n + (1u << 20));
    return json_edits_apply(t->edits, &t->body);
}

static struct str without_slash(struct str s)
{
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

int passthrough_url(const struct request *r, struct buf *url)
{
    const struct attempt *t = r->attempt;
    struct str before = str_of(t->host.pub.api->path);
    int rc = buf_put(url, without_slash(t->target->base_url));

    rc = rc ? rc : buf_put(url, without_slash(before));
    return rc ? rc : buf_put(url, r->pass->below);
}
