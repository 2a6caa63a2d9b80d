/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Looks at the body being read, for the dialects' readers. */
#ifndef PENSTOCK_MOCK_MOCK_READ_H
#define PENSTOCK_MOCK_MOCK_READ_H

#include "mock/mock_impl.h"

/** Node of the body at a pointer, or JSON_NONE; its type, or 0. */
uint32_t mock_at(const struct mock_req *r, const char *pointer);
uint8_t mock_type(const struct mock_req *r, uint32_t node);

/** INVALID_REQUEST with a text. */
int mock_bad(struct err *err, const char *what);

/** A whole number from 1 to max; *out stays where the member is not there. */
int mock_number(struct mock_req *r, const char *pointer, int64_t max,
                int64_t *out, struct err *err);

/** Text of a content: a string, or the text parts of a list, joined. */
struct str mock_content(struct mock_req *r, uint32_t node);

/** JSON made from the schema at `node`, kept in the arena; p NULL: none. */
struct str mock_schema_text(struct mock_req *r, uint32_t node);

/** Does the model call a tool where one is offered? `json` does where it must:
 * `forced`. */
bool mock_calls(const struct mock_req *r, bool forced);
/** Of a list of tools (their members below `in`, or NULL) the one that a
 * string of the body at a pointer names, else the first; or JSON_NONE. */
uint32_t mock_tool(struct mock_req *r, const char *list, const char *in,
                   const char *named);

/** For the json model: ask.json by the schema at a pointer, else an object
 * with the user's text, unless it calls a tool. 0 or -ERR_NOMEM. */
int mock_json_answer(struct mock_req *r, const char *schema_at);

/** ask.model by its name; MODEL_NOT_FOUND. */
int mock_know_model(struct mock_req *r, struct err *err);

/** A request of Responses. */
int mock_responses_read(struct mock_req *r, struct err *err);

#endif
