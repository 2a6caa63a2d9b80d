/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test's req.client_cert: { subject =, issuer =, cn =, sha256 =, names = {},
 * expires = }, each of them as the test says, or not there. */
#include "policy/test_rows.h"

static void read_names(lua_State *L, struct test_case *t, void *into)
{
    struct tls_peer *p = into;

    p->n_names = test_list_length(L, "names", TLS_PEER_NAMES);
    for (size_t i = 0; i < p->n_names; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_read_str(L, t, &p->names[i]);
        lua_pop(L, 1);
    }
}

static void read_expires(lua_State *L, struct test_case *t, void *into)
{
    double at;

    test_read_number(L, t, &at);
    *(int64_t *)into = (int64_t)at;
}

void test_read_cert(lua_State *L, struct test_case *t, void *into)
{
    static const struct test_row rows[] = {
        { "subject", test_read_str, offsetof(struct tls_peer, subject) },
        { "issuer", test_read_str, offsetof(struct tls_peer, issuer) },
        { "cn", test_read_str, offsetof(struct tls_peer, cn) },
        { "sha256", test_read_str, offsetof(struct tls_peer, sha256) },
        { "names", read_names, 0 },
        { "expires", read_expires, offsetof(struct tls_peer, expires) },
        { NULL, NULL, 0 },
    };
    struct tls_peer *p = test_need(L, arena_alloc(t->arena, sizeof *p));

    test_members(L, t, "client_cert", rows, p);
    *(struct tls_peer **)into = p;
}
