/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* AWS event streams: what is right, what is not, however it is cut. */
#include "frame_recordings.h"

#include "base/crc32.h"

#define VECTORS "vectors/aws-eventstream/"

static void put_u32(struct buf *b, uint32_t v)
{
    char four[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8),
                     (char)v };

    buf_put(b, (struct str){ four, 4 });
}

/* A message with right sums around any bytes of headers. */
static void put_message(struct buf *b, struct str headers, struct str payload)
{
    size_t at = b->n;

    put_u32(b, (uint32_t)(headers.n + payload.n + 16));
    put_u32(b, (uint32_t)headers.n);
    put_u32(b, crc32_of(0, (struct str){ b->p + at, 8 }));
    buf_put(b, headers);
    buf_put(b, payload);
    put_u32(b, crc32_of(0, (struct str){ b->p + at, b->n - at }));
}

static void put_text(struct buf *b, const char *name, const char *value)
{
    size_t n = strlen(value);

    buf_putc(b, (char)strlen(name));
    buf_puts(b, name);
    buf_putc(b, EVENTSTREAM_STRING);
    buf_putc(b, (char)(n >> 8));
    buf_putc(b, (char)n);
    buf_puts(b, value);
}

static void put_event(struct buf *b, const char *type, const char *name,
                      const char *value, const char *payload)
{
    struct buf headers = BUF_INIT(1000);

    put_text(&headers, ":message-type", type);
    put_text(&headers, name, value);
    put_message(b, buf_str(&headers), str_of(payload));
    buf_clear(&headers);
}

static void frames_messages(void)
{
    struct buf b = BUF_INIT(10000);
    struct frames r;

    put_event(&b, "event", ":event-type", "chunk", "{\"a\":1}");
    put_event(&b, "exception", ":exception-type", "throttlingException",
              "{\"message\":\"slow down\"}");
    put_event(&b, "error", ":error-code", "InternalFailure", "");
    put_message(&b, STR(""), STR(""));
    check_frames(&r, FRAMING_EVENTSTREAM, buf_str(&b));
    UNIT_INT(r.rc, 0);
    buf_putc(&r.said, '\0');
    UNIT_STR(buf_str(&r.said).p,
             "chunk|{\"a\":1}|\n"
             "throttlingException|{\"message\":\"slow down\"}|error\n"
             "InternalFailure||error\n"
             "||\n");
    frames_clear(&r);
    buf_clear(&b);
}

static int note_header(void *ud, const struct eventstream_message *m)
{
    struct str rest = m->headers;
    struct eventstream_header h;

    while (eventstream_next(&rest, &h))
        buf_printf(ud, STR_FMT ":%d:%lld:%zu ", STR_ARG(h.name), (int)h.type,
                   (long long)h.number, h.value.n);
    CU_ASSERT(rest.n == 0);
    CU_ASSERT(str_is(eventstream_text(m, "s"), "hi"));
    CU_ASSERT(eventstream_text(m, "i").p == NULL);
    return 0;
}

static void reads_every_type(void)
{
    struct str headers =
        STR("\1t\0" "\1f\1" "\1b\2\xFF" "\1h\3\x80\0" "\1i\4\0\1\0\0"
            "\1l\5\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF" "\1y\6\0\2\0\0"
            "\1s\7\0\2hi" "\1m\10\0\0\1\0\0\0\0\0"
            "\1u\x09" "0123456789abcdef");
    struct buf b = BUF_INIT(1000), seen = BUF_INIT(1000);
    struct eventstream s;

    put_message(&b, headers, STR("x"));
    eventstream_init(&s, 1000);
    UNIT_INT(eventstream_feed(&s, buf_str(&b), note_header, &seen, NULL), 0);
    UNIT_INT(eventstream_eof(&s, NULL), 0);
    buf_putc(&seen, '\0');
    UNIT_STR(buf_str(&seen).p,
             "t:0:1:0 f:1:0:0 b:2:-1:1 h:3:-32768:2 i:4:65536:4 "
             "l:5:9223372036854775807:8 y:6:0:2 s:7:0:2 "
             "m:8:1099511627776:8 u:9:0:16 ");
    buf_clear(&seen);
    buf_clear(&b);
}

static void refuses_bad_headers(void)
{
    static const struct {
        struct str headers;
        int rc;
    } bad[] = {
        { STR("\0\0"), -ERR_SYNTAX },             /* no name */
        { STR("\1a"), -ERR_SYNTAX },              /* no type */
        { STR("\1a\12"), -ERR_SYNTAX },           /* no such type */
        { STR("\5a\0"), -ERR_SYNTAX },            /* the name ends early */
        { STR("\1a\4\0\0\0"), -ERR_SYNTAX },      /* the number does */
        { STR("\1a\7\0\3hi"), -ERR_SYNTAX },      /* the text does */
        { STR("\1a\7\0"), -ERR_SYNTAX },          /* its length does */
        { STR("\1a\0\1a\1"), -ERR_SYNTAX },       /* twice */
        { STR("\1\xFF\0"), -ERR_SYNTAX },         /* no UTF-8 */
        { STR("\1a\7\0\1\xC0"), -ERR_SYNTAX },
        { STR("\1a\6\0\1\xC0"), 0 },              /* bytes may be anything */
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = BUF_INIT(1000);
        struct frames r;

        put_message(&b, STR(""), STR("good"));
        put_message(&b, bad[i].headers, STR("x"));
        check_frames(&r, FRAMING_EVENTSTREAM, buf_str(&b));
        UNIT_INT(r.rc, bad[i].rc);
        UNIT_INT(r.n, bad[i].rc ? 1 : 2);
        frames_clear(&r);
        buf_clear(&b);
    }
}

