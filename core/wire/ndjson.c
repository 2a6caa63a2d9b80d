/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Lines end at LF alone, so no cut can fall inside a line end. */
#include "wire/ndjson.h"

void ndjson_init(struct ndjson *n, size_t max_line)
{
    *n = (struct ndjson){ .held = BUF_INIT(max_line) };
}

void ndjson_clear(struct ndjson *n)
{
    buf_clear(&n->held);
    n->dead = true;
}

static int too_long(const struct ndjson *n, struct err *err)
{
    return err_set(err, ERR_LIMIT, "a line of more than %zu bytes",
                   n->held.max);
}

static int hold(struct ndjson *n, struct str part, struct err *err)
{
    int rc = buf_put(&n->held, part);

    if (rc == -ERR_LIMIT)
        return too_long(n, err);
    return rc ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int give(struct str raw, bool cut, ndjson_on_line fn, void *ud)
{
    struct ndjson_line line = { .raw = raw, .text = raw, .cut = cut };
    struct str *t = &line.text;

    if (!cut)
        t->n--;
    if (t->n && t->p[t->n - 1] == '\r')
        t->n--;
    return fn(ud, &line);
}

/* `part` ends with the LF of the line that is held so far. */
static int end_line(struct ndjson *n, struct str part, ndjson_on_line fn,
                    void *ud, struct err *err)
{
    int rc = 0;

    if (buf_len(&n->held)) {
        rc = hold(n, part, err);
        part = buf_str(&n->held);
    } else if (part.n > n->held.max) {
        rc = too_long(n, err);
    }
    if (!rc)
        rc = give(part, false, fn, ud);
    buf_clear(&n->held);
    return rc;
}

int ndjson_feed(struct ndjson *n, struct str bytes, ndjson_on_line fn,
                void *ud, struct err *err)
{
    int rc = 0;

    if (n->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    while (!rc && bytes.n) {
        const char *lf = memchr(bytes.p, '\n', bytes.n);
        struct str part = { bytes.p,
                            lf ? (size_t)(lf - bytes.p) + 1 : bytes.n };

        rc = lf ? end_line(n, part, fn, ud, err) : hold(n, part, err);
        bytes.p += part.n;
        bytes.n -= part.n;
    }
    if (rc)
        ndjson_clear(n);
    return rc;
}

int ndjson_eof(struct ndjson *n, ndjson_on_line fn, void *ud, struct err *err)
{
    int rc = 0;

    if (n->dead)
        return err_set(err, ERR_CLOSED, "this stream has ended");
    if (buf_len(&n->held))
        rc = give(buf_str(&n->held), true, fn, ud);
    ndjson_clear(n);
    return rc;
}
