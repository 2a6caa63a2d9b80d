/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The file of `explain -f`: a request as JSON. Members that nobody knows are
 * refused, so that a misspelt one does not go unseen.
 */
#include "cli/explain_file.h"
#include "cli/policy.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_MAX = 1 << 20 };

static const struct {
    const char *name;
    int types; /* bits of json_type */
} members[] = {
    { "method", 1 << JSON_STRING },
    { "path", 1 << JSON_STRING },
    { "headers", 1 << JSON_OBJECT },
    { "body", 1 << JSON_OBJECT | 1 << JSON_ARRAY | 1 << JSON_STRING },
    { "client_ip", 1 << JSON_STRING },
    { "listen", 1 << JSON_STRING },
    { "http", 1 << JSON_OBJECT },
    { "redis", 1 << JSON_OBJECT },
    { "jwt", 1 << JSON_OBJECT },
    { "upstream", 1 << JSON_ARRAY },
};

/* What stands at the top is often a body that was meant to be sent. */
static int unknown_member(const char *name, struct err *err)
{
    struct buf known = BUF_INIT(256);
    int rc;

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        buf_printf(&known, "%s%s", i ? " " : "", members[i].name);
    rc = err_set(err, ERR_CONFIG, "\"%.40s\" is no member of the file, which "
                 "describes a request by " STR_FMT "; what is to be sent goes "
                 "into \"body\"", name, STR_ARG(buf_str(&known)));
    buf_clear(&known);
    return rc;
}

static int check_members(const json_t *root, struct err *err)
{
    size_t n = sizeof members / sizeof members[0];
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)root, name, v) {
        size_t i = 0;

        while (i < n && strcmp(members[i].name, name) != 0)
            i++;
        if (i == n)
            return unknown_member(name, err);
        if (!(members[i].types & 1 << json_typeof(v)))
            return err_set(err, ERR_CONFIG, "\"%s\" is of the wrong type",
                           name);
    }
    return 0;
}

static const char *text(const json_t *root, const char *name, const char *none)
{
    const char *s = json_string_value(json_object_get(root, name));

    return s ? s : none;
}

/* No byte that could end a line. */
static bool one_line(const char *z)
{
    for (; *z; z++) {
        if ((unsigned char)*z < 0x20 || *z == 0x7f)
            return false;
    }
    return true;
}

/* Fields that this program writes itself. */
static bool is_framing(const char *name)
{
    static const char *const own[] = { "content-length", "transfer-encoding",
                                       "connection", "expect" };
    struct str s = str_of(name);

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (str_ieq(s, str_of(own[i])))
            return true;
    }
    return false;
}

static int put_headers(struct dry_request *q, struct err *err)
{
    bool host = false, type = false;
    const char *name;
    json_t *v;

    json_object_foreach(json_object_get(q->root, "headers"), name, v) {
        const char *value = json_string_value(v);

        if (!value || !one_line(value) || !one_line(name) || strchr(name, ':'))
            return err_set(err, ERR_CONFIG, "headers: \"%.40s\" is no field "
                           "with one line of text", name);
        if (is_framing(name))
            return err_set(err, ERR_CONFIG, "headers: leave \"%s\" out",
                           name);
        host |= str_ieq(str_of(name), STR("host"));
        type |= str_ieq(str_of(name), STR("content-type"));
        buf_printf(&q->head, "%s: %s\r\n", name, value);
    }
    if (!host)
        buf_puts(&q->head, "host: localhost\r\n");
    if (!type && q->ask.body.n)
        buf_puts(&q->head, "content-type: application/json\r\n");
    return 0;
}

static int read_body(struct dry_request *q, struct err *err)
{
    const json_t *body = json_object_get(q->root, "body");

    if (json_is_string(body)) {
        q->ask.body = (struct str){ json_string_value(body),
                                    json_string_length(body) };
    } else if (body) {
        q->body = json_dumps(body, JSON_COMPACT);
        if (!q->body)
            return err_set(err, ERR_NOMEM, "no memory");
        q->ask.body = str_of(q->body);
    }
    return 0;
}

static int build(struct dry_request *q, struct err *err)
{
    const char *method, *path;
    int rc = check_members(q->root, err);

    if (rc == 0)
        rc = read_body(q, err);
    if (rc)
        return rc;
    method = text(q->root, "method", q->ask.body.n ? "POST" : "GET");
    path = text(q->root, "path", "/v1/chat/completions");
    if (!one_line(method) || !one_line(path) || strchr(path, ' ') ||
        strchr(method, ' '))
        return err_set(err, ERR_CONFIG, "method or path holds a blank or a "
                                        "control character");
    buf_printf(&q->head, "%s %s HTTP/1.0\r\n", method, path);
    rc = put_headers(q, err);
    q->ask.head = buf_str(&q->head);
    q->ask.client_ip = text(q->root, "client_ip", NULL);
    q->ask.listen = text(q->root, "listen", NULL);
    q->ask.http = json_object_get(q->root, "http");
    q->ask.redis = json_object_get(q->root, "redis");
    q->ask.jwt = json_object_get(q->root, "jwt");
    q->ask.upstream = json_object_get(q->root, "upstream");
    return rc;
}

int dry_request_read(struct dry_request *q, const char *path, struct err *err)
{
    struct buf file = BUF_INIT(POLICY_SOURCE_MAX);
    json_error_t why;
    int rc = policy_file_read(path, &file, err);

    buf_init(&q->head, HEAD_MAX);
    if (rc == 0) {
        q->root = json_loadb(buf_str(&file).p, buf_len(&file) - 1,
                             JSON_REJECT_DUPLICATES, &why);
        if (!json_is_object(q->root))
            rc = err_set(err, ERR_CONFIG, "line %d: %s", why.line,
                         q->root ? "an object is needed" : why.text);
    }
    buf_clear(&file);
    return rc ? rc : build(q, err);
}

void dry_request_clear(struct dry_request *q)
{
    json_decref(q->root);
    free(q->body);
    buf_clear(&q->head);
}
