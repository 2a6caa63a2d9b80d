/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Snapshots: what goes in comes out, nobody can change it, and nothing that
 * only looks like one is believed. */
#include "unit.h"

#include "base/snapshot_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(void)
{
    struct snapshot_builder *b = snapshot_builder_new("config", 7, NULL);
    char big[1000];
    int fd;

    memset(big, 'b', sizeof big);
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT(!snapshot_builder_add(b, STR("one"), STR("1"), NULL));
    CU_ASSERT(!snapshot_builder_add(b, STR("none"), STR_NULL, NULL));
    CU_ASSERT(!snapshot_builder_add(b, STR("policy/a.lua"),
                                    (struct str){ big, 1000 }, NULL));
    fd = snapshot_builder_seal(b, NULL);
    CU_ASSERT_FATAL(fd >= 0);
    snapshot_builder_free(b);
    return fd;
}

static void gives_back_what_went_in(void)
{
    static const char *const names[] = { "one", "none", "policy/a.lua" };
    int fd = make();
    struct snapshot *s = snapshot_open(fd, NULL);
    struct str name, bytes;
    size_t at = 0;

    close(fd); /* the mapping stays */
    CU_ASSERT_FATAL(s != NULL);
    UNIT_STR(snapshot_kind(s), "config");
    UNIT_INT(snapshot_generation(s), 7);
    CU_ASSERT(str_is(snapshot_section(s, STR("one")), "1"));
    CU_ASSERT(snapshot_section(s, STR("two")).p == NULL);
    CU_ASSERT(snapshot_section(s, STR("none")).p != NULL);
    UNIT_INT(snapshot_section(s, STR("none")).n, 0);
    bytes = snapshot_section(s, STR("policy/a.lua"));
    UNIT_INT(bytes.n, 1000);
    CU_ASSERT(bytes.p[999] == 'b' && (uintptr_t)bytes.p % 64 == 0);
    while (snapshot_next(s, &at, &name, &bytes))
        CU_ASSERT(str_is(name, names[at - 1]));
    UNIT_INT(at, 3);
    CU_ASSERT(snapshot_ref(s) == s);
    snapshot_unref(s);
    CU_ASSERT(str_is(snapshot_section(s, STR("one")), "1"));
    snapshot_unref(s);
    snapshot_unref(NULL);
    CU_ASSERT(snapshot_ref(NULL) == NULL);
}

