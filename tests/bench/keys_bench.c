/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * 100,000 keys: making the table, mapping it, looking one up (a digest that is
 * not there, and one whose principal is copied out), and its bytes.
 *
 *     tests/bench/keys_bench [keys]
 */
#include "base/sha256.h"
#include "engine/key_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

/* others may run on this machine: CPU time is what it costs */
static uint64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

enum { LOOKS = 2000000 };

static void digest(uint64_t i, bool there, unsigned char out[SHA256_BYTES])
{
    uint64_t text[2] = { i, there };

    sha256((struct str){ (const char *)text, sizeof text }, out);
}

static int make(size_t n)
{
    struct err err = { 0 };
    struct key_table_builder *b = key_table_builder_new(1, 0, &err);
    struct str models[] = { STR("gpt-*"), STR("claude-*") };
    struct conf_pair tags[] = { { STR("env"), STR("prod") } };
    struct key_team team = { .name = STR("search"), .models = models,
                             .n_models = 2 };
    char name[32];

    key_table_builder_team(b, &team);
    for (size_t i = 0; i < n; i++) {
        struct conf_key k = { .team = STR("search"), .user = STR("somebody"),
                              .models = models, .n_models = 2, .tags = tags,
                              .n_tags = 1 };

        snprintf(name, sizeof name, "key-%zu", i);
        k.name = str_of(name);
        digest(i, true, k.sha256);
        key_table_builder_add(b, &k, STR("{\"requests\":\"600/min\"}"),
                              false);
    }
    return key_table_builder_seal(b, &err);
}

static double look(const struct key_table *t, size_t n, bool there)
{
    static struct config none;
    struct arena *a = arena_new(1 << 20);
    unsigned char(*sums)[SHA256_BYTES] = malloc(65536 * sizeof *sums);
    size_t found = 0;
    uint64_t at;

    for (size_t i = 0; i < 65536; i++)
        digest(i * 7919 % n, there, sums[i]);
    at = cpu_ns();
    for (size_t i = 0; i < LOOKS; i++) {
        struct principal *p;

        key_table_principal(t, &none, sums[i & 65535], a, &p);
        found += p != NULL;
        if (p)
            arena_reset(a);
    }
    at = cpu_ns() - at;
    if (found != (there ? LOOKS : 0))
        exit(1);
    free(sums);
    arena_free(a);
    return (double)at / LOOKS;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    uint64_t at = cpu_ns(), made, mapped;
    struct key_table *t = key_table_new();
    struct err err = { 0 };
    struct snapshot *s;
    struct stat st;
    int fd = make(n);

    made = cpu_ns() - at;
    at = cpu_ns();
    s = snapshot_open(fd, &err);
    if (!s || key_table_update(t, s) != 0 || fstat(fd, &st) != 0)
        return 1;
    mapped = cpu_ns() - at;
    printf("%zu keys: made in %.1f ms, mapped in %.3f ms, %.1f MiB "
           "(%.0f bytes a key)\n", n, (double)made / 1e6,
           (double)mapped / 1e6, (double)st.st_size / 1048576,
           (double)st.st_size / (double)n);
    printf("look-up: %.0f ns unknown, %.0f ns with its principal copied\n",
           look(t, n, false), look(t, n, true));
    key_table_free(t);
    snapshot_unref(s);
    return 0;
}
