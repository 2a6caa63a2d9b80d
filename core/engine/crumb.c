/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where this process leaves its breadcrumb. */
#include "engine/crumb.h"

struct crumb *crumb_here;
