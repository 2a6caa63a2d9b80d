/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Redis's protocol: values of all kinds whole and split at each byte, caps on
 * size, number and depth, bytes that are none of it; commands. */
#include "net/redis_codec.h"

#include "base/err.h"
#include "unit.h"

/* A value as text: nil, 5, "text", +OK, -ERR x, [ ... ] */
static void show(const struct resp *r, struct buf *out)
{
    switch (r->type) {
    case RESP_NIL: buf_puts(out, "nil"); break;
    case RESP_INT: buf_printf(out, "%lld", (long long)r->i); break;
    case RESP_STRING: buf_printf(out, "\"" STR_FMT "\"", STR_ARG(resp_str(r)));
        break;
    case RESP_STATUS: buf_printf(out, "+%s", r->text); break;
    case RESP_ERROR: buf_printf(out, "-%s", r->text); break;
    case RESP_LIST:
        buf_putc(out, '[');
        for (size_t i = 0; i < r->n; i++) {
            if (i)
                buf_putc(out, ' ');
            show(&r->list[i], out);
        }
        buf_putc(out, ']');
        break;
    }
}

/* All replies of the bytes, fed `step` at a time; 0 or the error. */
static int read_all(struct str bytes, size_t step, struct buf *out)
{
    struct redis_codec *c = redis_codec_new();
    struct resp *r;
    int rc = 0;

    while (bytes.n && rc == 0) {
        size_t n = step < bytes.n ? step : bytes.n;

        rc = redis_codec_feed(c, (struct str){ bytes.p, n });
        while (rc == 0 && (rc = redis_codec_next(c, &r)) == 1) {
            show(r, out);
            buf_putc(out, ';');
            resp_free(r);
            rc = 0;
        }
        bytes = (struct str){ bytes.p + n, bytes.n - n };
    }
    redis_codec_free(c);
    return rc;
}

static const char all[] =
    "+OK\r\n:42\r\n:-1\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
    "-ERR no\r\n*3\r\n$1\r\nx\r\n$-1\r\n*2\r\n:1\r\n*1\r\n+in\r\n:7\r\n";
static const char all_shown[] =
    "+OK;42;-1;\"a\r\nbc\";\"\";nil;nil;[];-ERR no;"
    "[\"x\" nil [1 [+in]]];7;";

static void reads_values(void)
{
    for (size_t step = 1; step <= sizeof all; step++) {
        struct buf out = BUF_INIT(4096);

        UNIT_INT(read_all(STR("") /* nothing */, 1, &out), 0);
        UNIT_INT(read_all((struct str){ all, sizeof all - 1 }, step, &out),
                 0);
        buf_putc(&out, '\0');
        UNIT_STR(buf_str(&out).p, all_shown);
        buf_clear(&out);
    }
}

static void refuses_what_is_none(void)
{
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\r\n\r\n", "?\r\n", "$x\r\n", "*x\r\n", ":x\r\n",
        "$-7\r\n", "*-2\r\n", "*1\r\nx\r\n", ">2\r\n+a\r\n+b\r\n", "#t\r\n",
        ",1.5\r\n", "%1\r\n+a\r\n+b\r\n", "~1\r\n+a\r\n", "=5\r\ntxt:a\r\n",
        "(12345678901234567890\r\n",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = BUF_INIT(4096);
        int rc = read_all(str_of(bad[i]), 4096, &out);

        if (rc != -ERR_SYNTAX)
            printf("\n%s: %d", bad[i], rc);
        UNIT_INT(rc, -ERR_SYNTAX);
        buf_clear(&out);
    }
}

static int fill(const char *head, const char *item, size_t n)
{
    struct buf in = BUF_INIT(64 << 20), out = BUF_INIT(64 << 20);
    int rc;

    buf_puts(&in, head);
    for (size_t i = 0; i < n; i++)
        buf_puts(&in, item);
    rc = read_all(buf_str(&in), 16384, &out);
    buf_clear(&in);
    buf_clear(&out);
    return rc;
}

static void holds_no_more_than_it_may(void)
{
    char head[64];

    /* the length alone is enough */
    UNIT_INT(read_all(STR("*2147483647\r\n"), 64, NULL), -ERR_LIMIT);
    UNIT_INT(read_all(STR("*16384\r\n"), 64, NULL), -ERR_LIMIT);
    UNIT_INT(fill("*16383\r\n", "+x\r\n", 16383), 0);
    UNIT_INT(fill("*2\r\n*16000\r\n", "+x\r\n", 16000), 0);
    UNIT_INT(fill("*2\r\n*16000\r\n", "*1\r\n+x\r\n", 16000), -ERR_LIMIT);
    snprintf(head, sizeof head, "$%d\r\n", REDIS_REPLY_MAX);
    UNIT_INT(fill(head, "0123456789abcdef", REDIS_REPLY_MAX / 16), 0);
    UNIT_INT(fill("$1073741824\r\n", "0123456789abcdef", 1 << 18),
             -ERR_LIMIT);
    UNIT_INT(fill("*2000\r\n", "$1000\r\n", 0), 0);
    snprintf(head, sizeof head, "*100\r\n");
    UNIT_INT(fill(head, "$20\r\n0123456789abcdefghij\r\n", 100), 0);
    /* texts together */
    snprintf(head, sizeof head, "*16000\r\n");
    UNIT_INT(fill(head, "$70\r\n01234567890123456789012345678901234567890123"
                        "45678901234567890123456789\r\n", 16000), -ERR_LIMIT);
    /* no limit on how many there are, one after the other */
    UNIT_INT(fill("", "$20\r\n0123456789abcdefghij\r\n", 200000), 0);
    /* lists in lists */
    CU_ASSERT(fill("", "*1\r\n", 7) == 0);
    CU_ASSERT(fill("", "*1\r\n", 20) < 0);
}

static void writes_commands(void)
{
    struct str args[] = { STR("SET"), STR("k\r\n\0y"), STR("") };
    struct buf out = BUF_INIT(64), small = BUF_INIT(10);

    UNIT_INT(redis_format(&out, args, 3), 0);
    CU_ASSERT(str_eq(buf_str(&out),
                     STR("*3\r\n$3\r\nSET\r\n$5\r\nk\r\n\0y\r\n$0\r\n\r\n")));
    UNIT_INT(redis_format(&small, args, 3), -ERR_LIMIT);
    UNIT_INT(buf_len(&small), 0);
    buf_clear(&out);
}

UNIT_MAIN("redis_codec", { "reads values", reads_values },
          { "refuses what is none", refuses_what_is_none },
          { "holds no more than it may", holds_no_more_than_it_may },
          { "writes commands", writes_commands })
