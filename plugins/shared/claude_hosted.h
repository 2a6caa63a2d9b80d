/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the clouds' hosts of Claude models want in a Messages request beside
 * their own address: the version in the body, and of what the client asked for
 * by anthropic-beta no more than they know, since they refuse the rest with
 * 400. For the plugins of those hosts. Sources, dates: their README.md.
 */
#ifndef PENSTOCK_CLAUDE_HOSTED_H
#define PENSTOCK_CLAUDE_HOSTED_H

#include <penstock/plugin.h>

#include <stdio.h>

#define HOSTED_BETAS_MAX 2048 /* bytes of all names, quoted */
#define HOSTED_LIST_MAX 1000  /* elements that are looked through */
#define HOSTED_BASELINE "2023-06-01"

/* Letters, digits, '.', '-', '_': may stand in a field and in a JSON string. */
static inline int hosted_is_word(ps_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ps_lower(s.p[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '-' || c == '_'))
            return 0;
    }
    return s.n > 0 && s.n < 100;
}

/**
 * "anthropic_version" into the body, unless it is there, and out of the head:
 * the client's where it is newer than the first, else the host's own.
 */
static inline ps_rc hosted_version(ps_try *t, const char *own)
{
    ps_str v = ps_header_get(t, "anthropic-version"), json;
    char text[104];
    ps_rc rc = PS_OK;

    if (ps_is(v, HOSTED_BASELINE) || !hosted_is_word(v))
        v = ps_z(own);
    json.p = text;
    json.n = (size_t)snprintf(text, sizeof text, "\"%.*s\"", (int)v.n, v.p);
    if (!ps_has(t, "/anthropic_version"))
        rc = ps_set_json(t, "/anthropic_version", json);
    return rc == PS_OK ? ps_header(t, "anthropic-version", ps_z("")) : rc;
}

/* Hosts in the clouds know one of them by another name. */
static inline ps_str hosted_name(ps_str beta)
{
    return ps_is(beta, "advanced-tool-use-2025-11-20")
               ? ps_z("tool-search-tool-2025-10-19")
               : beta;
}

/** The list of one element of a field, without blanks; moves *rest behind. */
static inline ps_str hosted_next(ps_str *rest)
{
    ps_str one = *rest;

    one.n = 0;
    while (one.n < rest->n && one.p[one.n] != ',')
        one.n++;
    rest->p += one.n + (one.n < rest->n);
    rest->n -= one.n + (one.n < rest->n);
    while (one.n && *one.p == ' ') {
        one.p++;
        one.n--;
    }
    while (one.n && one.p[one.n - 1] == ' ')
        one.n--;
    return one;
}

/** The patterns of settings.betas, else `otherwise`. */
static inline ps_str hosted_patterns(ps_try *t, const char *otherwise)
{
    ps_str raw;

    if (t->svc->setting(t->inst, ps_z("/betas"), &raw) != PS_OK || raw.n < 2)
        return ps_z(otherwise);
    raw.p++;
    raw.n -= 2;
    return raw;
}

/**
 * What of the client's anthropic-beta the patterns choose, with commas
 * between, each in `quote`; into out[HOSTED_BETAS_MAX]. Returns the bytes.
 */
static inline size_t hosted_betas(ps_try *t, ps_str patterns,
                                  const char *quote, char *out)
{
    ps_str rest = ps_header_get(t, "anthropic-beta");
    size_t n = 0;

    while (rest.n) {
        ps_str beta = hosted_name(hosted_next(&rest));

        if (!hosted_is_word(beta) || !ps_globs(patterns, beta) ||
            n + beta.n + 4 > HOSTED_BETAS_MAX)
            continue;
        n += (size_t)snprintf(out + n, HOSTED_BETAS_MAX - n, "%s%s%.*s%s",
                              n ? "," : "", quote, (int)beta.n, beta.p,
                              quote);
    }
    return n;
}

/* One list's elements: member `name` of each goes. */
static inline ps_rc hosted_without(ps_try *t, const char *list,
                                   const char *name)
{
    char at[160];
    ps_rc rc = PS_OK;

    for (int i = 0; i < HOSTED_LIST_MAX && rc == PS_OK; i++) {
        snprintf(at, sizeof at, "%s/%d", list, i);
        if (!ps_has(t, at))
            break;
        snprintf(at, sizeof at, "%s/%d/%s", list, i, name);
        if (ps_has(t, at))
            rc = ps_remove(t, at);
    }
    return rc;
}

/**
 * The scope of a cache mark is Anthropic's own; elsewhere it is an unknown
 * member. It comes with a beta of its own, so that nothing is searched for
 * where the client did not send that.
 */
static inline ps_rc hosted_unscoped(ps_try *t)
{
    static const char name[] = "cache_control/scope";
    char at[64];
    ps_rc rc = PS_OK;

    if (!ps_holds(ps_header_get(t, "anthropic-beta"), "prompt-caching-scope"))
        return PS_OK;
    rc = hosted_without(t, "/system", name);
    if (rc == PS_OK)
        rc = hosted_without(t, "/tools", name);
    for (int i = 0; i < HOSTED_LIST_MAX && rc == PS_OK; i++) {
        snprintf(at, sizeof at, "/messages/%d", i);
        if (!ps_has(t, at))
            break;
        snprintf(at, sizeof at, "/messages/%d/content", i);
        rc = hosted_without(t, at, name);
    }
    return rc;
}

#endif
