/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request in one dialect and what it must be in the other, as rows: texts
 * have ' where JSON has ", and end with the features that must be named.
 */
#ifndef PENSTOCK_UNIT_CODEC_REQUESTS_H
#define PENSTOCK_UNIT_CODEC_REQUESTS_H

#include "codec_run.h"

struct request_case {
    const char *name;
    const char *model; /* of the target: its abilities */
    const char *in, *out;
    const char *mapped, *dropped, *refused; /* NULL: none */
};

/* ' becomes "; the text is NUL-terminated. */
static inline char *quoted(const char *z)
{
    char *copy = str_dup(str_of(z));

    for (char *p = copy; p && *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    return copy;
}

static inline bool same_names(struct way *w, enum codec_fate fate,
                              const char *want)
{
    static const char *const fates[] = { "mapped", "dropped", "refused" };
    struct buf b = BUF_INIT(4096);
    bool ok;

    codec_report_names(&w->report, fate, 1000, &b);
    ok = str_is(buf_str(&b), want ? want : "");
    if (!ok)
        printf("\n  %s: " STR_FMT ", not %s", fates[fate],
               STR_ARG(buf_str(&b)), want ? want : "");
    buf_clear(&b);
    return ok;
}

static inline bool check_names(struct way *w, const struct request_case *c)
{
    bool ok = same_names(w, FATE_MAPPED, c->mapped);

    ok = same_names(w, FATE_DROPPED, c->dropped) && ok;
    return same_names(w, FATE_REFUSED, c->refused) && ok;
}

static inline bool check_case(const struct request_case *c, enum dialect from,
                              enum dialect to)
{
    struct codec_target t = codec_target_of(to, str_of(c->model));
    char *in = quoted(c->in), *out = quoted(c->out);
    struct way w;
    bool ok = way_in(&w, from, str_of(in)) == 0 && way_out(&w, to, &t) == 0;

    if (!ok) {
        printf("\n%s: %s (%s)", c->name, w.err.msg, w.err.at);
    } else {
        ok = str_is(buf_str(&w.out), out);
        if (!ok)
            printf("\n%s:\n  " STR_FMT "\nnot\n  %s", c->name,
                   STR_ARG(buf_str(&w.out)), out);
        ok = check_names(&w, c) && ok;
        if (!ok)
            printf("\n  in %s", c->name);
    }
    way_clear(&w);
    free(in);
    free(out);
    return ok;
}

/* A request that is refused, and the field that is at fault. */
struct fault_case {
    const char *in, *at;
};

static inline bool check_fault(const struct fault_case *c, enum dialect from)
{
    char *in = quoted(c->in);
    struct way w;
    int rc = way_in(&w, from, str_of(in));
    bool ok = rc == -ERR_INVALID_REQUEST && strcmp(w.err.at, c->at) == 0;

    if (!ok)
        printf("\n%s: %d %s at %s, not %s", in, rc, w.err.msg, w.err.at,
               c->at);
    way_clear(&w);
    free(in);
    return ok;
}

#endif
