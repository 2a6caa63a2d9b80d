/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What is watched in Converse's answers; the codec reads the rest. */
#include "wire/converse.h"

#include "base/err.h"
#include "wire/codec_converse.h"

static int scan(struct json *j, struct str text, struct err *err)
{
    int rc = json_scan(j, text.n ? text : STR("{}"), NULL, err);

    if (!rc && j->nodes[0].type != JSON_T_OBJECT)
        rc = err_set(err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

static void watch_usage(const struct json *j, struct wire_watch *out)
{
    uint32_t usage = in_member(j, 0, STR("usage"));

    if (usage != JSON_NONE)
        converse_read_usage(j, usage, &out->usage);
}

static void watch_error(const struct json *j, struct str name,
                        struct arena *a, struct wire_watch *out)
{
    uint32_t message = in_member(j, 0, STR("message"));

    out->error = true;
    out->error_type = arena_dup(a, name);
    out->error_message = message == JSON_NONE ? STR_NULL
                                              : json_text(j, message, a);
}

static int watch_event(enum dialect d, struct str event, struct str data,
                       struct json *j, struct arena *a,
                       struct wire_watch *out, struct err *err)
{
    int rc = scan(j, data, err);

    (void)d;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    if (rc)
        return rc;
    if (converse_is_error(event)) {
        watch_error(j, event, a, out);
    } else if (str_is(event, "metadata")) {
        watch_usage(j, out);
        out->usage_only = true;
    } else {
        out->content = str_is(event, "contentBlockDelta") ||
                       in_member(j, 0, STR("start")) != JSON_NONE;
        out->finish = str_is(event, "messageStop");
    }
    return 0;
}

static int watch_body(enum dialect d, struct str body, struct json *j,
                      struct arena *a, struct wire_watch *out,
                      struct err *err)
{
    int rc = scan(j, body, err);

    *out = (struct wire_watch){ .usage = USAGE_NONE };
    if (rc)
        return rc;
    if (d == DIALECT_CONVERSE_COUNT) {
        out->content = out->finish = in_count(j, 0, STR("inputTokens")) >= 0;
        if (!out->content)
            watch_error(j, STR(""), a, out);
        return 0;
    }
    out->content = in_member(j, 0, STR("output")) != JSON_NONE;
    if (!out->content)
        watch_error(j, STR(""), a, out);
    out->finish = in_member(j, 0, STR("stopReason")) != JSON_NONE;
    watch_usage(j, out);
    return 0;
}

static void usage_in_tail(struct str tail, struct arena *a, struct usage *out)
{
    (void)tail, (void)a, (void)out; /* translated answers are kept whole */
}

static int status_of(const struct err_info *info)
{
    return info->status_openai;
}

static int put_error(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "{\"message\":");

    rc = rc ? rc : buf_json_str(out, e->message);
    return rc ? rc : buf_puts(out, "}");
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "event: serviceUnavailableException\ndata: ");

    rc = rc ? rc : put_error(out, e);
    return rc ? rc : buf_puts(out, "\n\n");
}

static const char *const passed[] = { NULL };

const struct dialect_ops converse_dialect = {
    .watch_event = watch_event,
    .watch_body = watch_body,
    .usage_in_tail = usage_in_tail,
    .status = status_of,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "x-amzn-requestid",
    .keepalive = "",
    .forwarded = passed,
    .passed = passed,
};
