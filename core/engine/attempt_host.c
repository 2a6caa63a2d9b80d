/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The core's side of an attempt: what a plugin may take (memory, log lines),
 * change (the outgoing head and body, in adjust and auth only) and ask (the
 * answer's head and JSON). Everything has a cap; a plugin that passes one is
 * told so by a code, and never gets more.
 */
#include "engine/plugin_host.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define LOG_TEXT_MAX 512

static struct attempt_host *host_of(ps_try *t)
{
    return (struct attempt_host *)t; /* pub is the first member */
}

int attempt_host_init(struct attempt_host *h, struct arena *a,
                      const struct plugin *p, struct plugin_inst *inst)
{
    memset(h, 0, sizeof *h);
    h->arena = a;
    h->plugin = p;
    h->pub.svc = &plugin_services;
    h->pub.size = sizeof h->pub;
    h->pub.inst = inst ? &inst->pub : NULL;
    h->pub.attempt = 1;
    ps_usage_init(&h->usage);
    if (!p || !p->ops.ctx_size)
        return 0;
    h->pub.ctx = arena_alloc(a, p->ops.ctx_size);
    return h->pub.ctx ? 0 : -ERR_NOMEM;
}

void attempt_host_answer(struct attempt_host *h, struct str json)
{
    h->answer = json;
    h->answer_name = STR_NULL;
    h->answer_scanned = false;
}

void attempt_host_clear(struct attempt_host *h)
{
    json_clear(&h->answer_json);
    attempt_host_answer(h, STR_NULL);
}

/* Node of the answer at hand, scanned at the first question. */
static uint32_t answer_node(struct attempt_host *h, ps_str pointer)
{
    if (!h->answer_scanned) {
        h->answer_scanned = true;
        if (!h->answer.n ||
            json_scan(&h->answer_json, h->answer, NULL, NULL) < 0)
            h->answer = STR_NULL;
    }
    if (!h->answer.n)
        return JSON_NONE;
    return json_at(&h->answer_json, str_from_ps(pointer));
}

/* ---- services ---------------------------------------------------------- */

static void *svc_alloc(ps_try *t, size_t n)
{
    struct attempt_host *h = host_of(t);

    if (n > ATTEMPT_MAX_ALLOC - h->plugin_bytes)
        return NULL;
    h->plugin_bytes += n;
    return arena_alloc(h->arena, n);
}

static const struct plugin *token_plugin(const void *handle)
{
    const ps_token *t = handle;

    return ((const struct plugin_inst *)t->inst)->plugin;
}

/* Handles differ in size, and each carries its own. */
_Static_assert(sizeof(ps_token) != sizeof(ps_inst) &&
                   sizeof(ps_token) != sizeof(ps_try) &&
                   sizeof(ps_token) != sizeof(ps_host),
               "a handle is known by its size");
static void svc_log(const void *handle, int level, ps_str msg)
{
    static const enum log_id events[] = {
        [PS_LOG_ERROR] = EV_plugin_error,
        [PS_LOG_WARN] = EV_plugin_warn,
        [PS_LOG_INFO] = EV_plugin_log,
        [PS_LOG_DEBUG] = EV_plugin_debug,
    };
    uint32_t size = ((const ps_host *)handle)->size;
    struct str who = STR_NULL, request = STR_NULL;
    struct attempt_host *h;

    if (level < PS_LOG_ERROR || level > PS_LOG_DEBUG)
        level = PS_LOG_INFO;
    if (size == sizeof(ps_try)) {
        h = (struct attempt_host *)handle;
        if (h->plugin_lines++ >= ATTEMPT_MAX_LOG)
            return;
        who = h->plugin ? plugin_name(h->plugin) : STR_NULL;
        request = str_from_ps(h->pub.request_id);
    } else if (size == sizeof(ps_token)) {
        who = plugin_name(token_plugin(handle));
    } else if (size == sizeof(ps_inst)) {
        who = plugin_name(((const struct plugin_inst *)handle)->plugin);
    } else {
        who = str_of(((const struct plugin_self *)handle)->plugin);
    }
    if (msg.n > LOG_TEXT_MAX)
        msg.n = LOG_TEXT_MAX;
    log_event(events[level], LOG_S("plugin", who), LOG_S("request", request),
              LOG_S("text", str_from_ps(msg)));
}

static ps_rc svc_fail(const void *handle, ps_rc rc, ps_str at, ps_str msg)
{
    uint32_t size = ((const ps_host *)handle)->size;
    char where[sizeof((struct err){ 0 }.at)];
    int code = rc == PS_ENOMEM ? ERR_NOMEM : ERR_CONFIG;
    struct err *err = &((struct plugin_self *)handle)->err;

    if (size == sizeof(ps_token))
        return svc_token_fail((ps_token *)(uintptr_t)handle, rc, msg);
    if (size == sizeof(ps_try)) {
        err = &((struct attempt_host *)handle)->err;
        code = rc == PS_ENOMEM ? ERR_NOMEM : ERR_UPSTREAM_ERROR;
    } else if (size == sizeof(ps_inst)) {
        err = &((struct plugin_inst *)handle)->err;
    }
    if (at.n >= sizeof where)
        at.n = sizeof where - 1;
    snprintf(where, sizeof where, STR_FMT, STR_ARG(at));
    if (msg.n > LOG_TEXT_MAX)
        msg.n = LOG_TEXT_MAX;
    err_at(err, code, where, STR_FMT, STR_ARG(msg));
    return rc;
}

static uint64_t svc_unix_ms(void)
{
    return clock_wall_ms();
}

static void svc_random(void *to, size_t n)
{
    char *p = to;
    ssize_t got;

    while (n) { /* after boot getrandom gives up to 256 bytes at once */
        got = getrandom(p, n > 256 ? 256 : n, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no kernel that we run on: never weak bytes */
        p += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
}

static ps_rc closed(struct attempt_host *h)
{
    err_set(&h->err, ERR_BUG, "the outgoing side is open in adjust and auth");
    return PS_EBUG;
}

/* What a core function said, in the plugin's words. */
static ps_rc as_rc(int rc)
{
    if (rc == 0 || rc == -ERR_NOTFOUND)
        return PS_OK;
    return rc == -ERR_NOMEM || rc == -ERR_LIMIT ? PS_ENOMEM : PS_EINVAL;
}

static ps_str svc_body_raw(ps_try *t, ps_str pointer)
{
    struct attempt_host *h = host_of(t);

    if (!h->edits)
        return (ps_str){ NULL, 0 };
    return ps_from_str(json_edits_get(h->edits, str_from_ps(pointer)));
}

static ps_rc svc_body_set(ps_try *t, ps_str pointer, ps_str json)
{
    struct attempt_host *h = host_of(t);

    if (!h->may_edit)
        return closed(h);
    if (!h->edits)
        return PS_EINVAL;
    return as_rc(json_edit_set(h->edits, str_from_ps(pointer),
                               str_from_ps(json), &h->err));
}

static ps_rc svc_body_remove(ps_try *t, ps_str pointer)
{
    struct attempt_host *h = host_of(t);

    if (!h->may_edit)
        return closed(h);
    if (!h->edits)
        return PS_OK;
    return as_rc(json_edit_remove(h->edits, str_from_ps(pointer)));
}

static ps_rc svc_body_rename(ps_try *t, ps_str from, ps_str to)
{
    struct attempt_host *h = host_of(t);

    if (!h->may_edit)
        return closed(h);
    if (!svc_body_raw(t, from).p)
        return PS_OK;
    return as_rc(json_edit_rename(h->edits, str_from_ps(from),
                                  str_from_ps(to), &h->err));
}

static ps_rc svc_header_set(ps_try *t, ps_str name, ps_str value)
{
    struct attempt_host *h = host_of(t);

    if (!h->may_edit && !h->may_sign)
        return closed(h);
    return as_rc(attempt_header(h, str_from_ps(name), str_from_ps(value)));
}

static ps_str svc_header_get(ps_try *t, ps_str name)
{
    struct attempt_host *h = host_of(t);

    return ps_from_str(
        http_header_get(h->headers, h->n_headers, str_from_ps(name)));
}

static ps_str svc_answer_header(ps_try *t, ps_str name)
{
    struct attempt_host *h = host_of(t);

    return ps_from_str(http_header_get(
        h->answer_headers, h->n_answer_headers, str_from_ps(name)));
}

static ps_str svc_answer_raw(ps_try *t, ps_str pointer)
{
    struct attempt_host *h = host_of(t);
    uint32_t node = answer_node(h, pointer);

    if (node == JSON_NONE)
        return (ps_str){ NULL, 0 };
    return ps_from_str(json_raw(&h->answer_json, node));
}

static ps_str svc_answer_text(ps_try *t, ps_str pointer)
{
    struct attempt_host *h = host_of(t);
    uint32_t node = answer_node(h, pointer);
    size_t before = arena_used(h->arena);
    struct str s;

    if (node == JSON_NONE || h->plugin_bytes >= ATTEMPT_MAX_ALLOC)
        return (ps_str){ NULL, 0 };
    s = json_text(&h->answer_json, node, h->arena);
    h->plugin_bytes += arena_used(h->arena) - before;
    if (h->plugin_bytes > ATTEMPT_MAX_ALLOC)
        h->plugin_bytes = ATTEMPT_MAX_ALLOC;
    return ps_from_str(s);
}

/* All counts are int64_t in a row behind `reserved`. */
static ps_rc svc_usage(ps_try *t, const ps_usage *u)
{
    int64_t *mine = &host_of(t)->usage.input;
    const int64_t *new = &u->input;
    size_t n = (sizeof *u - offsetof(ps_usage, input)) / sizeof *mine;

    if (u->size != sizeof *u)
        return PS_EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (new[i] > INT64_C(1) << 48)
            return PS_EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if (new[i] >= 0)
            mine[i] = new[i];
    }
    return PS_OK;
}

static ps_rc svc_setting(ps_inst *i, ps_str pointer, ps_str *raw_json)
{
    struct plugin_inst *inst = (struct plugin_inst *)i;
    uint32_t node = json_at(&inst->settings, str_from_ps(pointer));

    *raw_json = (ps_str){ NULL, 0 };
    if (node == JSON_NONE)
        return PS_DECLINED;
    *raw_json = ps_from_str(json_raw(&inst->settings, node));
    return PS_OK;
}

static ps_rc svc_model(struct ps_model_sink *sink, ps_str id)
{
    struct str s = str_from_ps(id);

    if (!s.n || s.n > 256 || !str_utf8_valid(s))
        return PS_EINVAL;
    if (sink->n >= PLUGIN_MAX_MODELS)
        return PS_ENOMEM;
    sink->n++;
    sink->add(sink->ud, s);
    return PS_OK;
}

const ps_services plugin_services = {
    .size = sizeof plugin_services,
    .abi_minor = PS_ABI_MINOR,
    .alloc = svc_alloc,
    .log = svc_log,
    .fail = svc_fail,
    .unix_ms = svc_unix_ms,
    .random = svc_random,
    .body_raw = svc_body_raw,
    .body_set = svc_body_set,
    .body_remove = svc_body_remove,
    .body_rename = svc_body_rename,
    .header_set = svc_header_set,
    .answer_header = svc_answer_header,
    .answer_raw = svc_answer_raw,
    .answer_text = svc_answer_text,
    .usage = svc_usage,
    .setting = svc_setting,
    .model = svc_model,
    .header_get = svc_header_get,
    .sha256 = svc_sha256,
    .hmac_sha256 = svc_hmac_sha256,
    .sign = svc_sign,
    .token_ask = svc_token_ask,
    .token_header = svc_token_header,
    .token_text = svc_token_text,
    .token_got = svc_token_got,
    .token_fail = svc_token_fail,
};
