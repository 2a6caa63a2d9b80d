/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The access line of a request whose worker died. */
#include "app/lost.h"

#include "base/clock.h"
#include "base/log.h"

#include "unit.h"

#include <jansson.h>
#include <unistd.h>

static char path[64];

static char *lines(void)
{
    static char text[8192];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    text[n] = '\0';
    if (f)
        fclose(f);
    unlink(path);
    return text;
}

static struct request_cell cell_of(const char *id)
{
    struct request_cell r = { .principal = "ci", .target = "groq/llama",
                              .endpoint = "chat" };

    snprintf(r.id, sizeof r.id, "%s", id);
    atomic_store(&r.start_ns, clock_mono_ns() - 5000000);
    return r;
}

static char *line_of(struct lost *lost, const struct request_cell *r)
{
    snprintf(path, sizeof path, "/tmp/penstock-lost-%d", (int)getpid());
    UNIT_INT(log_open(path, LOG_JSON, LOG_INFO), 0);
    lost_request(lost, r);
    log_open("stderr", LOG_JSON, LOG_INFO);
    return lines();
}

static void is_json_with_the_usual_names(void)
{
    struct lost lost = { .json = true };
    struct request_cell r = cell_of("req_1");
    json_t *got = json_loads(line_of(&lost, &r), 0, NULL);

    UNIT_INT(lost.n, 1);
    UNIT_STR(json_string_value(json_object_get(got, "event")), "request");
    UNIT_STR(json_string_value(json_object_get(got, "id")), "req_1");
    UNIT_STR(json_string_value(json_object_get(got, "principal")), "ci");
    UNIT_STR(json_string_value(json_object_get(got, "endpoint")), "chat");
    UNIT_STR(json_string_value(json_object_get(got, "target")), "groq/llama");
    UNIT_STR(json_string_value(json_object_get(got, "ended")), "worker_lost");
    UNIT_STR(json_string_value(json_object_get(got, "side")), "gateway");
    CU_ASSERT_TRUE(json_number_value(json_object_get(got, "ms")) >= 5);
    json_decref(got);
}

static void is_text_where_the_log_is(void)
{
    struct lost lost = { .json = false };
    struct request_cell r = cell_of("req_2");
    const char *got = line_of(&lost, &r);

    CU_ASSERT_PTR_NOT_NULL(strstr(got, " id=\"req_2\" principal=\"ci\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, " ended=\"worker_lost\""));
    CU_ASSERT_PTR_NULL(strchr(got, '{'));
}

static void a_torn_cell_is_no_danger(void)
{
    struct lost lost = { .json = true };
    struct request_cell r = cell_of("");
    json_t *got;

    memset(r.id, 'x', sizeof r.id); /* no NUL anywhere */
    memset(r.principal, '"', sizeof r.principal);
    memset(r.target, '\xff', sizeof r.target);
    memset(r.endpoint, '\n', sizeof r.endpoint);
    atomic_store(&r.start_ns, UINT64_MAX);
    got = json_loads(line_of(&lost, &r), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL(got);
    UNIT_INT(json_string_length(json_object_get(got, "id")), sizeof r.id);
    json_decref(got);
}

UNIT_MAIN("lost",
          {"is JSON with the usual names", is_json_with_the_usual_names},
          {"is text where the log is", is_text_where_the_log_is},
          {"a torn cell is no danger", a_torn_cell_is_no_danger})
