/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The body as policies leave it. The client's bytes are never changed: what a
 * policy edited is a text of its own, with its own index, and everything
 * behind it (facts, plan, tries) sees that one alone.
 */
#include "flow/policies.h"
#include "flow/translate.h"

struct str body_text(const struct request *r)
{
    return buf_len(&r->edited) ? buf_str(&r->edited) : http_req_body(r->http);
}

const struct json *body_index(const struct request *r)
{
    return r->step >= STEP_VALIDATE && r->json.count ? &r->json : NULL;
}

/* Model and stream are not a try's to change (policy/edit.c), and what the
 * client gets of the usage is what it asked for itself. */
static int keep_facts(struct request *r, struct wire_request *facts)
{
    int64_t max_tokens = facts->max_tokens;

    if ((r->pass && !facts->model.n) || /* none was named */
        dialect_is_gemini(r->endpoint->dialect)) {
        facts->model = r->facts.model; /* it stands in the path */
        facts->stream = r->facts.stream;
    }
    if (r->step != STEP_CONSULT) {
        facts->model = arena_dup(r->arena, facts->model);
        return facts->model.p ? 0 : -ERR_NOMEM;
    }
    *facts = r->facts;
    facts->max_tokens = max_tokens;
    return body_try_begin(r);
}

int body_rewrite(void *req, struct buf *text, struct json *index,
                 struct err *err)
{
    struct request *r = req;
    struct wire_request facts;
    int rc = request_dialect(r)->read(r->endpoint->dialect, index, r->arena,
                                      &facts, err);

    if (!rc)
        rc = keep_facts(r, &facts);
    if (rc)
        return err->code ? rc
                         : err_set(err, ERR_NOMEM,
                                   "the request's memory is used up");
    json_clear(&r->json);
    buf_clear(&r->edited);
    r->json = *index;
    r->edited = *text;
    r->facts = facts;
    *index = (struct json){ 0 };
    *text = (struct buf)BUF_INIT(0);
    return 0;
}

void body_remodel(void *req, struct str model)
{
    struct request *r = req;

    r->facts.model = model;
}

/* Raw JSON of a field, in the arena or the body; p NULL: not given. */
static struct str raw_field(const struct request *r, enum wire_field f)
{
    struct json_edits *none = json_edits_new(&r->json, r->arena);

    return none ? request_dialect(r)->field(r->endpoint->dialect, f, none)
                : STR_NULL;
}

struct str body_temperature(const struct request *r)
{
    struct str raw;

    if (!body_index(r))
        return r->kept_temperature;
    raw = raw_field(r, WIRE_TEMPERATURE);
    return raw.n && strchr("-0123456789", raw.p[0]) ? raw : STR_NULL;
}

struct str body_user(const struct request *r)
{
    struct json *scratch = &r->flow->scratch;
    struct str raw;

    if (!body_index(r))
        return r->kept_user;
    raw = raw_field(r, WIRE_USER);
    if (!raw.n || raw.p[0] != '"' || json_scan(scratch, raw, NULL, NULL))
        return STR_NULL;
    return arena_dup(r->arena, json_text(scratch, 0, r->arena));
}

void body_keep(struct request *r)
{
    struct str temperature;

    body_try_end(r);
    temperature = body_temperature(r);
    if (!body_index(r))
        return;
    r->kept_user = body_user(r);
    if (temperature.p)
        r->kept_temperature = arena_dup(r->arena, temperature);
}

void body_drop(struct request *r)
{
    body_try_end(r);
    translate_forget(r);
    view_keep(r);
    json_clear(&r->json);
    buf_clear(&r->edited);
}
