/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "unit.h"

#include "engine/network.h"

static void contains(void)
{
    static const struct {
        const char *net, *ip;
        bool in;
    } cases[] = {
        { "10.2.0.0/16", "10.2.255.1", true },
        { "10.2.0.0/16", "10.3.0.1", false },
        { "10.2.0.0/15", "10.3.255.255", true },
        { "10.2.0.0/15", "10.4.0.0", false },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "203.0.113.9", true }, /* IPv6 has all of IPv4, mapped */
        { "10.0.0.0/8", "::ffff:10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "11.1.2.3", false },
        { "fd00::/8", "fdff::1", true },
        { "fd00::/8", "fe00::1", false },
        { "2001:db8:0:8000::/49", "2001:db8:0:ffff::1", true },
        { "2001:db8:0:8000::/49", "2001:db8:0:7fff::1", false },
        { "::1", "::1", true },
        { "::1", "::2", false },
        { "10.0.0.1/32", "10.0.0.1", true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        unsigned char ip[16];

        CU_ASSERT_TRUE(network_read(str_of(cases[i].net), &n));
        CU_ASSERT_TRUE(network_address(str_of(cases[i].ip), ip));
        if (network_has(&n, ip) != cases[i].in)
            printf("\ncases[%zu]", i);
        CU_ASSERT_EQUAL(network_has(&n, ip), cases[i].in);
    }
}

static void is_none(void)
{
    static const char *const bad[] = {
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8",
        "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.256", "fe80::1%eth0",
        "[::1]", "10.0.0.1:80", "localhost", " 10.0.0.1", "10.0.0.0/8 ",
        "1:2:3:4:5:6:7:8:9", "10.0.0.0/99999999999999999999" };
    struct network n;
    unsigned char ip[16];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (network_read(str_of(bad[i]), &n))
            printf("\nbad[%zu] was read", i);
        CU_ASSERT_FALSE(network_read(str_of(bad[i]), &n));
    }
    CU_ASSERT_FALSE(network_read(STR_NULL, &n));
    CU_ASSERT_FALSE(network_read((struct str){ "::1\0", 4 }, &n));
    CU_ASSERT_FALSE(network_address(STR("10.0.0.0/8"), ip));
    CU_ASSERT_FALSE(network_address(STR(""), ip));
}

UNIT_MAIN("network", { "contains", contains }, { "is none", is_none })
