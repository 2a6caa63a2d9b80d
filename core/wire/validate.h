/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Is a request what its dialect says? Tables (validate_openai.def,
 * validate_anthropic.def) name the members that are known: types, ranges,
 * which must be there, which texts are a closed set. Members, kinds of parts
 * and blocks that are not known pass: new ones come every week, and the
 * provider knows them. Syntax, UTF-8, depth and duplicate names were the
 * scanner's business before.
 *
 * Where vendors that speak OpenAI's dialect take more than OpenAI, so does the
 * table. Numbers of tools and lengths of names move and are not checked,
 * unless the operator sets a limit of their own.
 *
 * Cost: a walk over the index, without the values of schemas and the inside
 * of texts: 0.03 ns per byte of a conversation, 0.3 of tools, at most 1.3
 * where each message is empty or no member is known; the check for duplicate
 * names, which is the scanner's, 0.6 at most, and both together 1.5
 * (tests/bench/json_bench). No allocation but for an error.
 * Source: the API references of both (read 2026-11-23).
 */
#ifndef PENSTOCK_WIRE_VALIDATE_H
#define PENSTOCK_WIRE_VALIDATE_H

#include "base/json.h"
#include "wire/endpoint.h"

/** The operator's own limits; 0 = none. */
struct valid_limits {
    uint32_t messages, tools, images;
    int64_t max_tokens;
    bool nothing_else; /* only these are checked, not the dialect's rules */
};

/**
 * Check a scanned body. Its model and stream members were read before.
 *
 *   d       in   anything but a models dialect
 *   body    in   the index of a whole body
 *   limits  in   may be NULL
 *   a       in   for the error's path
 *   err     out  at = the field's path as the dialect writes it
 *                ("messages[0].content", "messages.0.content")
 *
 * Errors:  INVALID_REQUEST, NOMEM
 */
int validate_body(enum dialect d, const struct json *body,
                  const struct valid_limits *limits, struct arena *a,
                  struct err *err);

#endif
