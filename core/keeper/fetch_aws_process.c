/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Credentials that a program writes. What it says on stderr may be secret,
 * and is not read. */
#include "keeper/fetch_aws.h"

enum fetch_next aws_process_begin(struct fetch_run *r, struct str line)
{
    return fetch_program(r, line, FETCH_PROGRAM_MS);
}

/* Keys that do not end are those of a file, for us. */
static enum fetch_next put_output(struct fetch_run *r, const json_t *v)
{
    struct aws_set s = { fetch_json(v, "AccessKeyId"),
                         fetch_json(v, "SecretAccessKey"),
                         fetch_json(v, "SessionToken") };
    const json_t *ends = json_object_get(v, "Expiration");

    if (json_integer_value(json_object_get(v, "Version")) != 1)
        return fetch_fail(r, "profile: what its program wrote is no JSON of "
                          "Version 1");
    if (ends && !json_is_null(ends))
        return aws_put_until(r, &s,
                             fetch_time_ms(fetch_json(v, "Expiration")));
    r->look_again = buf_len(&r->chain) == 0;
    return aws_put(r, &s);
}

enum fetch_next aws_process_answer(struct fetch_run *r, int status,
                                   struct str output)
{
    enum fetch_next next;
    json_t *v;

    if (status)
        return fetch_fail(r, "profile: its program ended with status %d; run "
                          "it by hand as the service user", status);
    v = json_loadb(output.p, output.n, JSON_REJECT_DUPLICATES, NULL);
    next = put_output(r, v);
    json_decref(v);
    return next;
}
