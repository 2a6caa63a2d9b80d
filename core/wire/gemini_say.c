/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the gateway itself says in Google's shape: a piece of held text, and
 * the end of an answer. Events are made from the envelope of one of the same
 * stream (modelVersion, responseId), on one line: the official clients read
 * no more of an event. Usage stands in the last one alone.
 */
#include "wire/gemini_impl.h"

enum { DATA_MAX = 64 << 20 }; /* of an event; above what a text may be */

static const char *const reasons[] = {
    [WIRE_FINISH_STOP] = "STOP",
    [WIRE_FINISH_LENGTH] = "MAX_TOKENS",
    [WIRE_FINISH_FILTER] = "SAFETY",
};

/* JSON without its line ends, which stand between its tokens alone. */
static int put_flat(struct buf *out, struct str raw)
{
    int rc = 0;

    while (raw.n && !rc) {
        size_t n = 0;

        while (n < raw.n && raw.p[n] != '\n' && raw.p[n] != '\r')
            n++;
        rc = buf_put(out, (struct str){ raw.p, n });
        n += n < raw.n;
        raw.p += n;
        raw.n -= n;
    }
    return rc;
}

/* A value that the gateway says itself, or leaves to the last event. */
static bool is_ours(const struct json *j, uint32_t node)
{
    static const struct str ours[] = { STR("candidates"),
                                       STR("usageMetadata"),
                                       STR("promptFeedback") };
    struct str key = { j->text + j->nodes[node].key,
                       j->nodes[node].key_end - j->nodes[node].key };

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (key.n == ours[i].n + 2 &&
            memcmp(key.p + 1, ours[i].p, ours[i].n) == 0)
            return true;
    }
    return j->nodes[node].flags & JSON_F_KEY_ESCAPED;
}

/* The other members of an event like this one, and its end. */
static int put_envelope(struct buf *out, const struct json *j)
{
    int rc = 0;

    for (uint32_t m = j->count ? json_first(j, 0) : JSON_NONE;
         m != JSON_NONE && !rc; m = json_sibling(j, 0, m)) {
        uint32_t from = j->nodes[m].key;

        if (is_ours(j, m))
            continue;
        rc = buf_putc(out, ',');
        rc = rc ? rc : put_flat(out, (struct str){
            j->text + from, j->nodes[m].end - from });
    }
    return rc ? rc : buf_putc(out, '}');
}

static int put_event(struct buf *out, const struct buf *data)
{
    int rc = buf_puts(out, "data: ");

    rc = rc ? rc : buf_put(out, buf_str(data));
    return rc ? rc : buf_puts(out, "\r\n\r\n");
}

/* ---- a piece of text ----------------------------------------------------- */

/* The path in a call's arguments, of the event that said a piece of it. */
static struct str path_in(const struct json *j, uint32_t call,
                          uint32_t block)
{
    uint32_t list = wire_member(j, call, "partialArgs");

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return STR_NULL;
    for (uint32_t p = json_first(j, list); p != JSON_NONE;
         p = json_sibling(j, list, p)) {
        uint32_t path = wire_member(j, p, "jsonPath");

        if (path != JSON_NONE && gemini_partial_block(j, p) == block)
            return json_raw(j, path);
    }
    return STR_NULL;
}

static struct str path_of(const struct json *j, uint32_t block)
{
    struct str path = STR_NULL;

    for (uint32_t n = 0; n < j->count && !path.p; n++) {
        uint32_t call = wire_member(j, n, "functionCall");

        if (call == JSON_NONE)
            call = wire_member(j, n, "function_call");
        path = path_in(j, call, block);
    }
    return path;
}

static int put_partial(struct buf *out, struct str path, struct str text)
{
    int rc = buf_puts(out, "{\"functionCall\":{\"partialArgs\":[{"
                           "\"jsonPath\":");

    if (!path.p)
        return -ERR_NOTFOUND;
    rc = rc ? rc : buf_put(out, path);
    rc = rc ? rc : buf_puts(out, ",\"stringValue\":");
    rc = rc ? rc : buf_json_str(out, text);
    return rc ? rc : buf_puts(out, ",\"willContinue\":true}],"
                                   "\"willContinue\":true}}");
}

static int put_part(struct buf *out, const struct wire_block *b,
                    struct str text, const struct json *like)
{
    int rc;

    if (b->part == GEMINI_PART_PARTIAL)
        return put_partial(out, path_of(like, b->block), text);
    if (b->part == GEMINI_PART_ARGS) /* whole where it stands: never held */
        return -ERR_NOTFOUND;
    rc = buf_puts(out, "{\"text\":");
    rc = rc ? rc : buf_json_str(out, text);
    if (!rc && b->part == GEMINI_PART_THOUGHT)
        rc = buf_puts(out, ",\"thought\":true");
    return rc ? rc : buf_putc(out, '}');
}

