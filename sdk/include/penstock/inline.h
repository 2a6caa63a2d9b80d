/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Wrappers over ps_services, so that a plugin needs no global. Included by
 * plugin.h; do not include it yourself. */
#ifndef PENSTOCK_INLINE_H
#define PENSTOCK_INLINE_H

/** A NUL-terminated text, borrowed; NULL is "absent". */
static inline ps_str ps_z(const char *z)
{
    ps_str s;

    s.p = z;
    s.n = z ? strlen(z) : 0;
    return s;
}

/** True when s is present and equals z. */
static inline int ps_is(ps_str s, const char *z)
{
    return s.p && s.n == strlen(z) && memcmp(s.p, z, s.n) == 0;
}

/** True when s holds z somewhere; a quick look before any question to JSON
 * (quickest where z begins with a rare byte). */
static inline int ps_holds(ps_str s, const char *z)
{
    size_t n = strlen(z);
    const char *at = s.p, *end = s.p ? s.p + s.n : s.p;

    if (!n)
        return 1;
    while (at && (size_t)(end - at) >= n) {
        at = (const char *)memchr(at, z[0], (size_t)(end - at) - n + 1);
        if (at && memcmp(at, z, n) == 0)
            return 1;
        at = at ? at + 1 : at;
    }
    return 0;
}

/** Zeroed memory of the attempt; never freed by hand. */
static inline void *ps_alloc(ps_try *t, size_t n)
{
    return t->svc->alloc(t, n);
}

/** Raw JSON at a pointer of the outgoing body; p NULL when absent. */
static inline ps_str ps_raw(ps_try *t, const char *pointer)
{
    return t->svc->body_raw(t, ps_z(pointer));
}

/** True when the outgoing body has a value there, null included. */
static inline int ps_has(ps_try *t, const char *pointer)
{
    return ps_raw(t, pointer).p != NULL;
}

/** Rename a member of the outgoing body; PS_OK also when it is absent. */
static inline ps_rc ps_rename(ps_try *t, const char *from, const char *to)
{
    return t->svc->body_rename(t, ps_z(from), ps_z(to));
}

/** Remove a member of the outgoing body; PS_OK also when it is absent. */
static inline ps_rc ps_remove(ps_try *t, const char *pointer)
{
    return t->svc->body_remove(t, ps_z(pointer));
}

/** Set a member to JSON text. */
static inline ps_rc ps_set_json(ps_try *t, const char *pointer, ps_str json)
{
    return t->svc->body_set(t, ps_z(pointer), json);
}

/** Header of the outgoing request; an empty value removes it. */
static inline ps_rc ps_header(ps_try *t, const char *name, ps_str value)
{
    return t->svc->header_set(t, ps_z(name), value);
}

/** Header of the outgoing request so far; p NULL when absent. */
static inline ps_str ps_header_get(ps_try *t, const char *name)
{
    return t->svc->header_get(t, ps_z(name));
}

/** Header of the answer; p NULL when absent. */
static inline ps_str ps_answer_header(ps_try *t, const char *name)
{
    return t->svc->answer_header(t, ps_z(name));
}

/** Raw JSON of the answer, the error body or the event at hand. */
static inline ps_str ps_answer_raw(ps_try *t, const char *pointer)
{
    return t->svc->answer_raw(t, ps_z(pointer));
}

/** A string of the answer, unescaped; p NULL when it is no string. */
static inline ps_str ps_answer_str(ps_try *t, const char *pointer)
{
    return t->svc->answer_text(t, ps_z(pointer));
}

/** A non-negative integer of the answer; `missing` when it is none. */
static inline int64_t ps_answer_int(ps_try *t, const char *pointer,
                                    int64_t missing)
{
    ps_str raw = ps_answer_raw(t, pointer);
    int64_t n = 0;
    size_t i;

    for (i = 0; i < raw.n && raw.p[i] >= '0' && raw.p[i] <= '9' && i < 18; i++)
        n = n * 10 + (raw.p[i] - '0');
    return raw.n && i == raw.n ? n : missing;
}

/** Set class and scope of a verdict. */
static inline void ps_fault_set(ps_fault *f, int cls, int scope)
{
    f->cls = (uint16_t)cls;
    f->scope = (uint16_t)scope;
}

/** Report tokens; may come several times, fields >= 0 replace. */
static inline ps_rc ps_report_usage(ps_try *t, const ps_usage *u)
{
    return t->svc->usage(t, u);
}

/** All fields "not reported". */
static inline void ps_usage_init(ps_usage *u)
{
    memset(u, 0, sizeof *u);
    u->size = (uint32_t)sizeof *u;
    u->input = u->cache_read = u->cache_write_5m = u->cache_write_1h = -1;
    u->output = u->reasoning = u->audio_in = u->audio_out = u->images = -1;
}

/**
 * From the inclusive style (OpenAI's: input contains cached tokens) to the
 * disjoint one. Pass -1 for what was not reported.
 */
static inline void ps_usage_inclusive(ps_usage *u, int64_t input,
                                      int64_t cached, int64_t written)
{
    int64_t rest = input;

    if (rest >= 0 && cached > 0)
        rest -= cached;
    if (rest >= 0 && written > 0)
        rest -= written;
    u->input = rest < 0 && input >= 0 ? 0 : rest;
    u->cache_read = cached;
    u->cache_write_5m = written;
}

/** Record why an operation fails and return the same code. */
static inline ps_rc ps_fail(ps_try *t, ps_rc rc, const char *msg)
{
    return t->svc->fail(t, rc, ps_z(""), ps_z(msg));
}

/** A line in the log of this attempt, never a secret or a body. */
static inline void ps_log(ps_try *t, int level, const char *msg)
{
    t->svc->log(t, level, ps_z(msg));
}

/** SHA-256: 32 bytes. */
static inline ps_rc ps_sha256(const ps_services *svc, ps_str s, uint8_t *out)
{
    return svc->sha256(s, out);
}

/** HMAC-SHA-256 (RFC 2104): 32 bytes. */
static inline ps_rc ps_hmac_sha256(const ps_services *svc, ps_str key,
                                   ps_str data, uint8_t *out)
{
    return svc->hmac_sha256(key, data, out);
}

/**
 * Sign with a private key in PEM: PKCS#8, PKCS#1 or SEC 1, without a password.
 * PS_RS256 (2048 bits or more) or PS_ES256 (r and s side by side). About 1 ms:
 * for cred_refresh, not for each request. PS_EINVAL: not such a key.
 */
static inline ps_rc ps_sign(const ps_services *svc, int alg, ps_str pem,
                            ps_str data, uint8_t *out, size_t *n)
{
    return svc->sign(alg, pem, data, out, n);
}

#include <penstock/globs.h>
#include <penstock/scratch.h>
#include <penstock/text.h>
#include <penstock/token.h>
#include <penstock/verdict.h>

#endif
