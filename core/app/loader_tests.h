/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The tests beside the policies of a configuration: reload { tests = true }. */
#ifndef PENSTOCK_APP_LOADER_TESTS_H
#define PENSTOCK_APP_LOADER_TESTS_H

#include "base/err.h"

struct config;

/**
 * Run NAME_test.lua of each policy that has one. 0, or -ERR_CONFIG with file,
 * line and name of the first test that failed. This process logs nothing from
 * then on: what policies say in their tests is no news.
 */
int loader_tests(const struct config *c, struct err *err);

#endif
