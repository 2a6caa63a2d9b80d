/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where files of the source are: in PENSTOCK_SRC, else above the build. */
#ifndef PENSTOCK_UNIT_SOURCE_H
#define PENSTOCK_UNIT_SOURCE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** The path of `file`, which is named from the source's top. */
static inline const char *source_path(const char *file)
{
    static const char *const above[] = { "..", "../..", "." };
    static char path[1024];
    const char *src = getenv("PENSTOCK_SRC");

    snprintf(path, sizeof path, "%s/%s", src ? src : ".", file);
    for (size_t i = 0; !src && i < sizeof above / sizeof above[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", above[i], file);
        if (access(path, R_OK) == 0)
            break;
    }
    return path;
}

#endif
