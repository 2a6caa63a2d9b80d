/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is no valid request has no endpoint and often only half a head; but
 * its client reads errors in one shape alone. The path says which, or the
 * fields that came before it was refused.
 */
#include "flow/refusal.h"

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

bool flow_on_refusal(void *ud, const struct http_refused *w, struct buf *body)
{
    bool told = has_field(w->fields, STR("anthropic-version")) ||
                has_field(w->fields, STR("x-api-key"));
    struct wire_error e = { .info = err_info((enum err_code)w->code),
                            .message = str_of(w->why) };

    (void)ud;
    if (!w->path.p || !endpoint_asks_anthropic(w->path, told))
        return false;
    e.code = str_of(e.info->name);
    return dialect_ops(DIALECT_ANTHROPIC)->error(body, &e) == 0;
}
