/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The main of a fuzz target without libFuzzer: gives it each file named on
 * the command line once. So every compiler can run the seeds, and a crash
 * that was found stays found.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One seed, in a block of exactly its size, so that a sanitizer sees the
 * first byte read past it. */
static int replay(const char *path)
{
    uint8_t *data = NULL;
    FILE *f = fopen(path, "rb");
    long size = -1;
    int rc = -1;

    if (!f)
        goto out;
    if (fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0 || (unsigned long)size > INPUT_MAX)
        goto out;
    data = malloc(size ? (size_t)size : 1);
    rewind(f);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        goto out;
    rc = LLVMFuzzerTestOneInput(data, (size_t)size);
out:
    if (rc)
        fprintf(stderr, "%s: not replayed\n", path);
    free(data);
    if (f)
        fclose(f);
    return rc;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]))
            return 1;
    printf("%d seeds replayed\n", argc - 1);
    return argc > 1 ? 0 : 2;
}
