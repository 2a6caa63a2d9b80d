/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A try at one target with one credential, and what is kept of it. */
#ifndef PENSTOCK_FLOW_ATTEMPT_H
#define PENSTOCK_FLOW_ATTEMPT_H

#include "engine/target.h"
#include "net/http_client.h"
#include "wire/endpoint.h"

struct output;
struct request;
struct translation;

/** What is known of a try, for the access line and explain. */
struct attempt_record {
    struct str target, credential;
    int status;         /* HTTP; 0 = none */
    uint16_t cls;       /* PS_FAULT_*; NONE = it served */
    struct str why;     /* words for people; may be empty */
    uint64_t begin_ns, end_ns;
    uint64_t first_ns;  /* first content; 0 = none */
    const struct target *at;
    bool kept;          /* its row is in the ledger, where it has one */
};

enum attempt_mode {
    MODE_HEAD,   /* no head yet */
    MODE_ERROR,  /* an error body is collected */
    MODE_BODY,   /* a whole answer */
    MODE_STREAM, /* events */
};

/** The try under way: one target, one credential. */
struct attempt {
    struct attempt_host host;
    const struct target *target;
    struct credential *credential;
    struct http_call *call;  /* NULL once done or cancelled */
    struct buf body;         /* outgoing, where edits were made */
    struct json_edits *edits;
    struct translation *translation; /* NULL: the client's dialect */
    enum attempt_mode mode;
    uint32_t fetched; /* the version that it sends, where that is fetched */
    uint32_t gap_ms;         /* the longest silence within content */
    bool ended;              /* on_done came; `result` holds */
    bool broken;             /* a fault found in the bytes: `fault` holds */
    struct output *output;   /* policies look at the answer; or NULL */
    bool decided;            /* they have ended it; nothing more is read */
    bool refused;            /* and with an error: r->err */
    bool raw;                /* neither JSON nor events: nobody reads it */
    bool gathers;            /* a stream, which is made one whole answer */
    bool begun;              /* an event came; of a whole answer, bytes */
    bool withhold_usage;     /* the usage event is ours, not the client's */
    struct http_call_result result;
    ps_fault fault;
    struct str why;          /* of the fault, for people */
    int64_t length;          /* Content-Length of the answer, or -1 */
    struct str content_type; /* in the arena */
    struct http_header *fields; /* the answer's, in the arena */
    size_t n_fields;
};

/** A provider's own error answer, kept for the client. */
struct kept_error {
    int status;          /* 0 = none */
    bool callers;        /* the caller's fault: it wins over later ones */
    struct str body, content_type;
    struct http_header *fields;
    size_t n_fields;
};

/* attempt.c: build, start, end a try */
/** A try at the chosen target, which is told in its dialect what is asked for.
 * An error is no try: this target cannot be told (see translate_begin). */
int attempt_begin(struct request *r, struct err *err);
/** Its head and body; from here on it counts as a try. */
int attempt_build(struct request *r, struct err *err);
int attempt_start(struct request *r, const char *addresses, struct err *err);
void attempt_stop(struct request *r); /* cancel, done(), free; idempotent */
/** What of a target's plugin serves a request: an api that speaks its
 * dialect, else one that it can be translated for; NULL: none. Where the
 * provider's quirks say that the model has Responses alone, that one. */
const ps_api *attempt_api(const struct request *r, const struct target *t);
/** Can requests of that dialect be served there, as they are or translated? */
bool attempt_serves(const struct target *t, enum dialect d);
/** Is a field in a list that ends with NULL; "x-" stands for a prefix. */
bool attempt_field_in(const char *const *list, struct str name);
/** Base URL and an api's path, its {model} and its {setting=default} filled
 * in; 0 or -ERR_x. */
int attempt_url(struct buf *url, struct str base, const char *path,
                struct str model, const struct plugin_inst *inst);
/** The upstream's name of the model in the outgoing JSON. */
int attempt_edit_model(struct request *r, struct attempt *t, struct err *err);
/** A field of the outgoing head; an empty value: none. */
int attempt_put(struct attempt *t, const char *name, struct str value);
/** What it is sent with; empty: nothing. */
struct str attempt_secret(const struct request *r, const struct provider *p,
                          const struct credential *c);
/** Put the credential into the outgoing head, by the plugin or by data. */
int attempt_auth(struct request *r, struct attempt_host *host,
                 const struct provider *p, const struct credential *c);
/** Of what is sent, where that is fetched; else 0. */
uint32_t attempt_version(const struct credential *c);
/** Was it refused for a token that another has replaced meanwhile? */
bool attempt_is_stale(const struct attempt *t);
/** Text of a provider, without the credential that it may quote. */
struct str attempt_hide(const struct request *r, struct str text);
/** Whose address a connection needs: the host's, or its proxy's. */
struct str attempt_dial(const struct target *t);
/** What a provider's configuration says of its connections. */
void attempt_spec(struct http_call_spec *s, const struct conf_provider *p);
/** The socket that it connects to, or NULL. */
static inline const char *attempt_path(const struct conf_provider *p)
{
    return p->unix_socket.n ? p->unix_socket.p : NULL;
}

#endif
