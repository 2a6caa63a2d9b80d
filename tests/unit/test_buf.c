/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Buffers: the limit holds, the front is reused, JSON text is right. */
#include "unit.h"

#include "base/buf.h"
#include "base/err.h"

static void keeps_its_limit(void)
{
    struct buf b = BUF_INIT(10);

    UNIT_INT(buf_put(&b, STR("12345678")), 0);
    UNIT_INT(buf_put(&b, STR("abc")), -ERR_LIMIT);
    CU_ASSERT(str_is(buf_str(&b), "12345678"));
    UNIT_INT(buf_put(&b, STR("ab")), 0);
    UNIT_INT(buf_putc(&b, 'c'), -ERR_LIMIT);
    UNIT_INT(buf_printf(&b, "%d", 1), -ERR_LIMIT);
    buf_consume(&b, 4);
    UNIT_INT(buf_put(&b, STR("wxyz")), 0);
    CU_ASSERT(str_is(buf_str(&b), "5678abwxyz"));
    CU_ASSERT(buf_reserve(&b, SIZE_MAX) == NULL);
    buf_consume(&b, 1000);
    UNIT_INT(buf_len(&b), 0);
    buf_clear(&b);
    CU_ASSERT(b.p == NULL && b.max == 10);
    UNIT_INT(buf_put(&b, STR("x")), 0); /* of use again */
    buf_clear(&b);
}

/* A queue that never holds more than 100 bytes needs no more than that. */
static void reuses_the_front(void)
{
    struct buf b = BUF_INIT(100);
    unsigned char in = 0, out = 0;

    for (int i = 0; i < 10000; i++) {
        unsigned n = (unsigned)(i * 7) % 100;

        while (buf_len(&b) < n)
            CU_ASSERT_FATAL(buf_putc(&b, (char)in++) == 0);
        for (n = (unsigned)(i * 13) % 100; n && buf_len(&b); n--) {
            CU_ASSERT_FATAL((unsigned char)buf_str(&b).p[0] == out++);
            buf_consume(&b, 1);
        }
    }
    CU_ASSERT(b.cap <= 512);
    buf_clear(&b);
}

static void prints(void)
{
    struct buf b = BUF_INIT(100000);
    char *big = malloc(5001);

    memset(big, 'p', 5000);
    big[5000] = '\0';
    UNIT_INT(buf_printf(&b, "%s-%d", "a", 5), 0);
    UNIT_INT(buf_printf(&b, "[%s]", big), 0);
    UNIT_INT(buf_len(&b), 3 + 5002);
    CU_ASSERT(buf_str(&b).p[5004] == ']');
    free(big);
    buf_consume(&b, 1);
    big = buf_take(&b);
    CU_ASSERT(big && strncmp(big, "-5[ppp", 6) == 0);
    UNIT_INT(strlen(big), 5004);
    CU_ASSERT(b.p == NULL && b.max == 100000);
    free(big);
    big = buf_take(&b);
    UNIT_STR(big, "");
    free(big);
}

static void writes_json_strings(void)
{
    static const struct { const char *in; size_t n; const char *out; } c[] = {
        { "", 0, "\"\"" },
        { "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
        { "\b\f\n\r\t\v\0\x1f\x7f", 9,
          "\"\\b\\f\\n\\r\\t\\u000b\\u0000\\u001f\\u007f\"" },
        { "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
          "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
        { "a\xFF\xE2\x82z\xED\xA0\x80", 8,
          "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD"
          "\xEF\xBF\xBD\"" },
    };

    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct buf b = BUF_INIT(1000);
        char *z;

        CU_ASSERT(!buf_json_str(&b, (struct str){ c[i].in, c[i].n }));
        z = buf_take(&b);
        UNIT_STR(z, c[i].out);
        free(z);
    }
}

UNIT_MAIN("buf", { "keeps its limit", keeps_its_limit },
          { "reuses the front", reuses_the_front }, { "prints", prints },
          { "writes JSON strings", writes_json_strings })
