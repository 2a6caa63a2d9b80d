/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The form of a signed token. */
#include "engine/jws.h"

#include "base/b64.h"
#include "base/json.h"

#define HEADER_NODES 64

/* base64url without padding, as RFC 7515 has it; p NULL: it is none. */
static struct str decode(struct str text, struct arena *a)
{
    size_t n = 0;
    char *to = arena_alloc(a, B64_DECODED_MAX(text.n) + 1);

    if (!to || memchr(text.p, '=', text.n) ||
        !b64_decode(text, B64_URL, to, &n))
        return STR_NULL;
    to[n] = '\0';
    return (struct str){ to, n };
}

static int read_header(struct str text, struct arena *a, struct jws *out,
                       struct err *err)
{
    const struct json_limits limits = { .max_depth = 8,
                                        .max_nodes = HEADER_NODES,
                                        .dup_everywhere = true };
    struct json j = { 0 };
    struct err why = { 0 };
    uint32_t alg, kid;
    int rc = json_scan(&j, text, &limits, &why);

    if (rc || j.nodes[0].type != JSON_T_OBJECT) {
        json_clear(&j);
        return err_set(err, ERR_SYNTAX, "its header is no JSON object%s%s",
                       rc ? ": " : "", why.msg);
    }
    alg = json_member(&j, 0, STR("alg"));
    kid = json_member(&j, 0, STR("kid"));
    out->alg = sign_alg_of(json_text(&j, alg, a));
    out->kid = json_text(&j, kid, a);
    if (out->alg == SIGN_COUNT)
        rc = err_set(err, ERR_SYNTAX, "its algorithm is not known here");
    else if (json_member(&j, 0, STR("crit")) != JSON_NONE)
        rc = err_set(err, ERR_SYNTAX, "it has extensions that must be known");
    else if (kid != JSON_NONE && !out->kid.p)
        rc = err_set(err, ERR_SYNTAX, "its kid is no text");
    json_clear(&j);
    return rc;
}

int jws_parse(struct str token, struct arena *a, struct jws *out,
              struct err *err)
{
    struct str rest = token, header, payload, signature;

    memset(out, 0, sizeof *out);
    if (token.n > JWS_TOKEN_MAX)
        return err_set(err, ERR_LIMIT, "it is longer than %d bytes",
                       JWS_TOKEN_MAX);
    header = str_split(&rest, '.');
    payload = rest.p ? str_split(&rest, '.') : STR_NULL;
    signature = rest;
    if (!signature.p || memchr(signature.p, '.', signature.n))
        return err_set(err, ERR_SYNTAX, "it has not three parts");
    out->input = (struct str){ header.p, header.n + 1 + payload.n };
    header = decode(header, a);
    out->payload = decode(payload, a);
    out->signature = decode(signature, a);
    if (!header.p || !out->payload.p || !out->signature.p)
        return err_set(err, ERR_SYNTAX, "a part is no base64url");
    return read_header(header, a, out, err);
}

bool jws_looks_like(struct str text)
{
    size_t dots = 0;

    for (size_t i = 0; i < text.n; i++)
        dots += text.p[i] == '.';
    return dots == 2 && (str_starts(text, STR("ey")) ||
                         str_starts(text, STR("ew")));
}