/* Every single bit of a message is guarded by a sum. */
static void refuses_every_flipped_bit(void)
{
    struct buf b = BUF_INIT(1000);

    put_event(&b, "event", ":event-type", "chunk", "{\"a\":1}");
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        struct frames r = { .max = 1000 };

        b.p[bit / 8] ^= (char)(1 << bit % 8);
        frames_run(&r, FRAMING_EVENTSTREAM, buf_str(&b), 0, 0);
        CU_ASSERT(r.rc == -ERR_SYNTAX && r.n == 0);
        frames_clear(&r);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_clear(&b);
}

static void refuses_every_cut(void)
{
    struct buf b = BUF_INIT(1000);

    put_event(&b, "event", ":event-type", "chunk", "{}");
    for (size_t n = 1; n < b.n; n++) {
        struct frames r = { .max = 1000 };

        frames_run(&r, FRAMING_EVENTSTREAM, (struct str){ b.p, n }, 0, 0);
        CU_ASSERT(r.rc == -ERR_SYNTAX && r.n == 0);
        frames_clear(&r);
    }
    buf_clear(&b);
}

/* The lengths are refused as soon as they are there, if they are too much. */
static void keeps_its_caps(void)
{
    struct buf b = BUF_INIT(1u << 20), many = BUF_INIT(1000);
    struct eventstream s;
    struct err err = { 0 };
    int n;

    put_u32(&b, 1001);
    put_u32(&b, 0);
    put_u32(&b, crc32_of(0, buf_str(&b)));
    eventstream_init(&s, 1000);
    UNIT_INT(eventstream_feed(&s, buf_str(&b), note_header, NULL, &err),
             -ERR_LIMIT);
    buf_reset(&b);
    put_u32(&b, (128u << 10) + 17);
    put_u32(&b, (128u << 10) + 1);
    put_u32(&b, crc32_of(0, buf_str(&b)));
    eventstream_init(&s, 1u << 20);
    UNIT_INT(eventstream_feed(&s, buf_str(&b), note_header, NULL, NULL),
             -ERR_LIMIT);
    for (n = 0; n <= EVENTSTREAM_MAX_HEADERS; n++) {
        struct frames r = { .max = 1000 };

        buf_reset(&b);
        put_message(&b, buf_str(&many), STR(""));
        frames_run(&r, FRAMING_EVENTSTREAM, buf_str(&b), 0, 0);
        UNIT_INT(r.rc, 0);
        frames_clear(&r);
        buf_printf(&many, "%c%c%c", 1, '0' + n, 0);
    }
    buf_reset(&b);
    put_message(&b, buf_str(&many), STR(""));
    UNIT_INT(eventstream_feed(&s, buf_str(&b), note_header, NULL, NULL),
             -ERR_CLOSED);
    eventstream_init(&s, 1u << 20);
    UNIT_INT(eventstream_feed(&s, buf_str(&b), note_header, NULL, NULL),
             -ERR_LIMIT);
    buf_clear(&b);
    buf_clear(&many);
}

/* ---- vectors and recordings -------------------------------------------- */

static int check_frame(void *ud, const struct eventstream_message *m)
{
    static const char *const types[] = { "boolean", "boolean", "byte",
                                         "short", "integer", "long",
                                         "binary", "string", "timestamp",
                                         "uuid" };
    struct buf payload = BUF_INIT(10000);
    struct str rest = m->headers;
    struct eventstream_header h;
    json_t *want;
    size_t i;

    json_array_foreach (json_object_get(ud, "headers"), i, want) {
        CU_ASSERT_FATAL(eventstream_next(&rest, &h));
        CU_ASSERT(str_eq(h.name,
                         recording_text(json_object_get(want, "name"))));
        UNIT_STR(types[h.type],
                 json_string_value(json_object_get(want, "type")));
    }
    CU_ASSERT(rest.n == 0);
    recording_base64(&payload,
                     recording_text(json_object_get(ud, "payload_b64")));
    CU_ASSERT(str_eq(m->payload, buf_str(&payload)));
    buf_clear(&payload);
    return 0;
}

