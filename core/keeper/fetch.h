/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One fetch of a key that a cloud hands out: what to ask, step by step, and
 * what the answers say. Pure but for small files, the environment and the
 * clock, which come by `world`; who calls (fetcher.c) does the I/O.
 *
 * A kind ("google") has sources in the order in which they are looked for. A
 * run begins with the first (or the one that is configured); one that is not
 * there passes to the next, and one that is there and fails ends the run:
 * nothing else is tried in its place, since that would hide a mistake.
 *
 * Where requests go is said by the configuration, the environment and files
 * of the operator, never by a client. They go by TLS, or to an address of
 * this machine or this link, as metadata services are.
 */
#ifndef PENSTOCK_KEEPER_FETCH_H
#define PENSTOCK_KEEPER_FETCH_H

#include "base/buf.h"
#include "engine/config_fetch.h"

#include <jansson.h>

enum {
    FETCH_FIELDS = 8, FETCH_WHY = 200, FETCH_SECRET_MAX = 16 << 10,
    FETCH_TEXT_MAX = 64 << 10, FETCH_WORDS = 32,
    FETCH_PROGRAM_MS = 30000, FETCH_PROGRAM_TEXT = 16 << 10,
};

/** What a fetch sees of the outside; tests put another in its place. */
struct fetch_world {
    const char *(*env)(void *ud, const char *name); /* NULL, "": not set */
    /** A whole file is appended. 0; -ERR_NOT_FOUND; -ERR_IO. */
    int (*read)(void *ud, const char *path, struct buf *out);
    /** A file that only we may read gets other bytes, all or none of them.
     * 0; -ERR_IO. */
    int (*write)(void *ud, const char *path, struct str text);
    uint64_t (*wall_ms)(void *ud);
    void *ud;
};
/** The real one. */
const struct fetch_world *fetch_world(void);

enum fetch_next {
    FETCH_CALL,    /* make the request, then fetch_answer */
    FETCH_PROGRAM, /* run it; then fetch_answer has its exit status, and what
                      it wrote */
    FETCH_GOT,     /* `secret` and `ends_ms` are there */
    FETCH_ABSENT,  /* within a run: the source is not there */
    FETCH_FAILED,  /* `why` says so */
};

struct fetch_field {
    char name[48];
    struct buf value;
};

struct fetch_run {
    const struct conf_fetch *conf;
    const struct fetch_world *world;
    struct plugin_inst *plugin; /* what an exchange is described by; or NULL */
    /* the request */
    const char *method;
    struct buf url, body;
    struct fetch_field fields[FETCH_FIELDS];
    size_t n_fields;
    bool near; /* a metadata service: it answers at once or is not there */
    /* the program: words, and its whole environment ("NAME=value"); a NUL
     * stands behind each */
    struct buf words, settings;
    unsigned program_ms;
    /* where we are */
    const struct fetch_source *source;
    unsigned step, which; /* which: for the source */
    bool only;       /* the source was configured */
    struct buf memo; /* for the source, between its steps */
    struct buf chain; /* aws: the roles that are still to be assumed */
    unsigned exchange; /* google: the step of its answer; 0: not asked yet */
    /* what came of it */
    struct buf secret;
    uint64_t ends_ms; /* wall clock; 0: it does not end */
    bool look_again;  /* it does not end, but may be changed */
    char why[FETCH_WHY];
};

struct fetch_source {
    const char *name; /* as in the configuration; NULL ends a table */
    enum fetch_next (*begin)(struct fetch_run *r);
    enum fetch_next (*answer)(struct fetch_run *r, int status,
                              struct str body);
};

extern const struct fetch_source fetch_google[], fetch_aws[], fetch_entra[],
    fetch_exchange[];

struct plugin_inst; /* engine/plugin.h */

void fetch_init(struct fetch_run *r, const struct conf_fetch *conf,
                const struct fetch_world *world);
void fetch_clear(struct fetch_run *r); /* wipes; idempotent */
/** Begin anew. CALL, PROGRAM, GOT or FAILED; so do the next two. */
enum fetch_next fetch_begin(struct fetch_run *r);
/** The answer to the request, or what the program wrote. */
enum fetch_next fetch_answer(struct fetch_run *r, int status,
                             struct str body);
/** There was none (`why`): a metadata service in a chain may not be there. */
enum fetch_next fetch_no_answer(struct fetch_run *r, const char *why);

/* ---- for the sources (fetch_ask.c) -------------------------------------- */

/** Fill `why`; returns FETCH_FAILED. */
enum fetch_next fetch_fail(struct fetch_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** An answer that is no good: its status, and what it says of the error
 * without what could be a secret. Returns FETCH_FAILED. */
enum fetch_next fetch_refused(struct fetch_run *r, int status,
                              struct str body);
/** The configured text, else the variable; empty: neither. */
struct str fetch_said(const struct fetch_run *r, struct str conf,
                      const char *env);
struct str fetch_env(const struct fetch_run *r, const char *name);
/** A file's bytes without blanks at the end. False: `why` is filled. */
bool fetch_file(struct fetch_run *r, struct str path, struct buf *out);

/** What a source knows between its steps, into `memo`. False: it is full. */
bool fetch_keep(struct fetch_run *r, const json_t *knows);

/** A request from nothing; `url` is checked. FETCH_CALL or FETCH_FAILED. */
enum fetch_next fetch_ask(struct fetch_run *r, const char *method,
                          struct str url);
/** One that is not printable, or too long, is left out: whoever lacks it says
 * so. False: it was. */
bool fetch_field(struct fetch_run *r, const char *name, struct str value);
/** As in URLs and forms: letters, digits and "-._~" stand for themselves. 0
 * or -ERR_x. */
int fetch_encode(struct buf *out, struct str text);
/** A member of a form (application/x-www-form-urlencoded). */
void fetch_form(struct fetch_run *r, const char *name, struct str value);
/** May it be asked: TLS, or this machine or link? */
bool fetch_url_ok(struct str url);

/**
 * A program by its command line: words between blanks, with quotes of either
 * kind and backslashes as a shell has them; it is none, so that nothing else
 * of a shell's is meant. FETCH_PROGRAM; FETCH_FAILED: the first word is no
 * full path, or there are more than FETCH_WORDS.
 */
enum fetch_next fetch_program(struct fetch_run *r, struct str line,
                              unsigned ms);
/** One more setting of its environment. One that is too long is left out. */
void fetch_setting(struct fetch_run *r, const char *name, struct str value);

/**
 * Sign the request as AWS wants it (Signature Version 4): all that is put
 * into it before, `set` being what a source of AWS's gives. The path may have
 * nothing that is encoded, the query must be in the order of its names.
 * FETCH_CALL or FETCH_FAILED.
 */
enum fetch_next fetch_sign(struct fetch_run *r, struct str set,
                           struct str region, const char *service);

/** A text of an answer; empty: none. */
struct str fetch_json(const json_t *v, const char *key);
/** What `secret` is, good for so many seconds; FETCH_GOT or FETCH_FAILED. */
enum fetch_next fetch_got(struct fetch_run *r, struct str secret,
                          int64_t seconds);
/** RFC 3339 ("2026-11-26T17:00:00Z"; also "UTC" as its end) to milliseconds;
 * 0: it is not. */
uint64_t fetch_time_ms(struct str text);
/** The answer of a token endpoint (RFC 6749, 5.1): access_token, expires_in
 * (a number, or digits in quotes). */
enum fetch_next fetch_oauth(struct fetch_run *r, int status, struct str body);

#endif
