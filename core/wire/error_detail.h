/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Faults of single members, as FastAPI lists them and all who are built with
 * it (Mistral, vLLM, NVIDIA): [{loc: ["body", "tools", 0], msg, type}].
 */
#ifndef PENSTOCK_WIRE_ERROR_DETAIL_H
#define PENSTOCK_WIRE_ERROR_DETAIL_H

#include "base/arena.h"
#include "base/json.h"

/**
 * The first few as one line, "body.tools.0: Field required; ...".
 *
 *   object   of the error: the list is its `detail`, or that of its `message`
 *   returns  in the arena, at most 512 bytes; p NULL: there is no such list,
 *            or memory is out
 */
struct str error_detail(const struct json *j, uint32_t object,
                        struct arena *a);

#endif
