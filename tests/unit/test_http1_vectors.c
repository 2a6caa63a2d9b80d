/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The request corpora of gunicorn and llhttp: each file ends as its index
 * says or as its row in http1_vectors.def, whole and byte by byte.
 */
#include "http1_read.h"
#include "shared.h"
#include "unit.h"

#include <jansson.h>
#include <strings.h>
#include <unistd.h>

static const struct exception {
    const char *file;
    enum read_end end;
    unsigned requests;
    int status;
} exceptions[] = {
#define VECTOR_ROW(file, end, requests, status, reason)                        \
    { file, READ_##end, requests, status },
#include "http1_vectors.def"
#undef VECTOR_ROW
};

enum { N_EXCEPTIONS = sizeof exceptions / sizeof exceptions[0] };

static bool used[N_EXCEPTIONS];

static const struct exception *exception_of(const char *file)
{
    for (size_t i = 0; i < N_EXCEPTIONS; i++) {
        if (strcmp(exceptions[i].file, file) == 0) {
            used[i] = true;
            return &exceptions[i];
        }
    }
    return NULL;
}

static bool same(const struct reading *a, const struct reading *b)
{
    return a->end == b->end && a->requests == b->requests &&
           a->status == b->status && a->sum == b->sum &&
           strcmp(a->first, b->first) == 0;
}

static bool as_expected(const struct reading *r, const char *file, bool refused)
{
    const struct exception *x = exception_of(file);

    if (x)
        return r->end == x->end && r->requests == x->requests &&
               r->status == x->status;
    if (refused)
        return r->end == READ_BAD;
    return r->end != READ_BAD && r->end != READ_INSIDE && r->requests > 0;
}

static void check(const char *file, struct str bytes, bool refused)
{
    static const size_t steps[] = { 1, 2, 3, 7, 64, 1000 };
    struct reading r = read_all(bytes, 0);
    bool good = as_expected(&r, file, refused);

    if (!good)
        printf("\n%s: end %d, %u requests, status %d %s", file, r.end,
               r.requests, r.status, r.why ? r.why : "");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct reading s = read_all(bytes, steps[i]);

        if (same(&r, &s))
            continue;
        printf("\n%s: differs in pieces of %zu", file, steps[i]);
        good = false;
    }
    CU_ASSERT_TRUE(good);
}

static bool has_host(struct str b)
{
    for (size_t i = 0; i + 5 <= b.n; i++) {
        if (strncasecmp(b.p + i, "Host:", 5) == 0)
            return true;
    }
    return false;
}

/* With a Host after each request line where there is none, and `tail`. */
static struct str mended(struct str b, const char *tail)
{
    bool host = has_host(b);
    char *out = malloc(b.n * 2 + 64);
    size_t n = 0;

    for (size_t i = 0; i < b.n; i++) {
        out[n++] = b.p[i];
        if (!host && i >= 10 && memcmp(b.p + i - 9, "HTTP/1.1\r\n", 10) == 0) {
            memcpy(out + n, "Host: h\r\n", 9);
            n += 9;
        }
    }
    memcpy(out + n, tail, strlen(tail));
    return (struct str){ out, n + strlen(tail) };
}

static void gunicorn_file(const char *path, const char *name, struct str bytes,
                          void *ud)
{
    bool invalid = strstr(path, "/invalid/") != NULL;
    char file[128];
    struct str whole;

    (void)ud;
    snprintf(file, sizeof file, "g/%s/%.*s", invalid ? "invalid" : "valid",
             (int)strlen(name) - 4, name);
    if (invalid) {
        check(file, bytes, true);
        return;
    }
    /* without a Host 1.1 is refused; these files are about something else */
    whole = mended(bytes, "");
    check(file, whole, false);
    free((char *)(size_t)whole.p);
}

static void gunicorn(void)
{
    char dir[512];
    int n;

    shared_path(dir, sizeof dir, "vectors/http1/gunicorn");
    n = shared_each(dir, ".bin", gunicorn_file, NULL);
    if (n == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n, 137);
}

static void llhttp_file(const char *dir, const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "file"));
    const char *type = json_string_value(json_object_get(row, "type"));
    char path[600], file[128];
    struct str raw, bytes;

    if (strncmp(type, "request", 7) != 0)
        return;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(file, sizeof file, "l/%.*s", (int)strlen(name) - 4, name);
    raw = shared_read(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(raw.p);
    bytes = mended(raw, "\r\n");
    check(file, bytes, !json_is_null(json_object_get(row, "error")));
    free((char *)(size_t)bytes.p);
    free((char *)(size_t)raw.p);
}

static void llhttp(void)
{
    char dir[512], path[600];
    json_t *index, *row;
    size_t i;

    shared_path(dir, sizeof dir, "vectors/http1/llhttp");
    snprintf(path, sizeof path, "%s/INDEX.json", dir);
    index = json_load_file(path, 0, NULL);
    if (!index)
        UNIT_SKIP("no recordings");
    UNIT_INT(json_array_size(index), 246);
    json_array_foreach(index, i, row)
        llhttp_file(dir, row);
    json_decref(index);
}

static void every_exception_is_used(void)
{
    char dir[512];

    shared_path(dir, sizeof dir, "vectors/http1/README.md");
    if (access(dir, R_OK))
        UNIT_SKIP("no recordings");
    for (size_t i = 0; i < N_EXCEPTIONS; i++) {
        if (!used[i])
            printf("\n%s: no such file", exceptions[i].file);
        CU_ASSERT_TRUE(used[i]);
    }
}

UNIT_MAIN("http1_vectors", { "gunicorn's requests", gunicorn },
          { "llhttp's requests", llhttp },
          { "every exception is used", every_exception_is_used })
