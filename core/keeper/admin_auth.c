/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Tokens, and a small table of addresses that had wrong ones. */
#include "keeper/admin_auth.h"

#include "base/sha256.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { ADDRESSES = 1024 }; /* the oldest gives way */

struct tries {
    unsigned char address[16]; /* IPv4 in its first four; zeros: a socket */
    uint64_t since_ms;         /* 0 = free */
    uint32_t n;
};

struct admin_auth {
    const struct conf_admin *conf;
    unsigned char (*sums)[SHA256_BYTES];
    struct tries tries[ADDRESSES];
};

struct admin_auth *admin_auth_new(const struct config *c)
{
    struct admin_auth *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->conf = &c->admin;
    a->sums = calloc(c->admin.n_tokens + 1, sizeof *a->sums);
    if (!a->sums) {
        free(a);
        return NULL;
    }
    for (size_t i = 0; i < c->admin.n_tokens; i++)
        sha256(secret_reveal(&c->admin.tokens[i].token), a->sums[i]);
    return a;
}

void admin_auth_free(struct admin_auth *a)
{
    if (!a)
        return;
    free(a->sums);
    free(a);
}

static void address_of(const struct sockaddr_storage *peer,
                       unsigned char out[16])
{
    memset(out, 0, 16);
    if (peer->ss_family == AF_INET)
        memcpy(out, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    else if (peer->ss_family == AF_INET6) /* by /64: it is one host's */
        memcpy(out, &((const struct sockaddr_in6 *)peer)->sin6_addr, 8);
}

/** The address's entry, or the one to use for it. */
static struct tries *entry(struct admin_auth *a,
                           const unsigned char address[16], uint64_t now_ms)
{
    struct tries *oldest = &a->tries[0];

    for (size_t i = 0; i < ADDRESSES; i++) {
        struct tries *t = &a->tries[i];

        if (t->since_ms && memcmp(t->address, address, 16) == 0) {
            oldest = t;
            break;
        }
        if (t->since_ms < oldest->since_ms)
            oldest = t;
    }
    if (memcmp(oldest->address, address, 16) != 0 ||
        now_ms - oldest->since_ms >= ADMIN_WINDOW_MS || !oldest->since_ms) {
        *oldest = (struct tries){ .since_ms = now_ms };
        memcpy(oldest->address, address, 16);
    }
    return oldest;
}

static struct str bearer(struct str v)
{
    struct str scheme = { v.p, v.n < 7 ? v.n : 7 };

    return str_ieq(scheme, STR("bearer "))
               ? str_trim((struct str){ v.p + 7, v.n - 7 }) : STR_NULL;
}

const struct conf_admin_token *
admin_auth_check(struct admin_auth *a, struct str authorization,
                 const struct sockaddr_storage *peer, uint64_t now_ms,
                 uint64_t *wait_ms)
{
    const struct conf_admin_token *found = NULL;
    unsigned char address[16], sum[SHA256_BYTES];
    struct tries *t;

    *wait_ms = 0;
    address_of(peer, address);
    t = entry(a, address, now_ms);
    if (t->n >= ADMIN_TRIES) { /* a right one is not looked at either */
        *wait_ms = t->since_ms + ADMIN_WINDOW_MS - now_ms;
        return NULL;
    }
    sha256(bearer(authorization), sum);
    for (size_t i = 0; i < a->conf->n_tokens; i++) {
        if (ct_equal(sum, a->sums[i], sizeof sum))
            found = &a->conf->tokens[i];
    }
    if (!found)
        t->n++;
    return found;
}
