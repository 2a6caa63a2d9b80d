/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * AWS Signature Version 4: from a request to the four texts of the standard
 * (canonical request, string to sign, signature, Authorization). Pure; all
 * texts go into memory that the caller brings, digests are the core's.
 *
 * Source: docs.aws.amazon.com/IAM/latest/UserGuide/
 * reference_sigv-create-signed-request.html (read 2026-11-23).
 */
#ifndef PENSTOCK_BEDROCK_SIGV4_H
#define PENSTOCK_BEDROCK_SIGV4_H

#include <penstock/plugin.h>

#define SIGV4_FIELDS_MAX 32
#define SIGV4_PARAMS_MAX 64
#define SIGV4_DATE 16 /* bytes of "20150830T123600Z" */

struct sigv4_field {
    ps_str name, value;
};

struct sigv4_request {
    ps_str method;
    ps_str path;  /* as it is on the wire; it is encoded once more */
    ps_str query; /* without '?' */
    const struct sigv4_field *fields; /* that are signed, in any order */
    size_t n_fields;
    const char *body_hash; /* 64 digits */
    int path_as_it_is;     /* dots and double slashes stand for themselves */
};

struct sigv4_key {
    ps_str id, secret, region, service;
    ps_str date; /* SIGV4_DATE bytes: as in x-amz-date */
};

/** Text in the caller's memory; full: it did not fit, and is no good. */
struct sigv4_text {
    char *p;
    size_t n, cap;
    int full;
};

void sigv4_put(struct sigv4_text *t, ps_str s);

/**
 * The canonical request, and the names of its fields ("host;x-amz-date").
 *
 * Errors: EINVAL  over SIGV4_FIELDS_MAX fields, SIGV4_PARAMS_MAX parameters
 *         ENOMEM  a text is full
 * Cost:   O(bytes); some kilobytes of stack
 */
ps_rc sigv4_canonical(const struct sigv4_request *q, struct sigv4_text *out,
                      struct sigv4_text *names);

/** The string to sign. Errors: ENOMEM. */
ps_rc sigv4_to_sign(const ps_services *svc, const struct sigv4_key *key,
                    ps_str canonical, struct sigv4_text *out);

/** The signature: 64 digits. Errors: ENOMEM, EINVAL (a secret too long). */
ps_rc sigv4_signature(const ps_services *svc, const struct sigv4_key *key,
                      ps_str to_sign, char out[64]);

/** The value of Authorization. Errors: as above. */
ps_rc sigv4_authorization(const ps_services *svc, const struct sigv4_key *key,
                          const struct sigv4_request *q,
                          struct sigv4_text *scratch, struct sigv4_text *out);

#endif