static void check_vector(json_t *v)
{
    bool good = strcmp(json_string_value(json_object_get(v, "expect")),
                       "success") == 0;
    struct buf b = BUF_INIT(10000);
    struct eventstream s;
    struct frames r;

    recording_base64(&b, recording_text(json_object_get(v, "frame_b64")));
    eventstream_init(&s, 10000);
    CU_ASSERT((eventstream_feed(&s, buf_str(&b), check_frame, v, NULL) ==
               0) == good);
    eventstream_clear(&s);
    check_frames(&r, FRAMING_EVENTSTREAM, buf_str(&b));
    if ((r.rc == 0) != good)
        printf("\n%s", json_string_value(json_object_get(v, "name")));
    CU_ASSERT((r.rc == 0) == good);
    UNIT_INT(r.n, good);
    frames_clear(&r);
    buf_clear(&b);
}

static void agrees_with_the_vectors(void)
{
    char path[512];
    json_t *all, *v;
    size_t i;

    shared_path(path, sizeof path, VECTORS "vectors.json");
    all = json_load_file(path, 0, NULL);
    if (!all)
        UNIT_SKIP("no recordings");
    json_array_foreach (all, i, v)
        check_vector(v);
    CU_ASSERT(i == 9);
    json_decref(all);
}

static void check_smithy(const char *path, const char *name, struct str bytes,
                         void *ud)
{
    bool good = strncmp(name, "valid", 5) == 0;
    struct frames r;

    (void)path;
    check_frames(&r, FRAMING_EVENTSTREAM, bytes);
    if ((r.rc == 0) != good)
        printf("\n%s: %d", name, r.rc);
    CU_ASSERT((r.rc == 0) == good);
    UNIT_INT(r.n, good);
    frames_clear(&r);
    ++*(int *)ud;
}

static void agrees_with_smithy(void)
{
    char path[512];
    int n = 0;

    shared_path(path, sizeof path, VECTORS "smithy-rs");
    if (shared_each(path, "", check_smithy, &n) == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n, 11);
}

static const struct {
    const char *name;
    bool good;
    int n;
    const char *last; /* the last frame ends with that, up to its flags */
} bedrock[] = {
    { "bad-message-crc", false, 2, "contentBlockDelta" },
    { "bad-prelude-crc", false, 2, "contentBlockDelta" },
    { "eof-without-messageStop", true, 2, "contentBlockDelta" },
    { "internalServerException-mid-stream", true, 3,
      "internalServerException" },
    { "modelStreamErrorException-mid-stream", true, 3,
      "modelStreamErrorException" },
    { "serviceUnavailableException-first", true, 1,
      "serviceUnavailableException" },
    { "throttlingException-mid-stream", true, 3, "throttlingException" },
    { "truncated-mid-frame", false, 2, "contentBlockDelta" },
    { "unknown-event-type", true, 4, "messageStop" },
    { "unmodelled-error", true, 3, "InternalFailure" },
    { "validationException-first", true, 1, "validationException" },
};

/* The line of the last frame. */
static struct str last_line(struct str said)
{
    struct str line = STR_NULL;

    while (said.n)
        line = str_split(&said, '\n');
    return line;
}

static void frames_bedrock_streams(void)
{
    for (size_t i = 0; i < sizeof bedrock / sizeof *bedrock; i++) {
        char below[200], path[512];
        struct frames r;
        struct str bytes;

        snprintf(below, sizeof below, VECTORS "bedrock-synthetic/%s.bin",
                 bedrock[i].name);
        shared_path(path, sizeof path, below);
        bytes = shared_read(path);
        if (!bytes.p)
            UNIT_SKIP("no recordings");
        check_frames(&r, FRAMING_EVENTSTREAM, bytes);
        CU_ASSERT((r.rc == 0) == bedrock[i].good);
        UNIT_INT(r.n, bedrock[i].n);
        CU_ASSERT(str_starts(last_line(buf_str(&r.said)),
                             str_of(bedrock[i].last)));
        CU_ASSERT((str_find(buf_str(&r.said), STR("|error")) >= 0) ==
                  (strstr(bedrock[i].last, "ception") ||
                   strstr(bedrock[i].last, "Failure")));
        frames_clear(&r);
        free((char *)(size_t)bytes.p);
    }
}

static bool is_eventstream(json_t *doc)
{
    return strstr(recording_header(doc, "content-type"),
                  "amazon.eventstream");
}

static void frames_recordings(void)
{
    check_frame_recordings((struct frame_recordings){
        FRAMING_EVENTSTREAM, is_eventstream, .frames = 1, .least = 20 });
}

UNIT_MAIN("eventstream", { "frames messages", frames_messages },
          { "reads every type", reads_every_type },
          { "refuses bad headers", refuses_bad_headers },
          { "refuses every flipped bit", refuses_every_flipped_bit },
          { "refuses every cut", refuses_every_cut },
          { "keeps its caps", keeps_its_caps },
          { "agrees with the vectors", agrees_with_the_vectors },
          { "agrees with smithy", agrees_with_smithy },
          { "frames Bedrock streams", frames_bedrock_streams },
          { "frames recordings", frames_recordings })
