/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Amazon Bedrock's Converse as the flow sees it: answers alone. No endpoint
 * speaks it, so what a client's request needs (read, texts, ...) is not
 * there.
 */
#ifndef PENSTOCK_WIRE_CONVERSE_H
#define PENSTOCK_WIRE_CONVERSE_H

#include "wire/dialect.h"

extern const struct dialect_ops converse_dialect;

#endif
