/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The framer over the standard's own cases and over recorded streams. */
#include "shared.h"
#include "sse_record.h"

#include <jansson.h>

static unsigned sextet(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                              "qrstuvwxyz0123456789+/";

    return (unsigned)(strchr(set, c) - set);
}

static void put_base64(struct buf *b, const char *z)
{
    for (; *z; z += 4) {
        unsigned v = sextet(z[0]) << 18 | sextet(z[1]) << 12;

        buf_putc(b, (char)(v >> 16));
        if (z[2] == '=')
            return;
        v |= sextet(z[2]) << 6;
        buf_putc(b, (char)(v >> 8));
        if (z[3] == '=')
            return;
        buf_putc(b, (char)(v | sextet(z[3])));
    }
}

static struct str json_str(json_t *v)
{
    return (struct str){ json_string_value(v), json_string_length(v) };
}

static void check_vector(json_t *v)
{
    struct buf body = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    struct record r;
    json_t *ev;
    size_t i;

    put_base64(&body, json_string_value(json_object_get(v, "body_b64")));
    json_array_foreach (json_object_get(v, "events"), i, ev)
        put_dispatch(&want, json_str(json_object_get(ev, "event")),
                     json_str(json_object_get(ev, "data")));
    run(&r, buf_str(&body), buf_len(&body));
    if (!str_eq(buf_str(&r.dispatched), buf_str(&want)))
        printf("\n%s", json_string_value(json_object_get(v, "name")));
    CU_ASSERT(str_eq(buf_str(&r.dispatched), buf_str(&want)));
    check_stream(buf_str(&body));
    record_clear(&r);
    buf_clear(&body);
    buf_clear(&want);
}

static void agrees_with_the_vectors(void)
{
    char path[512];
    json_t *all, *v;
    size_t i;

    shared_path(path, sizeof path, "vectors/sse-eventsource/vectors.json");
    all = json_load_file(path, JSON_ALLOW_NUL, NULL);
    if (!all)
        UNIT_SKIP("no recordings");
    json_array_foreach (all, i, v)
        check_vector(v);
    CU_ASSERT(i == 20);
    json_decref(all);
}

static void check_file(const char *path, const char *name, struct str bytes,
                       void *ud)
{
    (void)path;
    (void)name;
    check_stream(bytes);
    ++*(int *)ud;
}

static void frames_sdk_streams(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "vectors/sse-streams-sdk");
    if (shared_each(path, "", check_file, &n) == 0)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 22);
}

static bool is_event_stream(json_t *response)
{
    json_t *headers = json_object_get(response, "headers"), *v;
    const char *key;

    json_object_foreach (headers, key, v) {
        if (strcasecmp(key, "content-type") == 0 && json_is_string(v))
            return strstr(json_string_value(v), "event-stream") != NULL;
    }
    return false;
}

static void check_recording(const char *path, const char *name,
                            struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    json_t *response = json_object_get(doc, "response");
    struct str body = json_str(json_object_get(response, "body"));

    (void)path;
    (void)name;
    if (body.p && is_event_stream(response)) {
        check_stream(body);
        ++*(int *)ud;
    }
    json_decref(doc);
}

static void frames_recordings(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, "wire");
    if (shared_each(path, ".json", check_recording, &n) == 0)
        UNIT_SKIP("no recordings");
    CU_ASSERT(n >= 100);
}

UNIT_MAIN("sse_streams", { "agrees with the vectors", agrees_with_the_vectors },
          { "frames SDK streams", frames_sdk_streams },
          { "frames recordings", frames_recordings })
