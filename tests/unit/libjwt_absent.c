/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* In the place of test_libjwt.c where configure has not found libjwt. */
#include "unit.h"

static void test_signed_by_libjwt(void)
{
    UNIT_SKIP("no libjwt; apt-get install libjwt-dev, then configure again");
}

UNIT_MAIN("libjwt", {"signed by libjwt", test_signed_by_libjwt})
