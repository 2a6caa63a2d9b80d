/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the sources of AWS share. What comes of each is one text, "ID:SECRET"
 * or "ID:SECRET:TOKEN", as the plugins that sign take it; none of the three
 * has a colon.
 */
#ifndef PENSTOCK_KEEPER_FETCH_AWS_H
#define PENSTOCK_KEEPER_FETCH_AWS_H

#include "keeper/fetch.h"

enum { AWS_URL_MAX = 512, AWS_CHAIN_MAX = 5 };

struct aws_set {
    struct str id, secret, token;
};

bool aws_plain(struct str s); /* neither blank nor colon */
/** r->secret; FETCH_GOT or FETCH_FAILED, as those below. */
enum fetch_next aws_put(struct fetch_run *r, const struct aws_set *s);
/** The same of one that ends. */
enum fetch_next aws_put_until(struct fetch_run *r, const struct aws_set *s,
                              uint64_t ends_ms);
/** As container and instance answer. */
enum fetch_next aws_put_json(struct fetch_run *r, int status, struct str body);
/** As STS answers. */
enum fetch_next aws_put_xml(struct fetch_run *r, int status, struct str body);

/** Configured, else the environment's, else that one. */
struct str aws_region(const struct fetch_run *r, struct str other);
/** Where a service is asked: what the variable says, else the one of the
 * region; without one the global one. False: it is too long. */
bool aws_url(const struct fetch_run *r, const char *env, const char *service,
             struct str region, char out[AWS_URL_MAX]);

struct aws_identity {
    struct str role, token_file, session, region;
};
enum fetch_next aws_web_identity(struct fetch_run *r,
                                 const struct aws_identity *id);

/* ---- sources that a profile may name ------------------------------------ */

enum fetch_next aws_env_begin(struct fetch_run *r);
enum fetch_next aws_container_begin(struct fetch_run *r);
enum fetch_next aws_instance_begin(struct fetch_run *r);
enum fetch_next aws_instance_answer(struct fetch_run *r, int status,
                                    struct str body);

/* ---- profiles ----------------------------------------------------------- */

/** The two shared files (keeper/fetch_ini.h); empty: not there. */
struct aws_files {
    struct buf config, credentials;
};

/** A value of a profile: the credentials file's, else the config file's. */
struct str aws_value(const struct aws_files *f, struct str profile,
                     const char *key);
/** One of another section of the config file ("sso-session work"). */
struct str aws_section_value(const struct aws_files *f, const char *kind,
                             struct str name, const char *key);

enum fetch_next aws_profile_begin(struct fetch_run *r);
enum fetch_next aws_profile_answer(struct fetch_run *r, int status,
                                   struct str body);

/** Put a role before those that are still to be assumed; all texts are of
 * one line. False: there are too many, or they are too long. */
bool aws_role_push(struct fetch_run *r, const struct aws_files *f,
                   struct str profile);
/** Assume the next of them with r->secret. FETCH_CALL; FETCH_FAILED;
 * FETCH_GOT: there is none. */
enum fetch_next aws_role_next(struct fetch_run *r);

/** credential_process: docs.aws.amazon.com/sdkref/latest/guide/
 * feature-process-credentials.html (read 2026-11-26). */
enum fetch_next aws_process_begin(struct fetch_run *r, struct str line);
enum fetch_next aws_process_answer(struct fetch_run *r, int status,
                                   struct str output);

/** Single sign-on: with the token that `aws sso login` keeps. */
enum fetch_next aws_sso_begin(struct fetch_run *r, const struct aws_files *f,
                              struct str profile);
enum fetch_next aws_sso_answer(struct fetch_run *r, int status,
                               struct str body);

#endif
