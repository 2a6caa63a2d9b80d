/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The one place where a name service is asked; on helper threads only. */
#include "keeper/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static bool put_address(const struct addrinfo *a, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    const void *bin;
    size_t n = strlen(out);
    bool v6 = a->ai_family == AF_INET6;
    int add;

    if (a->ai_family == AF_INET)
        bin = &((const struct sockaddr_in *)(void *)a->ai_addr)->sin_addr;
    else if (v6)
        bin = &((const struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr;
    else
        return true;
    if (!inet_ntop(a->ai_family, bin, text, sizeof text))
        return true;
    add = snprintf(out + n, size - n, "%s%s%s%s", n ? "," : "",
                   v6 ? "[" : "", text, v6 ? "]" : "");
    if (add > 0 && (size_t)add < size - n)
        return true;
    out[n] = '\0'; /* no room: the first ones are enough */
    return false;
}

static const char *look_up(const char *host, char *out, size_t size)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_ADDRCONFIG,
    };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &list);

    out[0] = '\0';
    if (rc)
        return rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        if (!put_address(a, out, size))
            break;
    }
    freeaddrinfo(list);
    return *out ? NULL : "the name has no address";
}

const char *(*resolver_lookup)(const char *host, char *out,
                               size_t size) = look_up;