int gemini_carry(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out)
{
    struct buf data = BUF_INIT(DATA_MAX);
    struct json j = { 0 };
    int rc = like.n ? json_scan(&j, like, NULL, NULL) : 0;

    (void)d;
    rc = rc ? rc : buf_puts(&data, "{\"candidates\":[{\"content\":{"
                                   "\"parts\":[");
    rc = rc ? rc : put_part(&data, b, text, &j);
    rc = rc ? rc : buf_printf(&data, "],\"role\":\"model\"},\"index\":%u}]",
                              b->choice);
    rc = rc ? rc : put_envelope(&data, &j);
    rc = rc ? rc : put_event(out, &data);
    json_clear(&j);
    buf_clear(&data);
    return rc;
}

/* ---- the end of a stream ------------------------------------------------- */

static int64_t known(int64_t v)
{
    return v > 0 ? v : 0;
}

static int put_usage(struct buf *out, const struct usage *u)
{
    int64_t prompt = u->input + known(u->cache_read) + known(u->cache_write);
    int64_t thoughts = known(u->reasoning);
    int rc;

    if (u->input < 0 || u->output < 0)
        return 0;
    rc = buf_printf(out, ",\"usageMetadata\":{\"promptTokenCount\":%lld,"
                         "\"candidatesTokenCount\":%lld,",
                    (long long)prompt,
                    (long long)(u->output > thoughts ? u->output - thoughts
                                                     : 0));
    if (!rc && u->cache_read > 0)
        rc = buf_printf(out, "\"cachedContentTokenCount\":%lld,",
                        (long long)u->cache_read);
    if (!rc && thoughts)
        rc = buf_printf(out, "\"thoughtsTokenCount\":%lld,",
                        (long long)thoughts);
    return rc ? rc : buf_printf(out, "\"totalTokenCount\":%lld}",
                                (long long)(prompt + u->output));
}

static int put_end(struct buf *out, uint32_t choice, enum wire_finish finish)
{
    return buf_printf(out, "{\"content\":{\"parts\":[{\"text\":\"\"}],"
                           "\"role\":\"model\"},\"finishReason\":\"%s\","
                           "\"index\":%u}", reasons[finish], choice);
}

static int put_ends(struct buf *out, const struct wire_stop *stop)
{
    bool any = false;
    int rc = buf_puts(out, "{\"candidates\":[");

    for (size_t i = 0; i < stop->n_open && !rc; i++) {
        if (stop->open[i].block != WIRE_ALL)
            continue;
        rc = any ? buf_putc(out, ',') : 0;
        rc = rc ? rc : put_end(out, stop->open[i].choice, stop->finish);
        any = true;
    }
    if (!rc && !any)
        rc = put_end(out, 0, stop->finish);
    return rc ? rc : buf_putc(out, ']');
}

int gemini_stop_stream(enum dialect d, const struct wire_stop *stop,
                       struct buf *out)
{
    struct buf data = BUF_INIT(DATA_MAX);
    struct json j = { 0 };
    int rc = stop->head.n ? json_scan(&j, stop->head, NULL, NULL) : 0;

    (void)d;
    rc = rc ? rc : put_ends(&data, stop);
    if (!rc && stop->usage_asked)
        rc = put_usage(&data, stop->usage);
    rc = rc ? rc : put_envelope(&data, &j);
    rc = rc ? rc : put_event(out, &data);
    json_clear(&j);
    buf_clear(&data);
    return rc;
}

/* ---- a whole answer ------------------------------------------------------ */

/* Of a list of candidates, from that one on: *at is what was written. */
static int stop_list(const struct json *j, uint32_t list, uint32_t choice,
                     enum wire_finish finish, const char **at,
                     struct buf *out)
{
    bool from = false;
    uint32_t i = 0;
    int rc = 0;

    for (uint32_t c = json_first(j, list); c != JSON_NONE && !rc;
         c = json_sibling(j, list, c), i++) {
        struct str raw = json_raw(j, c);
        uint32_t index = gemini_index(j, c, i);

        from |= index == choice;
        if (!from)
            continue;
        rc = buf_put(out, (struct str){ *at, (size_t)(raw.p - *at) });
        rc = rc ? rc : put_end(out, index, finish);
        *at = raw.p + raw.n;
    }
    return rc;
}

int gemini_stop_body(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out)
{
    const char *at = body->text;
    int rc = 0;

    (void)d;
    if (body->nodes[0].type != JSON_T_OBJECT) { /* none of it stays */
        rc = buf_puts(out, "{\"candidates\":[");
        rc = rc ? rc : put_end(out, choice, finish);
        return rc ? rc : buf_puts(out, "]}");
    }
    for (uint32_t m = json_first(body, 0); m != JSON_NONE && !rc;
         m = json_sibling(body, 0, m)) {
        if (body->nodes[m].type == JSON_T_ARRAY &&
            str_is(json_name(body, m, names), "candidates"))
            rc = stop_list(body, m, choice, finish, &at, out);
    }
    return rc ? rc : buf_put(out, (struct str){
        at, (size_t)(body->text + body->size - at) });
}
