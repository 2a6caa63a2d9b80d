/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Errors: filled once, and the rows of err.def are complete and coherent. */
#include "unit.h"

#include "base/err.h"

#include <errno.h>

static void is_filled_once(void)
{
    struct err err = { 0 };

    UNIT_INT(err_at(&err, ERR_CONFIG, "a.conf:7", "no %s", "x"), -ERR_CONFIG);
    UNIT_INT(err.code, ERR_CONFIG);
    UNIT_STR(err.at, "a.conf:7");
    UNIT_STR(err.msg, "no x");
    UNIT_INT(err_set(&err, ERR_IO, "later"), -ERR_IO);
    UNIT_INT(err.code, ERR_CONFIG);
    UNIT_STR(err.msg, "no x");
    UNIT_INT(err_set(NULL, ERR_IO, "nobody asks"), -ERR_IO);
}

static void says_what_the_system_said(void)
{
    struct err err = { 0 };

    errno = ENOENT;
    UNIT_INT(err_errno(&err, "open %s", "/x"), -ERR_IO);
    UNIT_STR(err.msg, "open /x: No such file or directory");
}

static void cuts_long_texts(void)
{
    struct err err = { 0 };
    char big[2000];

    memset(big, 'e', sizeof big);
    big[1999] = '\0';
    err_at(&err, ERR_SYNTAX, big, "%s", big);
    UNIT_INT(strlen(err.at), sizeof err.at - 1);
    UNIT_INT(strlen(err.msg), sizeof err.msg - 1);
}

static void has_a_row_for_each_code(void)
{
    for (int code = 1; code < ERR_CLIENT_END; code++) {
        const struct err_info *row = err_info(code);

        CU_ASSERT_FATAL(row->name != NULL);
        UNIT_INT(err_by_name(str_of(row->name)), code);
        CU_ASSERT(row == err_info(-code));
        CU_ASSERT(row->status_openai >= 400 && row->status_openai < 600);
        CU_ASSERT(row->status_anthropic >= 400 &&
                  row->status_anthropic < 600);
        CU_ASSERT(row->status_gemini >= 400 && row->status_gemini < 600);
        CU_ASSERT(*row->type_openai && *row->type_anthropic &&
                  *row->type_gemini && *row->text);
    }
    UNIT_STR(err_info(ERR_RATE_LIMITED)->name, "rate_limited");
    UNIT_INT(err_info(ERR_NO_TARGET)->status_anthropic, 529);
    UNIT_STR(err_info(ERR_NOMEM)->name, "internal");
    UNIT_STR(err_info(-ERR_BUG)->name, "internal");
    UNIT_INT(err_by_name(STR("nope")), ERR_NONE);
}

UNIT_MAIN("err", { "is filled once", is_filled_once },
          { "says what the system said", says_what_the_system_said },
          { "cuts long texts", cuts_long_texts },
          { "has a row for each code", has_a_row_for_each_code })
