/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A key that is exchanged for a token which ends: part of penstock/plugin.h,
 * which includes it.
 *
 * The operation `cred_refresh` describes how, and makes no call itself. It is
 * called with step 0 and asks (ps_token_ask); the core makes that request
 * beside all others, and calls again with step 1, status and answer; until it
 * says what it got (ps_token_got) or fails. The core keeps the token, fetches
 * the next before it ends, and passes it to `auth` and `sign` in the place of
 * the key. Where there is no answer at all the core tries again later by
 * itself.
 *
 *     static ps_rc refresh(ps_token *t)
 *     {
 *         char room[512];
 *         ps_scratch form;
 *
 *         if (t->step == 0) {
 *             ps_scratch_init(&form, room, sizeof room);
 *             ps_fmt(&form, "grant_type=apikey&apikey=%.*s",
 *                    (int)t->secret.n, t->secret.p);
 *             return ps_token_ask(t, "POST", "https://iam.example/token",
 *                                 ps_scratched(&form));
 *         }
 *         return ps_token_got(t, ps_token_text(t, "/access_token"),
 *                             ps_token_int(t, "/expires_in", 0));
 *     }
 */
#ifndef PENSTOCK_TOKEN_H
#define PENSTOCK_TOKEN_H

#include <penstock/plugin.h>

/** One fetch; all of it is borrowed during the call. */
struct ps_token {
    const struct ps_services *svc;
    uint32_t size, step; /* answers so far */
    ps_inst *inst;
    ps_str secret;   /* the key, as it is configured */
    int32_t status;  /* of the last answer; 0 before the first */
    uint32_t reserved;
    ps_str answer;   /* its body */
};

/** Make this request and call again. TLS, or this machine or link. An answer
 * of JSON is asked for. PS_EINVAL: the URL is neither, or too long. */
static inline ps_rc ps_token_ask(ps_token *t, const char *method,
                                 const char *url, ps_str body)
{
    return t->svc->token_ask(t, ps_z(method), ps_z(url), body);
}

/** A field of that request, after ps_token_ask; six at most. */
static inline ps_rc ps_token_header(ps_token *t, const char *name,
                                    ps_str value)
{
    return t->svc->token_header(t, ps_z(name), value);
}

/** A string of an answer of JSON, unescaped, else the raw value; p NULL where
 * there is none. */
static inline ps_str ps_token_text(ps_token *t, const char *pointer)
{
    return t->svc->token_text(t, ps_z(pointer));
}

/** A non-negative integer of it; `missing` when it is none. */
static inline int64_t ps_token_int(ps_token *t, const char *pointer,
                                   int64_t missing)
{
    ps_str s = ps_token_text(t, pointer);
    int64_t n = 0;
    size_t i;

    for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i < 18; i++)
        n = n * 10 + (s.p[i] - '0');
    return s.n && i == s.n ? n : missing;
}

/** There it is, and good for so many seconds. PS_EPROTO: it is empty, holds a
 * blank or a control character, or ends at once. */
static inline ps_rc ps_token_got(ps_token *t, ps_str secret, int64_t seconds)
{
    return t->svc->token_got(t, secret, seconds);
}

/** Record why there is none, and return the same code; never a secret. */
static inline ps_rc ps_token_fail(ps_token *t, ps_rc rc, const char *why)
{
    return t->svc->token_fail(t, rc, ps_z(why));
}

#endif
