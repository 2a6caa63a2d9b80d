/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Dialects that are spoken to providers alone: no client writes or reads
 * them here, so only answers are watched; what a client's dialect has beside
 * that is NULL.
 */
#ifndef PENSTOCK_WIRE_UPSTREAM_DIALECTS_H
#define PENSTOCK_WIRE_UPSTREAM_DIALECTS_H

#include "wire/dialect.h"

extern const struct dialect_ops cohere_dialect, ollama_dialect,
    vectors_dialect;

#endif
