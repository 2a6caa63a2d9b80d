/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a request asks of a model beside text. Only what stands in the request
 * where its dialect has it counts, not what a tool was given or a text says.
 */
#ifndef PENSTOCK_WIRE_NEEDS_H
#define PENSTOCK_WIRE_NEEDS_H

#include "base/json.h"
#include "wire/endpoint.h"

enum wire_need {
    NEED_TOOLS = 1,
    NEED_VISION = 2,
    NEED_DOCUMENTS = 4,
    NEED_AUDIO = 8,
    NEED_SCHEMA = 16,  /* an answer of a given JSON Schema */
    NEED_PREFILL = 32, /* to go on with what the assistant has begun */
};

/** Bits. O(messages and their parts); 0 for dialects without messages. */
uint32_t wire_needs(enum dialect d, const struct json *body);

/** "vision"; the inverse of wire_need_of. NULL for no single bit. */
const char *wire_need_name(uint32_t need);
/** Its bit; 0 = there is none of that name. */
uint32_t wire_need_of(struct str name);

#endif
