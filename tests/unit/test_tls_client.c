/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The client's side of TLS against the server's: trust, names, addresses. */
#include "net/tls_client.h"

#include "net/loop.h"
#include "tls_make.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct made_cert ours, other;
static char ca_path[64];

static void make_all(void)
{
    FILE *f;

    if (ours.cert[0])
        return;
    make_cert(&ours, "DNS:redis.internal,DNS:*.wild.example,IP:127.0.0.1", 9);
    make_cert(&other, "DNS:redis.internal", 9);
    snprintf(ca_path, sizeof ca_path, "/tmp/penstock-ca-%d", (int)getpid());
    f = fopen(ca_path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(ours.cert, f);
    fclose(f);
}

/* Both sides shake hands over a socket pair: NULL, or the client's reason. */
static const char *shake(const struct made_cert *cert, const char *ca,
                         const char *host)
{
    struct err err = { 0 };
    struct tls_server *s = tls_server_new(&cert->pem, 1, STR_NULL, &err);
    struct tls_client *t = tls_client_new(ca, &err);
    struct tls_conn *a, *b;
    const char *why = NULL;
    int fd[2], ca_rc = 1, cb_rc = 1;
    char byte = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd);
    a = tls_conn_new(s, fd[0]);
    b = tls_client_conn(t, fd[1], host);
    for (int i = 0; i < 20 && (ca_rc > 0 || cb_rc > 0); i++) {
        if (cb_rc > 0)
            cb_rc = tls_handshake(b);
        if (ca_rc > 0)
            ca_rc = tls_handshake(a);
    }
    if (cb_rc != 0) {
        why = tls_client_why(b);
        why = why ? why : "?";
    } else {
        UNIT_INT(tls_write(b, "x", 1), 1);
        UNIT_INT(tls_read(a, &byte, 1), 1);
        CU_ASSERT_EQUAL(byte, 'x');
    }
    tls_conn_free(a);
    tls_conn_free(b);
    tls_client_free(t);
    tls_server_unref(s);
    close(fd[0]);
    close(fd[1]);
    return why;
}

static void trusts_its_authority_alone(void)
{
    make_all();
    UNIT_STR(shake(&ours, ca_path, "redis.internal"), NULL);
    UNIT_STR(shake(&other, ca_path, "redis.internal"),
             "self-signed certificate");
    UNIT_STR(shake(&ours, NULL, "redis.internal"),
             "self-signed certificate");
}

static void checks_the_name(void)
{
    make_all();
    UNIT_STR(shake(&ours, ca_path, "a.wild.example"), NULL);
    UNIT_STR(shake(&ours, ca_path, "127.0.0.1"), NULL);
    UNIT_STR(shake(&ours, ca_path, "redis.example"), "hostname mismatch");
    UNIT_STR(shake(&ours, ca_path, "wild.example"), "hostname mismatch");
    UNIT_STR(shake(&ours, ca_path, "127.0.0.2"), "IP address mismatch");
    UNIT_STR(shake(&ours, ca_path, "::1"), "IP address mismatch");
}

static void says_what_is_no_authority(void)
{
    struct err err = { 0 };

    CU_ASSERT_PTR_NULL(tls_client_new("/nosuch.pem", &err));
    UNIT_STR(err.msg, "/nosuch.pem: there is no PEM certificate that can be "
                      "read");
    err = (struct err){ 0 };
    CU_ASSERT_PTR_NULL(tls_client_new("/etc/passwd", &err));
    UNIT_INT(err.code, ERR_CONFIG);
    unlink(ca_path);
}

UNIT_MAIN("tls_client",
          { "trusts its authority alone", trusts_its_authority_alone },
          { "checks the name", checks_the_name },
          { "says what is no authority", says_what_is_no_authority })
