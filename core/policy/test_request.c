/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test's request as a policy sees it: what the test says, and for the rest
 * something that a request of production might be. */
#include "policy/test_case.h"

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    *out = ((struct test_case *)req)->call->fields[f];
}

static struct str on_header(void *req, struct str name)
{
    const struct test_call *c = ((struct test_case *)req)->call;

    for (size_t i = 0; i < c->n_headers; i++) {
        if (str_ieq(c->headers[i].key, name))
            return c->headers[i].value;
    }
    return STR_NULL;
}

static const struct tls_peer *on_client_cert(void *req)
{
    return ((struct test_case *)req)->call->client_cert;
}

static void on_note(void *req, struct str policy, struct str text)
{
    struct test_case *t = req;

    (void)policy;
    buf_put(&t->notes, text);
    buf_putc(&t->notes, '\n');
}

static size_t on_tags(void *req, const struct conf_pair **out)
{
    const struct test_call *c = ((struct test_case *)req)->call;

    *out = c->tags;
    return c->n_tags;
}

static int on_plan(void *req, struct str model, struct plan *out,
                   struct err *err)
{
    struct test_call *c = ((struct test_case *)req)->call;

    for (size_t i = 0; i < c->n_models; i++) {
        struct test_model *m = &c->models[i];

        if (!str_eq(m->name, model))
            continue;
        *out = (struct plan){ .list = m->list, .n = m->n,
                              .n_first = m->n, .model = model };
        return 0;
    }
    return err_set(err, ERR_MODEL_NOT_FOUND, "the test has no model '" STR_FMT
                   "'", STR_ARG(model));
}

static void on_ran(void *req, const struct policy_ran *ran)
{
    struct test_case *t = req;

    t->call->failed |= ran->verdict == POLICY_FAILED;
}

const struct policy_view test_view = {
    .field = on_field,
    .header = on_header,
    .client_cert = on_client_cert,
    .note = on_note,
    .ran = on_ran,
    .tags = on_tags,
    .rewrite = test_body_rewrite,
    .remodel = test_body_remodel,
    .plan = on_plan,
    .cost = test_out_cost,
};

void test_wake(void *req)
{
    (void)req;
}

/* The phase in which a field is known for the first time. */
static enum policy_phase known_since(int field)
{
    switch (field) {
    case FIELD_CREDENTIAL: return PHASE_AUTHENTICATE;
    case FIELD_MODEL:
    case FIELD_STREAM:
    case FIELD_MAX_TOKENS:
    case FIELD_TEMPERATURE:
    case FIELD_USER:
    case FIELD_BODY_SIZE: return PHASE_VALIDATE;
    case FIELD_STATUS: return PHASE_LOG;
    default: return PHASE_REQUEST;
    }
}

static void usual_str(struct test_call *c, enum policy_field f, const char *z)
{
    if (c->fields[f].type == VALUE_NIL)
        c->fields[f] = (struct policy_value){ VALUE_STRING, str_of(z), 0 };
}

static void usual_int(struct test_call *c, enum policy_field f, int64_t n)
{
    if (c->fields[f].type == VALUE_NIL)
        c->fields[f] = (struct policy_value){ VALUE_INT, STR_NULL, n };
}

/* The endpoint by name, by path, or chat; and what follows from it. */
static void fill_endpoint(struct test_call *c)
{
    struct str name = c->fields[FIELD_ENDPOINT].s, path, rest;
    const struct endpoint *e;

    path = c->fields[FIELD_PATH].s;
    e = name.n   ? endpoint_by_name(name)
        : path.n ? endpoint_find(path, FAMILY_OPENAI, &rest)
                 : endpoint_by_name(STR("chat"));
    if (e) {
        usual_str(c, FIELD_ENDPOINT, e->name);
        usual_str(c, FIELD_DIALECT, dialect_name(e->dialect));
        usual_str(c, FIELD_METHOD, e->method);
        usual_str(c, FIELD_PATH, e->path);
    }
    c->dialect = dialect_by_name(c->fields[FIELD_DIALECT].s);
}

static bool has_body(const struct test_call *c, enum policy_phase phase)
{
    return phase >= PHASE_VALIDATE && phase < PHASE_LOG &&
           c->dialect != DIALECT_NONE && c->dialect != DIALECT_OPENAI_MODELS;
}

bool test_request_fill(struct test_case *t, enum policy_phase phase)
{
    static const struct principal somebody = { .id = STR("test") };
    struct test_call *c = t->call;

    fill_endpoint(c);
    test_try_fill(t);
    usual_str(c, FIELD_ID, "req_test");
    usual_str(c, FIELD_CLIENT_IP, "127.0.0.1");
    test_out_fill(c);
    if (has_body(c, phase) && !test_body_open(t))
        return false;
    usual_str(c, FIELD_MODEL, "test");
    usual_int(c, FIELD_BODY_SIZE, 100);
    if (c->fields[FIELD_STREAM].type == VALUE_NIL)
        c->fields[FIELD_STREAM].type = VALUE_BOOL;
    for (int f = 0; f < FIELD_COUNT; f++) {
        if (phase < known_since(f))
            c->fields[f] = (struct policy_value){ .type = VALUE_NOT_YET };
    }
    if (phase > PHASE_AUTHENTICATE && !c->principal)
        c->principal = (struct principal *)(uintptr_t)&somebody;
    return true;
}
