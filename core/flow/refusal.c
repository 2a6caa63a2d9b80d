/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is no valid request has no endpoint and often only half a head; but
 * its client reads errors in one shape alone. The path says which, or the
 * fields that came before it was refused.
 */
#include "flow/refusal.h"

#include "base/log.h"
#include "flow/request.h"
#include "wire/dialect.h"

/* Is there such a field among the lines? The last one may be cut off. */
static bool has_field(struct str lines, struct str name)
{
    while (lines.n) {
        struct str line = str_split(&lines, '\n');
        struct str head = { line.p, name.n };

        if (line.n > name.n && line.p[name.n] == ':' && str_ieq(head, name))
            return true;
    }
    return false;
}

static enum family family_of(const struct http_refused *w)
{
    enum family told = FAMILY_OPENAI;

    if (has_field(w->fields, STR("anthropic-version")) ||
        has_field(w->fields, STR("x-api-key")))
        told = FAMILY_ANTHROPIC;
    else if (has_field(w->fields, STR("x-goog-api-key")))
        told = FAMILY_GEMINI;
    return w->path.p ? endpoint_family(w->path, told) : FAMILY_OPENAI;
}

bool flow_on_refusal(void *ud, struct http_refused *w, struct buf *body)
{
    enum family family = family_of(w);
    const struct dialect_ops *d = dialect_ops(family_dialect(family));
    struct wire_error e = { .info = err_info((enum err_code)w->code),
                            .message = str_of(w->why),
                            .status = w->status };

    flow_new_id(ud, w->id);
    w->id_field = d->request_id;
    log_event(EV_request_refused, LOG_Z("request", w->id),
              LOG_I("status", w->status), LOG_Z("why", w->why));
    e.code = str_of(e.info->name);
    e.request_id = str_of(w->id);
    return family != FAMILY_OPENAI && d->error(body, &e) == 0;
}
