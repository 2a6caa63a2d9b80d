/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Whole files: what is read, and what is refused by name. */
#include "base/file.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/penstock-file-XXXXXX";

static void make(size_t n)
{
    FILE *f = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (size_t i = 0; i < n; i++)
        fputc('a' + (int)(i % 26), f);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

static int read_it(const char *name, size_t max, size_t *n, struct err *err)
{
    struct buf b = BUF_INIT(max);
    int rc = file_read(name, &b, err);

    *n = buf_len(&b);
    if (rc == 0 && *n)
        CU_ASSERT_EQUAL(buf_str(&b).p[*n - 1], 'a' + (int)((*n - 1) % 26));
    buf_clear(&b);
    return rc;
}

static void reads_all_of_it(void)
{
    static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 100000 };
    struct err err = { 0 };
    size_t n;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make(sizes[i]);
        UNIT_INT(read_it(path, 1 << 20, &n, &err), 0);
        UNIT_INT(n, sizes[i]);
    }
}

static void reads_a_pipe(void)
{
    char name[32];
    struct err err = { 0 };
    int fds[2];
    size_t n;

    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    CU_ASSERT_EQUAL(write(fds[1], "abc", 3), 3);
    close(fds[1]);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fds[0]);
    UNIT_INT(read_it(name, 1 << 20, &n, &err), 0);
    UNIT_INT(n, 3);
    close(fds[0]);
}

static void refuses_by_name(void)
{
    static const struct {
        const char *name, *says;
        int rc;
    } rows[] = {
        { "/nowhere/x", "/nowhere/x: No such file", -ERR_IO },
        { "/tmp", "/tmp is not a file", -ERR_CONFIG },
        { "/dev/null", "/dev/null is not a file", -ERR_CONFIG },
        { path, "is larger than 1 MiB", -ERR_LIMIT },
    };

    make((1 << 20) + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = { 0 };
        size_t n;

        UNIT_INT(read_it(rows[i].name, 1 << 20, &n, &err), rows[i].rc);
        if (!strstr(err.msg, rows[i].says))
            printf("\n%s", err.msg);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].says));
    }
    unlink(path);
}

static void make_name(void)
{
    int fd = mkstemp(path);

    CU_ASSERT_TRUE_FATAL(fd >= 0);
    close(fd);
}

UNIT_MAIN("file", { "a name", make_name },
          { "reads all of it", reads_all_of_it },
          { "reads a pipe", reads_a_pipe },
          { "refuses by name", refuses_by_name })
