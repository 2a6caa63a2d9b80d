/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The answer of POST /v1/embeddings: numbers, or little-endian floats in
 * base64 (what the official clients ask for). */
#include "mock/mock_impl.h"

static int put_floats(struct buf *out, const float *v, uint32_t dims)
{
    int rc = buf_putc(out, '[');

    for (uint32_t i = 0; i < dims && rc == 0; i++)
        rc = buf_printf(out, i ? ",%.9g" : "%.9g", (double)v[i]);
    return rc ? rc : buf_putc(out, ']');
}

/* Byte `k` of the vector as little-endian floats. */
static uint32_t byte_of(const float *v, size_t k)
{
    uint32_t bits;

    memcpy(&bits, &v[k / 4], 4);
    return bits >> (k % 4 * 8) & 0xff;
}

static int put_base64(struct buf *out, const float *v, uint32_t dims)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (size_t)dims * 4, size = (n + 2) / 3 * 4 + 2;
    char *p = buf_reserve(out, size);

    if (!p)
        return -ERR_NOMEM;
    *p++ = '"';
    for (size_t k = 0; k < n; k += 3) {
        uint32_t w = byte_of(v, k) << 16;

        w |= k + 1 < n ? byte_of(v, k + 1) << 8 : 0;
        w |= k + 2 < n ? byte_of(v, k + 2) : 0;
        *p++ = digits[w >> 18];
        *p++ = digits[w >> 12 & 63];
        *p++ = k + 1 < n ? digits[w >> 6 & 63] : '=';
        *p++ = k + 2 < n ? digits[w & 63] : '=';
    }
    *p = '"';
    buf_commit(out, size);
    return 0;
}

static int put_vector(struct mock_req *r, size_t i, struct buf *out)
{
    float v[MOCK_DIMS_MAX];
    int rc = buf_printf(out,
                        "%s{\"object\":\"embedding\",\"index\":%zu,"
                        "\"embedding\":",
                        i ? "," : "", i);

    mock_vector(r->ask.inputs[i], v, r->ask.dims);
    if (rc == 0)
        rc = r->ask.base64 ? put_base64(out, v, r->ask.dims)
                           : put_floats(out, v, r->ask.dims);
    return rc ? rc : buf_putc(out, '}');
}

int mock_openai_embeddings(struct mock_req *r, struct buf *out)
{
    unsigned long long n = r->ask.prompt_tokens;
    int rc = buf_puts(out, "{\"object\":\"list\",\"data\":[");

    for (size_t i = 0; i < r->ask.n_inputs && rc == 0; i++)
        rc = put_vector(r, i, out);
    if (rc)
        return rc;
    return buf_printf(out,
                      "],\"model\":\"" STR_FMT "\",\"usage\":"
                      "{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}",
                      STR_ARG(r->ask.name), n, n);
}
