/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * For tests of the mock: it runs on the test's own loop, on a Unix socket,
 * and is asked through the HTTP client.
 */
#ifndef PENSTOCK_TEST_MOCK_CLIENT_H
#define PENSTOCK_TEST_MOCK_CLIENT_H

#include "base/json.h"
#include "mock/mock.h"
#include "net/listen.h"
#include "probe.h"

struct rig {
    struct loop *loop;
    struct mock *mock;
    struct http_client *c;
    int fd;
    char path[80];
    struct probe p;      /* of the last call */
    struct json doc;     /* its body, when it was JSON */
};

static inline void rig_init(struct rig *r)
{
    char addr[128];
    struct mock_options o = { .stop_fd = -1 };
    struct err err = { 0 };

    memset(r, 0, sizeof *r);
    snprintf(r->path, sizeof r->path, "/tmp/penstock-mock-%d.sock",
             (int)getpid());
    snprintf(addr, sizeof addr, "unix:%s", r->path);
    r->loop = loop_new();
    CU_ASSERT_FATAL(listen_open(str_of(addr), 1, &r->fd, &err) == 0);
    r->mock = mock_new(r->loop, &o, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r->mock);
    CU_ASSERT(mock_listen(r->mock, r->fd) == 0);
    r->c = http_client_new(r->loop, 64, NULL);
    probe_init(&r->p, r->loop);
}

static inline void rig_clear(struct rig *r)
{
    json_clear(&r->doc);
    probe_clear(&r->p);
    http_client_free(r->c);
    mock_free(r->mock);
    close(r->fd);
    unlink(r->path);
    loop_free(r->loop);
}

static inline void ask_start(struct rig *r, const char *method,
                             const char *path, const char *body)
{
    char url[128];
    struct http_call_spec spec = { .method = str_of(method),
                                   .unix_path = r->path,
                                   .body = str_of(body),
                                   .connect_timeout_ms = 5000 };

    snprintf(url, sizeof url, "http://mock.internal%s", path);
    spec.url = str_of(url);
    probe_clear(&r->p);
    probe_init(&r->p, r->loop);
    probe_start(&r->p, r->c, &spec);
}

/** Ask and wait; the answer's status, or 0. */
static inline int ask(struct rig *r, const char *method, const char *path,
                      const char *body)
{
    ask_start(r, method, path, body);
    run(r->loop, WATCHDOG_MS, true);
    UNIT_INT(r->p.dones, 1);
    return r->p.status;
}

static inline int chat(struct rig *r, const char *body)
{
    return ask(r, "POST", "/v1/chat/completions", body);
}

/** Scan the last answer's body; true when it is JSON. */
static inline bool scan(struct rig *r)
{
    struct err err = { 0 };
    bool ok = json_scan(&r->doc, buf_str(&r->p.body), NULL, &err) == 0;

    if (!ok)
        printf("\nnot JSON: %s %s: " STR_FMT, err.at, err.msg,
               STR_ARG(buf_str(&r->p.body)));
    CU_ASSERT(ok);
    return ok;
}

/** Raw JSON at a pointer of the scanned answer, in a static buffer. */
static inline const char *raw_at(struct rig *r, const char *pointer)
{
    static char text[4096];
    struct str s = json_raw(&r->doc, json_at(&r->doc, str_of(pointer)));

    snprintf(text, sizeof text, STR_FMT, STR_ARG(s));
    return text;
}

static inline void set_faults(struct rig *r, const char *json)
{
    struct err err = { 0 };

    if (mock_set_faults(r->mock, str_of(json), &err))
        printf("\nfaults: %s %s", err.at, err.msg);
    CU_ASSERT(err.code == 0);
}

#endif
