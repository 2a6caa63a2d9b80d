/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The SDK's own texts: hex, base64, percent-encoding, times, patterns; and its
 * digests, against published vectors. */
#include "engine/plugin_host.h"
#include "rsa_unit.h"
#include "unit.h"

static const struct {
    const char *bytes, *plain, *url;
} base64[] = { /* RFC 4648, 10 */
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xfe", "+//+", "-__-" },
};

static void base64_both_ways(void)
{
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++) {
        char out[64] = "", back[64] = "";
        size_t n = ps_base64(ps_z(base64[i].bytes), 0, out);

        out[n] = '\0';
        UNIT_STR(out, base64[i].plain);
        UNIT_INT(ps_base64_decode(ps_z(out), back, &n), PS_OK);
        back[n] = '\0';
        UNIT_STR(back, base64[i].bytes);
        n = ps_base64(ps_z(base64[i].bytes), 1, out);
        out[n] = '\0';
        UNIT_STR(out, base64[i].url);
        UNIT_INT(ps_base64_decode(ps_z(out), back, &n), PS_OK);
        UNIT_INT(n, strlen(base64[i].bytes));
    }
}

static void base64_that_is_none(void)
{
    char out[16];
    size_t n;

    UNIT_INT(ps_base64_decode(ps_z("A"), out, &n), PS_EINVAL);
    UNIT_INT(ps_base64_decode(ps_z("AB C"), out, &n), PS_EINVAL);
    UNIT_INT(ps_base64_decode(ps_z("A=BC"), out, &n), PS_EINVAL);
}

static void percent(void)
{
    char out[64] = "";
    size_t n = ps_percent(ps_z("a/b:c d~\xe1\x88\xb4"), "/", out);

    out[n] = '\0';
    UNIT_STR(out, "a/b%3Ac%20d~%E1%88%B4");
}

static const struct {
    const char *text;
    int64_t ms;
} times[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "2015-08-30T12:36:00Z", 1440938160000 },
    { "2000-02-29T23:59:59Z", 951868799000 },
    { "2026-11-26T14:21:52Z", 1795702912000 },
    { "9999-12-31T23:59:59Z", 253402300799000 },
};

static void times_both_ways(void)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char out[21] = "";

        UNIT_INT(ps_utc((uint64_t)times[i].ms, 0, out), 20);
        UNIT_STR(out, times[i].text);
        UNIT_INT(ps_rfc3339_ms(ps_z(out)), times[i].ms);
    }
    UNIT_INT(ps_rfc3339_ms(ps_z("2015-08-30T12:36:00.5Z")), 1440938160000);
    UNIT_INT(ps_rfc3339_ms(ps_z("2015-13-30T12:36:00Z")), 0);
    UNIT_INT(ps_rfc3339_ms(ps_z("2015-08-30 12:36:00Z")), 0);
    UNIT_INT(ps_rfc3339_ms(ps_z("2015-08-30T12:36:00")), 0);
}

static void digests(void)
{
    uint8_t out[32];
    char hex[65] = "";

    UNIT_INT(ps_sha256(&plugin_services, ps_z("abc"), out), PS_OK);
    ps_hex(out, sizeof out, hex);
    UNIT_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
                  "0015ad"); /* FIPS 180-4 */
    UNIT_INT(ps_hmac_sha256(&plugin_services, ps_z("Jefe"),
                            ps_z("what do ya want for nothing?"), out),
             PS_OK);
    ps_hex(out, sizeof out, hex);
    UNIT_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964"
                  "ec3843"); /* RFC 4231, 4.3 */
}

static void scratch(void)
{
    char room[8];
    ps_scratch s;

    ps_scratch_init(&s, room, sizeof room);
    ps_put(&s, ps_z("abc"));
    ps_fmt(&s, "%d-%s", 7, "x");
    UNIT_INT(s.over, 0);
    UNIT_INT(ps_scratched(&s).n, 6);
    CU_ASSERT(ps_is(ps_scratched(&s), "abc7-x"));
    ps_fmt(&s, "%s", "yz"); /* the NUL has no room */
    UNIT_INT(s.over, 1);
    ps_put(&s, ps_z("q")); /* nothing comes behind a gap */
    CU_ASSERT(ps_is(ps_scratched(&s), "abc7-x"));
    ps_scratch_init(&s, room, sizeof room);
    ps_put(&s, ps_z("12345678"));
    UNIT_INT(s.over, 0);
    ps_put(&s, ps_z(""));
    UNIT_INT(s.over, 0);
}

static void signatures(void)
{
    uint8_t out[PS_SIGNATURE_MAX];
    size_t n = 0;

    UNIT_INT(ps_sign(&plugin_services, PS_RS256, ps_z("x"), ps_z("t"), out,
                     &n),
             PS_EINVAL);
    UNIT_INT(ps_sign(&plugin_services, PS_RS256, ps_z(RSA_UNIT_PEM),
                     ps_z("t"), out, &n),
             PS_OK);
    UNIT_INT(n, 256);
    UNIT_INT(ps_sign(&plugin_services, PS_ES256, ps_z(RSA_UNIT_PEM),
                     ps_z("t"), out, &n),
             PS_EINVAL);
    UNIT_INT(ps_sign(&plugin_services, 9, ps_z("x"), ps_z("t"), out, &n),
             PS_EUNSUP);
}

static const struct {
    const char *patterns, *name;
    int chosen;
} globs[] = {
    { "claude-*", "claude-x", 1 },
    { "claude-*", "claude-", 1 },
    { "claude-*", "claude", 0 },
    { "claude-*", "a-claude-x", 0 },
    { "*anthropic.claude-*", "eu.anthropic.claude-haiku-4-5", 1 },
    { "*anthropic.claude-*", "amazon.nova-pro-v1:0", 0 },
    { "!claude-* !*/* *", "gemini-2.5-pro", 1 },
    { "!claude-* !*/* *", "claude-x", 0 },
    { "!claude-* !*/* *", "meta/llama", 0 },
    { "a*b*c", "aXbXbc", 1 },
    { "a*b*c", "aXbXbd", 0 },
    { "a**", "a", 1 },
    { "", "a", 0 },
    { "  a  b ", "b", 1 },
    { "!", "", 0 },
    { "*", "", 1 },
};

static void chosen_by_patterns(void)
{
    for (size_t i = 0; i < sizeof globs / sizeof globs[0]; i++) {
        int got = ps_globs(ps_z(globs[i].patterns), ps_z(globs[i].name));

        if (got != globs[i].chosen)
            printf("\n\"%s\": %s", globs[i].patterns, globs[i].name);
        UNIT_INT(got, globs[i].chosen);
    }
}

UNIT_MAIN("sdk_text", { "scratch", scratch }, { "signatures", signatures },
          { "base64", base64_both_ways },
          { "no base64", base64_that_is_none }, { "percent", percent },
          { "times", times_both_ways }, { "digests", digests },
          { "chosen by patterns", chosen_by_patterns })
