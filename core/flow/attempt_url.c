/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From a provider's base and a plugin's path to the URL of one try. */
#include "flow/attempt.h"

#define DATE_BYTES 8 /* of 20250929 */

/* Percent-encode a model for a path; what could climb is refused. */
static int put_model(struct buf *url, struct str model)
{
    int rc = 0;

    for (size_t i = 0; i < model.n && !rc; i++) {
        unsigned char c = (unsigned char)model.p[i];

        if (c == '.' && i + 1 < model.n && model.p[i + 1] == '.')
            return -ERR_INVALID_REQUEST;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || memchr("-._~@", c, 5))
            rc = buf_putc(url, (char)c);
        else
            rc = buf_printf(url, "%%%02X", c);
    }
    return rc;
}

/* "claude-sonnet-4-5-20250929" as "claude-sonnet-4-5@20250929". */
static int put_dated(struct buf *url, struct str model)
{
    size_t n = model.n;
    int rc;

    while (n && model.n - n < DATE_BYTES && model.p[n - 1] >= '0' &&
           model.p[n - 1] <= '9')
        n--;
    if (model.n - n < DATE_BYTES || n < 2 || model.p[n - 1] != '-')
        return put_model(url, model);
    rc = put_model(url, (struct str){ model.p, n - 1 });
    rc = rc ? rc : buf_putc(url, '@');
    return rc ? rc : put_model(url, (struct str){ model.p + n, DATE_BYTES });
}

/* {model}, {model@date}, or {setting=what it is unless the provider says}. */
static int put_hole(struct buf *url, struct str hole, struct str model,
                    const struct plugin_inst *inst)
{
    struct str rest = hole, name = str_split(&rest, '=');
    struct str set = plugin_setting(inst, name);

    if (str_is(hole, "model"))
        return put_model(url, model);
    if (str_is(hole, "model@date"))
        return put_dated(url, model);
    return put_model(url, set.p ? set : rest);
}

int attempt_url(struct buf *url, struct str base, const char *path,
                struct str model, const struct plugin_inst *inst)
{
    struct str rest = str_of(path);
    int rc;

    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    rc = buf_put(url, base);
    while (!rc && rest.n) {
        rc = buf_put(url, str_split(&rest, '{'));
        if (!rc && rest.p)
            rc = put_hole(url, str_split(&rest, '}'), model, inst);
    }
    return rc;
}
