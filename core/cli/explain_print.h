/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The story of a request, as explain has it, for people. */
#ifndef PENSTOCK_CLI_EXPLAIN_PRINT_H
#define PENSTOCK_CLI_EXPLAIN_PRINT_H

#include <jansson.h>

/** On stdout. */
void explain_print(const json_t *story);

#endif
