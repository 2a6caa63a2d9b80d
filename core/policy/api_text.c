/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps: hashes, comparison, hexadecimal, base64, random names. */
#include "policy/api.h"

#include "base/b64.h"
#include "base/sha256.h"
#include "net/hash.h"
#include "policy/sandbox.h"

#include <stdio.h>

/* 64 hex digits of a sum, or what failed */
static int push_sum(lua_State *L, int rc, const unsigned char *sum)
{
    char hex[SHA256_HEX + 1];

    if (rc)
        return luaL_error(L, "hashing failed");
    hex_encode(sum, SHA256_BYTES, hex);
    lua_pushlstring(L, hex, SHA256_HEX);
    return 1;
}

/* ps.sha256(text) */
static int fn_sha256(lua_State *L)
{
    unsigned char sum[SHA256_BYTES];
    struct str s = api_bytes(L, 1);

    return push_sum(L, hash_sha256(policy_state_of(L)->env->hash, s.p, s.n,
                                   sum), sum);
}

/* ps.hmac(key, text): HMAC-SHA-256 */
static int fn_hmac(lua_State *L)
{
    unsigned char sum[SHA256_BYTES];
    struct str key = api_bytes(L, 1), s = api_bytes(L, 2);

    return push_sum(L, hash_hmac(policy_state_of(L)->env->hash, key, s, sum),
                    sum);
}

/* ps.ct_equal(a, b): time depends on the lengths alone */
static int fn_ct_equal(lua_State *L)
{
    struct str a = api_bytes(L, 1), b = api_bytes(L, 2);

    lua_pushboolean(L, a.n == b.n && hash_equal(a.p, b.p, a.n));
    return 1;
}

/* ps.uuid(): version 4 */
static int fn_uuid(lua_State *L)
{
    unsigned char r[16];
    char hex[33], out[40];

    if (hash_random(r, sizeof r) != 0)
        return luaL_error(L, "ps.uuid: no random bytes");
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    hex_encode(r, sizeof r, hex);
    snprintf(out, sizeof out, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
    lua_pushstring(L, out);
    return 1;
}

static int refused(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* ---- hexadecimal ---------------------------------------------------- */

static int hex_to(lua_State *L)
{
    struct str s = api_bytes(L, 1);
    luaL_Buffer b;

    /* one byte more for the NUL */
    hex_encode(s.p, s.n, sandbox_buffer(L, &b, 2 * s.n + 1));
    luaL_pushresultsize(&b, 2 * s.n);
    return 1;
}

static int hex_from(lua_State *L)
{
    struct str s;
    luaL_Buffer b;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (!hex_decode(s, sandbox_buffer(L, &b, s.n / 2 + 1), s.n / 2))
        return refused(L, "no hexadecimal digits");
    luaL_pushresultsize(&b, s.n / 2);
    return 1;
}

/* ---- base64 --------------------------------------------------------- */

static int b64_to(lua_State *L, enum b64_kind kind)
{
    struct str s = api_bytes(L, 1);
    luaL_Buffer b;
    char *out = sandbox_buffer(L, &b, B64_ENCODED_MAX(s.n) + 1);

    luaL_pushresultsize(&b, b64_encode(s, kind, out));
    return 1;
}

static int b64_from(lua_State *L, enum b64_kind kind)
{
    struct str s;
    luaL_Buffer b;
    size_t n;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (!b64_decode(s, kind, sandbox_buffer(L, &b, B64_DECODED_MAX(s.n)),
                    &n))
        return refused(L, "no base64");
    luaL_pushresultsize(&b, n);
    return 1;
}

static int b64_encode_standard(lua_State *L)
{
    return b64_to(L, B64_STANDARD);
}

static int b64_decode_standard(lua_State *L)
{
    return b64_from(L, B64_STANDARD);
}

static int b64_encode_url(lua_State *L)
{
    return b64_to(L, B64_URL);
}

static int b64_decode_url(lua_State *L)
{
    return b64_from(L, B64_URL);
}

void api_text_open(lua_State *L)
{
    static const luaL_Reg ps[] = { { "sha256", fn_sha256 },
                                   { "hmac", fn_hmac },
                                   { "ct_equal", fn_ct_equal },
                                   { "uuid", fn_uuid },
                                   { NULL, NULL } };
    static const luaL_Reg hex[] = { { "encode", hex_to },
                                    { "decode", hex_from },
                                    { NULL, NULL } };
    static const luaL_Reg b64[] = { { "encode", b64_encode_standard },
                                    { "decode", b64_decode_standard },
                                    { "url_encode", b64_encode_url },
                                    { "url_decode", b64_decode_url },
                                    { NULL, NULL } };

    luaL_setfuncs(L, ps, 0);
    api_group(L, "hex", hex);
    api_group(L, "b64", b64);
}
