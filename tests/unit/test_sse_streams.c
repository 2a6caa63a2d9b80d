/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The framer over the standard's own cases and over recorded streams. */
#include "recording.h"
#include "sse_record.h"

/* What a browser keeps of the stream beside its events. */
struct browser {
    json_t *events;
    size_t n;
    char id[64];
    int64_t retry_ms;
};

static int browse(void *ud, const struct sse_event *ev)
{
    struct browser *b = ud;
    json_t *want = json_array_get(b->events, b->n);

    if (ev->retry_ms >= 0)
        b->retry_ms = ev->retry_ms;
    if (ev->cut)
        return 0;
    if (ev->id.p)
        snprintf(b->id, sizeof b->id, STR_FMT, STR_ARG(ev->id));
    if (!ev->data.p)
        return 0;
    UNIT_STR(b->id, json_string_value(json_object_get(want, "id")));
    b->n++;
    return 0;
}

/* Ids persist, retry is told: the framer gives what that is made of. */
static void check_ids(json_t *v, struct str body)
{
    struct browser b = { json_object_get(v, "events"), 0, "", -1 };
    json_t *retry = json_object_get(v, "retry");
    json_t *last = json_object_get(v, "last_event_id");
    struct sse s;

    sse_init(&s, MAX_EVENT);
    CU_ASSERT(sse_feed(&s, body, browse, &b, NULL) == 0);
    CU_ASSERT(sse_eof(&s, browse, &b, NULL) == 0);
    UNIT_INT(b.n, json_array_size(b.events));
    UNIT_INT(b.retry_ms, retry ? json_integer_value(retry) : -1);
    if (last)
        UNIT_STR(b.id, json_string_value(last));
}

static void check_vector(json_t *v)
{
    struct buf body = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    struct record r;
    json_t *ev;
    size_t i;

    recording_base64(&body, recording_text(json_object_get(v, "body_b64")));
    json_array_foreach (json_object_get(v, "events"), i, ev)
        put_dispatch(&want, recording_text(json_object_get(ev, "event")),
                     recording_text(json_object_get(ev, "data")));
    run(&r, buf_str(&body), buf_len(&body));
    if (!str_eq(buf_str(&r.dispatched), buf_str(&want)))
        printf("\n%s", json_string_value(json_object_get(v, "name")));
    CU_ASSERT(str_eq(buf_str(&r.dispatched), buf_str(&want)));
    check_stream(buf_str(&body));
    check_ids(v, buf_str(&body));
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
    if (strstr(name, "README") || strstr(name, "LICENSE"))
        return;
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
    UNIT_INT(n, 22);
}

static void check_recording(const char *path, const char *name,
                            struct str bytes, void *ud)
{
    json_t *doc = json_loadb(bytes.p, bytes.n, JSON_ALLOW_NUL, NULL);
    struct buf body = BUF_INIT(64u << 20);

    (void)path;
    (void)name;
    if (strstr(recording_header(doc, "content-type"), "event-stream")) {
        recording_body(doc, &body);
        check_stream(buf_str(&body));
        ++*(int *)ud;
    }
    buf_clear(&body);
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
