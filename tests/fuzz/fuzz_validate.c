/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A byte that says which dialect and which limits, and a request. What is
 * refused names a place; what the rules let pass, limits alone do, too. */
#include "wire/validate.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dialect dialects[] = {
        DIALECT_OPENAI_CHAT, DIALECT_OPENAI_COMPLETIONS,
        DIALECT_OPENAI_EMBEDDINGS, DIALECT_ANTHROPIC,
        DIALECT_RESPONSES,         DIALECT_GEMINI,
        DIALECT_GEMINI_COUNT,      DIALECT_GEMINI_EMBED,
    };
    struct valid_limits limits = { 0 };
    struct json j = { 0 };
    struct err err = { 0 }, again = { 0 };
    struct arena *a = arena_new(1 << 20);
    enum dialect d;
    int rc;

    if (size < 2 || !a ||
        json_scan(&j, (struct str){ (const char *)data + 1, size - 1 }, NULL,
                  NULL)) {
        json_clear(&j);
        arena_free(a);
        return 0;
    }
    d = dialects[(data[0] & 3) | (data[0] & 8) >> 1];
    if (data[0] & 4)
        limits = (struct valid_limits){ 2, 2, 2, 100, false };
    rc = validate_body(d, &j, &limits, a, &err);
    MUST(rc == 0 || (rc == -ERR_INVALID_REQUEST && err.msg[0]));
    MUST(str_utf8_valid(str_of(err.msg)) || strlen(err.msg) > 300);
    limits.nothing_else = true;
    if (rc == 0)
        MUST(validate_body(d, &j, &limits, a, &again) == 0);
    json_clear(&j);
    arena_free(a);
    return 0;
}
