/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A client's own bytes, on their way to a provider that speaks Responses:
 * reasoning items that came from a provider of another dialect have our seal
 * for encrypted content (codec_responses_seal.c), which nobody else can read.
 * They are left out.
 */
#include "wire/codec_responses.h"
#include "wire/responses_impl.h"

#define SEALED_MAX 4096 /* items of one request */

int responses_unseal(const struct json *body, struct json_edits *e,
                     struct arena *a, struct err *err)
{
    struct str text = { body->text, body->size };
    uint32_t list, n = 0, gone = 0;

    if (str_find(text, STR(RESPONSES_SEAL)) < 0)
        return 0;
    list = json_member(body, 0, STR("input"));
    if (list == JSON_NONE || body->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(body, list); c != JSON_NONE;
         c = json_sibling(body, list, c), n++) {
        struct jstr seal = jstr_of_node(
            body, wire_member(body, c, "encrypted_content"));
        struct str at;
        int rc;

        if (!responses_is_sealed(seal))
            continue;
        if (gone >= SEALED_MAX)
            return err_at(err, ERR_INVALID_REQUEST, "input",
                          "More than %d reasoning items.", SEALED_MAX);
        /* a number counts what is left by then */
        at = arena_fmt(a, "/input/%u", n - gone++);
        rc = at.p ? json_edit_remove(e, at) : -ERR_NOMEM;
        if (rc)
            return rc == -ERR_NOMEM
                       ? err_set(err, ERR_NOMEM, "out of memory") : rc;
    }
    return 0;
}
