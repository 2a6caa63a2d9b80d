/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which bytes a staged copy has, for bundles that are kept. */
#include "base/sha256.h"
#include "engine/plugin_host.h"

#include <stdlib.h>

int plugin_staged_hash(const char *staged, char *hex, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char *bytes = NULL;
    size_t n = 0;
    int rc = plugin_read(staged, &bytes, &n, err);

    if (rc < 0)
        return rc;
    sha256((struct str){ bytes, n }, digest);
    hex_encode(digest, sizeof digest, hex);
    free(bytes);
    return 0;
}
