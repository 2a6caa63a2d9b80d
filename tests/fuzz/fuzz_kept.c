/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A kept bundle's bytes. As they are they are read or refused; so are they
 * behind a first line with their right hash, which a search would not find.
 * What was read answers every question.
 */
#include "engine/kept.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

static void look(const struct kept *k)
{
    struct str s = kept_section(k, "config");
    json_t *tree = kept_tree(k);
    size_t n;

    MUST(s.p && kept_number(k) > 0 && kept_content(k) && tree);
    MUST(kept_plugins(k, &n) && n <= KEPT_PLUGINS_MAX);
    kept_section(k, "policy/a");
    kept_policy_path(k, "a");
    json_decref(tree);
}

static void read_one(struct str bytes)
{
    struct err err = { 0 };
    struct kept *k = kept_parse(bytes, &err);

    if (k)
        look(k);
    else
        MUST(err.code != 0 && err.msg[0]);
    kept_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct buf all = BUF_INIT(32 << 20);
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    read_one(bytes);
    sha256(bytes, digest);
    hex_encode(digest, sizeof digest, hex);
    MUST(buf_printf(&all, "PENSTOCK-KEPT 1 %s\n", hex) == 0);
    if (buf_put(&all, bytes) == 0)
        read_one(buf_str(&all));
    buf_clear(&all);
    return 0;
}
