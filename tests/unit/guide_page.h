/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tables of the guide that tests make: the page must say between two marks
 * what the test found, or with PENSTOCK_WRITE in the environment is made to.
 */
#ifndef PENSTOCK_UNIT_GUIDE_PAGE_H
#define PENSTOCK_UNIT_GUIDE_PAGE_H

#include "shared.h"

static inline void guide_write(const char *path, struct str page, size_t begin,
                               size_t end, struct str table)
{
    FILE *f = fopen(path, "wb");

    CU_ASSERT_FATAL(f != NULL);
    fwrite(page.p, 1, begin, f);
    fwrite(table.p, 1, table.n, f);
    fwrite(page.p + end, 1, page.n - end, f);
    fclose(f);
}

/** The table of that name in docs/guide/<file>. */
static inline void guide_says(const char *file, const char *name,
                              struct str table)
{
    const char *src = getenv("PENSTOCK_SRC");
    char path[1024], from[80], to[80];
    ptrdiff_t begin, end;
    struct str page, now;

    snprintf(path, sizeof path, "%s/docs/guide/%s", src ? src : "..", file);
    snprintf(from, sizeof from, "<!-- begin of the %s -->\n", name);
    snprintf(to, sizeof to, "<!-- end of the %s -->\n", name);
    page = shared_read(path);
    CU_ASSERT_FATAL(page.p != NULL);
    begin = str_find(page, str_of(from));
    end = str_find(page, str_of(to));
    CU_ASSERT_FATAL(begin >= 0 && end > begin);
    begin += (ptrdiff_t)strlen(from);
    now = (struct str){ page.p + begin, (size_t)(end - begin) };
    if (getenv("PENSTOCK_WRITE"))
        guide_write(path, page, (size_t)begin, (size_t)end, table);
    else if (!str_eq(now, table))
        CU_FAIL("the guide's table says something else");
    free((char *)(size_t)page.p);
}

#endif
