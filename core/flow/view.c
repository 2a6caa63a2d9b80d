/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What policies see of a request. */
#include "flow/order.h"
#include "flow/policies.h"

typedef void (*field_fn)(struct request *r, struct policy_value *out);

static void put_str(struct policy_value *out, struct str s)
{
    out->type = s.p ? VALUE_STRING : VALUE_NIL;
    out->s = s;
}

static void put_int(struct policy_value *out, int64_t v)
{
    out->type = v < 0 ? VALUE_NIL : VALUE_INT;
    out->i = v;
}

static void field_id(struct request *r, struct policy_value *out)
{
    put_str(out, str_of(r->id));
}

static void field_endpoint(struct request *r, struct policy_value *out)
{
    put_str(out, str_of(r->endpoint ? r->endpoint->name : NULL));
}

static void field_dialect(struct request *r, struct policy_value *out)
{
    put_str(out, r->endpoint ? str_of(dialect_name(r->endpoint->dialect))
                             : STR_NULL);
}

static void field_method(struct request *r, struct policy_value *out)
{
    put_str(out, r->method);
}

static void field_path(struct request *r, struct policy_value *out)
{
    put_str(out, r->path);
}

static void field_client_ip(struct request *r, struct policy_value *out)
{
    put_str(out, r->client_ip);
}

static void field_credential(struct request *r, struct policy_value *out)
{
    put_str(out, r->credential);
}

static void field_session(struct request *r, struct policy_value *out)
{
    put_str(out, hints_session(r));
}

static void field_model(struct request *r, struct policy_value *out)
{
    put_str(out, r->facts.model);
}

static void field_stream(struct request *r, struct policy_value *out)
{
    out->type = VALUE_BOOL;
    out->i = r->facts.stream;
}

static void field_max_tokens(struct request *r, struct policy_value *out)
{
    put_int(out, r->facts.max_tokens);
}

static void field_temperature(struct request *r, struct policy_value *out)
{
    put_str(out, body_temperature(r));
    if (out->s.p)
        out->type = VALUE_NUMBER;
}

static void field_user(struct request *r, struct policy_value *out)
{
    put_str(out, body_user(r));
}

static void field_body_size(struct request *r, struct policy_value *out)
{
    put_int(out, (int64_t)r->body_bytes);
}

static void field_status(struct request *r, struct policy_value *out)
{
    put_int(out, r->answer.status ? r->answer.status : -1);
}

/* `since`: the first step in which the field is known. */
static const struct {
    field_fn fn;
    enum step since;
} fields[FIELD_COUNT] = {
    [FIELD_ID] = { field_id, STEP_HEAD },
    [FIELD_ENDPOINT] = { field_endpoint, STEP_HEAD },
    [FIELD_DIALECT] = { field_dialect, STEP_HEAD },
    [FIELD_METHOD] = { field_method, STEP_HEAD },
    [FIELD_PATH] = { field_path, STEP_HEAD },
    [FIELD_CLIENT_IP] = { field_client_ip, STEP_HEAD },
    [FIELD_CREDENTIAL] = { field_credential, STEP_AUTHENTICATE },
    [FIELD_SESSION] = { field_session, STEP_HEAD },
    [FIELD_MODEL] = { field_model, STEP_VALIDATE },
    [FIELD_STREAM] = { field_stream, STEP_VALIDATE },
    [FIELD_MAX_TOKENS] = { field_max_tokens, STEP_VALIDATE },
    [FIELD_TEMPERATURE] = { field_temperature, STEP_VALIDATE },
    [FIELD_USER] = { field_user, STEP_VALIDATE },
    [FIELD_BODY_SIZE] = { field_body_size, STEP_VALIDATE },
    [FIELD_STATUS] = { field_status, STEP_SETTLE },
};

static void view_field(void *req, enum policy_field f,
                       struct policy_value *out)
{
    struct request *r = req;

    *out = (struct policy_value){ .type = VALUE_NOT_YET };
    if (f < FIELD_COUNT && fields[f].fn && r->step >= fields[f].since)
        fields[f].fn(r, out);
}

static struct str view_header(void *req, struct str name)
{
    struct request *r = req;

    return r->http ? http_req_header(r->http, name) : STR_NULL;
}

static const struct tls_peer *view_client_cert(void *req)
{
    struct request *r = req;

    return r->http ? http_req_certificate(r->http) : NULL;
}

static void view_note(void *req, struct str policy, struct str text)
{
    request_note(req, policy, text);
}

static void view_ran(void *req, const struct policy_ran *ran)
{
    struct request *r = req;

    ran_add(&r->ran, r->arena, ran, r->n_notes);
}

static int view_plan(void *req, struct str model, struct plan *out,
                     struct err *err)
{
    struct request *r = req;

    int rc = engine_plan(r->gen->engine, r->arena, model, r->principal, out,
                         err);

    if (rc == 0)
        order_targets(r, out);
    return rc;
}

static int64_t view_cost(void *req)
{
    return ledger_cost(req);
}

const struct policy_view request_view = {
    .field = view_field,
    .header = view_header,
    .client_cert = view_client_cert,
    .note = view_note,
    .ran = view_ran,
    .tags = hints_tags,
    .rewrite = body_rewrite,
    .remodel = body_remodel,
    .plan = view_plan,
    .cost = view_cost,
};

void view_keep(struct request *r)
{
    if (!policy_set_has(r->gen->policies, PHASE_LOG))
        return;
    hints_keep(r);
    body_keep(r);
}