static void cannot_be_changed(void)
{
    int fd = make();

    CU_ASSERT(write(fd, "x", 1) == -1 && errno == EPERM);
    CU_ASSERT(ftruncate(fd, 10) == -1 && errno == EPERM);
    CU_ASSERT(ftruncate(fd, 1 << 20) == -1 && errno == EPERM);
    CU_ASSERT(mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
              MAP_FAILED);
    CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void refuses_bad_names(void)
{
    struct snapshot_builder *b = snapshot_builder_new("k", 0, NULL);
    struct err err = { 0 };
    char name[SNAPSHOT_NAME_MAX + 1];

    memset(name, 'n', sizeof name);
    CU_ASSERT(snapshot_builder_new("sixteen-letters!", 0, &err) == NULL);
    UNIT_INT(err.code, ERR_LIMIT);
    CU_ASSERT(!snapshot_builder_add(b, STR("a"), STR("1"), NULL));
    UNIT_INT(snapshot_builder_add(b, STR("a"), STR("2"), NULL), -ERR_EXISTS);
    UNIT_INT(snapshot_builder_add(b, STR("a\0b"), STR("2"), NULL),
             -ERR_LIMIT);
    UNIT_INT(snapshot_builder_add(b, (struct str){ name, sizeof name },
                                  STR("2"), NULL), -ERR_LIMIT);
    CU_ASSERT(!snapshot_builder_add(
        b, (struct str){ name, SNAPSHOT_NAME_MAX }, STR("2"), NULL));
    snapshot_builder_free(b);
    snapshot_builder_free(NULL);
}

/* A snapshot's bytes in a fresh memfd, with one change, sealed again. */
static int forge(size_t at, const void *bytes, size_t n, int seals)
{
    int from = make(), fd = memfd_create("x", MFD_ALLOW_SEALING);
    struct stat st;
    char *copy;

    fstat(from, &st);
    copy = malloc((size_t)st.st_size);
    CU_ASSERT(pread(from, copy, (size_t)st.st_size, 0) == st.st_size);
    if (n)
        memcpy(copy + at, bytes, n);
    CU_ASSERT(write(fd, copy, (size_t)st.st_size) == st.st_size);
    fcntl(fd, F_ADD_SEALS, seals);
    close(from);
    free(copy);
    return fd;
}

static void refuse(int fd)
{
    struct err err = { 0 };

    CU_ASSERT(snapshot_open(fd, &err) == NULL);
    UNIT_INT(err.code, ERR_SYNTAX);
    close(fd);
}

static void refuses_forgeries(void)
{
    struct snapshot_head h;
    struct snapshot_row row;
    int fd = forge(0, NULL, 0, SNAPSHOT_SEALS), pipe_fds[2];
    struct snapshot *s = snapshot_open(fd, NULL);

    CU_ASSERT_FATAL(s != NULL); /* the forger itself does it right */
    snapshot_unref(s);
    CU_ASSERT(pread(fd, &h, sizeof h, 0) == sizeof h);
    CU_ASSERT(pread(fd, &row, sizeof row, (off_t)h.rows_at) == sizeof row);
    close(fd);
    refuse(forge(0, NULL, 0, SNAPSHOT_SEALS & ~F_SEAL_WRITE));
    refuse(forge(0, NULL, 0, SNAPSHOT_SEALS & ~F_SEAL_SHRINK));
    refuse(forge(0, "X", 1, SNAPSHOT_SEALS));
#define FORGE_HEAD(field, v)                                                  \
    do {                                                                      \
        struct snapshot_head x = h;                                           \
        x.field = (v);                                                        \
        refuse(forge(0, &x, sizeof x, SNAPSHOT_SEALS));                       \
    } while (0)
#define FORGE_ROW(field, v)                                                   \
    do {                                                                      \
        struct snapshot_row x = row;                                          \
        x.field = (v);                                                        \
        refuse(forge(h.rows_at, &x, sizeof x, SNAPSHOT_SEALS));               \
    } while (0)
    FORGE_HEAD(size, h.size + 1);
    FORGE_HEAD(rows, 4);
    FORGE_HEAD(rows, UINT32_MAX);
    FORGE_HEAD(rows_at, h.rows_at + 64);
    FORGE_HEAD(rows_at, UINT64_MAX - 63);
    FORGE_HEAD(rows_at, 0);
    FORGE_HEAD(rows_at, h.rows_at - 1);
    FORGE_HEAD(row_size, h.row_size + 64);
    FORGE_ROW(offset, h.rows_at);
    FORGE_ROW(offset, row.offset + 1);
    FORGE_ROW(offset, UINT64_MAX - 63);
    FORGE_ROW(size, h.rows_at);
    FORGE_ROW(size, UINT64_MAX);
    memset(h.kind, 'k', sizeof h.kind);
    refuse(forge(0, &h, sizeof h, SNAPSHOT_SEALS));
    memset(row.name, 'n', sizeof row.name);
    refuse(forge(h.rows_at, &row, sizeof row, SNAPSHOT_SEALS));
    memcpy(row.name, "none", 5);
    refuse(forge(h.rows_at, &row, sizeof row, SNAPSHOT_SEALS));
    CU_ASSERT_FATAL(pipe(pipe_fds) == 0);
    close(pipe_fds[1]);
    refuse(pipe_fds[0]);
    fd = memfd_create("x", MFD_ALLOW_SEALING);
    fcntl(fd, F_ADD_SEALS, SNAPSHOT_SEALS);
    refuse(fd); /* empty */
}

static void holds_many_sections(void)
{
    struct snapshot_builder *b = snapshot_builder_new("many", 1, NULL);
    struct snapshot *s;
    char name[32];
    int fd;

    for (int i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof name, "section-%d", i);

        CU_ASSERT(!snapshot_builder_add(b, (struct str){ name, (size_t)n },
                                        (struct str){ name + 8,
                                                      (size_t)n - 8 },
                                        NULL));
    }
    fd = snapshot_builder_seal(b, NULL);
    s = snapshot_open(fd, NULL);
    CU_ASSERT_FATAL(s != NULL);
    CU_ASSERT(str_is(snapshot_section(s, STR("section-4999")), "4999"));
    snapshot_unref(s);
    snapshot_builder_free(b);
    close(fd);
}

UNIT_MAIN("snapshot", { "gives back what went in", gives_back_what_went_in },
          { "cannot be changed", cannot_be_changed },
          { "refuses bad names", refuses_bad_names },
          { "refuses forgeries", refuses_forgeries },
          { "holds many sections", holds_many_sections })
