/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What Google's clients say beside the body: the model and the method in the
 * path, a key in the query, and whether a stream is events or an array.
 */
#ifndef PENSTOCK_FLOW_GEMINI_H
#define PENSTOCK_FLOW_GEMINI_H

#include "flow/request.h"

/** Model and streaming from the path; 0, or r->err says what is wrong. */
int gemini_path(struct request *r);

/** Is a method asked for that is not there? Then r->err names those that
 * are. */
bool gemini_lacks_method(struct request *r);

/** The key of the query, or p NULL. It is never logged nor sent on. */
struct str gemini_query_key(struct request *r);

/** A member of the query, percent-decoded; p NULL where there is none, or
 * where it is no text. */
struct str gemini_query(struct request *r, const char *name);

/** The body of an error in the place of an answer: such a stream's is an array
 * of one. In the arena, or as it was. */
struct str gemini_error_body(struct request *r, struct str body);

/** Whole events as elements of the array that the client gets. */
void gemini_send_array(struct request *r, struct str events);
/** Its end, where one was begun. */
void gemini_end_array(struct request *r);

#endif
