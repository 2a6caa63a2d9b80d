/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Lines of JSON, however they are cut. */
#include "frame_recordings.h"

static const struct frame_case cases[] = {
    { "", "" },
    { "{\"a\":1}\n{\"b\":2}\n", "|{\"a\":1}|\n|{\"b\":2}|\n" },
    { "{\"a\":1}\r\n{\"b\":2}\r\n", "|{\"a\":1}|\n|{\"b\":2}|\n" },
    { "\n\r\n1\n", "|-|\n|-|\n|1|\n" },
    { "1\n2", "|1|\n|2|cut\n" },
    { "1\r", "|1|cut\n" },
    { "{\"a\":\r1}\n", "|{\"a\":\r1}|\n" },
    { "\"\xC3\xA9\xF0\x9F\x98\x80\"\n", "|\"\xC3\xA9\xF0\x9F\x98\x80\"|\n" },
};

static void frames_small_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(FRAMING_NDJSON, &cases[i]);
}

static void keeps_its_cap(void)
{
    static const struct {
        const char *text;
        int rc, n;
    } lines[] = {
        { "12345678\n", 0, 1 },          { "123456789\n", 0, 1 },
        { "1234567890\n", -ERR_LIMIT, 0 }, { "1\n1234567890\n", -ERR_LIMIT, 1 },
        { "1234567890", 0, 1 },          { "12345678901", -ERR_LIMIT, 0 },
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct frames r;

        check_frames_max(&r, FRAMING_NDJSON, str_of(lines[i].text), 10);
        UNIT_INT(r.rc, lines[i].rc);
        UNIT_INT(r.n, lines[i].n);
        frames_clear(&r);
    }
}

static int stop(void *ud, const struct ndjson_line *line)
{
    (void)line;
    return ++*(int *)ud == 2 ? -ERR_CANCELLED : 0;
}

static void stops_when_told(void)
{
    struct ndjson n;
    int seen = 0;

    ndjson_init(&n, 100);
    UNIT_INT(ndjson_feed(&n, STR("1\n2\n3\n"), stop, &seen, NULL),
             -ERR_CANCELLED);
    UNIT_INT(seen, 2);
    UNIT_INT(ndjson_eof(&n, stop, &seen, NULL), -ERR_CLOSED);
}

static void keeps_no_memory_between_lines(void)
{
    struct ndjson n;
    int seen = 5;

    ndjson_init(&n, 100);
    ndjson_feed(&n, STR("1\n2"), stop, &seen, NULL);
    CU_ASSERT(n.held.p != NULL);
    ndjson_feed(&n, STR("\n"), stop, &seen, NULL);
    CU_ASSERT(n.held.p == NULL);
    ndjson_clear(&n);
}

static bool is_lines(json_t *doc)
{
    const char *type = recording_header(doc, "content-type");

    return strstr(type, "ndjson") || strstr(type, "jsonl") ||
           strstr(type, "stream+json");
}

static void frames_recordings(void)
{
    check_frame_recordings((struct frame_recordings){
        FRAMING_NDJSON, is_lines, .frames = 1, .least = 5 });
}

UNIT_MAIN("ndjson", { "frames small cases", frames_small_cases },
          { "keeps its cap", keeps_its_cap },
          { "stops when told", stops_when_told },
          { "keeps no memory between lines", keeps_no_memory_between_lines },
          { "frames recordings", frames_recordings })
