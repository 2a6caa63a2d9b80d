/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "sigv4.h"

#define DAY 8 /* bytes of a date that are the day */
#define SECRET_MAX 256
#define PARAM_MAX 4096 /* bytes of all parameters, encoded */
#define ALGORITHM "AWS4-HMAC-SHA256"

void sigv4_put(struct sigv4_text *t, ps_str s)
{
    if (t->full || s.n > t->cap - t->n) {
        t->full = 1;
        return;
    }
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

static void put_z(struct sigv4_text *t, const char *z)
{
    sigv4_put(t, ps_z(z));
}

static void put_byte(struct sigv4_text *t, char c)
{
    ps_str s = { &c, 1 };

    sigv4_put(t, s);
}

static ps_str text_of(const struct sigv4_text *t)
{
    ps_str s = { t->p, t->n };

    return s;
}

/* Percent-encoded, three bytes for one at most. */
static void put_encoded(struct sigv4_text *t, ps_str s, const char *keep)
{
    if (t->full || s.n > (t->cap - t->n) / 3) {
        t->full = 1;
        return;
    }
    t->n += ps_percent(s, keep, t->p + t->n);
}

/* ---- path -------------------------------------------------------------- */

/* One segment onto a path that has no dots: "." is nothing, ".." goes up. */
static void put_segment(struct sigv4_text *t, size_t start, ps_str s)
{
    if (s.n == 0 || ps_is(s, "."))
        return;
    if (!ps_is(s, "..")) {
        put_byte(t, '/');
        put_encoded(t, s, "");
        return;
    }
    while (t->n > start && t->p[t->n - 1] != '/')
        t->n--;
    if (t->n > start)
        t->n--;
}

static void put_path(struct sigv4_text *t, ps_str path, int as_it_is)
{
    size_t start = t->n, begin = 0;
    int folder = 0;

    if (as_it_is) {
        put_encoded(t, path, "/");
        return;
    }
    for (size_t i = 0; i <= path.n; i++) {
        ps_str s = { path.p + begin, i - begin };

        if (i < path.n && path.p[i] != '/')
            continue;
        folder = s.n == 0 || ps_is(s, ".") || ps_is(s, "..");
        put_segment(t, start, s);
        begin = i + 1;
    }
    if (folder)
        put_byte(t, '/');
}

/* ---- query ------------------------------------------------------------- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Encoded as the standard has it, whatever it was: what is encoded is taken
 * apart first. The result lies in *t. */
static ps_str encoded_once(struct sigv4_text *t, ps_str s)
{
    ps_str out = { t->p + t->n, 0 };
    size_t before = t->n;

    for (size_t i = 0; i < s.n; i++) {
        ps_str one = { s.p + i, 1 };
        char c;

        if (s.p[i] == '%' && i + 2 < s.n && digit(s.p[i + 1]) >= 0 &&
            digit(s.p[i + 2]) >= 0) {
            c = (char)(digit(s.p[i + 1]) << 4 | digit(s.p[i + 2]));
            one.p = &c;
            i += 2;
        }
        put_encoded(t, one, "");
    }
    out.n = t->n - before;
    return out;
}

static int compare(ps_str a, ps_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* By name, then value where `both`; what is equal keeps its order. */
static void sort(struct sigv4_field *f, size_t n, int both)
{
    for (size_t i = 1; i < n; i++) {
        struct sigv4_field one = f[i];
        size_t k = i;

        for (; k > 0; k--) {
            int order = compare(f[k - 1].name, one.name);

            if (!order && both)
                order = compare(f[k - 1].value, one.value);
            if (order <= 0)
                break;
            f[k] = f[k - 1];
        }
        f[k] = one;
    }
}

static ps_rc put_query(struct sigv4_text *t, ps_str query)
{
    struct sigv4_field param[SIGV4_PARAMS_MAX];
    char room[PARAM_MAX];
    struct sigv4_text in = { room, 0, sizeof room, 0 };
    size_t n = 0;

    for (size_t i = 0, begin = 0; i <= query.n && query.n; i++) {
        ps_str name = { query.p + begin, i - begin }, value = { "", 0 };
        const char *eq;

        if (i < query.n && query.p[i] != '&')
            continue;
        begin = i + 1;
        if (!name.n)
            continue;
        if (n == SIGV4_PARAMS_MAX)
            return PS_EINVAL;
        eq = (const char *)memchr(name.p, '=', name.n);
        if (eq) {
            value.p = eq + 1;
            value.n = name.n - (size_t)(eq + 1 - name.p);
            name.n = (size_t)(eq - name.p);
        }
        param[n].name = encoded_once(&in, name);
        param[n++].value = encoded_once(&in, value);
    }
    sort(param, n, 1);
    for (size_t i = 0; i < n; i++) {
        put_z(t, i ? "&" : "");
        sigv4_put(t, param[i].name);
        put_z(t, "=");
        sigv4_put(t, param[i].value);
    }
    return in.full ? PS_EINVAL : PS_OK;
}

/* ---- fields ------------------------------------------------------------ */

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without spaces at its ends, and one where several stand. */
static void put_value(struct sigv4_text *t, ps_str s)
{
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    for (size_t i = 0, any = 0; i < s.n; i++) {
        if (!is_space(s.p[i])) {
            put_byte(t, s.p[i]);
            any = 1;
        } else if (any && !is_space(s.p[i + 1])) {
            put_byte(t, ' ');
        }
    }
}

static ps_str lower(struct sigv4_text *t, ps_str s)
{
    ps_str out = { t->p + t->n, s.n };

    for (size_t i = 0; i < s.n; i++)
        put_byte(t, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32)
                                                   : s.p[i]);
    return out;
}

static ps_rc put_fields(struct sigv4_text *t, const struct sigv4_request *q,
                        struct sigv4_text *names)
{
    struct sigv4_field f[SIGV4_FIELDS_MAX];
    char room[2048];
    struct sigv4_text in = { room, 0, sizeof room, 0 };

    if (q->n_fields > SIGV4_FIELDS_MAX)
        return PS_EINVAL;
    for (size_t i = 0; i < q->n_fields; i++) {
        f[i].name = lower(&in, q->fields[i].name);
        f[i].value = q->fields[i].value;
    }
    if (in.full)
        return PS_EINVAL;
    sort(f, q->n_fields, 0);
    for (size_t i = 0; i < q->n_fields; i++) {
        int same = i && compare(f[i - 1].name, f[i].name) == 0;

        if (!same) {
            put_z(t, i ? "\n" : "");
            sigv4_put(t, f[i].name);
            put_z(names, i ? ";" : "");
            sigv4_put(names, f[i].name);
        }
        put_z(t, same ? "," : ":");
        put_value(t, f[i].value);
    }
    put_z(t, "\n\n");
    sigv4_put(t, text_of(names));
    return PS_OK;
}

/* ---- the four texts ---------------------------------------------------- */

ps_rc sigv4_canonical(const struct sigv4_request *q, struct sigv4_text *out,
                      struct sigv4_text *names)
{
    ps_rc rc;

    sigv4_put(out, q->method);
    put_z(out, "\n");
    put_path(out, q->path, q->path_as_it_is);
    put_z(out, "\n");
    rc = put_query(out, q->query);
    put_z(out, "\n");
    if (rc == PS_OK)
        rc = put_fields(out, q, names);
    put_z(out, "\n");
    put_z(out, q->body_hash);
    if (rc == PS_OK && (out->full || names->full))
        rc = PS_ENOMEM;
    return rc;
}

static void put_scope(struct sigv4_text *t, const struct sigv4_key *key)
{
    ps_str day = { key->date.p, DAY };

    sigv4_put(t, day);
    put_z(t, "/");
    sigv4_put(t, key->region);
    put_z(t, "/");
    sigv4_put(t, key->service);
    put_z(t, "/aws4_request");
}

ps_rc sigv4_to_sign(const ps_services *svc, const struct sigv4_key *key,
                    ps_str canonical, struct sigv4_text *out)
{
    uint8_t hash[32];
    char digits[65] = "";
    ps_rc rc = ps_sha256(svc, canonical, hash);

    if (rc != PS_OK)
        return rc;
    ps_hex(hash, sizeof hash, digits);
    put_z(out, ALGORITHM "\n");
    sigv4_put(out, key->date);
    put_z(out, "\n");
    put_scope(out, key);
    put_z(out, "\n");
    put_z(out, digits);
    return out->full ? PS_ENOMEM : PS_OK;
}

/* The next key of the chain, out of the one before. */
static ps_rc derive(const ps_services *svc, uint8_t key[32], ps_str data)
{
    ps_str k = { (const char *)key, 32 };
    uint8_t next[32];
    ps_rc rc = ps_hmac_sha256(svc, k, data, next);

    if (rc == PS_OK)
        memcpy(key, next, sizeof next);
    return rc;
}

ps_rc sigv4_signature(const ps_services *svc, const struct sigv4_key *key,
                      ps_str to_sign, char out[64])
{
    char room[SECRET_MAX + 4];
    struct sigv4_text first = { room, 0, sizeof room, 0 };
    ps_str day = { key->date.p, DAY };
    const ps_str chain[] = { key->region, key->service,
                             ps_z("aws4_request"), to_sign };
    uint8_t k[32];
    ps_rc rc;

    put_z(&first, "AWS4");
    sigv4_put(&first, key->secret);
    if (first.full)
        return PS_EINVAL;
    rc = ps_hmac_sha256(svc, text_of(&first), day, k);
    for (size_t i = 0; i < 4 && rc == PS_OK; i++)
        rc = derive(svc, k, chain[i]);
    if (rc == PS_OK)
        ps_hex(k, sizeof k, out);
    return rc;
}

ps_rc sigv4_authorization(const ps_services *svc, const struct sigv4_key *key,
                          const struct sigv4_request *q,
                          struct sigv4_text *scratch, struct sigv4_text *out)
{
    char room[1024], list[1024], signature[64];
    struct sigv4_text to_sign = { room, 0, sizeof room, 0 };
    struct sigv4_text names = { list, 0, sizeof list, 0 };
    ps_str digits = { signature, sizeof signature };
    ps_rc rc = sigv4_canonical(q, scratch, &names);

    if (rc == PS_OK)
        rc = sigv4_to_sign(svc, key, text_of(scratch), &to_sign);
    if (rc == PS_OK)
        rc = sigv4_signature(svc, key, text_of(&to_sign), signature);
    if (rc != PS_OK)
        return rc;
    put_z(out, ALGORITHM " Credential=");
    sigv4_put(out, key->id);
    put_z(out, "/");
    put_scope(out, key);
    put_z(out, ", SignedHeaders=");
    sigv4_put(out, text_of(&names));
    put_z(out, ", Signature=");
    sigv4_put(out, digits);
    return out->full ? PS_ENOMEM : PS_OK;
}
