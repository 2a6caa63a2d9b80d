/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Addresses as text, one socket per slot, second instances. */
#include "net/listen.h"

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void check_text(const char *in, const char *want)
{
    struct listen_addr a;
    struct err err = { 0 };
    char out[LISTEN_TEXT_MAX];
    int rc = listen_parse(str_of(in), &a, &err);

    if (!want) {
        UNIT_INT(rc, -ERR_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "not an address"));
        return;
    }
    UNIT_INT(rc, 0);
    listen_format(&a.ss, out, sizeof out);
    UNIT_STR(out, want);
}

static void reads_and_writes(void)
{
    check_text("127.0.0.1:8080", "127.0.0.1:8080");
    check_text("[::1]:8080", "[::1]:8080");
    check_text("[::]:0", "[::]:0");
    check_text("localhost:1", "127.0.0.1:1");
    check_text("*:65535", "0.0.0.0:65535");
    check_text("unix:/run/p.sock", "unix:/run/p.sock");
    check_text("", NULL);
    check_text("8080", NULL);
    check_text(":8080", NULL);
    check_text("127.0.0.1", NULL);
    check_text("127.0.0.1:", NULL);
    check_text("127.0.0.1:65536", NULL);
    check_text("127.0.0.1:+80", NULL);
    check_text("127.0.0.1:80 ", NULL);
    check_text("::1:8080", NULL);
    check_text("[::1]", NULL);
    check_text("[127.0.0.1]:1", NULL);
    check_text("example.com:80", NULL);
    check_text("unix:p.sock", NULL);
    check_text("unix:", NULL);
    check_text("unix:/01234567890123456789012345678901234567890123456789"
               "01234567890123456789012345678901234567890123456789"
               "01234567890123456789",
               NULL);
}

static bool loops_back(const char *text)
{
    struct listen_addr a;

    CU_ASSERT_EQUAL(listen_parse(str_of(text), &a, NULL), 0);
    return listen_is_loopback(&a.ss);
}

static void loopback(void)
{
    CU_ASSERT_TRUE(loops_back("127.0.0.1:1"));
    CU_ASSERT_TRUE(loops_back("127.9.9.9:1"));
    CU_ASSERT_TRUE(loops_back("[::1]:1"));
    CU_ASSERT_TRUE(loops_back("[::ffff:127.0.0.1]:1"));
    CU_ASSERT_TRUE(loops_back("unix:/x"));
    CU_ASSERT_FALSE(loops_back("10.0.0.1:1"));
    CU_ASSERT_FALSE(loops_back("[2001:db8::1]:1"));
    CU_ASSERT_FALSE(loops_back("[::ffff:10.0.0.1]:1"));
    CU_ASSERT_FALSE(loops_back("*:1"));
}

static void slots_share_a_port(void)
{
    struct listen_addr a, b;
    struct err err = { 0 };
    char text[LISTEN_TEXT_MAX];
    int fd[4], other[1], client;

    CU_ASSERT_EQUAL_FATAL(listen_open(STR("127.0.0.1:0"), 4, fd, &err), 0);
    listen_address(fd[0], &a);
    listen_format(&a.ss, text, sizeof text);
    CU_ASSERT_PTR_NULL(strstr(text, ":0"));
    for (int i = 0; i < 4; i++) {
        listen_address(fd[i], &b);
        CU_ASSERT_EQUAL(memcmp(&a.ss, &b.ss, sizeof(struct sockaddr_in)), 0);
        CU_ASSERT_TRUE(fcntl(fd[i], F_GETFD) & FD_CLOEXEC);
        CU_ASSERT_TRUE(fcntl(fd[i], F_GETFL) & O_NONBLOCK);
    }
    /* a second instance, though it would share the port */
    UNIT_INT(listen_open(str_of(text), 1, other, &err), -ERR_EXISTS);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "another instance"));

    client = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&a.ss, a.len), 0);
    close(client);
    for (int i = 0; i < 4; i++)
        close(fd[i]);
    err = (struct err){ 0 };
    UNIT_INT(listen_open(str_of(text), 1, other, &err), 0);
    close(other[0]);
}

static void ipv6_beside_ipv4(void)
{
    struct listen_addr a;
    struct err err = { 0 };
    char text[LISTEN_TEXT_MAX];
    int six, four;
    int rc = listen_open(STR("[::]:0"), 1, &six, &err);

    if (rc == -ERR_IO)
        UNIT_SKIP("no IPv6 here");
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    listen_address(six, &a);
    snprintf(text, sizeof text, "0.0.0.0:%u",
             ntohs(((struct sockaddr_in6 *)&a.ss)->sin6_port));
    UNIT_INT(listen_open(str_of(text), 1, &four, &err), 0);
    close(six);
    close(four);
}

static void unix_sockets(void)
{
    char dir[] = "/tmp/penstock-listen-XXXXXX", text[64];
    struct err err = { 0 };
    struct stat st;
    int fd[2], other;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(text, sizeof text, "unix:%s/s", dir);
    CU_ASSERT_EQUAL_FATAL(listen_open(str_of(text), 2, fd, &err), 0);
    CU_ASSERT_EQUAL(stat(text + 5, &st), 0);
    CU_ASSERT_TRUE(S_ISSOCK(st.st_mode));
    UNIT_INT(st.st_mode & 0777, 0666);
    UNIT_INT(listen_open(str_of(text), 1, &other, &err), -ERR_EXISTS);
    close(fd[0]);
    close(fd[1]);
    /* the dead one's file is replaced */
    UNIT_INT(listen_open(str_of(text), 1, &other, NULL), 0);
    close(other);
    unlink(text + 5);
    /* what is not a socket is left alone */
    close(open(text + 5, O_CREAT | O_WRONLY, 0600));
    CU_ASSERT_TRUE(listen_open(str_of(text), 1, &other, NULL) < 0);
    CU_ASSERT_EQUAL(stat(text + 5, &st), 0);
    unlink(text + 5);
    rmdir(dir);
}

static void bad_address_is_said(void)
{
    struct err err = { 0 };
    int fd;

    UNIT_INT(listen_open(STR("192.0.2.1:1"), 1, &fd, &err), -ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "192.0.2.1:1"));
}

UNIT_MAIN("listen", { "reads and writes", reads_and_writes },
          { "loopback", loopback },
          { "slots share a port", slots_share_a_port },
          { "ipv6 beside ipv4", ipv6_beside_ipv4 },
          { "unix sockets", unix_sockets },
          { "bad address is said", bad_address_is_said })
