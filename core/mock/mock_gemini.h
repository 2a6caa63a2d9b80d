/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between mock_gemini.c and mock_gemini_read.c. */
#ifndef PENSTOCK_MOCK_MOCK_GEMINI_H
#define PENSTOCK_MOCK_MOCK_GEMINI_H

#include "mock/mock_impl.h"

/** The path has the model and whether it is a stream; the query, its form. */
int mock_gemini_read(struct mock_req *r, struct err *err);

#endif
