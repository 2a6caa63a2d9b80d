/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the files of the Responses dialect; see wire/responses.h. */
#ifndef PENSTOCK_WIRE_RESPONSES_IMPL_H
#define PENSTOCK_WIRE_RESPONSES_IMPL_H

#include "wire/responses.h"

struct str responses_field(enum dialect d, enum wire_field f,
                           const struct json_edits *e);
int responses_set_field(enum dialect d, enum wire_field f,
                        struct json_edits *e, struct str value,
                        struct err *err);
int responses_texts(enum dialect d, const struct json *body,
                    wire_text_fn *fn, void *ud);
int responses_unseal(const struct json *body, struct json_edits *e,
                     struct arena *a, struct err *err);
bool responses_answers(enum dialect d);
int responses_answer(enum dialect d, const struct wire_answer *a,
                     struct buf *out);
int responses_watch_event(enum dialect d, struct str event, struct str data,
                          struct json *scratch, struct arena *a,
                          struct wire_watch *out, struct err *err);
int responses_watch_body(enum dialect d, struct str body,
                         struct json *scratch, struct arena *a,
                         struct wire_watch *out, struct err *err);
void responses_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out);

/** Where a text stands: wire_block.part. Pieces come first, the other parts
 * repeat the whole of them, each in an event of its own. */
enum responses_part {
    RESPONSES_PIECE,        /* output_text.delta */
    RESPONSES_REFUSAL,      /* refusal.delta */
    RESPONSES_SUMMARY,      /* reasoning_summary_text.delta */
    RESPONSES_REASONING,    /* reasoning_text.delta */
    RESPONSES_ARGUMENTS,    /* function_call_arguments.delta */
    RESPONSES_INPUT,        /* custom_tool_call_input.delta */
    RESPONSES_MCP,          /* mcp_call_arguments.delta */
    RESPONSES_DONE,         /* ....done */
    RESPONSES_PART,         /* content_part.done */
    RESPONSES_ITEM,         /* output_item.done */
    RESPONSES_WHOLE,        /* response.completed; a whole answer */
};

/** Another value for a member; json.p NULL: it stays as it is. */
struct responses_with {
    const char *name;
    struct str json;
    bool add; /* also where the object has no such member */
};

/** Append the object with n (at most 32) other values. */
int responses_put_with(const struct json *j, uint32_t object,
                       struct arena *names, const struct responses_with *with,
                       size_t n, struct buf *out);

/** JSON of what an answer that ends early says at last. */
struct responses_end {
    struct str output;
    struct str usage; /* p NULL: as it is */
};

/** Append the response, ended for that reason. */
int responses_put_ended(const struct json *j, uint32_t response,
                        struct arena *names, enum wire_finish f,
                        const struct responses_end *e, struct buf *out);

int responses_carry(enum dialect d, const struct wire_block *b,
                    struct str text, struct str like, struct buf *out);
int responses_stop_stream(enum dialect d, const struct wire_stop *stop,
                          struct buf *out);
int responses_stop_body(enum dialect d, const struct json *body,
                        struct arena *names, uint32_t choice,
                        enum wire_finish finish, struct buf *out);

#endif
