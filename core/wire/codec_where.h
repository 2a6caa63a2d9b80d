/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Places in a client's body, in the words of its dialect; for messages. */
#ifndef PENSTOCK_WIRE_CODEC_WHERE_H
#define PENSTOCK_WIRE_CODEC_WHERE_H

#include "base/json.h"
#include "wire/endpoint.h"

/** "messages[0].role", or Anthropic's "messages.0.role"; cut to size. */
void codec_path(const struct json *j, uint32_t node, enum dialect d,
                struct arena *a, char *out, size_t size);

/**
 * The element of a list that the byte at `at` belongs to (a part, an item),
 * else the member that it is in. JSON_NONE where it is not of this text.
 *
 * Cost: O(children of the nodes around it)
 */
uint32_t codec_node_at(const struct json *j, const char *at);

/** The dialect's member for what is said: "messages", "input", ... */
const char *codec_talk_field(enum dialect d);

#endif
