/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between the codec_gemini_*.c files: Google's generateContent, to and from
 * the neutral form. Model and streaming stand in the path there, never in
 * the body: who calls decode_request adds them.
 *
 * Source: https://ai.google.dev/api/generate-content, the types of the
 * google-genai SDK, recordings (read 2026-11-23).
 */
#ifndef PENSTOCK_WIRE_CODEC_GEMINI_H
#define PENSTOCK_WIRE_CODEC_GEMINI_H

#include "wire/codec_put.h"
#include "wire/codec_read.h"
#include "wire/codec_stream.h"

/* ---- requests, read ----------------------------------------------------- */

int gemini_decode_request(const struct json *body, struct arena *a,
                          struct neutral_request *out, struct err *err);

/** A field by its name, and by the name that protobuf gives it as well. */
#define GEMINI_FIELD(i, camel, snake, types)                                  \
    [2 * (i)] = RD_FIELD(camel, types), [2 * (i) + 1] = RD_FIELD(snake, types)
#define GEMINI_FIELDS_MAX 24

/** rd_object with a table of two names a field; `n` fields. */
int gemini_object(struct rd *rd, uint32_t object,
                  const struct rd_field *fields, size_t n, const char *path,
                  uint32_t *at);

int gemini_read_contents(struct rd *rd, uint32_t array);
int gemini_read_system(struct rd *rd, uint32_t node);
int gemini_read_tools(struct rd *rd, uint32_t array);
int gemini_read_choice(struct rd *rd, uint32_t node);
int gemini_read_config(struct rd *rd, uint32_t node);

/** Google's Schema as a JSON schema; p NULL: memory is out. */
struct str gemini_schema_read(const struct json *j, uint32_t node,
                              struct arena *a);

/* ---- requests, written -------------------------------------------------- */

int gemini_encode_request(const struct neutral_request *r,
                          const struct codec_target *target, struct arena *a,
                          struct buf *out, struct codec_report *report,
                          struct codec_names *names, struct err *err);

struct gw {
    struct cw c;
    bool open, any;         /* a turn is; one was */
    enum neutral_role role; /* of the open one */
    bool signed_call;       /* a call of the open turn has its signature */
};

/** Models that must have signatures of calls back, and take levels. */
static inline bool gemini_signs(const struct gw *w)
{
    return cw_can(&w->c, CAN_EFFORT);
}

void gemini_put_system(struct gw *w);
void gemini_put_contents(struct gw *w);
void gemini_put_tools(struct gw *w);
void gemini_put_config(struct gw *w);
void gemini_put_media(struct gw *w, const struct neutral_media *m);
/* "video/mp4"; absent where the address does not tell. */
struct str gemini_mime_by_address(struct jstr address);
bool gemini_can_media(struct gw *w, const struct neutral_media *m);
void gemini_put_result(struct gw *w, const struct neutral_result *r,
                       struct str name);

/** A JSON schema as it is, or as Google's older Schema. */
void gemini_put_schema(struct cw *c, const char *json_name,
                       const char *old_name, struct str raw);
/** A JSON schema in the words of that Schema. */
void gemini_schema_write(struct cw *c, struct str raw);

/* ---- answers ------------------------------------------------------------ */

enum gemini_open { GEMINI_CLOSED, GEMINI_TEXT, GEMINI_THOUGHT };

struct gemini_choice {
    struct gemini_choice *next;
    uint32_t index;
    enum gemini_open open;
    bool any, any_call, finished;
};

struct gemini_in {
    struct codec_in base;
    struct gemini_choice *choices;
    uint32_t n_choices;
};

int gemini_in_init(struct codec_in *in);
int gemini_decode_body(struct codec_in *in, struct str body,
                       neutral_sink sink, void *ud, struct err *err);
int gemini_decode_event(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err);
/** One candidate's parts. */
int gemini_read_parts(struct gemini_in *in, struct gemini_choice *c,
                      uint32_t content);
int gemini_close(struct gemini_in *in, struct gemini_choice *c);
/** Where the text of the candidate comes from; its log probabilities. */
int gemini_read_sources(struct gemini_in *in, struct gemini_choice *c,
                        uint32_t candidate);
int gemini_read_logprobs(struct gemini_in *in, struct gemini_choice *c,
                         uint32_t candidate);
void gemini_read_usage(const struct json *j, uint32_t node,
                       struct usage *out);

int gemini_out_init(struct codec_out *out);
int gemini_encode(struct codec_out *out, const struct neutral_event *ev,
                  struct buf *to);

/* ---- errors ------------------------------------------------------------- */

/** An error object of Google's, in what was scanned. */
int gemini_error(struct codec_in *in, uint32_t node);
void gemini_put_error(struct jw *w, const struct neutral_error *e, bool same);
/** "RESOURCE_EXHAUSTED" of 429; and back, 0 where there is no such word. */
const char *gemini_status_word(int http_status);
int gemini_status_of(struct str word);

/* ---- seals -------------------------------------------------------------- */

/* what Gemini signed, where another dialect's client keeps a signature */
#define GEMINI_SEAL "penstock.gemini."

/** A signature of thinking that is Gemini's becomes `thought`. */
void gemini_unseal_thinking(struct neutral_thinking *t);
/** Gemini's signature with its seal; p NULL: memory is out. */
struct jstr gemini_seal(struct jstr signature, struct arena *a);

/** What another dialect's answer said and Google has no place for, as a
 * thoughtSignature: base64 of "penstock.", the kind, ".", the text. */
void gemini_put_sealed(struct jw *w, const char *kind, struct str text,
                       struct arena *a);
bool gemini_is_sealed(struct jstr signature);
/** Open one: its kind, and the text. -ERR_NOMEM; 0 with kind.p NULL where it
 * is none of ours. */
int gemini_open_sealed(struct jstr signature, struct arena *a,
                       struct str *kind, struct str *text);

#endif
