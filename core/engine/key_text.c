/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making and checking the text of a key. */
#include "engine/key_text.h"

#include "base/crc32.h"

#include <sys/random.h>

#define PREFIX "sk-ps-"

static const char digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

enum { BASE = sizeof digits - 1, ID_BASE = 36 };

/* n characters, each as likely as any other: bytes beyond the last whole
 * multiple of `base` are thrown away. */
static int draw(char *out, size_t n, unsigned base, struct err *err)
{
    unsigned char dice[64];
    size_t i = 0, at = sizeof dice;

    while (i < n) {
        if (at == sizeof dice &&
            getrandom(dice, sizeof dice, 0) != sizeof dice)
            return err_errno(err, "no random bytes");
        at = at == sizeof dice ? 0 : at;
        if (dice[at] < 256 / base * base)
            out[i++] = digits[dice[at] % base];
        at++;
    }
    explicit_bzero(dice, sizeof dice);
    return 0;
}

static void put_sum(struct str text, char out[KEY_SUM_LEN])
{
    uint32_t sum = crc32_of(0, text);

    for (int i = KEY_SUM_LEN - 1; i >= 0; i--) {
        out[i] = digits[sum % BASE];
        sum /= BASE;
    }
}

int key_id_make(char id[KEY_ID_LEN + 1], struct err *err)
{
    id[KEY_ID_LEN] = '\0';
    return draw(id, KEY_ID_LEN, ID_BASE, err);
}

int key_text_make(const char *id, char out[KEY_TEXT_LEN + 1], struct err *err)
{
    char *at = out;
    int rc;

    memcpy(at, PREFIX, sizeof PREFIX - 1);
    at += sizeof PREFIX - 1;
    memcpy(at, id, KEY_ID_LEN);
    at += KEY_ID_LEN;
    *at++ = '-';
    rc = draw(at, KEY_SECRET_LEN, BASE, err);
    at += KEY_SECRET_LEN;
    put_sum((struct str){ out, (size_t)(at - out) }, at);
    out[KEY_TEXT_LEN] = '\0';
    return rc;
}

static bool all_of(struct str s, size_t n_digits)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!memchr(digits, s.p[i], n_digits))
            return false;
    }
    return true;
}

enum key_kind key_text_kind(struct str s)
{
    const size_t id = sizeof PREFIX - 1, dash = id + KEY_ID_LEN;
    char sum[KEY_SUM_LEN];

    if (s.n != KEY_TEXT_LEN || !str_starts(s, STR(PREFIX)) ||
        s.p[dash] != '-' ||
        !all_of((struct str){ s.p + id, KEY_ID_LEN }, ID_BASE) ||
        !all_of((struct str){ s.p + dash + 1, s.n - dash - 1 }, BASE))
        return KEY_FOREIGN;
    put_sum((struct str){ s.p, s.n - KEY_SUM_LEN }, sum);
    return memcmp(sum, s.p + s.n - KEY_SUM_LEN, KEY_SUM_LEN) == 0 ? KEY_OURS
                                                                  : KEY_TYPO;
}
