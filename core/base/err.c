/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The error table and the one way to fill a struct err. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct err_info rows[] = {
    [ERR_NONE] = { "none", 200, 200, 200, "", "", "", false, "" },
#define ERR_ROW(id, name, oai, ant, gem, oai_type, ant_type, gem_type, retry, \
                text)                                                         \
    [ERR_##id] = { name,     oai,      ant,   gem, oai_type,                  \
                   ant_type, gem_type, retry, text },
#include "base/err.def"
#undef ERR_ROW
};

static int fill(struct err *err, int code, const char *at, const char *fmt,
                va_list ap)
{
    if (!err || err->code)
        return -code;
    err->code = code;
    snprintf(err->at, sizeof err->at, "%s", at ? at : "");
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    return -code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(err, code, NULL, fmt, ap);
    va_end(ap);
    return rc;
}

int err_at(struct err *err, int code, const char *at, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(err, code, at, fmt, ap);
    va_end(ap);
    return rc;
}

int err_errno(struct err *err, const char *fmt, ...)
{
    int saved = errno;
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_IO, "%s: %s", text, strerror(saved));
}

const struct err_info *err_info(int code)
{
    if (code < 0)
        code = -code;
    return code < ERR_CLIENT_END ? &rows[code] : &rows[ERR_INTERNAL];
}

int err_by_name(struct str name)
{
    for (int i = 1; i < ERR_CLIENT_END; i++) {
        if (str_is(name, rows[i].name))
            return i;
    }
    return ERR_NONE;
}
